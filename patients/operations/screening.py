"""Screening: a patient gets a code, signs a consent, is checked against the criteria, or is a screen failure."""

import datetime as dt

from accounts.models import User
from audit.context import operation
from patients.models import Consent, EligibilityCheck, Patient
from patients.operations.checks import given, lock_patient, not_in_future, reason_given, today_of
from patients.operations.registration import release_reservation
from patients.schedule import protocol_on
from trials.days import day_words
from trials.errors import Refused
from trials.models import ProtocolVersion, Site, Study
from trials.permissions import Permission, require
from trials.queries import lock_study


@operation
def screen_patient(*, study: Study, site: Site, screened_on: dt.date, by: User, at: dt.datetime) -> Patient:
    """Take a patient into screening; the code is the site's and the next number there: A-001."""
    require(by, Permission.SCREEN_PATIENTS, study, site)
    study = lock_study(study)
    if site.study_id != study.pk:
        raise Refused("other-studys-site", f"Choose a site of {study.key}.", field="site")
    if not study.versions.filter(status=ProtocolVersion.Status.LIVE).exists():
        raise Refused("study-not-live", f"{study.key} has not started; patients can be screened once it is live.")
    patient = Patient(
        study=study,
        site=site,
        code=f"{site.code}-{site.patients.count() + 1:03d}",
        screened_on=screened_on,
        screened_at=at,
        screened_by=by,
    )
    not_in_future(screened_on, patient, at, "screened_on")
    patient.save()
    return patient


@operation
def record_screen_failure(*, patient: Patient, reason: str, by: User, at: dt.datetime) -> Patient:
    """End screening without registration. A slot held for the patient is released."""
    patient = lock_patient(patient, Permission.SCREEN_PATIENTS, by)
    _in_screening(patient)
    given(reason, "reason-needed", "Say why the patient is not registered.", "reason")
    if patient.reserved_slot is not None:
        patient = release_reservation(patient=patient, by=by, at=at)
    patient.status = Patient.Status.SCREEN_FAILED
    patient.save(update_fields=["status"])
    return patient


@operation
def record_consent(
    *, patient: Patient, signed_on: dt.date, form_version: str, by: User, at: dt.datetime, reason: str = ""
) -> Consent:
    """Record when the consent was signed, and which version of the form. A change of it needs a reason."""
    patient = lock_patient(patient, Permission.SCREEN_PATIENTS, by)
    not_in_future(signed_on, patient, at, "signed_on")
    form_version = given(form_version, "form-version-needed", "Name the version of the consent form.", "form_version")
    consent = Consent.objects.filter(patient=patient).first()
    if consent is None:
        _in_screening(patient)
        return Consent.objects.create(
            patient=patient,
            study=patient.study,
            signed_on=signed_on,
            form_version=form_version,
            recorded_at=at,
            recorded_by=by,
        )
    if (consent.signed_on, consent.form_version) != (signed_on, form_version):
        reason_given(reason)
        _before_registration(patient, signed_on)
        consent.signed_on, consent.form_version = signed_on, form_version
        consent.recorded_at, consent.recorded_by = at, by
        consent.save()
    return consent


@operation
def check_eligibility(
    *, patient: Patient, answers: dict[str, bool], checked_on: dt.date, by: User, at: dt.datetime, reason: str = ""
) -> EligibilityCheck:
    """Record the answer to every criterion of the protocol; eligible when all are met.

    answers: criterion code → met. An exclusion criterion is met when it does not apply to the patient.
    Until registration the check can be made again, with a reason.
    """
    patient = lock_patient(patient, Permission.SCREEN_PATIENTS, by)
    _in_screening(patient)
    not_in_future(checked_on, patient, at, "checked_on")
    _every_criterion(patient, answers, today_of(patient, at))
    check = EligibilityCheck.objects.filter(patient=patient).first()
    if check is None:
        return EligibilityCheck.objects.create(
            patient=patient,
            study=patient.study,
            answers=answers,
            eligible=all(answers.values()),
            checked_on=checked_on,
            recorded_at=at,
            recorded_by=by,
        )
    if (check.answers, check.checked_on) != (answers, checked_on):
        reason_given(reason)
        check.answers, check.eligible, check.checked_on = answers, all(answers.values()), checked_on
        check.recorded_at, check.recorded_by = at, by
        check.save()
    return check


def _every_criterion(patient: Patient, answers: dict[str, bool], today: dt.date) -> None:
    criteria = {c.code: c for c in protocol_on(patient, today).eligibility}
    for code in answers:
        if code not in criteria:
            raise Refused("no-such-criterion", f"{code} is not a criterion of the protocol; leave it out.")
    for code, criterion in criteria.items():
        if code not in answers:
            raise Refused("criterion-unanswered", f"Answer the criterion “{criterion.text}”.", field=code)


def _before_registration(patient: Patient, signed_on: dt.date) -> None:
    """Nobody is registered without consent, and a correction does not make it so."""
    if patient.registered_at is not None and signed_on > (on := today_of(patient, patient.registered_at)):
        raise Refused(
            "consent-after-registration",
            f"{patient.code} was registered on {day_words(on)}, with consent: give that day or an earlier one.",
            field="signed_on",
        )


def _in_screening(patient: Patient) -> None:
    if patient.status != Patient.Status.SCREENING:
        raise Refused(
            "not-in-screening", f"{patient.code} is not in screening any more ({patient.get_status_display()})."
        )
