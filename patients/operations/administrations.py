"""Infusions and injections: each planned one is recorded as given, with how much, or as not given, and why."""

import datetime as dt
from decimal import Decimal

from accounts.models import User
from audit.context import operation
from patients import schedule
from patients.body_size import number
from patients.doses_to_give import DoseToGive
from patients.infusions import PlannedInfusion, planned_infusions, to_give
from patients.models import Administration, Patient
from patients.operations.checks import alive_on, given, lock_patient, not_in_future, reason_given, registered
from patients.operations.safety import stop_at_level_of
from patients.queries import load_doses
from patients.regimen import span_words
from patients.schedule import protocol_on
from trials.days import day_words
from trials.errors import Refused
from trials.permissions import Permission

Outcome = Administration.Outcome
THOUSANDTH = Decimal("0.001")


@operation
def record_administration(
    *,
    patient: Patient,
    agent: str,
    planned_on: dt.date,
    given_on: dt.date,
    given_amount: Decimal,
    by: User,
    at: dt.datetime,
    reason: str = "",
) -> Administration:
    """Record that a planned infusion was given. The dose to give is computed now and kept with its calculation.

    given_amount: in the unit of the dose to give. reason: where it differs by more than the protocol's tolerance, or
    height and weight were out of date. Raises Refused: no-such-infusion, already-recorded, interrupted,
    earlier-infusion-open, treatment-ended, patient-died, in-the-future, outside-window, amount-out-of-range,
    measurement-missing, measurement-out-of-date, deviation-without-reason.
    """
    patient = _locked(patient, by)
    infusion = _to_record(patient, agent, planned_on)
    dose = check_given(patient, infusion, given_on, given_amount, reason, at)
    row = _new(patient, infusion, by, at)
    _give(row, dose, given_on, given_amount, reason)
    row.save(force_insert=True)
    stop_at_level_of(patient, by=by, at=at)  # what was given may decide whether the patient is evaluable
    return row


@operation
def record_not_given(
    *, patient: Patient, agent: str, planned_on: dt.date, reason: str, by: User, at: dt.datetime
) -> Administration:
    """Record that a planned infusion was not given, and why. The next one given is then the first, where none was.

    Raises Refused: no-such-infusion, already-recorded, interrupted, earlier-infusion-open, patient-died,
    in-the-future, reason-needed.
    """
    patient = _locked(patient, by)
    infusion = _to_record(patient, agent, planned_on)
    _planned_by_now(patient, infusion, at)
    row = _new(patient, infusion, by, at)
    _miss(row, reason)
    row.save(force_insert=True)
    stop_at_level_of(patient, by=by, at=at)
    return row


@operation
def correct_administration(
    *,
    administration: Administration,
    given_on: dt.date | None,
    given_amount: Decimal | None,
    why: str,
    reason: str,
    by: User,
    at: dt.datetime,
) -> Administration:
    """Correct what was recorded about an infusion; given_on and given_amount are None where it was not given.

    why: the reason of a deviation, or of not giving it. The dose to give stays as it was computed, unless the day
    changes or the infusion was given after all: it is then computed anew. Raises Refused: reason-needed,
    nothing-changed, later-loading-dose, and what recording raises.
    """
    patient = _locked(administration.patient, by)
    reason_given(reason)
    row = Administration.objects.get(pk=administration.pk)
    infusion = _infusion_of(patient, row)
    before = (row.given_on, row.given_amount, row.reason)
    if before == (given_on, given_amount, why.strip()):
        raise Refused("nothing-changed", "This is what is recorded already.")
    if given_on is None or given_amount is None:
        _planned_by_now(patient, infusion, at)
        _miss(row, why, field="why")
    else:
        kept = row.amount_to_give if row.given_on == given_on else None
        dose = check_given(patient, infusion, given_on, given_amount, why, at, kept, field="why")
        if kept is None:
            _no_other_loading_dose(patient, row, dose)
            _give(row, dose, given_on, given_amount, why)
        else:
            row.given_amount, row.reason = given_amount, why.strip()
    row.recorded_at, row.recorded_by = at, by
    row.save()
    stop_at_level_of(patient, by=by, at=at)
    return row


def check_given(
    patient: Patient,
    infusion: PlannedInfusion,
    given_on: dt.date,
    given_amount: Decimal,
    reason: str,
    at: dt.datetime,
    kept: Decimal | None = None,
    field: str = "reason",
) -> DoseToGive:
    """The dose to give on that day; refused as recording it would be.

    kept: the dose to give that is recorded. field: where the reason stands in the form.
    """
    not_in_future(given_on, patient, at, "given_on")
    ended_on = schedule.treatment_ended_on(patient)
    if ended_on is not None and given_on > ended_on:
        raise Refused(
            "treatment-ended", f"Treatment ended on {day_words(ended_on)}; give a day up to then.", field="given_on"
        )
    alive_on(patient, given_on)
    if not infusion.window_from <= given_on <= infusion.window_to:
        raise Refused(
            "outside-window",
            f"The {infusion.noun} of {day_words(infusion.planned_on)} can be given "
            f"{_window_words(infusion)}. On another day it is recorded as not given.",
            field="given_on",
        )
    if given_amount <= 0 or given_amount >= 10_000_000 or given_amount != given_amount.quantize(THOUSANDTH):
        raise Refused(
            "amount-out-of-range",
            f"Enter what was given in {infusion.dose.amount_unit}, more than 0 and to three decimals at most.",
            field="given_amount",
        )
    dose = to_give(patient, infusion, given_on)
    if dose.amount is None:
        raise Refused("measurement-missing", _missing_words(patient, given_on, dose), field="given_on")
    if not reason.strip():
        tolerance = protocol_on(patient, infusion.cycle.started_on).administrations.tolerance_percent
        _needs_no_reason(tolerance, dose, given_amount, kept, field)
    return dose


