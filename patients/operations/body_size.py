"""Height and weight, from which doses are computed."""

import datetime as dt
from decimal import Decimal

from accounts.models import User
from audit.context import operation
from patients.models import Administration, BodyMeasurement, Patient
from patients.models.doses import BODY_MASS_INDEX, HEIGHT_CM, WEIGHT_KG
from patients.operations.checks import alive_on, lock_patient, not_in_future, reason_given
from patients.schedule import versions_of
from trials.days import day_words
from trials.errors import Refused
from trials.permissions import Permission

TENTH = Decimal("0.1")


@operation
def record_measurement(
    *, patient: Patient, measured_on: dt.date, height_cm: Decimal, weight_kg: Decimal, by: User, at: dt.datetime
) -> BodyMeasurement:
    """Record height and weight of a day. Doses given already stay as they were computed.

    Raises Refused: not-by-body-size, in-the-future, before-screening, patient-died, already-measured,
    value-out-of-range, height-and-weight-do-not-fit.
    """
    patient = lock_patient(patient, Permission.RECORD_CLINICAL, by)
    measurable(patient)
    _on_a_day(patient, measured_on, at)
    _plausible(height_cm, weight_kg)
    if BodyMeasurement.objects.filter(patient=patient, measured_on=measured_on).exists():
        raise _measured_already(measured_on)
    return BodyMeasurement.objects.create(
        patient=patient,
        study=patient.study,
        measured_on=measured_on,
        height_cm=height_cm,
        weight_kg=weight_kg,
        recorded_at=at,
        recorded_by=by,
    )


@operation
def correct_measurement(
    *,
    measurement: BodyMeasurement,
    measured_on: dt.date,
    height_cm: Decimal,
    weight_kg: Decimal,
    reason: str,
    by: User,
    at: dt.datetime,
) -> BodyMeasurement:
    """Correct a measurement. The old one stays readable, and so does every dose that was computed with it.

    Raises Refused: reason-needed, nothing-changed, dose-given-before, and what `record_measurement` raises.
    """
    patient = lock_patient(measurement.patient, Permission.RECORD_CLINICAL, by)
    reason_given(reason)
    stored = BodyMeasurement.objects.get(pk=measurement.pk)
    _on_a_day(patient, measured_on, at)
    _plausible(height_cm, weight_kg)
    if (stored.measured_on, stored.height_cm, stored.weight_kg) == (measured_on, height_cm, weight_kg):
        raise Refused("nothing-changed", "This is what is recorded already.", field="weight_kg")
    others = BodyMeasurement.objects.filter(patient=patient, measured_on=measured_on).exclude(pk=stored.pk)
    if others.exists():
        raise _measured_already(measured_on)
    _not_after_its_doses(stored, measured_on)
    stored.measured_on, stored.height_cm, stored.weight_kg = measured_on, height_cm, weight_kg
    stored.recorded_at, stored.recorded_by = at, by
    stored.save(update_fields=["measured_on", "height_cm", "weight_kg", "recorded_at", "recorded_by"])
    return stored


def measurable(patient: Patient) -> None:
    """Refuse to ask for height and weight where no dose follows from them."""
    if not any(version.protocol.by_body_size for _, version in versions_of(patient)):
        raise Refused(
            "not-by-body-size", "Nothing is dosed by body size in this study, so height and weight are not recorded."
        )


def _on_a_day(patient: Patient, measured_on: dt.date, at: dt.datetime) -> None:
    not_in_future(measured_on, patient, at, "measured_on")
    alive_on(patient, measured_on)
    if measured_on < patient.screened_on:
        raise Refused(
            "before-screening",
            f"{patient.code} was screened on {day_words(patient.screened_on)}; give that day or a later one.",
            field="measured_on",
        )


def _plausible(height_cm: Decimal, weight_kg: Decimal) -> None:
    _within("Height", "height_cm", height_cm, HEIGHT_CM, "cm")
    _within("Weight", "weight_kg", weight_kg, WEIGHT_KG, "kg")
    mass_index = weight_kg * 10_000 / (height_cm * height_cm)
    low, high = BODY_MASS_INDEX
    if not low <= mass_index <= high:
        raise Refused(
            "height-and-weight-do-not-fit",
            f"{height_cm} cm and {weight_kg} kg do not go together. Look whether they stand the right way round, and "
            "at the decimal points.",
            field="weight_kg",
        )


def _within(what: str, field: str, value: Decimal, limits: tuple[int, int], unit: str) -> None:
    low, high = limits
    if not low <= value <= high:
        sentence = f"{value} {unit} is not possible. {what} is from {low} to {high} {unit}."
        raise Refused("value-out-of-range", sentence, field=field)
    if value != value.quantize(TENTH):
        raise Refused("value-out-of-range", f"{what} is given to one decimal, in {unit}.", field=field)


def _measured_already(day: dt.date) -> Refused:
    return Refused(
        "already-measured",
        f"Height and weight of {day_words(day)} are recorded. Correct them instead.",
        field="measured_on",
    )


def _not_after_its_doses(measurement: BodyMeasurement, measured_on: dt.date) -> None:
    first = Administration.objects.filter(measurement=measurement).order_by("given_on").first()
    if first is not None and first.given_on is not None and first.given_on < measured_on:
        raise Refused(
            "dose-given-before",
            f"A dose given on {day_words(first.given_on)} was computed with it; give a day up to then.",
            field="measured_on",
        )
