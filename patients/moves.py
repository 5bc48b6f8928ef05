"""What will move when a cycle starts on another day than planned: shown before it is saved."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

from patients import schedule
from patients.models import Cycle, Patient
from patients.schedule import PlannedDay
from trials.protocol import Timepoint


@dataclass(frozen=True)
class Move:
    """One thing of the plan with the day it had and the day it gets; None where there is none."""

    what: str
    from_day: dt.date | None
    to_day: dt.date | None

    @property
    def days(self) -> int:
        """How many days later (negative: earlier); 0 where one of the days is missing."""
        return (self.to_day - self.from_day).days if self.from_day and self.to_day else 0


def preview_cycle_start(patient: Patient, cycles: Sequence[Cycle], number: int, started_on: dt.date) -> list[Move]:
    """Everything whose planned day changes when cycle `number` starts (or is corrected to) this day.

    Later cycles move by the same days; the next one is named for all of them. Samples already collected
    stay as they are. Nothing is saved.
    """
    then = _with_start(patient, cycles, number, started_on)
    before, after = _plan(patient, cycles, number), _plan(patient, then, number)
    moves = [Move(what, before.get(what), after.get(what)) for what in dict.fromkeys([*before, *after])]
    return [move for move in moves if move.from_day != move.to_day]


def _with_start(patient: Patient, cycles: Sequence[Cycle], number: int, started_on: dt.date) -> list[Cycle]:
    """The cycles as they would be; copies, so that nothing loaded is touched."""
    supposed = Cycle(patient=patient, number=number, started_on=started_on)
    return [supposed if cycle.number == number else cycle for cycle in cycles] + (
        [] if schedule.cycle_numbered(cycles, number) else [supposed]
    )


def _plan(patient: Patient, cycles: Sequence[Cycle], number: int) -> dict[str, dt.date]:
    """What is planned from cycle `number` on, by its name."""
    plan: dict[str, dt.date | None] = {}
    window = _planned_window(patient, cycles)
    if window:
        plan["DLT window, first day"], plan["DLT window, last day"] = window
    following = schedule.start_of_cycle(patient, cycles, number + 1)
    plan[f"Cycle {number + 1} and those after it"] = following[0] if following else None
    for name, timepoint in _timepoints(patient):
        day = _day(timepoint, patient, cycles)
        plan[name] = day.on if day else None
    plan["Continuation review"] = schedule.continuation_review_day(patient, cycles)
    return {what: day for what, day in plan.items() if day is not None}


def _planned_window(patient: Patient, cycles: Sequence[Cycle]) -> tuple[dt.date, dt.date] | None:
    """The DLT window, expected where its cycle has not started."""
    window = schedule.protocol_of(patient).dlt.window
    start = schedule.start_of_cycle(patient, cycles, window.cycle)
    if start is None:
        return None
    return start[0] + dt.timedelta(days=window.from_day - 1), start[0] + dt.timedelta(days=window.to_day - 1)


def _timepoints(patient: Patient) -> list[tuple[str, Timepoint]]:
    """Activities, samples and outcome measures that come once; those due together have one name: 'After cycle 3: …'."""
    protocol = schedule.protocol_of(patient)
    found: dict[tuple[object, ...], tuple[Timepoint, list[str]]] = {}
    for kind, timepoints in (
        *((activity.title.lower(), activity.timepoints) for activity in protocol.recorded_activities),
        ("samples", protocol.samples.timepoints if protocol.samples else ()),
        ("outcome measures", [t for m in protocol.outcome_measures for t in m.timepoints]),
    ):
        for timepoint in timepoints:
            if timepoint.comes_back:
                continue
            same = (timepoint.title, timepoint.anchor, timepoint.cycle, timepoint.day)
            _, kinds = found.setdefault(same, (timepoint, []))
            if kind not in kinds:
                kinds.append(kind)
    return [(f"{timepoint.title}: {', '.join(kinds)}", timepoint) for timepoint, kinds in found.values()]


def _day(timepoint: Timepoint, patient: Patient, cycles: Sequence[Cycle]) -> PlannedDay | None:
    return schedule.timepoint_day(timepoint, patient, cycles)
