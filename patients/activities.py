"""Which activities of the schedule are due, and when: derived from the protocol and from what happened, never stored.

Activities are the protocol's, and its visits on days of their own: a visit that comes with the start of every cycle is
recorded by starting the cycle. Pure over rows that are loaded; nothing here asks the database.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from patients import schedule
from patients.models import ActivityRecord, Cycle, Patient
from patients.schedule import PlannedDay
from trials.protocol import Activity, ActivityKind, Protocol, Timepoint


class ActivityState(StrEnum):
    UPCOMING = "upcoming"
    DUE = "due"
    OVERDUE = "overdue"
    DONE = "done"
    MISSED = "missed"

    @property
    def is_open(self) -> bool:
        """Nothing has been recorded about it yet."""
        return self not in (ActivityState.DONE, ActivityState.MISSED)


@dataclass(frozen=True)
class Which:
    """What names an activity of a patient's schedule. cycle: where it comes back every cycle, else None."""

    activity: str
    timepoint: str
    cycle: int | None = None

    def __str__(self) -> str:
        """'biopsy.before-lead-in', 'safety.day-8.3': as an address has it."""
        return ".".join([self.activity, self.timepoint, *([str(self.cycle)] if self.cycle is not None else [])])

    @classmethod
    def read(cls, text: str) -> Which:
        """The other way round. Raises ValueError for what names none."""
        activity, timepoint, *cycle = text.split(".")
        if len(cycle) > 1 or any(not number.isdigit() for number in cycle):
            raise ValueError(f"{text!r} names no activity")
        return cls(activity, timepoint, int(cycle[0]) if cycle else None)


# An activity, its time point, and the cycle where it comes back.
Scheduled = tuple[Activity, Timepoint, int | None]


@dataclass(frozen=True)
class DueActivity:
    """One activity of one patient at one time.

    planned_on with the window [window_from, window_to], all days included. firm: planned from what has happened;
    otherwise the day is expected and may still move. days_late, days_left: of the window, 0 where it is not so.
    `record` is what was recorded about it; its days are those of the plan at the time. `now` is the plan of now.
    """

    activity: Activity
    timepoint: Timepoint
    cycle: int | None
    planned_on: dt.date
    window_from: dt.date
    window_to: dt.date
    firm: bool
    state: ActivityState
    days_late: int = 0
    days_left: int = 0
    record: ActivityRecord | None = None
    now: PlannedDay | None = None

    @property
    def which(self) -> Which:
        return Which(self.activity.code, self.timepoint.code, self.cycle)

    @property
    def title(self) -> str:
        """'Tumor biopsy: before the lead-in', 'Visit on day 8, cycle 3'."""
        when = self.timepoint.title
        title = when if self.activity.kind is ActivityKind.VISIT else f"{self.activity.title}: {_lower(when)}"
        return f"{title}, cycle {self.cycle}" if self.cycle is not None else title

    def in_window(self, day: dt.date) -> bool:
        return self.window_from <= day <= self.window_to

    @property
    def outside_now(self) -> PlannedDay | None:
        """The window of now, where it was done within its window of then and the plan has moved away from it since."""
        if self.record is None or self.record.done_on is None or self.now is None or self.record.out_of_window_reason:
            return None
        return None if self.now.window_from <= self.record.done_on <= self.now.window_to else self.now


def due_activities(
    patient: Patient, cycles: Sequence[Cycle], done: Iterable[ActivityRecord], today: dt.date
) -> list[DueActivity]:
    """The activities of a registered patient's part, in order of their days; none before registration.

    Of those that come back every cycle: of the cycles that have started and of the next one. What was planned after
    treatment ended is dropped. A cycle start that is recorded or corrected moves every activity that hangs on it, until
    something is recorded about the activity.
    """
    if patient.version is None or patient.part is None:
        return []
    recorded = {Which(r.activity, r.timepoint, r.cycle): r for r in done}
    found = [_recorded(record, patient, cycles) for record in recorded.values()]
    for which, (what, day) in _plan(patient, cycles).items():
        if which not in recorded and not schedule.is_dropped(patient, day.on):
            firm = _anchor_has_happened(what[1], what[2], patient, cycles)
            found.append(_planned(*what, replace(day, firm=firm), today))
    return sorted(found, key=lambda due: due.planned_on)


