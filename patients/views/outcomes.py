"""Pages of outcome measures."""

from typing import Any

from django.forms import Form
from django.http import HttpRequest
from django.shortcuts import get_object_or_404

from patients.forms import CorrectOutcomeForm, OutcomeForm
from patients.models import OutcomeValue
from patients.operations import correct_outcome, record_outcomes
from patients.outcome_series import measure_on, outcome_plan, outcome_series, outcome_timepoints
from patients.views.base import ActionPage
from trials.days import day_words
from trials.errors import Refused


class OutcomePage(ActionPage):
    """The values of one visit; the time point of ?timepoint= is chosen to begin with."""

    heading = "Outcome measures"
    submit = "Save values"
    lead = "Enter what was measured at this visit; leave the rest empty."

    def open(self, *args: Any) -> None:
        super().open(*args)
        self.points = outcome_timepoints(self.patient, self.cycles, self.today)

    def timepoints(self) -> list[tuple[str, str]]:
        """Those of the patient's part, with the planned day where there is one."""
        found: dict[str, str] = {}
        plan = outcome_plan(self.patient, self.cycles)
        for measure, timepoint in self.points:
            if self.patient.part is None or self.patient.part.kind in timepoint.parts:
                planned = plan.get((measure.code, timepoint.code))
                found[timepoint.code] = timepoint.title + (f", {day_words(planned[1].on)}" if planned else "")
        return list(found.items())

    def look(self) -> None:
        if not self.timepoints():
            raise Refused("no-outcome-measures", "The protocol has no outcome measures.")

    def facts(self) -> list[dict[str, Any]]:
        """The values that are recorded, each with the way to its correction."""
        return [
            {
                "label": f"{series.measure.title}, {point.title.lower()}",
                "value": f"{point.value.normalize():f} {series.measure.unit}",
                "url": self.url("patients:correct-outcome", point.record.pk),
                "action": "Correct",
            }
            for series in outcome_series(self.patient, self.today)
            for point in series.points
        ]

    def form(self, typed: Any = None) -> OutcomeForm:
        initial = {"timepoint": self.request.GET.get("timepoint", ""), "measured_on": self.today}
        measures = list({measure.code: measure for measure, _ in self.points}.values())
        return OutcomeForm(typed, measures=measures, timepoints=self.timepoints(), initial=initial)

    def act(self, form: Form) -> str:
        assert isinstance(form, OutcomeForm)
        recorded = record_outcomes(
            patient=self.patient,
            timepoint=form.cleaned_data["timepoint"],
            measured_on=form.cleaned_data["measured_on"],
            values=form.values(),
            by=self.page.user,
            at=self.page.now,
        )
        return f"{self.patient.code}: {len(recorded)} {'value' if len(recorded) == 1 else 'values'} recorded."


class CorrectOutcomePage(ActionPage):
    submit = "Save the correction"

    def open(self, request: HttpRequest, key: str, code: str) -> None:
        super().open(request, key, code)
        self.outcome = get_object_or_404(OutcomeValue, patient=self.patient, pk=self.kwargs["pk"])
        measure = measure_on(self.patient, self.outcome.measure, self.outcome.measured_on)
        assert measure is not None  # nothing else is ever measured
        self.measure = measure
        self.heading = f"Correct {self.measure.title}"
        self.lead = f"Measured on {day_words(self.outcome.measured_on)}."

    def form(self, typed: Any = None) -> CorrectOutcomeForm:
        return CorrectOutcomeForm(typed, measure=self.measure, outcome=self.outcome)

    def act(self, form: Form) -> str:
        correct_outcome(
            outcome=self.outcome,
            value=form.cleaned_data[self.measure.code],
            reason=form.cleaned_data["reason"],
            by=self.page.user,
            at=self.page.now,
        )
        return f"{self.patient.code}: {self.measure.title} corrected."
