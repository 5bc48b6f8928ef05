"""Forms about patients. They parse what was typed; whether it is allowed is for the operations to say."""

import datetime as dt
from collections.abc import Iterable, Sequence
from typing import Any

from django import forms

from patients.models import AdverseEvent, Cycle, DoseReduction, OutcomeValue, Patient
from trials.days import day_words
from trials.models import Site
from trials.protocol import Agent, Criterion, DiscontinuationReason, LeadIn, OutcomeMeasure
from trials.protocol_schedule import signed_words

Choices = Iterable[tuple[str, str]]


def day_field(label: str, **options: Any) -> forms.DateField:
    """A calendar day at the patient's site."""
    widget = forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")
    return forms.DateField(label=label, widget=widget, **options)


def text_field(label: str, **options: Any) -> forms.CharField:
    return forms.CharField(label=label, widget=forms.Textarea(attrs={"rows": 3}), **options)


def one_of(label: str, choices: Choices, **options: Any) -> forms.ChoiceField:
    """One of a few, all in view."""
    return forms.ChoiceField(label=label, choices=list(choices), widget=forms.RadioSelect, **options)


def reason_for_change(*, required: bool) -> forms.CharField:
    help_text = "Needed when something already recorded is changed; the old value stays readable."
    return text_field("Reason for the change", required=required, help_text=help_text)


class ScreenForm(forms.Form):
    def __init__(self, *args: Any, sites: Sequence[Site], **options: Any) -> None:
        super().__init__(*args, **options)
        self.sites = {site.code: site for site in sites}
        if len(sites) > 1:
            self.fields["site"] = one_of("Site", [(site.code, site.name) for site in sites])
        self.fields["screened_on"] = day_field("Screening began")

    def chosen_site(self) -> Site:
        code = self.cleaned_data.get("site") or next(iter(self.sites))
        return self.sites[code]


class ConsentForm(forms.Form):
    signed_on = day_field("Signed on")
    form_version = forms.CharField(
        label="Version of the consent form", max_length=40, help_text="As printed on it, such as 2.0 of 3 May 2026."
    )

    def __init__(self, *args: Any, changes: bool, **options: Any) -> None:
        super().__init__(*args, **options)
        if changes:
            self.fields["reason"] = reason_for_change(required=False)


class EligibilityForm(forms.Form):
    """A question for every criterion; the answer says whether the patient meets it."""

    def __init__(self, *args: Any, criteria: Sequence[Criterion], changes: bool, **options: Any) -> None:
        super().__init__(*args, **options)
        self.criteria = criteria
        for criterion in criteria:
            excludes = criterion.kind == "exclusion"
            answers = [("yes", "No"), ("no", "Yes, it applies")] if excludes else [("yes", "Yes"), ("no", "No")]
            hint = "Excludes the patient where it applies." if excludes else ""
            self.fields[criterion.code] = one_of(criterion.text, answers, help_text=hint)
        self.fields["checked_on"] = day_field("Checked on")
        if changes:
            self.fields["reason"] = reason_for_change(required=False)

    def answers(self) -> dict[str, bool]:
        return {c.code: self.cleaned_data[c.code] == "yes" for c in self.criteria}


class RegisterForm(forms.Form):
    planned_start = day_field("First day of treatment", help_text="Day 1 of cycle 1, today or later.")

    def __init__(self, *args: Any, lead_in: LeadIn | None = None, **options: Any) -> None:
        super().__init__(*args, **options)
        if lead_in is not None:
            first = signed_words(-lead_in.length_days)
            self.fields["planned_start"].help_text = f"Day {first}, the first of the lead-in, today or later."


class ReserveForm(forms.Form):
    """Says which of the two was asked for, so that a button pressed twice does not undo itself."""

    wanted = forms.ChoiceField(choices=[("hold", "hold"), ("release", "release")], widget=forms.HiddenInput)


class ReasonForm(forms.Form):
    reason = text_field("Why")


