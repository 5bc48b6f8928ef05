"""When the time points of a protocol are due for a patient: by what has happened, else by what is expected."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence

from patients.models import Cycle, Patient
from patients.schedule.cycles import cycle_numbered, planned_cycles, start_of_cycle
from patients.schedule.ending import treatment_ended_on
from patients.schedule.planned import ONE_DAY, Occurrence, PlannedDay, around
from patients.schedule.versions import planned_under, protocol_on, registered_under
from trials.clock import day_of
from trials.protocol import AnchorKind, Protocol, Timepoint

# What hangs on no cycle.
WITHOUT_A_CYCLE = (AnchorKind.REGISTRATION, AnchorKind.END_OF_TREATMENT)


def timepoint_day(
    timepoint: Timepoint, patient: Patient, cycles: Sequence[Cycle], cycle: int | None = None
) -> PlannedDay | None:
    """When a time point is due; None where it is not due at all: another part, after the end, no such cycle.

    cycle: which cycle, for a time point that comes back with every cycle. A cycle's end is its last planned
    day, counted from its own start: a delay of the next cycle does not move it. A day that lies before its anchor is
    not firm until the anchor has happened: it is planned from the expected day, and moves with it.
    """
    if patient.part is None or patient.part.kind not in timepoint.parts:
        return None
    if timepoint.anchor is AnchorKind.END_OF_TREATMENT:
        return _at_the_end(timepoint, patient)
    if timepoint.anchor is AnchorKind.REGISTRATION:
        return _at_registration(timepoint, patient)
    number = anchor_number(timepoint, registered_under(patient), cycle)
    start = start_of_cycle(patient, cycles, number)
    if start is None:
        return None
    on, firm = start
    after = days_after_start(timepoint, protocol_on(patient, on))
    if after < 0:
        firm = cycle_numbered(cycles, number) is not None
    on += after * ONE_DAY
    ended_on = treatment_ended_on(patient)
    if ended_on is not None and on > ended_on:
        return None
    return around(on, timepoint.window, firm)


def anchor_number(timepoint: Timepoint, protocol: Protocol, cycle: int | None = None) -> int:
    """The cycle on which a time point hangs, 0 for the lead-in; not for registration and the end of treatment."""
    match timepoint.anchor:
        case AnchorKind.PRE_TREATMENT:
            return protocol.first_cycle
        case AnchorKind.LEAD_IN_START | AnchorKind.LEAD_IN_DAY:
            return 0
    number = timepoint.cycle or cycle
    if number is None:
        raise ValueError(f"time point {timepoint.code} comes back every cycle: say which cycle")
    return number


def days_after_start(timepoint: Timepoint, protocol: Protocol) -> int:
    """How many days after the start of its cycle a time point is planned; negative: before it.

    There is no day 0: day 1 is the start, day -1 the day before it. In the lead-in day -length_days is the start.
    """
    if timepoint.anchor is AnchorKind.CYCLE_END:
        return protocol.cycle.length_days - 1
    if timepoint.day is None:
        return 0
    if timepoint.anchor is AnchorKind.LEAD_IN_DAY:
        return timepoint.day + protocol.cycle_length(0)
    return timepoint.day - 1 if timepoint.day > 0 else timepoint.day


def lies_before_its_anchor(timepoint: Timepoint, protocol: Protocol) -> bool:
    """Whether it belongs before the start of what it hangs on: before treatment, before the combination."""
    if timepoint.anchor is AnchorKind.PRE_TREATMENT:
        return True
    return timepoint.day is not None and days_after_start(timepoint, protocol) < 0


def _at_registration(timepoint: Timepoint, patient: Patient) -> PlannedDay | None:
    if patient.registered_at is None:
        return None
    return around(day_of(patient.registered_at, patient.site.time_zone), timepoint.window, firm=True)


def _at_the_end(timepoint: Timepoint, patient: Patient) -> PlannedDay | None:
    """Planned only once treatment has ended: nobody expects the day before."""
    ended_on = treatment_ended_on(patient)
    return around(ended_on, timepoint.window, firm=True) if ended_on is not None else None


def occurrences(timepoint: Timepoint, patient: Patient, cycles: Sequence[Cycle], today: dt.date) -> list[Occurrence]:
    """Every time at which a time point would be due, were it in force: once, or with each started and planned cycle."""
    if not timepoint.comes_back:
        day = timepoint_day(timepoint, patient, cycles)
        return [Occurrence(timepoint.code, timepoint.title, timepoint.cycle, day, timepoint)] if day else []
    numbers = [c.number for c in cycles] + [c.number for c in planned_cycles(patient, cycles, today)]
    days = (
        (number, timepoint_day(timepoint, patient, cycles, cycle=number)) for number in numbers if number > 0
    )  # the lead-in has time points of its own
    return [
        Occurrence(f"{timepoint.code}-{number}", f"{timepoint.title}, cycle {number}", number, day, timepoint)
        for number, day in days
        if day
    ]


def visits(patient: Patient, cycles: Sequence[Cycle], today: dt.date) -> list[Occurrence]:
    """The treatment visits of the protocol, by day."""

    def plan(protocol: Protocol) -> Iterator[tuple[str, Occurrence, PlannedDay]]:
        found = (o for t in protocol.visits for o in occurrences(t, patient, cycles, today))
        return ((occurrence.code, occurrence, occurrence.day) for occurrence in found)

    found = [occurrence for occurrence, _ in planned_under(patient, plan).values()]
    return sorted(found, key=lambda visit: visit.day.on)
