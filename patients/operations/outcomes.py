"""Values of the protocol's outcome measures."""

import datetime as dt
from decimal import Decimal

from accounts.models import User
from audit.context import operation
from patients.models import OutcomeValue, Patient
from patients.operations.checks import lock_patient, not_in_future, reason_given
from patients.outcome_series import measure_on
from patients.schedule import found_on
from trials.days import day_words
from trials.errors import Refused
from trials.permissions import Permission
from trials.protocol import OutcomeMeasure, Protocol, Timepoint


@operation
def record_outcome(
    *,
    patient: Patient,
    measure: str,
    timepoint: str,
    measured_on: dt.date,
    value: Decimal,
    by: User,
    at: dt.datetime,
) -> OutcomeValue:
    """Record a measure's value, in its unit, at one of its time points. Codes are the protocol's."""
    patient = lock_patient(patient, Permission.RECORD_CLINICAL, by)
    return _record(patient, timepoint, measured_on, {measure: value}, by, at)[0]


@operation
def record_outcomes(
    *, patient: Patient, timepoint: str, measured_on: dt.date, values: dict[str, Decimal], by: User, at: dt.datetime
) -> list[OutcomeValue]:
    """Record the values of one visit, all or none. values: measure code → value."""
    if not values:
        raise Refused("no-value", "Enter at least one value.")
    patient = lock_patient(patient, Permission.RECORD_CLINICAL, by)
    return _record(patient, timepoint, measured_on, values, by, at)


@operation
def correct_outcome(*, outcome: OutcomeValue, value: Decimal, reason: str, by: User, at: dt.datetime) -> OutcomeValue:
    """Correct a value; the old one stays readable in the history."""
    patient = lock_patient(outcome.patient, Permission.RECORD_CLINICAL, by)
    reason_given(reason)
    outcome = OutcomeValue.objects.get(pk=outcome.pk)
    _within_range(_measure(patient, outcome.measure, outcome.measured_on), value)
    if outcome.value != value:
        outcome.value = value
        outcome.recorded_at, outcome.recorded_by = at, by
        outcome.save()
    return outcome


def _record(
    patient: Patient, timepoint: str, measured_on: dt.date, values: dict[str, Decimal], by: User, at: dt.datetime
) -> list[OutcomeValue]:
    not_in_future(measured_on, patient, at, "measured_on")
    if measured_on < patient.screened_on:
        raise Refused(
            "before-screening",
            f"{patient.code} was screened on {day_words(patient.screened_on)}; give a later day.",
            field="measured_on",
        )
    known = set(OutcomeValue.objects.filter(patient=patient, timepoint=timepoint).values_list("measure", flat=True))
    for code, value in values.items():
        measure = _measure(patient, code, measured_on)
        _at_timepoint(patient, measure, timepoint, measured_on)
        _within_range(measure, value)
        if code in known:
            raise Refused(
                "already-recorded", f"{measure.title} has a value here already. Correct that one instead.", field=code
            )
    return [
        OutcomeValue.objects.create(
            patient=patient,
            study=patient.study,
            measure=code,
            timepoint=timepoint,
            measured_on=measured_on,
            value=value,
            recorded_at=at,
            recorded_by=by,
        )
        for code, value in values.items()
    ]


def _measure(patient: Patient, code: str, day: dt.date) -> OutcomeMeasure:
    found = measure_on(patient, code, day)
    if found is None:
        raise Refused("no-such-measure", "Choose one of the protocol's outcome measures.", field="measure")
    return found


def _at_timepoint(patient: Patient, measure: OutcomeMeasure, code: str, day: dt.date) -> None:
    def find(protocol: Protocol) -> Timepoint | None:
        points = (t for m in protocol.outcome_measures if m.code == measure.code for t in m.timepoints)
        return next((t for t in points if t.code == code and _in_part(patient, t)), None)

    if found_on(patient, day, find) is None:
        raise Refused(
            "no-such-timepoint",
            f"{measure.title} is not measured then. Choose one of its time points.",
            field="timepoint",
        )


def _in_part(patient: Patient, timepoint: Timepoint) -> bool:
    return patient.part is None or patient.part.kind in timepoint.parts


def _within_range(measure: OutcomeMeasure, value: Decimal) -> None:
    low, high = measure.minimum, measure.maximum
    too_low, too_high = low is not None and value < low, high is not None and value > high
    if too_low or too_high:
        allowed = " ".join(
            part
            for part in (
                f"at least {low}" if low is not None else "",
                "and" if low is not None and high is not None else "",
                f"at most {high}" if high is not None else "",
                measure.unit,
            )
            if part
        )
        sentence = f"{value} is not possible; {measure.title} is {allowed}."
        raise Refused("value-out-of-range", sentence, field=measure.code)