class StartCycleForm(forms.Form):
    started_on = day_field("Started on")


class CorrectCycleForm(forms.Form):
    started_on = day_field("Started on")
    reason = reason_for_change(required=True)


class DosesForm(forms.Form):
    """A number for each agent of the cycle. planned: agent and how many doses are planned."""

    def __init__(self, *args: Any, planned: Sequence[tuple[Agent, int]], changes: bool, **options: Any) -> None:
        super().__init__(*args, **options)
        for agent, count in planned:
            self.fields[agent.code] = forms.IntegerField(
                label=f"{agent.name}: doses taken",
                min_value=0,
                required=False,
                help_text=f"of {count} planned",
                widget=forms.NumberInput(attrs={"class": "field-short", "inputmode": "numeric"}),
            )
        self.agents = [agent.code for agent, _ in planned]
        if changes:
            self.fields["reason"] = reason_for_change(required=False)

    def taken(self) -> dict[str, int]:
        return {code: self.cleaned_data[code] for code in self.agents if self.cleaned_data[code] is not None}


class InterruptionForm(forms.Form):
    agent = forms.ChoiceField(label="Not given", widget=forms.RadioSelect)
    from_day = day_field("First day without it")
    to_day = day_field("Last day without it", required=False, help_text="Leave empty while dosing has not resumed.")
    reason = text_field("Why")

    def __init__(self, *args: Any, agents: Choices, **options: Any) -> None:
        super().__init__(*args, **options)
        self.fields["agent"].choices = list(agents)  # type: ignore[attr-defined]


class ResumeForm(forms.Form):
    to_day = day_field("Last day without it")


class EventChoice(forms.ModelChoiceField):
    """An adverse event of the patient, in words."""

    def label_from_instance(self, obj: Any) -> str:
        event: AdverseEvent = obj
        return f"{event.term}, grade {event.grade}, from {day_words(event.onset_on)}"


class ReduceForm(forms.Form):
    cause = one_of(
        "Because of",
        [(c.value, c.label.capitalize()) for c in (DoseReduction.Cause.ADVERSE_EVENT, DoseReduction.Cause.OTHER)],
    )
    event = EventChoice(
        label="Adverse event",
        queryset=AdverseEvent.objects.none(),
        required=False,
        empty_label="None",
        help_text="Needed where it is the reason. Record it first if it is not listed.",
    )
    explanation = text_field("Reason in words")
    effective_on = day_field("First day at the lower dose")

    def __init__(self, *args: Any, patient: Patient, **options: Any) -> None:
        super().__init__(*args, **options)
        self.fields["event"].queryset = patient.adverse_events.all()  # type: ignore[attr-defined]


class RetreatForm(forms.Form):
    starts_on = day_field("Treatment resumes on", help_text="The day on which the next cycle is due.")
    explanation = text_field("Why treatment is resumed")


class DiscontinueForm(forms.Form):
    reason_code = forms.ChoiceField(label="Reason", widget=forms.RadioSelect)
    on = day_field("Last day of protocol therapy")
    event = EventChoice(
        label="Adverse event",
        queryset=AdverseEvent.objects.none(),
        required=False,
        empty_label="None",
        help_text="Where one was the reason.",
    )
    detail = text_field("In words", required=False)

    def __init__(self, *args: Any, patient: Patient, reasons: Sequence[DiscontinuationReason], **options: Any) -> None:
        super().__init__(*args, **options)
        self.fields["reason_code"].choices = [(r.code, r.text) for r in reasons]  # type: ignore[attr-defined]
        self.fields["event"].queryset = patient.adverse_events.all()  # type: ignore[attr-defined]


class CorrectDiscontinuationForm(forms.Form):
    reason_code = forms.ChoiceField(label="Reason", widget=forms.RadioSelect)
    on = day_field("Last day of protocol therapy")
    detail = text_field("In words", required=False)
    reason = reason_for_change(required=True)

    def __init__(self, *args: Any, reasons: Sequence[DiscontinuationReason], **options: Any) -> None:
        super().__init__(*args, **options)
        self.fields["reason_code"].choices = [(r.code, r.text) for r in reasons]  # type: ignore[attr-defined]


