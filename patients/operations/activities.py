"""What can be done about an activity of the schedule: record it as done or missed, correct what was recorded."""

import datetime as dt
from collections.abc import Sequence

from accounts.models import User
from audit.context import operation
from patients import schedule
from patients.activities import (
    DueActivity,
    Which,
    anchor_started_on,
    due_activities,
)
from patients.models import ActivityRecord, Consent, Patient
from patients.operations.checks import alive_on, given, lock_patient, not_in_future, reason_given, registered, today_of
from patients.regimen import span_words
from patients.schedule import cycle_words, protocol_on, registered_under
from trials.days import day_words
from trials.errors import Refused
from trials.permissions import Permission

Outcome = ActivityRecord.Outcome


@operation
def record_activities(
    *,
    patient: Patient,
    which: Sequence[Which],
    done_on: dt.date,
    by: User,
    at: dt.datetime,
    out_of_window_reason: str = "",
) -> list[ActivityRecord]:
    """Record that activities were done on one day, all or none: a visit, and what was done at it.

    A day outside the window of one of them needs `out_of_window_reason`. The plan of this moment, day and window, is
    kept with each.
    """
    patient = lock_patient(patient, Permission.RECORD_CLINICAL, by)
    found = _planned(patient, which, at)
    for due in found:
        _nothing_recorded(due)
        _possible_on(patient, due, done_on, at)
    reasons = [_window_reason(due, done_on, out_of_window_reason) for due in found]
    return [
        _record(patient, due, Outcome.DONE, by, at, done_on=done_on, out_of_window_reason=reason)
        for due, reason in zip(found, reasons, strict=True)
    ]


@operation
def miss_activities(
    *, patient: Patient, which: Sequence[Which], reason: str, by: User, at: dt.datetime
) -> list[ActivityRecord]:
    """Record that activities were not and will not be done, and why. Possible once their windows have opened."""
    patient = lock_patient(patient, Permission.RECORD_CLINICAL, by)
    found = _planned(patient, which, at)
    for due in found:
        _nothing_recorded(due)
    reason = given(reason, "reason-needed", "Say why it was missed.", "reason")
    for due in found:
        if today_of(patient, at) < due.window_from:
            raise Refused(
                "window-not-open",
                f"{due.title}: the window opens on {day_words(due.window_from)}; "
                "it can be recorded as missed from then on.",
            )
    return [_record(patient, due, Outcome.MISSED, by, at, missed_reason=reason) for due in found]


@operation
def correct_activity(
    *,
    record: ActivityRecord,
    outcome: str,
    reason: str,
    by: User,
    at: dt.datetime,
    done_on: dt.date | None = None,
    out_of_window_reason: str = "",
    missed_reason: str = "",
) -> ActivityRecord:
    """Correct what was recorded about an activity: all of it is given anew, the audit trail keeps what it was and why.

    The window stays the one that was kept with the record. A correction that changes nothing leaves no entry.
    """
    patient = lock_patient(record.patient, Permission.RECORD_CLINICAL, by)
    reason_given(reason)
    record = ActivityRecord.objects.get(pk=record.pk)
    due = _of_the_schedule(patient, [Which(record.activity, record.timepoint, record.cycle)], at)[0]
    if outcome == Outcome.DONE:
        if done_on is None:
            raise Refused("day-needed", "Give the day on which it was done.", field="done_on")
        _possible_on(patient, due, done_on, at)
        record.done_on, record.missed_reason = done_on, ""
        record.out_of_window_reason = _window_reason(due, done_on, out_of_window_reason)
    else:
        record.done_on, record.out_of_window_reason = None, ""
        record.missed_reason = given(missed_reason, "reason-needed", "Say why it was missed.", "missed_reason")
    record.outcome = Outcome(outcome)
    record.save(update_fields=["outcome", "done_on", "missed_reason", "out_of_window_reason"])
    return record


