"""The outcome measures of one patient over time, for the plots on the patient's page."""

import datetime as dt
from dataclasses import dataclass
from decimal import Decimal

from patients import schedule
from patients.models import OutcomeValue, Patient
from trials.protocol import OutcomeMeasure


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


def outcome_series(patient: Patient) -> list[OutcomeSeries]:
    """Every outcome measure of the patient's protocol with its values. The patient comes `with_plan()`; one query."""
    cycles = list(patient.cycles.all())
    first = cycles[0].started_on if cycles else None
    values = list(patient.outcomes.all())
    return [
        OutcomeSeries(m, tuple(_point(m, value, first) for value in values if value.measure == m.code))
        for m in schedule.protocol_of(patient).outcome_measures
    ]


def _point(measure: OutcomeMeasure, value: OutcomeValue, first: dt.date | None) -> OutcomePoint:
    title = next((t.title for t in measure.timepoints if t.code == value.timepoint), value.timepoint)
    day = (value.measured_on - first).days if first else None
    return OutcomePoint(value.timepoint, title, value.measured_on, day, value.value, value)
