"""Activities of the schedule, done on the day for which they are planned."""

import datetime as dt
from collections.abc import Iterator, Sequence
from functools import partial

from accounts.models import User
from patients import schedule
from patients.activities import due_activities, together
from patients.models import Cycle, Patient
from patients.operations import miss_activities, record_activities
from reminders.rehearsal.tasks import ONE_DAY, Task
from trials.clock import day_of
from trials.protocol import Timepoint


def activities(patient: Patient, cycles: Sequence[Cycle], by: User) -> Iterator[Task]:
    """What is planned for one day is recorded at once, as a visit with what is done at it."""
    due = due_activities(patient, cycles, patient.activities.all(), dt.date.min)
    for group in together(one for one in due if one.state.is_open):
        first, which = group[0], [one.which for one in group]
        if not all(has_come(one.timepoint, one.cycle, patient, cycles) for one in group):
            continue
        on = on_a_day_since(patient, first.planned_on)
        if first.in_window(on):
            yield Task(on, partial(record_activities, patient=patient, which=which, done_on=on, by=by), routine=True)
        else:
            reason = "The patient was registered after the window had closed"
            missed = max(on, first.window_to + ONE_DAY)
            yield Task(missed, partial(miss_activities, patient=patient, which=which, reason=reason, by=by))


def has_come(timepoint: Timepoint, cycle: int | None, patient: Patient, cycles: Sequence[Cycle]) -> bool:
    """Whether what a time point follows has happened, so that its planned day counts."""
    protocol = schedule.protocol_of(patient)
    if timepoint.anchor in schedule.WITHOUT_A_CYCLE or schedule.lies_before_its_anchor(timepoint, protocol):
        return True
    number = schedule.anchor_number(timepoint, protocol, cycle)
    return schedule.cycle_numbered(cycles, number) is not None


def on_a_day_since(patient: Patient, planned_on: dt.date) -> dt.date:
    """The planned day; the day of registration, where it was planned for one before."""
    return max(planned_on, registered_on(patient))


def registered_on(patient: Patient) -> dt.date:
    assert patient.registered_at is not None  # only registered patients have an agenda
    return day_of(patient.registered_at, patient.site.time_zone)
