"""The end of protocol therapy, and the review after which it may go on."""

import datetime as dt

from accounts.models import User
from audit.context import operation
from patients import schedule
from patients.models import AdverseEvent, ContinuationReview, Discontinuation, Patient
from patients.operations.checks import (
    given,
    lock_patient,
    not_in_future,
    own_event,
    reason_given,
    registered,
    today_of,
)
from patients.operations.given_doses import no_dose_after
from patients.operations.safety import stop_at_level_of
from patients.schedule import cycle_words, protocol_on
from trials.days import day_words
from trials.errors import Refused
from trials.permissions import Permission


@operation
def discontinue(
    *,
    patient: Patient,
    reason_code: str,
    on: dt.date,
    by: User,
    at: dt.datetime,
    event: AdverseEvent | None = None,
    detail: str = "",
) -> Discontinuation:
    """End treatment for one of the protocol's reasons, and start event monitoring with it.

    on: the last day of protocol therapy; treatment visits and samples after it are due no more.
    """
    patient = lock_patient(patient, Permission.RECORD_CLINICAL, by)
    registered(patient)
    ended_on = schedule.treatment_ended_on(patient)
    if ended_on is not None:
        raise Refused("already-discontinued", f"Treatment of {patient.code} ended on {day_words(ended_on)} already.")
    _of_the_protocol(patient, reason_code, on)
    own_event(patient, event)
    not_in_future(on, patient, at, "on")
    _not_before_treatment(patient, on)
    no_dose_after(patient, on)
    discontinuation = Discontinuation.objects.create(
        patient=patient,
        study=patient.study,
        number=len(patient.discontinuations.all()) + 1,
        reason_code=reason_code,
        on=on,
        event=event,
        detail=detail.strip(),
        recorded_at=at,
        recorded_by=by,
    )
    for interruption in patient.interruptions.filter(to_day__isnull=True, from_day__lte=on):
        interruption.to_day = on
        interruption.save(update_fields=["to_day"])
    patient.status = Patient.Status.EVENT_MONITORING
    patient.save(update_fields=["status"])
    stop_at_level_of(patient, by=by, at=at)  # doses entered for the DLT window may not have been possible
    return discontinuation


@operation
def correct_discontinuation(
    *,
    discontinuation: Discontinuation,
    reason_code: str,
    on: dt.date,
    detail: str,
    reason: str,
    by: User,
    at: dt.datetime,
) -> Discontinuation:
    """Correct the last day of treatment or its reason, while no re-treatment has followed."""
    patient = lock_patient(discontinuation.patient, Permission.RECORD_CLINICAL, by)
    reason_given(reason)
    in_force = schedule.discontinuation_in_force(patient)
    if in_force is None or in_force.pk != discontinuation.pk:
        raise Refused("re-treated", "Treatment has been resumed since; the end before it is not corrected any more.")
    _of_the_protocol(patient, reason_code, on)
    not_in_future(on, patient, at, "on")
    _not_before_treatment(patient, on)
    no_dose_after(patient, on)
    first_visit = min((v.done_on for v in patient.follow_up_visits.all() if v.done_on > in_force.on), default=None)
    if first_visit is not None and on >= first_visit:
        raise Refused(
            "after-event-monitoring",
            f"An event-monitoring visit took place on {day_words(first_visit)}; give a day before it.",
            field="on",
        )
    in_force.reason_code, in_force.on, in_force.detail = reason_code, on, detail.strip()
    in_force.recorded_at, in_force.recorded_by = at, by
    in_force.save(update_fields=["reason_code", "on", "detail", "recorded_at", "recorded_by"])
    stop_at_level_of(patient, by=by, at=at)
    return in_force


@operation
def review_continuation(
    *, patient: Patient, reviewed_on: dt.date, continues: bool, explanation: str, by: User, at: dt.datetime
) -> ContinuationReview:
    """Record whether treatment goes on after the protocol's months, at the current dose level.

    It can be made from one cycle before it falls due. After 'does not go on' no cycle starts; treatment is then
    discontinued with its reason.
    """
    patient = lock_patient(patient, Permission.RECORD_CLINICAL, by)
    if schedule.review_of(patient) is not None:
        raise Refused("already-reviewed", f"The continuation review of {patient.code} has been made.")
    due_on = schedule.continuation_review_due(patient, list(patient.cycles.all()))
    if due_on is None:
        raise Refused("review-not-due", f"{patient.code} is not on treatment; no continuation review is due.")
    earliest = due_on - dt.timedelta(days=protocol_on(patient, due_on).cycle.length_days)
    if reviewed_on < earliest:
        raise Refused(
            "review-not-due",
            f"The continuation review falls due on {day_words(due_on)} and can be made from {day_words(earliest)}.",
            field="reviewed_on",
        )
    not_in_future(reviewed_on, patient, at, "reviewed_on")
    explanation = given(explanation, "reason-needed", "Say what the review rests on.", "explanation")
    return ContinuationReview.objects.create(
        patient=patient,
        study=patient.study,
        reviewed_on=reviewed_on,
        continues=continues,
        explanation=explanation,
        recorded_at=at,
        recorded_by=by,
    )


def _of_the_protocol(patient: Patient, reason_code: str, on: dt.date) -> None:
    if reason_code not in {reason.code for reason in protocol_on(patient, on).discontinuation}:
        raise Refused("no-such-reason", "Choose one of the protocol's reasons.", field="reason_code")


def _not_before_treatment(patient: Patient, on: dt.date) -> None:
    """The last day lies in the last cycle, or, before any treatment, not before registration."""
    assert patient.registered_at is not None
    cycles = list(patient.cycles.all())
    first = cycles[-1].started_on if cycles else today_of(patient, patient.registered_at)
    if on < first:
        what = f"{cycle_words(cycles[-1].number).capitalize()} started" if cycles else f"{patient.code} was registered"
        raise Refused(
            "ends-before-it-began", f"{what} on {day_words(first)}; give that day or a later one.", field="on"
        )