def _plan(patient: Patient, cycles: Sequence[Cycle]) -> dict[Which, tuple[Scheduled, PlannedDay]]:
    """Everything planned, done or not, by the versions that the patient follows."""

    def plan(protocol: Protocol) -> Iterator[tuple[Which, Scheduled, PlannedDay | None]]:
        for activity in protocol.recorded_activities:
            for timepoint, cycle in _times(activity, patient, cycles):
                day = schedule.timepoint_day(timepoint, patient, cycles, cycle=cycle)
                yield Which(activity.code, timepoint.code, cycle), (activity, timepoint, cycle), day

    return schedule.planned_under(patient, plan)


def together(due: Iterable[DueActivity]) -> list[list[DueActivity]]:
    """Those that are open on one day with the same window, such as a visit and what is done at it: side by side."""
    groups: dict[tuple[object, ...], list[DueActivity]] = {}
    for one in due:
        same = (one.planned_on, one.window_from, one.window_to) if one.state.is_open else one.which
        groups.setdefault((same, one.state), []).append(one)
    return list(groups.values())


def title_together(group: Sequence[DueActivity]) -> str:
    """'Visit on day 8, cycle 1, with safety assessment'; the whole title where it stands alone."""
    first, *others = group
    if not others:
        return first.title
    return f"{first.title}, with {_listed([_lower(one.activity.title) for one in others])}"


def anchor_started_on(due: DueActivity, patient: Patient, cycles: Sequence[Cycle]) -> dt.date | None:
    """The actual start of the cycle on which it hangs; None where that has not started or it hangs on none."""
    if due.timepoint.anchor in schedule.WITHOUT_A_CYCLE:
        return None
    protocol = schedule.registered_under(patient)
    cycle = schedule.cycle_numbered(cycles, schedule.anchor_number(due.timepoint, protocol, due.cycle))
    return cycle.started_on if cycle else None


def _anchor_has_happened(timepoint: Timepoint, cycle: int | None, patient: Patient, cycles: Sequence[Cycle]) -> bool:
    """Then its day is firm; until then it is planned from the expected day of the anchor, and moves with it."""
    if timepoint.anchor in schedule.WITHOUT_A_CYCLE:
        return True
    number = schedule.anchor_number(timepoint, schedule.registered_under(patient), cycle)
    return schedule.cycle_numbered(cycles, number) is not None


def _times(activity: Activity, patient: Patient, cycles: Sequence[Cycle]) -> Iterator[tuple[Timepoint, int | None]]:
    numbers = [cycle.number for cycle in cycles if cycle.number > 0]
    numbers.append(max(1, schedule.next_number(patient, cycles)))
    for timepoint in activity.timepoints:
        if timepoint.comes_back:
            yield from ((timepoint, number) for number in numbers)
        else:
            yield timepoint, None


def _recorded(record: ActivityRecord, patient: Patient, cycles: Sequence[Cycle]) -> DueActivity:
    """As the version of its planned day has it: an amendment after that moves no window of it."""

    def find(protocol: Protocol) -> tuple[Activity, Timepoint] | None:
        activities = (a for a in protocol.recorded_activities if a.code == record.activity)
        pairs = ((a, t) for a in activities for t in a.timepoints if t.code == record.timepoint)
        return next(pairs, None)

    said = schedule.found_on(patient, record.planned_on, find)
    assert said is not None  # nothing else is ever recorded
    activity, timepoint = said
    cycle = record.cycle
    now = schedule.timepoint_day(timepoint, patient, cycles, cycle=cycle)
    return DueActivity(
        activity=activity,
        timepoint=timepoint,
        cycle=cycle,
        planned_on=record.planned_on,
        window_from=record.window_from,
        window_to=record.window_to,
        firm=True,
        state=ActivityState(record.outcome),
        record=record,
        now=now,
    )


def _planned(
    activity: Activity, timepoint: Timepoint, cycle: int | None, day: PlannedDay, today: dt.date
) -> DueActivity:
    return DueActivity(
        activity=activity,
        timepoint=timepoint,
        cycle=cycle,
        planned_on=day.on,
        window_from=day.window_from,
        window_to=day.window_to,
        firm=day.firm,
        state=_state_on(today, day),
        days_late=max(0, (today - day.window_to).days),
        days_left=max(0, (day.window_to - today).days),
        now=day,
    )


def _state_on(today: dt.date, day: PlannedDay) -> ActivityState:
    if today < day.window_from:
        return ActivityState.UPCOMING
    return ActivityState.DUE if today <= day.window_to else ActivityState.OVERDUE


def _lower(text: str) -> str:
    return text[:1].lower() + text[1:]


def _listed(words: Sequence[str]) -> str:
    return " and ".join([", ".join(words[:-1]), words[-1]]) if len(words) > 1 else "".join(words)
