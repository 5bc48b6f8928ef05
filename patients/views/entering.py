"""From screening to registration: consent, eligibility, a slot, and the regimen in words."""

from typing import Any

from django.forms import Form
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from patients.forms import ConsentForm, EligibilityForm, ReasonForm, RegisterForm, ReserveForm
from patients.models import Consent, EligibilityCheck, Patient
from patients.operations import (
    check_eligibility,
    record_consent,
    record_screen_failure,
    register_patient,
    release_reservation,
    reserve_for_patient,
)
from patients.operations.registration import check_registration, held_slot
from patients.regimen import doses_of_cycle
from patients.schedule import cycle_title, first_cycle, next_cycle, protocol_on, rung_on
from patients.views.base import ActionPage, PatientPage
from trials.clock import day_of
from trials.days import day_words
from trials.errors import Refused
from trials.permissions import Permission


class ConsentPage(ActionPage):
    permission = Permission.SCREEN_PATIENTS
    heading = "Record the consent"
    submit = "Save consent"

    @property
    def recorded(self) -> Consent | None:
        return getattr(self.patient, "consent", None)

    def form(self, typed: Any = None) -> ConsentForm:
        known = self.recorded
        initial = {
            "signed_on": known.signed_on if known else self.today,
            "form_version": known.form_version if known else "",
        }
        return ConsentForm(typed, initial=initial, changes=known is not None)

    def act(self, form: Form) -> str:
        record_consent(patient=self.patient, by=self.page.user, at=self.page.now, **form.cleaned_data)
        return f"{self.patient.code}: consent recorded."


class EligibilityPage(ActionPage):
    permission = Permission.SCREEN_PATIENTS
    heading = "Check eligibility"
    submit = "Save answers"
    form_class = "pairs"

    @property
    def recorded(self) -> EligibilityCheck | None:
        return getattr(self.patient, "eligibility", None)

    def open(self, *args: Any) -> None:
        super().open(*args)
        self.lead = "Every criterion has to be met before registration."
        if any(criterion.assumed for criterion in protocol_on(self.patient, self.today).eligibility):
            self.lead += " They are assumed where the protocol does not list them."

    def look(self) -> None:
        if self.patient.status != Patient.Status.SCREENING:
            raise Refused("not-in-screening", f"{self.patient.code} is not in screening any more.")

    def form(self, typed: Any = None) -> EligibilityForm:
        known = self.recorded
        initial: dict[str, Any] = {"checked_on": known.checked_on if known else self.today}
        if known:
            initial |= {code: "yes" if met else "no" for code, met in known.answers.items()}
        criteria = protocol_on(self.patient, self.today).eligibility
        return EligibilityForm(typed, initial=initial, criteria=criteria, changes=known is not None)

    def act(self, form: Form) -> str:
        assert isinstance(form, EligibilityForm)
        check = check_eligibility(
            patient=self.patient,
            answers=form.answers(),
            checked_on=form.cleaned_data["checked_on"],
            reason=form.cleaned_data.get("reason", ""),
            by=self.page.user,
            at=self.page.now,
        )
        return f"{self.patient.code} is {'eligible' if check.eligible else 'not eligible'}."


