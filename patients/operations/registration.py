"""Registration takes a slot of the open cohort under the study's lock, and with it the dose level."""

import datetime as dt

from accounts.models import User
from audit.context import operation
from patients.models import Patient
from patients.operations.assessments import standing_now
from patients.operations.checks import lock_patient, today_of
from patients.queries import with_dlt_data
from patients.schedule import protocol_on, version_on
from patients.waiting import decision_waits
from trials.days import day_words
from trials.errors import Refused
from trials.models import Cohort, Slot, Study
from trials.operations import decision_waits_no_more, release_slot, reserve_slot
from trials.permissions import Permission
from trials.queries import current_cohort

LATEST_START = dt.timedelta(days=90)
"""A place is taken by somebody who is about to be treated; a later day is a slip of the pen."""


@operation
def reserve_for_patient(*, patient: Patient, by: User, at: dt.datetime) -> Slot:
    """Hold a free slot of the open cohort for a patient in screening, for as long as the protocol says."""
    patient = lock_patient(patient, Permission.SCREEN_PATIENTS, by)
    _not_yet_registered(patient)
    _accrual_is_on(patient.study)
    cohort = _open_cohort(patient.study)
    held = _held_for(patient, cohort, at)
    if held is not None:
        raise Refused(
            "already-reserved",
            f"A slot is held for {patient.code} until {_until(held, patient)}. Register the patient.",
        )
    not_needed = _not_needed(cohort, at)
    if not cohort.slots.free_at(at).exclude(pk__in=not_needed).exists():
        raise _no_slot(cohort, patient, at)
    slot = reserve_slot(study=patient.study, site=patient.site, by=by, at=at, excluding=not_needed)
    # The slot may still be named by a patient whose reservation of it has run out.
    Patient.objects.filter(reserved_slot=slot).update(reserved_slot=None)
    patient.reserved_slot = slot
    patient.save(update_fields=["reserved_slot"])
    return slot


@operation
def release_reservation(*, patient: Patient, by: User, at: dt.datetime) -> Patient:
    """Give the patient's slot back, so that every site can take it. Nothing happens where none is held."""
    patient = lock_patient(patient, Permission.SCREEN_PATIENTS, by)
    slot = patient.reserved_slot
    if slot is None:
        return patient
    if slot.used_at is None and slot.reserved_for_site_id == patient.site_id:
        release_slot(slot=slot, by=by, at=at)
    patient.reserved_slot = None
    patient.save(update_fields=["reserved_slot"])
    return patient


@operation
def register_patient(*, patient: Patient, planned_start: dt.date, by: User, at: dt.datetime) -> Patient:
    """Register a patient: take a slot of the open cohort, and get its part and dose level, for good.

    The last slot goes to exactly one of any number of simultaneous requests: all wait for the study's lock, and each
    looks at the slots after it has it.
    """
    patient = lock_patient(patient, Permission.SCREEN_PATIENTS, by)
    cohort, slot = check_registration(patient, at)
    # Where one waited, it was on data that have changed since.
    decision_waits_no_more(study=patient.study, by=by, at=at)
    _start_is_near(patient, planned_start, at)
    slot.used_at = at
    slot.reserved_for_site = slot.reserved_until = slot.reserved_by = None
    slot.save()
    Patient.objects.filter(reserved_slot=slot).exclude(pk=patient.pk).update(reserved_slot=None)
    patient.slot, patient.reserved_slot = slot, None
    patient.part, patient.assigned_level = cohort.part, cohort.level
    patient.version = version_on(patient, today_of(patient, at))
    patient.registered_at, patient.registered_by = at, by
    patient.planned_start, patient.status = planned_start, Patient.Status.REGISTERED
    patient.save()
    return patient


def _start_is_near(patient: Patient, planned_start: dt.date, at: dt.datetime) -> None:
    today = today_of(patient, at)
    if planned_start < today:
        raise Refused(
            "start-before-registration",
            f"{day_words(planned_start)} has passed; treatment starts on the day of registration or later.",
            field="planned_start",
        )
    latest = today + LATEST_START
    if planned_start > latest:
        raise Refused(
            "start-too-far",
            f"{day_words(planned_start)} is too far ahead; treatment starts within {LATEST_START.days} days of"
            f" registration, by {day_words(latest)}.",
            field="planned_start",
        )


def check_registration(patient: Patient, at: dt.datetime) -> tuple[Cohort, Slot]:
    """The cohort and slot the patient would get now; refused as `register_patient` would."""
    _not_yet_registered(patient)
    _consented_and_eligible(patient, at)
    _accrual_is_on(patient.study)
    cohort = _open_cohort(patient.study)
    _no_decision_waits(patient.study, at)
    return cohort, _slot_for(patient, cohort, at)


def held_slot(patient: Patient, at: dt.datetime) -> Slot | None:
    """The slot held for the patient now, while its cohort is open and the reservation runs."""
    cohort = current_cohort(patient.study)
    return _held_for(patient, cohort, at) if cohort else None


