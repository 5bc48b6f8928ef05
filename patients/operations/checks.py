"""What the operations on patients ask first: who may, the rows of now under the study's lock, days and reasons."""

import datetime as dt

from accounts.models import User
from patients.models import AdverseEvent, Patient
from trials.clock import day_of
from trials.days import day_words
from trials.errors import Refused
from trials.permissions import Permission, require
from trials.queries import lock_study


def lock_patient(patient: Patient, permission: Permission, by: User) -> Patient:
    """The patient as the database has it now, with the study locked until the transaction ends.

    Raises `Forbidden` where `by` may not do this at the patient's site.
    """
    require(by, permission, patient.study, patient.site)
    study = lock_study(patient.study)
    locked = Patient.objects.with_plan().get(pk=patient.pk)
    locked.study = study
    return locked


def registered(patient: Patient) -> None:
    if patient.registered_at is None:
        raise Refused("not-registered", f"{patient.code} is not registered. Register the patient first.")


def today_of(patient: Patient, at: dt.datetime) -> dt.date:
    """The day of an operation: the calendar day at the patient's site."""
    return day_of(at, patient.site.time_zone)


def alive_on(patient: Patient, day: dt.date) -> None:
    """Refuse treatment after an event of grade 5, a death. After a death at a visit the patient is off study anyway."""
    event = patient.adverse_events.filter(grade=5).order_by("onset_on").first()
    if event is None or day <= event.onset_on:
        return
    raise Refused(
        "patient-died",
        f"{patient.code} died: {event.term}, grade 5, from {day_words(event.onset_on)}. End treatment instead; "
        "if that is wrong, correct the event first.",
    )


def not_in_future(day: dt.date, patient: Patient, at: dt.datetime, field: str) -> None:
    """Refuse what is said to have happened on a day yet to come at the patient's site."""
    today = today_of(patient, at)
    if day > today:
        raise Refused(
            "in-the-future", f"{day_words(day)} lies ahead; give a day up to today, {day_words(today)}.", field=field
        )


def given(text: str | None, code: str, sentence: str, field: str) -> str:
    """The text without blanks around it; refused where there is none."""
    stripped = (text or "").strip()
    if not stripped:
        raise Refused(code, sentence, field=field)
    return stripped


def reason_given(reason: str | None) -> str:
    """The reason of a correction; refused where there is none."""
    return given(reason, "reason-needed", "Say why this is corrected; the old value stays readable.", "reason")


def own_event(patient: Patient, event: AdverseEvent | None) -> None:
    if event is not None and event.patient_id != patient.pk:
        raise Refused("other-patients-event", f"Choose an event of {patient.code}.", field="event")
