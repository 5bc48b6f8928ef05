"""Visits and activities on a patient's time line: what is due together is one line."""

import datetime as dt
from collections.abc import Iterator, Sequence

from django.urls import reverse

from labs.patient_case import PatientCase
from labs.timeline_entry import EXPECTED, FIRM, PAST, Entry
from labs.words import count
from patients.activities import ActivityState, DueActivity, title_together, together
from patients.regimen import span_words
from trials.permissions import Permission
from trials.protocol import ActivityKind

_CHIPS = {ActivityState.DONE: ("done", "up"), ActivityState.MISSED: ("missed", "down")}
# Marks of their own; whatever else is done is done at a visit.
_MARKS = {ActivityKind.BIOPSY: "biopsy", ActivityKind.IMAGING: "imaging"}


def activity_entries(case: PatientCase) -> Iterator[Entry]:
    for group in together(case.activities):
        first = group[0]
        chip, kind = _chip(first)
        yield Entry(
            _day(first),
            _MARKS.get(first.activity.kind, "visit"),
            title_together(group),
            _state(first),
            when_words(first),
            _url(case, group),
            chip,
            kind,
        )


def _day(due: DueActivity) -> dt.date:
    return due.record.done_on if due.record and due.record.done_on else due.planned_on


def _state(due: DueActivity) -> str:
    if not due.state.is_open:
        return PAST
    return FIRM if due.firm else EXPECTED


def when_words(due: DueActivity) -> str:
    """The window, or what was recorded and how it lies to the window."""
    record = due.record
    if record is None:
        return f"window {span_words(due.window_from, due.window_to)}"
    if record.done_on is None:
        return record.missed_reason
    if record.out_of_window_reason:
        window = span_words(due.window_from, due.window_to)
        return f"outside its window ({window}): {record.out_of_window_reason}"
    moved = due.outside_now
    if moved is not None:
        window = span_words(moved.window_from, moved.window_to)
        return f"in the window of then; it has moved to {window} since"
    return f"in its window, {span_words(due.window_from, due.window_to)}"


def _chip(due: DueActivity) -> tuple[str, str]:
    if due.state is ActivityState.UPCOMING:
        return "", ""
    if due.state is ActivityState.OVERDUE:
        return f"{count(due.days_late, 'day')} overdue", "out"
    if due.state is ActivityState.DUE:
        return (f"due, {count(due.days_left, 'day')} left" if due.days_left else "due, last day"), ""
    if due.record is not None and (due.record.out_of_window_reason or due.outside_now):
        return "out of window", "down"
    return _CHIPS[due.state]


def _url(case: PatientCase, group: Sequence[DueActivity]) -> str:
    """Where to record what is due and to correct what is recorded; nothing to do about what is to come."""
    first = group[0]
    if first.state is ActivityState.UPCOMING or not case.may(Permission.RECORD_CLINICAL):
        return ""
    page = "patients:activity" if first.state.is_open else "patients:correct-activity"
    return reverse(page, args=[case.key, case.patient.code, first.which])
