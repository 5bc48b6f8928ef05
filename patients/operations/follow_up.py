"""Event-monitoring visits: progression and survival, up to the last of them."""

import datetime as dt

from accounts.models import User
from audit.context import operation
from patients import schedule
from patients.models import FollowUpVisit, Patient
from patients.operations.checks import lock_patient, not_in_future, reason_given
from patients.schedule import FollowUpDue
from trials.days import day_words
from trials.errors import Refused
from trials.permissions import Permission


@operation
def record_follow_up(
    *,
    patient: Patient,
    done_on: dt.date,
    alive: bool,
    by: User,
    at: dt.datetime,
    died_on: dt.date | None = None,
    progressed_on: dt.date | None = None,
    out_of_window_reason: str = "",
) -> FollowUpVisit:
    """Record the event-monitoring visit nearest to the day. The last one, or death, takes the patient off study."""
    patient = lock_patient(patient, Permission.RECORD_CLINICAL, by)
    visit = _visit_of(patient, done_on)
    not_in_future(done_on, patient, at, "done_on")
    _days_fit(patient, done_on, alive, died_on, progressed_on)
    outside = not visit.window_from <= done_on <= visit.window_to
    if outside and not out_of_window_reason.strip():
        raise Refused(
            "out-of-window",
            f"Visit {visit.number} was planned from {day_words(visit.window_from)} to {day_words(visit.window_to)}. "
            "Say why it took place on another day.",
            field="out_of_window_reason",
        )
    recorded = FollowUpVisit.objects.create(
        patient=patient,
        study=patient.study,
        number=visit.number,
        planned_on=visit.on,
        done_on=done_on,
        alive=alive,
        died_on=died_on,
        progressed_on=progressed_on,
        out_of_window_reason=out_of_window_reason.strip() if outside else "",
        recorded_at=at,
        recorded_by=by,
    )
    if visit.last or not alive:
        patient.status = Patient.Status.OFF_STUDY
        patient.save(update_fields=["status"])
    return recorded


@operation
def correct_follow_up(
    *,
    visit: FollowUpVisit,
    alive: bool,
    died_on: dt.date | None,
    progressed_on: dt.date | None,
    reason: str,
    by: User,
    at: dt.datetime,
) -> FollowUpVisit:
    """Correct survival and progression of a visit."""
    patient = lock_patient(visit.patient, Permission.RECORD_CLINICAL, by)
    reason_given(reason)
    visit = FollowUpVisit.objects.get(pk=visit.pk)
    _days_fit(patient, visit.done_on, alive, died_on, progressed_on)
    visit.alive, visit.died_on, visit.progressed_on = alive, died_on, progressed_on
    visit.recorded_at, visit.recorded_by = at, by
    visit.save()
    planned = schedule.follow_up_visits(Patient.objects.with_plan().get(pk=patient.pk))
    over = any(v.done and (v.last or not v.done.alive) for v in planned)
    status = Patient.Status.OFF_STUDY if over else Patient.Status.EVENT_MONITORING
    if planned and patient.status != status:
        patient.status = status
        patient.save(update_fields=["status"])
    return visit


def _visit_of(patient: Patient, done_on: dt.date) -> FollowUpDue:
    """The planned visit nearest to the day, among those after the last one done."""
    if patient.status not in (Patient.Status.EVENT_MONITORING, Patient.Status.OFF_STUDY):
        raise Refused(
            "not-in-event-monitoring",
            f"{patient.code} is not in event monitoring ({patient.get_status_display()}); "
            "it starts when treatment ends.",
        )
    ahead = [v for v in schedule.follow_up_visits(patient) if v.done is None and not v.passed_over]
    if not ahead:
        raise Refused("follow-up-complete", f"All event-monitoring visits of {patient.code} are done.")
    ended_on = schedule.treatment_ended_on(patient)
    if ended_on is not None and done_on <= ended_on:
        raise Refused(
            "before-event-monitoring", f"Treatment ended on {day_words(ended_on)}; give a later day.", field="done_on"
        )
    previous = max((v.done_on for v in patient.follow_up_visits.all()), default=None)
    if previous is not None and done_on <= previous:
        raise Refused(
            "before-the-last-visit",
            f"The visit before took place on {day_words(previous)}; give a later day.",
            field="done_on",
        )
    return min(ahead, key=lambda visit: abs((visit.on - done_on).days))


def _days_fit(
    patient: Patient, done_on: dt.date, alive: bool, died_on: dt.date | None, progressed_on: dt.date | None
) -> None:
    if alive and died_on is not None:
        raise Refused("alive-with-date-of-death", "Leave the date of death out for a living patient.", field="died_on")
    if not alive and died_on is None:
        raise Refused("date-of-death-needed", "Give the date of death.", field="died_on")
    for day, field in ((died_on, "died_on"), (progressed_on, "progressed_on")):
        if day is not None and not patient.screened_on <= day <= done_on:
            raise Refused(
                "day-out-of-range",
                f"{day_words(day)} is not possible; give a day from screening to this visit, {day_words(done_on)}.",
                field=field,
            )
