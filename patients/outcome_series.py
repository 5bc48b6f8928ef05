"""The outcome measures of one patient over time, for the plots on the patient's page."""

import datetime as dt
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal

from patients import schedule
from patients.models import Cycle, OutcomeValue, Patient
from patients.schedule import PlannedDay
from trials.protocol import OutcomeMeasure, Protocol, Timepoint

Measured = tuple[OutcomeMeasure, Timepoint]


@dataclass(frozen=True)
class OutcomePoint:
    """One value. `day`: days since the first day of cycle 1 (before it: negative; None before treatment)."""

    timepoint: str
    title: str
    measured_on: dt.date
    day: int | None
    value: Decimal
    record: OutcomeValue


@dataclass(frozen=True)
class OutcomeSeries:
    """A measure with its values in the order of time; no value: an empty series."""

    measure: OutcomeMeasure
    points: tuple[OutcomePoint, ...]


def outcome_plan(patient: Patient, cycles: Sequence[Cycle]) -> dict[tuple[str, str], tuple[Measured, PlannedDay]]:
    """When which measure is planned, by the codes of measure and time point, by the versions that the patient follows.

    Those that come back with every cycle are not among them.
    """

    def plan(protocol: Protocol) -> Iterator[tuple[tuple[str, str], Measured, PlannedDay | None]]:
        for measure, timepoint in _all_of(protocol):
            if not timepoint.comes_back:
                day = schedule.timepoint_day(timepoint, patient, cycles)
                yield (measure.code, timepoint.code), (measure, timepoint), day

    return schedule.planned_under(patient, plan)


def outcome_timepoints(patient: Patient, cycles: Sequence[Cycle], today: dt.date) -> list[Measured]:
    """What can be entered: all of the protocol of today, and what an older one had planned before it was followed."""
    found = {(m.code, t.code): (m, t) for m, t in _all_of(schedule.protocol_on(patient, today))}
    planned = {key: what for key, (what, day) in outcome_plan(patient, cycles).items() if day.on <= today}
    return list((found | planned).values())


def measure_on(patient: Patient, code: str, day: dt.date) -> OutcomeMeasure | None:
    """A measure as it was defined on a day; None where no version has it."""
    return schedule.found_on(patient, day, lambda p: next((m for m in p.outcome_measures if m.code == code), None))


def outcome_series(patient: Patient, today: dt.date) -> list[OutcomeSeries]:
    """Every outcome measure of the patient's protocol of today, and older ones that were measured, with their values.

    The patient comes `with_plan()`; one query.
    """
    cycles = list(patient.cycles.all())
    first = cycles[0].started_on if cycles else None
    values = list(patient.outcomes.all())
    measures = {m.code: m for m in schedule.protocol_on(patient, today).outcome_measures}
    for value in values:
        known = measures.get(value.measure) or measure_on(patient, value.measure, value.measured_on)
        assert known is not None  # nothing else is ever measured
        measures.setdefault(known.code, known)
    return [
        OutcomeSeries(m, tuple(_point(patient, value, first) for value in values if value.measure == m.code))
        for m in measures.values()
    ]


def _all_of(protocol: Protocol) -> Iterator[Measured]:
    return ((measure, timepoint) for measure in protocol.outcome_measures for timepoint in measure.timepoints)


def _point(patient: Patient, value: OutcomeValue, first: dt.date | None) -> OutcomePoint:
    def find(protocol: Protocol) -> str | None:
        this = (value.measure, value.timepoint)
        return next((t.title for m, t in _all_of(protocol) if (m.code, t.code) == this), None)

    title = schedule.found_on(patient, value.measured_on, find) or value.timepoint
    day = (value.measured_on - first).days if first else None
    return OutcomePoint(value.timepoint, title, value.measured_on, day, value.value, value)
