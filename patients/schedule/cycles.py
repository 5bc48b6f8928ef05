"""Cycles, the lead-in among them as number 0: which doses, when they start, and the DLT window that hangs on one."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

from patients.models import Cycle, Patient
from patients.regimen import dose_dates, doses_of_cycle
from patients.schedule.ending import goes_on_to, horizon_of, treatment_ended_on
from patients.schedule.planned import ONE_DAY, PlannedCycle
from patients.schedule.versions import protocol_on, registered_under
from trials.protocol import Protocol


def start_rung(patient: Patient) -> int:
    """The rung of the reduction ladder on which the patient's assigned dose level stands."""
    if patient.assigned_level is None:
        raise ValueError(f"{patient.code} is not registered and has no dose level")
    return registered_under(patient).rung_of_level(patient.assigned_level.ordinal)


def rung_on(patient: Patient, day: dt.date) -> int:
    """The rung in force on a day: the start rung and every reduction that has taken effect by then."""
    steps = [r.to_rung for r in patient.reductions.all() if r.effective_on <= day]
    return max([start_rung(patient), *steps])


def lowest_rung_so_far(patient: Patient) -> int:
    """The rung after all reductions that are recorded, those yet to take effect included."""
    return max([start_rung(patient), *(r.to_rung for r in patient.reductions.all())])


def planned_dose_days(patient: Patient, cycle: Cycle, agent: str) -> tuple[dt.date, ...]:
    """The days on which an agent is planned in a started cycle; () where the cycle does not have it."""
    doses = protocol_on(patient, cycle.started_on).cycle_doses(cycle.number, cycle.rung)
    return next((dose_dates(dose, cycle.started_on) for dose in doses if dose.agent == agent), ())


def next_cycle(patient: Patient, cycles: Sequence[Cycle]) -> PlannedCycle | None:
    """The cycle to start next; None before registration, after the end and until a review that is due."""
    due_on = _next_due_on(patient, cycles)
    if due_on is None or not goes_on_to(patient, cycles, due_on):
        return None
    return _planned(patient, next_number(patient, cycles), due_on, firm=True)


def planned_cycles(
    patient: Patient, cycles: Sequence[Cycle], today: dt.date, until: dt.date | None = None
) -> list[PlannedCycle]:
    """The cycles to come: until the continuation review, or, once that was positive, for a year from today.

    until: plan no cycle that starts after this day.
    """
    first = next_cycle(patient, cycles)
    if first is None:
        return []
    horizon = until or horizon_of(patient, cycles, max(today, first.due_on))
    planned = [first]
    due_on = _end_of(patient, first.number, first.due_on)
    while due_on <= horizon and goes_on_to(patient, cycles, due_on):
        planned.append(_planned(patient, planned[-1].number + 1, due_on, firm=False))
        due_on = _end_of(patient, planned[-1].number, due_on)
    return [cycle for cycle in planned if cycle.due_on <= horizon]


def cycle_end(patient: Patient, cycle: Cycle) -> dt.date:
    """The planned last day of a started cycle."""
    return _end_of(patient, cycle.number, cycle.started_on) - ONE_DAY


def place_in_cycle(cycles: Sequence[Cycle], day: dt.date) -> tuple[Cycle, int] | None:
    """The started cycle that a day falls into and its day there, from 1; None before treatment."""
    begun = [cycle for cycle in cycles if cycle.started_on <= day]
    return (begun[-1], (day - begun[-1].started_on).days + 1) if begun else None


def cycle_numbered(cycles: Sequence[Cycle], number: int) -> Cycle | None:
    """The started cycle with this number, 0 for the lead-in; None where it has not started."""
    return next((cycle for cycle in cycles if cycle.number == number), None)


def first_cycle(patient: Patient) -> int:
    """The number of the cycle with which treatment starts: 0 where there is a lead-in, which no amendment changes."""
    return registered_under(patient).first_cycle


def next_number(patient: Patient, cycles: Sequence[Cycle]) -> int:
    """The number of the cycle that starts next: treatment begins with the lead-in where there is one."""
    return cycles[-1].number + 1 if cycles else first_cycle(patient)


def start_of_cycle(patient: Patient, cycles: Sequence[Cycle], number: int) -> tuple[dt.date, bool] | None:
    """When a cycle starts, and whether that is firm: actual where it has started, else as planned."""
    started = cycle_numbered(cycles, number)
    if started is not None:
        return started.started_on, True
    due_on, following = _next_due_on(patient, cycles), next_number(patient, cycles)
    if due_on is None or number < following:
        return None
    for n in range(following, number):
        due_on = _end_of(patient, n, due_on)
    return (due_on, number == following) if goes_on_to(patient, cycles, due_on) else None


def _end_of(patient: Patient, number: int, starts_on: dt.date) -> dt.date:
    """The day after the last day of a cycle: its length is that of the day on which it starts."""
    return starts_on + protocol_on(patient, starts_on).cycle_length(number) * ONE_DAY


# --- the DLT window ---


def dlt_protocol(patient: Patient, cycles: Sequence[Cycle]) -> Protocol:
    """The protocol whose DLT rules, window and minimum exposure hold: that of the day the window's cycle started.

    Until it has, of the day on which it is expected. Which cycle that is, no amendment changes.
    """
    first = registered_under(patient)
    start = start_of_cycle(patient, cycles, first.dlt.window.cycle)
    return protocol_on(patient, start[0]) if start else first


def dlt_window(patient: Patient, cycles: Sequence[Cycle]) -> tuple[dt.date, dt.date] | None:
    """First and last day on which a toxicity counts as dose limiting; None until its cycle has started."""
    window = dlt_protocol(patient, cycles).dlt.window
    cycle = cycle_numbered(cycles, window.cycle)
    if cycle is None:
        return None
    return cycle.started_on + (window.from_day - 1) * ONE_DAY, cycle.started_on + (window.to_day - 1) * ONE_DAY


def _next_due_on(patient: Patient, cycles: Sequence[Cycle]) -> dt.date | None:
    """By the last cycle's actual start, the first day of a re-treatment, or as agreed at registration."""
    if patient.registered_at is None or treatment_ended_on(patient) is not None:
        return None
    if not cycles:
        return patient.planned_start
    resumed = max((d.retreated_on for d in patient.discontinuations.all() if d.retreated_on), default=None)
    if resumed is not None and resumed > cycles[-1].started_on:
        return resumed
    return _end_of(patient, cycles[-1].number, cycles[-1].started_on)


def _planned(patient: Patient, number: int, due_on: dt.date, *, firm: bool) -> PlannedCycle:
    protocol, rung = protocol_on(patient, due_on), rung_on(patient, due_on)
    return PlannedCycle(
        number=number,
        due_on=due_on,
        earliest_on=due_on - protocol.cycle_start_window(number).before * ONE_DAY,
        latest_on=due_on + protocol.delay.limit_days * ONE_DAY,
        firm=firm,
        rung=rung,
        label=protocol.reductions.ladder[rung].label,
        doses=doses_of_cycle(protocol, number, rung, due_on),
    )
