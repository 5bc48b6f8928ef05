"""Steps up to registration, and what stops and lets it go on."""

from __future__ import annotations

import datetime as dt
from random import Random

from patients.models import Patient
from patients.operations import (
    check_eligibility,
    record_consent,
    record_screen_failure,
    register_patient,
    release_reservation,
    replace_patient,
    reserve_for_patient,
    screen_patient,
)
from tests.properties.tables import Row
from tests.properties.trial import ENTER, SUSPEND, Trial
from trials.models import Role, Site
from trials.operations import expire_reservations, move_rehearsal_day, reserve_slot, resume_accrual, suspend_accrual

DAY = dt.timedelta(days=1)
FAR = (dt.date.min, dt.date.max, dt.date(2000, 2, 29), dt.date(9999, 1, 1))
ANYBODY = frozenset(role for role in Role if role not in (Role.MONITOR, Role.EDC))


def some(r: Random, rows: list[Row]) -> Row | None:
    """One of them, the newer ones more often."""
    return rows[-1 - min(int(r.expovariate(0.4)), len(rows) - 1)] if rows else None


def day(t: Trial, r: Random, patient: Row, around: dt.date | None, wild: bool) -> dt.date:
    """A day that is right, or near it; where it goes wild, any."""
    right = around or t.today(patient)
    if not wild:
        return right
    return r.choice([right, right, right + r.randint(-40, 40) * DAY, t.today(patient) + r.randint(-3, 3) * DAY, *FAR])


def person(patient: Row) -> Patient:
    return Patient.objects.get(pk=patient.id)


def a_patient(t: Trial, r: Random, *statuses: str) -> Row | None:
    return some(r, [p for p in t.now.patients if p.status in statuses])


def screen(t: Trial, r: Random, wild: bool) -> None:
    site = Site.objects.get(pk=r.choice(t.now.sites).id)
    actor = t.by(r, ENTER, site.pk, wild)
    on = t.at.date() - r.randint(0, 3) * DAY - (DAY if t.at.hour < 12 else 0 * DAY)
    if wild:
        on = r.choice([on, on + 5 * DAY, *FAR])
    t.attempt("screen", screen_patient, actor, ENTER, site.pk, study=t.study, site=site, screened_on=on)


def consent(t: Trial, r: Random, wild: bool, patient: Row | None = None) -> None:
    patient = patient or a_patient(t, r, "screening", *(["registered", "screen_failed"] if wild else []))
    if patient is None:
        return
    t.attempt(
        "consent",
        record_consent,
        t.by(r, ENTER, patient.site_id, wild),
        ENTER,
        patient.site_id,
        patient=person(patient),
        signed_on=day(t, r, patient, None, wild),
        form_version=r.choice(["1.0", " "]) if wild else "1.0",
        reason=r.choice(["", "misread"]),
    )


def check(t: Trial, r: Random, wild: bool, patient: Row | None = None) -> None:
    patient = patient or a_patient(t, r, "screening", *(["registered"] if wild else []))
    if patient is None:
        return
    answers = {c["code"]: not (wild and r.random() < 0.1) for c in t.file["eligibility"]}
    if wild and r.random() < 0.2:
        answers.popitem()
    t.attempt(
        "check",
        check_eligibility,
        t.by(r, ENTER, patient.site_id, wild),
        ENTER,
        patient.site_id,
        patient=person(patient),
        answers=answers,
        checked_on=day(t, r, patient, None, wild),
        reason=r.choice(["", "misread"]),
    )


def register(t: Trial, r: Random, wild: bool, patient: Row | None = None) -> None:
    patient = patient or a_patient(t, r, "screening", *(["screen_failed", "on_treatment"] if wild else []))
    if patient is None:
        return
    start = day(t, r, patient, t.today(patient) + r.choice([0, 0, 1, 7, 14]) * DAY, wild)
    t.attempt(
        "register",
        register_patient,
        t.by(r, ENTER, patient.site_id, wild),
        ENTER,
        patient.site_id,
        patient=person(patient),
        planned_start=start,
    )


def enrol(t: Trial, r: Random, wild: bool) -> None:
    """Somebody in screening is brought to registration, or screened first."""
    waiting = [p for p in t.now.patients if p.status == "screening"]
    if not waiting or r.random() < 0.2:
        screen(t, r, wild)
    patient = a_patient(t, r, "screening")
    if patient is None:
        return
    if not t.now.of("consents", patient):
        consent(t, r, wild, patient)
    if not t.now.of("checks", patient):
        check(t, r, wild, patient)
    if r.random() < 0.9:
        register(t, r, wild, patient)
    else:
        reserve(t, r, wild)


def reserve(t: Trial, r: Random, wild: bool) -> None:
    patient = a_patient(t, r, "screening", *(["registered"] if wild else []))
    if patient is None:
        return
    actor = t.by(r, ENTER, patient.site_id, wild)
    site = patient.site_id
    if r.random() < 0.7:
        t.attempt("reserve", reserve_for_patient, actor, ENTER, site, patient=person(patient))
    else:
        place = Site.objects.get(pk=site)
        t.attempt("reserve slot", reserve_slot, actor, ENTER, site, study=t.study, site=place)


def release(t: Trial, r: Random, wild: bool) -> None:
    patient = some(r, [p for p in t.now.patients if p.reserved_slot_id is not None or wild])
    if patient is None or r.random() < 0.3:
        t.attempt("expire", expire_reservations, t.cast.people[-1], ANYBODY | {Role.MONITOR}, None, study=t.study)
        return
    actor = t.by(r, ENTER, patient.site_id, wild)
    t.attempt("release", release_reservation, actor, ENTER, patient.site_id, patient=person(patient))


def fail_screening(t: Trial, r: Random, wild: bool) -> None:
    patient = a_patient(t, r, "screening", *(["registered"] if wild else []))
    if patient is None:
        return
    actor, reason = t.by(r, ENTER, patient.site_id, wild), r.choice(["too young", " "]) if wild else "too young"
    site = patient.site_id
    t.attempt("fail screening", record_screen_failure, actor, ENTER, site, patient=person(patient), reason=reason)


def replace(t: Trial, r: Random, wild: bool) -> None:
    patient = some(r, t.now.registered if wild else [p for p in t.now.registered if p.status != "on_treatment"])
    if patient is None:
        return
    actor = t.by(r, ENTER, patient.site_id, wild)
    t.attempt("replace", replace_patient, actor, ENTER, patient.site_id, patient=person(patient))


def suspend(t: Trial, r: Random, wild: bool) -> None:
    if wild or (r.random() < 0.1 and t.now.study.accrual_suspended_at is None):
        actor, reason = t.by(r, SUSPEND, None, wild), r.choice(["a recall", ""]) if wild else "a recall"
        t.attempt("suspend", suspend_accrual, actor, SUSPEND, None, study=t.study, reason=reason)


def resume(t: Trial, r: Random, wild: bool) -> None:
    if wild or t.now.study.accrual_suspended_at is not None:
        actor, reason = t.by(r, SUSPEND, None, wild), r.choice(["it is over", ""]) if wild else "it is over"
        t.attempt("resume", resume_accrual, actor, SUSPEND, None, study=t.study, reason=reason)


def move_day(t: Trial, r: Random, wild: bool) -> None:
    days = r.choice([1, 7, 366, 0, -1, 367]) if wild else 1
    t.attempt("move day", move_rehearsal_day, t.by(r, ANYBODY, None, wild), ANYBODY, None, study=t.study, days=days)
