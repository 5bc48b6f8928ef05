"""The dose to give: computed from the protocol and the patient's height and weight, with its calculation in words.

Pure over loaded rows: `patient` as `patients.schedule` wants it, with `measurements` and `administrations` prefetched
where the protocol doses by body size or has infusions (`patients.queries.load_doses`).
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from patients import schedule
from patients.body_size import (
    body_surface,
    capped,
    measurement_in_use,
    newest,
    number,
    out_of_date,
    rounded,
)
from patients.models import Administration, BodyMeasurement, Patient
from trials.days import day_words
from trials.protocol import Dose, Protocol
from trials.protocol_doses import FORMULA_NAMES, Calculation, Rounding

MISSING = "Height and weight are not recorded yet. Record them; the dose follows from them."


@dataclass(frozen=True)
class DoseToGive:
    """What to give of an agent on a day.

    amount: in `unit`; None where it cannot be told, and `words` then says why and what to do. words: the calculation.
    caution: what is to be looked at before it is given; "" for nothing. out_of_date: whether the newest measurement is.
    frozen: the calculation as it is stored.
    """

    agent: str
    name: str
    route: str
    amount: Decimal | None
    unit: str
    is_loading: bool
    words: str
    measurement: BodyMeasurement | None = None
    caution: str = ""
    out_of_date: bool = False
    frozen: dict[str, Any] = field(default_factory=dict)

    @property
    def amount_words(self) -> str:
        return f"{number(self.amount)} {self.unit}" if self.amount is not None else "not known yet"

    @property
    def computed(self) -> bool:
        """Whether it depends on the patient, so that there is a calculation to show."""
        return self.measurement is not None or self.amount is None


def dose_to_give(
    patient: Patient,
    protocol: Protocol,
    dose: Dose,
    day: dt.date,
    *,
    is_loading: bool = False,
    before: dt.date | None = None,
) -> DoseToGive:
    """An agent's dose on a day. is_loading: the loading amount, where the dose has one (see `is_first`).

    protocol: that of the dose, by the day on which its cycle starts.
    before: the planned day of an infusion, where it is for one: those planned later say nothing about its dose.
    """
    name = protocol.agent(dose.agent).name
    per = dose.loading_amount if is_loading and dose.loading_amount is not None else dose.amount
    if dose.by_body_size:
        present = _present(patient, protocol, dose, day, before)
        return _by_body_size(patient, protocol, dose, per, day, is_loading, present)
    words = f"{_first(is_loading)}{number(per)} {dose.unit_words}, a fixed dose"
    frozen = {"words": words, "per": str(per), "unit": dose.unit, "loading": is_loading}
    return DoseToGive(dose.agent, name, dose.route, per, dose.amount_unit, is_loading, words, frozen=frozen)


def is_first(patient: Patient, dose: Dose, before: dt.date) -> bool:
    """Whether the loading dose is due: no earlier planned infusion of the agent was given, in any cycle."""
    return dose.loading_amount is not None and not _given_before(patient, dose.agent, before)


def _given_before(patient: Patient, agent: str, before: dt.date | None) -> list[Administration]:
    """The infusions of an agent that were given, of those planned before a day, by their planned days."""
    starts = {cycle.pk: cycle.started_on for cycle in patient.cycles.all()}
    rows = [row for row in patient.administrations.all() if row.agent == agent and row.given_on is not None]
    planned = sorted(((starts[row.cycle_id] + dt.timedelta(days=row.day - 1), row) for row in rows), key=lambda p: p[0])
    return [row for on, row in planned if before is None or on < before]


def _by_body_size(
    patient: Patient,
    protocol: Protocol,
    dose: Dose,
    per: Decimal,
    day: dt.date,
    is_loading: bool,
    present: BodyMeasurement | None,
) -> DoseToGive:
    name, plan, rule = protocol.agent(dose.agent).name, protocol.calculation, protocol.rounding(dose.agent)
    if plan is None or rule is None:
        raise ValueError(f"calculation: none for {dose.agent}, which is dosed in {dose.unit}")
    rows = list(patient.measurements.all())
    used = measurement_in_use(rows, plan, present, day)
    if used is None:
        return DoseToGive(dose.agent, name, dose.route, None, dose.amount_unit, is_loading, MISSING)
    amount, words, frozen = _calculated(dose, per, plan, rule, used)
    if not amount:
        words = f"{words}: nothing is left. The study file's rounding does not fit this dose; tell the data manager."
        return DoseToGive(dose.agent, name, dose.route, None, dose.amount_unit, is_loading, words)
    words = _first(is_loading) + words
    return DoseToGive(
        agent=dose.agent,
        name=name,
        route=dose.route,
        amount=amount,
        unit=dose.amount_unit,
        is_loading=is_loading,
        words=words,
        measurement=used,
        caution=_caution(rows, plan, used, day),
        out_of_date=out_of_date(rows, plan, day),
        frozen={**frozen, "words": words, "loading": is_loading},
    )


def _calculated(
    dose: Dose, per: Decimal, plan: Calculation, rule: Rounding, used: BodyMeasurement
) -> tuple[Decimal, str, dict[str, Any]]:
    """The rounded amount, the calculation in words, and what went into it."""
    measured = f"{number(used.height_cm)} cm, {number(used.weight_kg)} kg on {day_words(used.measured_on)}"
    frozen: dict[str, Any] = {
        "per": str(per),
        "unit": dose.unit,
        "height_cm": str(used.height_cm),
        "weight_kg": str(used.weight_kg),
        "measured_on": used.measured_on.isoformat(),
        "rounding": {"to": str(rule.to), "direction": rule.direction},
    }
    if dose.unit == "mg/kg":
        size, shown = used.weight_kg, f"{number(used.weight_kg)} kg (on {day_words(used.measured_on)})"
    else:
        surface = body_surface(plan, used.height_cm, used.weight_kg)
        size = capped(plan, surface)
        formula = FORMULA_NAMES[plan.bsa_formula or ""]
        cap = f"; {surface} m² capped at {size} m²" if size != surface else ""
        shown = f"{size} m² ({formula}, {measured}{cap})"
        frozen |= {"formula": plan.bsa_formula, "body_surface_m2": str(surface), "dosed_by_m2": str(size)}
    exact = per * size
    amount = rounded(exact, rule)
    step = f"{number(rule.to)} {dose.amount_unit}"
    how = f"down to a multiple of {step}" if rule.direction == "down" else f"to the nearest {step}"
    words = (
        f"{number(per)} {dose.unit_words} × {shown} = {number(exact)} {dose.amount_unit}, "
        f"rounded {how}: {number(amount)} {dose.amount_unit}"
    )
    return amount, words, {**frozen, "exact": str(exact), "amount": str(amount)}


def _caution(rows: Sequence[BodyMeasurement], plan: Calculation, used: BodyMeasurement, day: dt.date) -> str:
    last = newest(rows, day)
    assert last is not None  # one is used
    if out_of_date(rows, plan, day):
        days = (day - last.measured_on).days
        return (
            f"The newest height and weight are {days} days old; the protocol allows {plan.measurement_days}. "
            "Measure again before this is given."
        )
    if last.measured_on != used.measured_on:
        percent = number(plan.weight_change_percent)
        return (
            f"{number(last.weight_kg)} kg on {day_words(last.measured_on)} differs by no more than {percent} % "
            f"from {number(used.weight_kg)} kg, so the dose is not re-computed."
        )
    return ""


def _present(
    patient: Patient, protocol: Protocol, dose: Dose, day: dt.date, before: dt.date | None
) -> BodyMeasurement | None:
    """The measurement with which the present dose was computed: at the last infusion, or the last cycle's start."""
    rows = {row.pk: row for row in patient.measurements.all()}
    if dose.given_singly:
        given = _given_before(patient, dose.agent, before)
        return rows.get(given[-1].measurement_id or 0) if given else None
    plan, present = protocol.calculation, None
    for cycle in patient.cycles.all():
        taken = schedule.planned_dose_days(patient, cycle, dose.agent)
        if plan is not None and taken and taken[0] <= day:
            present = measurement_in_use(list(rows.values()), plan, present, taken[0])
    return present


def _first(is_loading: bool) -> str:
    return "First dose: " if is_loading else ""