class RegisterPage(ActionPage):
    permission = Permission.SCREEN_PATIENTS
    heading = "Register"
    submit = "Register and assign the dose"

    def look(self) -> None:
        cohort, _slot = check_registration(self.patient, self.page.now)
        self.heading = f"Register {self.patient.code} at {cohort.level.label}"
        self.lead = f"{cohort.part.get_kind_display()}, cohort {cohort.number}. The dose level is assigned for good."

    def form(self, typed: Any = None) -> RegisterForm:
        lead_in = protocol_on(self.patient, self.today).lead_in
        return RegisterForm(typed, initial={"planned_start": self.today}, lead_in=lead_in)

    def facts(self) -> list[dict[str, Any]]:
        try:
            cohort, _slot = check_registration(self.patient, self.page.now)
        except Refused:
            return []
        protocol = protocol_on(self.patient, self.today)
        rung = protocol.rung_of_level(cohort.level.ordinal)
        notes = {0: "in the lead-in", 1: "in every cycle"} if protocol.lead_in else {1: ""}
        return [
            {"label": dose.name, "value": f"{dose.amount}, {dose.route}, {dose.days}", "note": note}
            for number, note in notes.items()
            for dose in doses_of_cycle(protocol, number, rung, self.today)
        ]

    def ways(self, refused: Refused | None) -> list[tuple[str, str]]:
        if refused is None:
            return []
        screening = {"consent-missing": "consent", "not-eligible": "eligibility", "criteria-changed": "eligibility"}
        page = screening.get(refused.code)
        return [(f"Go to {page}", self.url(f"patients:{page}"))] if page else []

    def act(self, form: Form) -> str:
        self.patient = register_patient(
            patient=self.patient, planned_start=form.cleaned_data["planned_start"], by=self.page.user, at=self.page.now
        )
        return f"{self.patient.code} is registered at {self.patient.assigned_level}."

    def done_url(self) -> str:
        return self.url("patients:regimen")


class RegimenPage(PatientPage):
    """What the patient gets, in words with its dates: the answer to a registration, to be printed."""

    permission = Permission.VIEW_PATIENTS

    def get(self, request: HttpRequest, **kwargs: Any) -> HttpResponse:
        planned = next_cycle(self.patient, self.cycles)
        present = self.cycles[-1] if self.cycles else None
        doses = planned.doses if planned else ()
        if present and present.started_on <= self.today and self.patient.status == Patient.Status.ON_TREATMENT:
            rung = rung_on(self.patient, max(self.today, present.started_on))
            protocol = protocol_on(self.patient, present.started_on)
            doses = doses_of_cycle(protocol, present.number, rung, present.started_on)
        number = present.number if present else first_cycle(self.patient)
        return render(
            request,
            "patients/regimen.html",
            self.context(
                doses=doses,
                title=cycle_title(number),
                planned=planned,
                started=present,
                may_record=self.page.may(Permission.RECORD_CLINICAL, self.patient.site),
            ),
        )


class ReservePage(ActionPage):
    """Hold a slot for the patient, or give it back."""

    permission = Permission.SCREEN_PATIENTS

    def open(self, *args: Any) -> None:
        super().open(*args)
        self.held = held_slot(self.patient, self.page.now)
        days = self.page.study.protocol.escalation.reservation_days
        if self.held is None:
            self.heading, self.submit = f"Hold a slot for {self.patient.code}", "Hold the slot"
            self.lead = f"No other patient can take it for {days} days. After that it is open again."
        else:
            self.heading, self.submit = f"A slot is held for {self.patient.code}", "Give the slot back"
            assert self.held.reserved_until is not None
            until = day_of(self.held.reserved_until, self.patient.site.time_zone)
            self.lead = f"It is held until {day_words(until)}. Given back, every site can take it."

    def form(self, typed: Any = None) -> ReserveForm:
        return ReserveForm(typed, initial={"wanted": "release" if self.held else "hold"})

    def act(self, form: Form) -> str:
        if form.cleaned_data["wanted"] == "release":
            release_reservation(patient=self.patient, by=self.page.user, at=self.page.now)
            return "The slot is open again."
        reserve_for_patient(patient=self.patient, by=self.page.user, at=self.page.now)
        return f"A slot is held for {self.patient.code}."


class ScreenFailurePage(ActionPage):
    permission = Permission.SCREEN_PATIENTS
    heading = "Record a screen failure"
    submit = "Record screen failure"
    lead = "The patient is not registered; a slot held for the patient is open again."

    def form(self, typed: Any = None) -> ReasonForm:
        return ReasonForm(typed)

    def act(self, form: Form) -> str:
        record_screen_failure(
            patient=self.patient, reason=form.cleaned_data["reason"], by=self.page.user, at=self.page.now
        )
        return f"{self.patient.code} is a screen failure."