def _not_yet_registered(patient: Patient) -> None:
    if patient.registered_at is not None:
        raise Refused("already-registered", f"{patient.code} is registered already, at {patient.assigned_level}.")
    if patient.status == Patient.Status.SCREEN_FAILED:
        raise Refused("screen-failure", f"{patient.code} is a screen failure. Screen the patient anew.")


def _consented_and_eligible(patient: Patient, at: dt.datetime) -> None:
    consent, check = getattr(patient, "consent", None), getattr(patient, "eligibility", None)
    if consent is None:
        raise Refused("consent-missing", f"There is no signed consent of {patient.code}. Record the consent first.")
    if check is None:
        raise Refused("not-eligible", f"Eligibility of {patient.code} has not been checked. Answer the criteria first.")
    if not check.eligible:
        raise Refused("not-eligible", f"{patient.code} does not meet every criterion. Record a screen failure.")
    criteria = protocol_on(patient, today_of(patient, at)).eligibility
    if any(criterion.code not in check.answers for criterion in criteria):
        raise Refused(
            "criteria-changed",
            "The protocol was amended since eligibility was checked: answer its criteria again.",
        )


def _accrual_is_on(study: Study) -> None:
    if study.accrual_suspended_at is not None:
        raise Refused(
            "accrual-suspended",
            f"Accrual is suspended: {study.suspended_because} Wait until it is resumed.",
        )


def _open_cohort(study: Study) -> Cohort:
    """The cohort that takes patients; refused, with the reason, where there is none."""
    cohort = current_cohort(study)
    if cohort is not None and cohort.level.closed_at is None:
        return cohort
    last = cohort or study.cohorts.select_related("level", "part").order_by("-number").first()
    if last is None:
        raise Refused("study-not-live", f"{study.key} has not started; no cohort is open.")
    if last.level.closed_at is not None:
        raise Refused(
            "level-closed",
            f"{last.level.label} is closed: {last.level.closed_reason} Wait for the next dose decision to be signed.",
        )
    raise Refused("decision-waits", "No cohort is open. Wait for the next dose decision to be signed.")


def _no_decision_waits(study: Study, at: dt.datetime) -> None:
    """Refused while the dose is being decided, as long as the data are those that it is decided on."""
    if decision_waits(study, at):
        raise Refused(
            "decision-waits",
            "The next dose is being decided: a recommendation waits for its signatures. Wait for them.",
        )


def _slot_for(patient: Patient, cohort: Cohort, at: dt.datetime) -> Slot:
    """The slot the patient takes: the one held for them, one held for their site, or a free one."""
    held = _held_for(patient, cohort, at)
    if held is not None:
        return held
    of_site = cohort.slots.unused().filter(
        reserved_for_site=patient.site, reserved_until__gt=at, reserved_for__isnull=True
    )
    not_needed = _not_needed(cohort, at)
    slot = of_site.exclude(pk__in=not_needed).first() or cohort.slots.free_at(at).exclude(pk__in=not_needed).first()
    if slot is None:
        raise _no_slot(cohort, patient, at)
    return slot


def _held_for(patient: Patient, cohort: Cohort, at: dt.datetime) -> Slot | None:
    """The slot of this cohort held for the patient, while the reservation runs."""
    slot = patient.reserved_slot
    if slot is None or slot.cohort_id != cohort.pk or slot.used_at is not None:
        return None
    running = slot.reserved_until is not None and slot.reserved_until > at
    its_own = running and slot.reserved_for_site_id == patient.site_id
    return slot if its_own and slot.pk not in _not_needed(cohort, at) else None


def _not_needed(cohort: Cohort, at: dt.datetime) -> list[int]:
    """Unused places for replacements of patients who count after all, by their primary keys."""
    added = cohort.slots.unused().filter(replaces__isnull=False)
    replaced = {slot.replaces_id: slot.pk for slot in added if slot.replaces_id is not None}
    people = with_dlt_data(Patient.objects.filter(slot_id__in=replaced)) if replaced else []
    return [replaced[p.slot_id] for p in people if p.slot_id is not None and standing_now(p, at).counts]


def _no_slot(cohort: Cohort, patient: Patient, at: dt.datetime) -> Refused:
    needed = cohort.slots.exclude(pk__in=_not_needed(cohort, at))
    reserved = needed.unused().filter(reserved_until__gt=at).order_by("reserved_until").first()
    if reserved is not None:
        return Refused(
            "slot-reserved",
            f"The open slot is held for another patient until {_until(reserved, patient)}. Try again then.",
        )
    total = needed.count()
    used = "The one slot is used" if total == 1 else f"All {total} slots are used"
    return Refused(
        "no-open-slot",
        f"{used} in cohort {cohort.number} ({cohort.level.label}). Wait for the next dose decision to be signed.",
    )


def _until(slot: Slot, patient: Patient) -> str:
    assert slot.reserved_until is not None  # held slots have their end
    return day_words(today_of(patient, slot.reserved_until))
