"""Whether height and weight are needed for a dose to come: none are recorded, or they will be out of date by then.

Pure over loaded rows: as `patients.infusions`, with `measurements` prefetched.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from patients import schedule
from patients.body_size import newest, out_of_date
from patients.infusions import planned_infusions
from patients.models import Cycle, Patient
from patients.regimen import dose_dates
from trials.protocol import Protocol

ONE_DAY = dt.timedelta(days=1)


@dataclass(frozen=True)
class DoseByBodySize:
    """A dose that follows from height or weight. on: its planned day, of a course the first one.

    closes: the last day on which it is not late. last: the last day on which it can be given, of a course the last one.
    """

    agent: str
    on: dt.date
    closes: dt.date
    last: dt.date
    protocol: Protocol
    is_course: bool = False


@dataclass(frozen=True)
class Needed:
    """Height and weight for a dose. measured_on: the day of those that will be out of date; None where there are none.

    within: how many days before the dose the protocol wants them; None where it does not say.
    """

    dose: DoseByBodySize
    measured_on: dt.date | None
    within: int | None


def measurement_needed(patient: Patient, cycles: Sequence[Cycle], today: dt.date, until: dt.date) -> Needed | None:
    """For the first dose up to a day that wants a measurement; None where all can be told. until: today or later."""
    rows = list(patient.measurements.all())
    doses = (dose for dose in _doses(patient, cycles, today) if dose.on <= until)
    for dose in sorted(doses, key=lambda dose: dose.on):
        plan, day = dose.protocol.calculation, min(max(dose.on, today), dose.last)
        if plan is None:
            continue
        last = newest(rows, day)
        if last is None:
            return Needed(dose, None, plan.measurement_days)
        # What is past is told with what was measured then; a course with what was measured by its first day.
        ahead = (dose.on if dose.is_course else day) >= today
        if ahead and out_of_date(rows, plan, day):
            return Needed(dose, last.measured_on, plan.measurement_days)
    return None


def _doses(patient: Patient, cycles: Sequence[Cycle], today: dt.date) -> Iterator[DoseByBodySize]:
    """The infusions that are open, the courses that go on, and each agent's first dose of the next cycle."""
    for infusion in planned_infusions(patient, cycles):
        if infusion.open and infusion.dose.by_body_size:
            protocol = schedule.protocol_on(patient, infusion.cycle.started_on)
            window_to = infusion.window_to
            yield DoseByBodySize(infusion.dose.agent, infusion.planned_on, window_to, window_to, protocol)
    for cycle in cycles[-1:] if schedule.treatment_ended_on(patient) is None else ():
        yield from _courses(patient, cycle, today)
    planned = schedule.next_cycle(patient, cycles)
    if planned is None:
        return
    protocol = schedule.protocol_on(patient, planned.due_on)
    late = protocol.cycle_start_window(planned.number).after * ONE_DAY
    for dose in protocol.cycle_doses(planned.number, planned.rung):
        if dose.by_body_size:
            on = dose_dates(dose, planned.due_on)[0]
            last = on + (max(planned.latest_on, today) - planned.due_on)
            yield DoseByBodySize(dose.agent, on, on + late, last, protocol)


def _courses(patient: Patient, cycle: Cycle, today: dt.date) -> Iterator[DoseByBodySize]:
    """What is taken by mouth in a cycle, where some of it is still to be taken."""
    protocol = schedule.protocol_on(patient, cycle.started_on)
    rung = max(cycle.rung, schedule.rung_on(patient, today))
    for dose in protocol.counted_doses(cycle.number, rung):
        days = [day for day in dose_dates(dose, cycle.started_on) if _is_taken(patient, dose.agent, day)]
        if dose.by_body_size and days and days[-1] >= today:
            yield DoseByBodySize(dose.agent, days[0], days[0], days[-1], protocol, is_course=True)


def _is_taken(patient: Patient, agent: str, day: dt.date) -> bool:
    interruptions = (i for i in patient.interruptions.all() if i.agent == agent)
    interrupted = any(i.from_day <= day <= (i.to_day or dt.date.max) for i in interruptions)
    return not interrupted and not schedule.is_dropped(patient, day)