class ContinuationForm(forms.Form):
    reviewed_on = day_field("Reviewed on")
    continues = one_of("Treatment goes on", [("yes", "Yes, at the present dose"), ("no", "No")])
    explanation = text_field("What the review rests on")


class FollowUpForm(forms.Form):
    done_on = day_field("Visit on")
    alive = one_of("Survival", [("yes", "Alive"), ("no", "Died")])
    died_on = day_field("Date of death", required=False)
    progressed_on = day_field("Date of progression", required=False, help_text="Leave empty without progression.")
    out_of_window_reason = text_field(
        "Why on this day", required=False, help_text="Only for a visit outside its planned days."
    )


class CorrectFollowUpForm(forms.Form):
    alive = one_of("Survival", [("yes", "Alive"), ("no", "Died")])
    died_on = day_field("Date of death", required=False)
    progressed_on = day_field("Date of progression", required=False, help_text="Leave empty without progression.")
    reason = reason_for_change(required=True)


class OutcomeForm(forms.Form):
    """The values of one visit: those measures that were taken."""

    def __init__(self, *args: Any, measures: Sequence[OutcomeMeasure], timepoints: Choices, **options: Any) -> None:
        super().__init__(*args, **options)
        self.fields["timepoint"] = forms.ChoiceField(label="Time point", choices=list(timepoints))
        self.fields["measured_on"] = day_field("Measured on")
        self.measures = measures
        for measure in self.measures:
            self.fields[measure.code] = value_field(measure, required=False)

    def values(self) -> dict[str, Any]:
        given = ((measure.code, self.cleaned_data[measure.code]) for measure in self.measures)
        return {code: value for code, value in given if value is not None}


class CorrectOutcomeForm(forms.Form):
    def __init__(self, typed: Any = None, *, measure: OutcomeMeasure, outcome: OutcomeValue) -> None:
        super().__init__(typed, initial={measure.code: f"{outcome.value.normalize():f}"})
        self.fields[measure.code] = value_field(measure, required=True)
        self.fields["reason"] = reason_for_change(required=True)


def value_field(measure: OutcomeMeasure, *, required: bool) -> forms.DecimalField:
    """A value of a measure; what is allowed stands beside it."""
    span = ""
    if measure.minimum is not None and measure.maximum is not None:
        span = f"{measure.minimum} to {measure.maximum}"
    return forms.DecimalField(
        label=measure.title,
        required=required,
        max_digits=10,
        decimal_places=3,
        help_text=" ".join(part for part in (span, measure.unit, f"({measure.better} is better)") if part),
        widget=forms.NumberInput(attrs={"class": "field-short", "inputmode": "decimal", "step": "any"}),
    )


def cycle_of_day(cycles: Sequence[Cycle], day: dt.date) -> Cycle:
    """The cycle that a day falls into; the first for a day before it, so that the operation can refuse the day."""
    return next((cycle for cycle in reversed(cycles) if cycle.started_on <= day), cycles[0])


class PatientFilter(forms.Form):
    """The list of patients: by site and status. What is not a choice is as if it were not asked."""

    site = forms.ChoiceField(label="Site", required=False, widget=forms.Select(attrs={"class": "form-select"}))
    status = forms.ChoiceField(
        label="Status",
        required=False,
        choices=[("", "All"), *((s.value, s.label.capitalize()) for s in Patient.Status)],
        widget=forms.Select(attrs={"class": "form-select"}),
    )

    def __init__(self, *args: Any, sites: Sequence[Site], **options: Any) -> None:
        super().__init__(*args, **options)
        self.fields["site"].choices = [("", "All"), *((s.code, s.name) for s in sites)]  # type: ignore[attr-defined]
