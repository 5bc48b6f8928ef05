"""What will move when a cycle starts on another day than planned: shown before it is saved."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from patients import schedule
from patients.models import Cycle, Patient
from patients.schedule import PlannedDay
from trials.protocol import Protocol, Timepoint

# What a planned thing is called, with its time point; and the codes by which versions know it again.
Kind = tuple[str, Timepoint]
Codes = tuple[str, ...]


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
    plan |= _timepoints(patient, cycles)
    plan["Continuation review"] = schedule.continuation_review_day(patient, cycles)
    return {what: day for what, day in plan.items() if day is not None}


def _planned_window(patient: Patient, cycles: Sequence[Cycle]) -> tuple[dt.date, dt.date] | None:
    """The DLT window, expected where its cycle has not started."""
    window = schedule.dlt_protocol(patient, cycles).dlt.window
    start = schedule.start_of_cycle(patient, cycles, window.cycle)
    if start is None:
        return None
    return start[0] + dt.timedelta(days=window.from_day - 1), start[0] + dt.timedelta(days=window.to_day - 1)


def _timepoints(patient: Patient, cycles: Sequence[Cycle]) -> dict[str, dt.date]:
    """Activities, samples and outcome measures that come once; those due together have one name: 'After cycle 3: …'."""
    found: dict[tuple[object, ...], tuple[str, dt.date, list[str]]] = {}
    for (kind, timepoint), day in planned_once(patient, cycles).values():
        same = (timepoint.title, timepoint.anchor, timepoint.cycle, timepoint.day)
        _, _, kinds = found.setdefault(same, (timepoint.title, day.on, []))
        if kind not in kinds:
            kinds.append(kind)
    return {f"{title}: {', '.join(kinds)}": on for title, on, kinds in found.values()}


def planned_once(patient: Patient, cycles: Sequence[Cycle]) -> dict[Codes, tuple[Kind, PlannedDay]]:
    """What the patient's versions plan once, done or not: what it is ('samples') with its time point, and its day."""

    def plan(protocol: Protocol) -> Iterator[tuple[Codes, Kind, PlannedDay | None]]:
        for codes, what, timepoint in _once(protocol):
            yield (*codes, timepoint.code), (what, timepoint), schedule.timepoint_day(timepoint, patient, cycles)

    return schedule.planned_under(patient, plan)


def _once(protocol: Protocol) -> Iterator[tuple[Codes, str, Timepoint]]:
    every: list[tuple[Codes, str, Timepoint]] = [
        *((("activity", a.code), a.title.lower(), t) for a in protocol.recorded_activities for t in a.timepoints),
        *((("sample",), "samples", t) for t in (protocol.samples.timepoints if protocol.samples else ())),
        *((("outcome", m.code), "outcome measures", t) for m in protocol.outcome_measures for t in m.timepoints),
    ]
    return (one for one in every if not one[2].comes_back)
