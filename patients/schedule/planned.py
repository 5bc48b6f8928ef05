"""What a plan is made of: planned cycles, days with their windows, and the protocol that they follow."""

from __future__ import annotations

import calendar
import datetime as dt
from dataclasses import dataclass

from patients.models import FollowUpVisit, Patient
from patients.regimen import DatedDose
from trials.protocol import Protocol, Timepoint, Window

ONE_DAY = dt.timedelta(days=1)
ONE_YEAR = dt.timedelta(days=365)


@dataclass(frozen=True)
class PlannedCycle:
    """A cycle that has not started. `firm`: nothing that has yet to happen can move it."""

    number: int
    due_on: dt.date
    earliest_on: dt.date
    latest_on: dt.date
    firm: bool
    rung: int
    label: str
    doses: tuple[DatedDose, ...]


@dataclass(frozen=True)
class PlannedDay:
    """A planned day and the days around it that are allowed."""

    on: dt.date
    window_from: dt.date
    window_to: dt.date
    firm: bool


@dataclass(frozen=True)
class Occurrence:
    """One time at which a time point is due. `code` names the cycle too where it comes back every cycle."""

    code: str
    title: str
    cycle: int | None
    day: PlannedDay
    timepoint: Timepoint


@dataclass(frozen=True)
class FollowUpDue:
    """An event-monitoring visit: planned, done, or passed over (a later one is done)."""

    number: int
    on: dt.date
    window_from: dt.date
    window_to: dt.date
    last: bool
    done: FollowUpVisit | None
    passed_over: bool


def protocol_of(patient: Patient) -> Protocol:
    """The protocol under which the patient was registered; before registration, the study's live one."""
    return patient.version.protocol if patient.version is not None else patient.study.protocol


def cycle_title(number: int) -> str:
    """'Cycle 3', 'Lead-in': a cycle as a heading or a row says it."""
    return f"Cycle {number}" if number else "Lead-in"


def cycle_words(number: int) -> str:
    """'cycle 3', 'the lead-in': a cycle within a sentence; `.capitalize()` begins one."""
    return f"cycle {number}" if number else "the lead-in"


def add_months(day: dt.date, months: int) -> dt.date:
    """The same day so many months later, or the month's last day where it has no such day."""
    years, month = divmod(day.month - 1 + months, 12)
    year = day.year + years
    return day.replace(year=year, month=month + 1, day=min(day.day, calendar.monthrange(year, month + 1)[1]))


def around(on: dt.date, window: Window, firm: bool) -> PlannedDay:
    """A planned day with its window."""
    return PlannedDay(on, on - window.before * ONE_DAY, on + window.after * ONE_DAY, firm)
