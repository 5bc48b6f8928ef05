"""Pages of height and weight, and of infusions: the dose to give with its calculation, and what was given."""

import datetime as dt
from typing import Any

from django.forms import Form
from django.http import HttpRequest
from django.shortcuts import get_object_or_404

from patients.body_size import newest, number
from patients.dose_forms import CorrectInfusionForm, CorrectMeasurementForm, InfusionForm, MeasurementForm
from patients.infusions import PlannedInfusion, planned_infusions, to_give
from patients.models import Administration, BodyMeasurement
from patients.operations import (
    correct_administration,
    correct_measurement,
    record_administration,
    record_measurement,
    record_not_given,
)
from patients.operations.body_size import measurable
from patients.queries import load_doses
from patients.regimen import span_words
from patients.schedule import cycle_words, protocol_on
from patients.views.base import ActionPage
from patients.views.treatment import TreatmentPage
from trials.days import day_words
from trials.errors import Refused
from trials.protocol import Protocol


def measurement_words(row: BodyMeasurement) -> str:
    return f"{number(row.height_cm)} cm, {number(row.weight_kg)} kg"


def planned_words(infusion: PlannedInfusion) -> str:
    """'Planned on 12 Jan 2026; possible 12 Jan – 15 Jan 2026.'"""
    words = f"Planned on {day_words(infusion.planned_on)}"
    if infusion.window_from == infusion.window_to:
        return f"{words}."
    return f"{words}; possible {span_words(infusion.window_from, infusion.window_to)}."


class MeasurePage(ActionPage):
    """Height and weight of a day; those recorded so far are beside it."""

    heading = "Height and weight"
    submit = "Save height and weight"
    lead = "Doses by body size are computed from them. Doses given already stay as they were."

    def open(self, *args: Any) -> None:
        super().open(*args)
        self.rows = list(BodyMeasurement.objects.filter(patient=self.patient).order_by("-measured_on"))

    def look(self) -> None:
        measurable(self.patient)

    def form(self, typed: Any = None) -> MeasurementForm:
        last = newest(self.rows, self.today)
        initial = {"measured_on": self.today, "height_cm": number(last.height_cm) if last else None}
        return MeasurementForm(typed, initial=initial)

    def facts(self) -> list[dict[str, Any]]:
        return [
            {
                "label": day_words(row.measured_on),
                "value": measurement_words(row),
                "url": self.url("patients:correct-measurement", row.pk),
                "action": "Correct",
            }
            for row in self.rows
        ]

    def act(self, form: Form) -> str:
        row = record_measurement(patient=self.patient, by=self.page.user, at=self.page.now, **form.cleaned_data)
        return f"{self.patient.code}: {measurement_words(row)} on {day_words(row.measured_on)}."


class CorrectMeasurementPage(ActionPage):
    submit = "Save the correction"

    def open(self, request: HttpRequest, key: str, code: str) -> None:
        super().open(request, key, code)
        self.row = get_object_or_404(BodyMeasurement, patient=self.patient, pk=self.kwargs["pk"])
        self.heading = f"Correct height and weight of {day_words(self.row.measured_on)}"
        self.lead = "Doses that were computed with them stay as they were."

    def form(self, typed: Any = None) -> CorrectMeasurementForm:
        row = self.row
        initial = {
            "measured_on": row.measured_on,
            "height_cm": number(row.height_cm),
            "weight_kg": number(row.weight_kg),
        }
        return CorrectMeasurementForm(typed, initial=initial)

    def act(self, form: Form) -> str:
        row = correct_measurement(measurement=self.row, by=self.page.user, at=self.page.now, **form.cleaned_data)
        return f"{self.patient.code}: {measurement_words(row)} on {day_words(row.measured_on)}."