def _record(
    patient: Patient,
    due: DueActivity,
    outcome: ActivityRecord.Outcome,
    by: User,
    at: dt.datetime,
    *,
    done_on: dt.date | None = None,
    out_of_window_reason: str = "",
    missed_reason: str = "",
) -> ActivityRecord:
    return ActivityRecord.objects.create(
        patient=patient,
        study=patient.study,
        activity=due.which.activity,
        timepoint=due.which.timepoint,
        cycle=due.which.cycle,
        outcome=outcome,
        planned_on=due.planned_on,
        window_from=due.window_from,
        window_to=due.window_to,
        done_on=done_on,
        out_of_window_reason=out_of_window_reason,
        missed_reason=missed_reason,
        recorded_at=at,
        recorded_by=by,
    )


def _planned(patient: Patient, which: Sequence[Which], at: dt.datetime) -> list[DueActivity]:
    """The activities as they stand now. Refused where the schedule does not have one, or has it twice."""
    registered(patient)
    if not which or len(set(which)) != len(which):
        raise Refused("not-planned", "Name the activities that were done, each once.", field="which")
    return _of_the_schedule(patient, which, at)


def _of_the_schedule(patient: Patient, which: Sequence[Which], at: dt.datetime) -> list[DueActivity]:
    cycles, done = list(patient.cycles.all()), patient.activities.all()
    schedule_now = {due.which: due for due in due_activities(patient, cycles, done, today_of(patient, at))}
    for one in which:
        if one not in schedule_now:
            raise Refused(
                "not-planned",
                f"The activity “{one}” is not planned for {patient.code}: the protocol does not have it, it belongs to "
                "the other part of the study, its cycle is not next, or treatment ended before it.",
                field="which",
            )
    return [schedule_now[one] for one in which]


def _nothing_recorded(due: DueActivity) -> None:
    if due.record is not None:
        raise Refused(
            "already-recorded",
            f"{due.title} is recorded as {due.state.value} already. If that is wrong, correct it, with a reason.",
        )


def _possible_on(patient: Patient, due: DueActivity, done_on: dt.date, at: dt.datetime) -> None:
    """A day on which it can have been done: not to come, after consent, in life, and at its place in treatment."""
    not_in_future(done_on, patient, at, "done_on")
    consent: Consent | None = getattr(patient, "consent", None)
    if consent is not None and done_on < consent.signed_on:
        raise Refused(
            "before-consent",
            f"Consent was signed on {day_words(consent.signed_on)}; nothing is done for the study before that day.",
            field="done_on",
        )
    alive_on(patient, done_on)
    started_on = anchor_started_on(due, patient, list(patient.cycles.all()))
    protocol = protocol_on(patient, started_on or due.planned_on)
    if schedule.lies_before_its_anchor(due.timepoint, protocol):
        _not_too_late(patient, due, done_on, started_on)
    elif not due.in_window(done_on):
        _not_too_early(patient, due, done_on, started_on)


def _not_too_late(patient: Patient, due: DueActivity, done_on: dt.date, started_on: dt.date | None) -> None:
    """On the day of the start it may still have come first; that is outside its window, and asks for a reason."""
    if started_on is None or done_on <= started_on:
        return
    raise Refused(
        "anchor-had-started",
        f"{_anchor_words(patient, due)} started on {day_words(started_on)}: what is done later does not lie before it. "
        "Record it as missed, with the reason.",
        field="done_on",
    )


def _not_too_early(patient: Patient, due: DueActivity, done_on: dt.date, started_on: dt.date | None) -> None:
    if started_on is not None and done_on < started_on:
        raise Refused(
            "before-anchor",
            f"{_anchor_words(patient, due)} started on {day_words(started_on)}; this is done after that.",
            field="done_on",
        )
    if started_on is None and due.timepoint.anchor not in schedule.WITHOUT_A_CYCLE:
        words = _anchor_words(patient, due)
        raise Refused("anchor-not-started", f"{words} has not started. Record its start first.", field="done_on")


def _anchor_words(patient: Patient, due: DueActivity) -> str:
    number = schedule.anchor_number(due.timepoint, registered_under(patient), due.cycle)
    return cycle_words(number).capitalize()


def _window_reason(due: DueActivity, done_on: dt.date, reason: str) -> str:
    """The reason where the day lies outside the window, and none where it does not need one."""
    if due.in_window(done_on):
        return ""
    return given(
        reason,
        "out-of-window",
        f"{day_words(done_on)} lies outside the window of {due.title} ({span_words(due.window_from, due.window_to)}). "
        "Say why, or correct the day.",
        "out_of_window_reason",
    )