def _needs_no_reason(
    tolerance: Decimal, dose: DoseToGive, given_amount: Decimal, kept: Decimal | None, field: str
) -> None:
    """Refuse a deviation by more than the tolerance (in percent), and a dose that is computed now with old
    measurements.
    """
    amount = kept or dose.amount
    assert amount is not None  # refused before
    if abs(given_amount - amount) * 100 > tolerance * amount:
        raise Refused(
            "deviation-without-reason",
            f"{number(given_amount)} {dose.unit} differs by more than {number(tolerance)} % from the dose to give, "
            f"{number(amount)} {dose.unit}. Say why.",
            field=field,
        )
    if kept is None and dose.out_of_date:
        raise Refused("measurement-out-of-date", f"{dose.caution} If it was given with them, say why.", field=field)


def _locked(patient: Patient, by: User) -> Patient:
    patient = lock_patient(patient, Permission.RECORD_CLINICAL, by)
    registered(patient)
    load_doses(patient)
    return patient


def _to_record(patient: Patient, agent: str, planned_on: dt.date) -> PlannedInfusion:
    """The planned infusion of that day, of which nothing is recorded yet and that can be recorded next."""
    planned = [i for i in planned_infusions(patient, list(patient.cycles.all())) if i.dose.agent == agent]
    found = next((i for i in planned if i.planned_on == planned_on), None)
    if found is None:
        raise _not_planned(patient, agent, planned_on)
    if found.recorded is not None:
        raise Refused(
            "already-recorded",
            f"The {found.noun} of {day_words(planned_on)} is recorded. Correct it instead.",
            field="planned_on",
        )
    if found.interrupted:
        raise Refused(
            "interrupted",
            f"An interruption covers {day_words(planned_on)}, so nothing was given. Where it was, end the interruption "
            "before that day first.",
            field="planned_on",
        )
    earlier = next((i for i in planned if i.open and i.planned_on < planned_on), None)
    if earlier is not None:
        raise Refused(
            "earlier-infusion-open",
            f"Record the {earlier.noun} of {day_words(earlier.planned_on)} first, as given or not given: what is given "
            "next depends on it.",
            field="planned_on",
        )
    return found


def _not_planned(patient: Patient, agent: str, planned_on: dt.date) -> Refused:
    ended_on = schedule.treatment_ended_on(patient)
    if ended_on is not None and planned_on > ended_on:
        return Refused(
            "treatment-ended",
            f"Treatment ended on {day_words(ended_on)}; nothing is given after it.",
            field="planned_on",
        )
    name = next((a.name for a in protocol_on(patient, planned_on).agents if a.code == agent), agent)
    return Refused(
        "no-such-infusion",
        f"No infusion or injection of {name} is planned on {day_words(planned_on)} in a cycle that has started. "
        "Choose one of the planned days.",
        field="planned_on",
    )


def _infusion_of(patient: Patient, row: Administration) -> PlannedInfusion:
    planned = planned_infusions(patient, list(patient.cycles.all()))
    return next(i for i in planned if i.recorded is not None and i.recorded.pk == row.pk)


def _planned_by_now(patient: Patient, infusion: PlannedInfusion, at: dt.datetime) -> None:
    not_in_future(infusion.planned_on, patient, at, "planned_on")
    alive_on(patient, infusion.planned_on)


def _missing_words(patient: Patient, given_on: dt.date, dose: DoseToGive) -> str:
    if patient.measurements.all() and dose.measurement is None:
        return (
            f"No height and weight were measured up to {day_words(given_on)}. Record them; the dose follows from them."
        )
    return dose.words


def _no_other_loading_dose(patient: Patient, row: Administration, dose: DoseToGive) -> None:
    """An infusion given after all, before the one that was given as the first: that one has to be put right before."""
    other = next((a for a in patient.administrations.all() if a.is_loading and a.agent == row.agent), None)
    if dose.is_loading and other is not None and other.pk != row.pk and other.given_on is not None:
        raise Refused(
            "later-loading-dose",
            f"The dose of {day_words(other.given_on)} is recorded as the first. Correct that one to not given, then "
            "this one, then that one again: both are then computed anew.",
            field="given_on",
        )


def _new(patient: Patient, infusion: PlannedInfusion, by: User, at: dt.datetime) -> Administration:
    return Administration(
        patient=patient,
        study=patient.study,
        cycle=infusion.cycle,
        agent=infusion.dose.agent,
        day=infusion.day,
        unit=infusion.dose.amount_unit,
        recorded_at=at,
        recorded_by=by,
    )


def _give(row: Administration, dose: DoseToGive, given_on: dt.date, given_amount: Decimal, reason: str) -> None:
    row.outcome = Outcome.GIVEN
    row.given_on, row.given_amount, row.reason = given_on, given_amount, reason.strip()
    row.amount_to_give, row.is_loading = dose.amount, dose.is_loading
    row.measurement, row.calculation = dose.measurement, dose.frozen


def _miss(row: Administration, why: str, field: str = "reason") -> None:
    row.reason = given(why, "reason-needed", "Say why it was not given.", field)
    row.outcome = Outcome.NOT_GIVEN
    row.given_on = row.given_amount = row.amount_to_give = row.measurement = None
    row.is_loading, row.calculation = False, {}


def _window_words(infusion: PlannedInfusion) -> str:
    if infusion.window_from == infusion.window_to:
        return f"on {day_words(infusion.planned_on)} only"
    return f"on {span_words(infusion.window_from, infusion.window_to)}"