class InfusionPage(TreatmentPage):
    """What is open of ?agent= and ?on=, else the first that is: the dose to give, and what was given."""

    heading = "Record an infusion"
    template = "patients/infusion.html"
    infusion: PlannedInfusion | None

    def open(self, request: HttpRequest, key: str, code: str) -> None:
        super().open(request, key, code)
        load_doses(self.patient)
        self.planned = planned_infusions(self.patient, self.cycles)
        self.infusion = self.chosen()
        if self.infusion is not None:
            name = self.protocol.agent(self.infusion.dose.agent).name.lower()
            self.heading = f"{self.infusion.noun.capitalize()} of {name}, {self.day_of(self.infusion)}"
            self.submit = f"Save the {self.infusion.noun}"

    def chosen(self) -> PlannedInfusion | None:
        """What the form was opened for, what the address says, or the first that is open."""
        typed, asked = self.request.POST, self.request.GET
        agent = typed.get("agent_shown") or asked.get("agent", "")
        on = typed.get("planned_shown") or asked.get("on", "")
        if agent or on:
            return next((i for i in self.planned if (i.dose.agent, i.planned_on.isoformat()) == (agent, on)), None)
        return next((i for i in self.planned if i.open and i.window_from <= self.today), None)

    def day_of(self, infusion: PlannedInfusion) -> str:
        return f"{cycle_words(infusion.cycle.number)} {infusion.day_words(self.protocol)}"

    def look(self) -> None:
        infusion = self.infusion
        if infusion is None:
            raise Refused("no-such-infusion", "No infusion is open: those planned up to today are recorded.")
        if infusion.recorded is not None:
            raise Refused("already-recorded", f"The {infusion.noun} is recorded already. Correct it instead.")

    def ways(self, refused: Refused | None) -> list[tuple[str, str]]:
        if refused is not None and refused.code in ("measurement-missing", "measurement-out-of-date"):
            return [("Record height and weight", self.url("patients:measure"))]
        if refused is not None and refused.code == "already-recorded" and self.infusion and self.infusion.recorded:
            return [("Correct it", self.url("patients:correct-infusion", self.infusion.recorded.pk))]
        if refused is not None and refused.code == "earlier-infusion-open":
            return [("Record the one before", self.url("patients:infusion"))]
        return super().ways(refused)

    def form(self, typed: Any = None) -> InfusionForm:
        infusion = self.infusion
        if infusion is None:
            return InfusionForm(typed, unit="mg", tolerance="0")
        on = self.likely_day(infusion)
        dose = to_give(self.patient, infusion, on)
        initial = {
            "agent_shown": infusion.dose.agent,
            "planned_shown": infusion.planned_on.isoformat(),
            "given_on": on,
            "given_amount": number(dose.amount) if dose.amount is not None else None,
        }
        return InfusionForm(typed, initial=initial, unit=infusion.dose.amount_unit, tolerance=self.tolerance)

    def likely_day(self, infusion: PlannedInfusion) -> dt.date:
        """Today where the window is open, else the planned day."""
        return self.today if infusion.window_from <= self.today <= infusion.window_to else infusion.planned_on

    @property
    def tolerance(self) -> str:
        return number(self.protocol.administrations.tolerance_percent)

    @property
    def protocol(self) -> Protocol:
        """That of the infusion's cycle."""
        return protocol_on(self.patient, self.infusion.cycle.started_on if self.infusion else self.today)

    def context(self, **more: Any) -> dict[str, Any]:
        if self.infusion is None:
            return super().context(**more)
        told = to_give(self.patient, self.infusion, self.likely_day(self.infusion))
        dose = {
            "label": "To give",
            "amount": f"{told.amount_words}, {told.route}" if told.amount is not None else "Not known yet",
            "words": f"{told.words.removesuffix('.')}.",
            "caution": told.caution,
            "url": self.url("patients:measure") if told.amount is None else "",
        }
        return super().context(dose=dose, when=planned_words(self.infusion), **more)

    def act(self, form: Form) -> str:
        assert isinstance(form, InfusionForm)
        self.look()
        assert self.infusion is not None
        infusion, reason = self.infusion, form.cleaned_data["reason"]
        which: dict[str, Any] = {
            "patient": self.patient,
            "agent": infusion.dose.agent,
            "planned_on": infusion.planned_on,
            "reason": reason,
            "by": self.page.user,
            "at": self.page.now,
        }
        if form.given is None:
            record_not_given(**which)
            return f"{self.patient.code}: {infusion.noun} of {self.day_of(infusion)} not given."
        given_on, amount = form.given
        record_administration(given_on=given_on, given_amount=amount, **which)
        given = f"{number(amount)} {infusion.dose.amount_unit} given on {day_words(given_on)}"
        return f"{self.patient.code}: {given}, {self.day_of(infusion)}."


class CorrectInfusionPage(TreatmentPage):
    submit = "Save the correction"
    template = "patients/infusion.html"

    def open(self, request: HttpRequest, key: str, code: str) -> None:
        super().open(request, key, code)
        self.row = get_object_or_404(Administration, patient=self.patient, pk=self.kwargs["pk"])
        load_doses(self.patient)
        planned = planned_infusions(self.patient, self.cycles)
        self.infusion = next(i for i in planned if i.recorded is not None and i.recorded.pk == self.row.pk)
        self.protocol = protocol_on(self.patient, self.row.cycle.started_on)
        name = self.protocol.agent(self.row.agent).name.lower()
        place = f"{cycle_words(self.row.cycle.number)} {self.infusion.day_words(self.protocol)}"
        self.heading = f"Correct the {self.infusion.noun} of {name}, {place}"

    def form(self, typed: Any = None) -> CorrectInfusionForm:
        row = self.row
        initial = {
            "outcome": row.outcome,
            "given_on": row.given_on,
            "given_amount": number(row.given_amount) if row.given_amount is not None else None,
            "why": row.reason,
        }
        tolerance = number(self.protocol.administrations.tolerance_percent)
        return CorrectInfusionForm(typed, initial=initial, unit=row.unit, tolerance=tolerance)

    def context(self, **more: Any) -> dict[str, Any]:
        row, dose = self.row, None
        if row.amount_to_give is not None:
            amount = f"{number(row.amount_to_give)} {row.unit}"
            dose = {"label": "To give then", "amount": amount, "words": f"{row.calculation['words']}."}
        return super().context(dose=dose, when=planned_words(self.infusion), **more)

    def act(self, form: Form) -> str:
        assert isinstance(form, CorrectInfusionForm)
        given = form.given
        correct_administration(
            administration=self.row,
            given_on=given[0] if given else None,
            given_amount=given[1] if given else None,
            why=form.cleaned_data["why"],
            reason=form.cleaned_data["reason"],
            by=self.page.user,
            at=self.page.now,
        )
        return f"{self.patient.code}: {self.infusion.noun} corrected."
