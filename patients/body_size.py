"""From height and weight to the dose to give: body surface, rounding, and which measurement counts. Pure, in Decimal.

Decimal throughout: 467.5 mg is exactly half of a step of 5, and no binary fraction decides to which side it falls.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from decimal import ROUND_DOWN, ROUND_HALF_UP, Decimal
from typing import Protocol, TypeVar

from trials.protocol_doses import Calculation, Rounding


class Measured(Protocol):
    """Height and weight as they were measured on a day; `patients.models.BodyMeasurement` is one."""

    @property
    def measured_on(self) -> dt.date: ...
    @property
    def height_cm(self) -> Decimal: ...
    @property
    def weight_kg(self) -> Decimal: ...


M = TypeVar("M", bound=Measured)


def mosteller(height_cm: Decimal, weight_kg: Decimal) -> Decimal:
    """Body surface in m² as √(height · weight / 3600), in cm and kg.

    Source: Mosteller RD. Simplified calculation of body-surface area. N Engl J Med 1987;317:1098.
    """
    return (height_cm * weight_kg / 3600).sqrt()


def dubois(height_cm: Decimal, weight_kg: Decimal) -> Decimal:
    """Body surface in m² as 0.007184 · weight^0.425 · height^0.725, in kg and cm.

    Source: Du Bois D, Du Bois EF. A formula to estimate the approximate surface area if height and weight be known.
    Arch Intern Med 1916;17:863-871.
    """
    return Decimal("0.007184") * weight_kg ** Decimal("0.425") * height_cm ** Decimal("0.725")


FORMULAE = {"mosteller": mosteller, "dubois": dubois}


def body_surface(plan: Calculation, height_cm: Decimal, weight_kg: Decimal) -> Decimal:
    """Body surface in m² by the protocol's formula, rounded (halves up) to its number of decimals; not yet capped.

    Raises ValueError where the protocol names no formula.
    """
    if plan.bsa_formula is None:
        raise ValueError("calculation.bsa_formula: None; mosteller or dubois is needed for a body surface")
    exact = FORMULAE[plan.bsa_formula](height_cm, weight_kg)
    return exact.quantize(Decimal(1).scaleb(-plan.bsa_decimals), rounding=ROUND_HALF_UP)


def capped(plan: Calculation, surface: Decimal) -> Decimal:
    """The body surface that is dosed by: no more than the protocol's cap, where it has one."""
    return surface if plan.bsa_cap_m2 is None else min(surface, plan.bsa_cap_m2)


def rounded(amount: Decimal, rule: Rounding) -> Decimal:
    """The amount as a whole number of the rule's steps: the nearest (a half goes up), or the next below."""
    how = ROUND_DOWN if rule.direction == "down" else ROUND_HALF_UP
    return (amount / rule.to).quantize(Decimal(1), rounding=how) * rule.to


def measurement_in_use(measurements: Sequence[M], plan: Calculation, present: M | None, day: dt.date) -> M | None:
    """The measurement with which a dose of `day` is computed; None where there is none by then.

    present: the one with which the present dose was computed, None before the first dose. It stays in use until the
    newest weight differs from its own by more than the protocol's percentage. measurements: in any order.
    """
    last = newest(measurements, day)
    if present is None or last is None:
        return last
    return last if changed_too_much(plan, present.weight_kg, last.weight_kg) else present


def changed_too_much(plan: Calculation, before_kg: Decimal, now_kg: Decimal) -> bool:
    """Whether the weight differs by more than the protocol's percentage of the weight before; equal is not more."""
    return abs(now_kg - before_kg) * 100 > plan.weight_change_percent * before_kg


def newest(measurements: Sequence[M], day: dt.date) -> M | None:
    """The last measurement up to a day."""
    return max((m for m in measurements if m.measured_on <= day), key=lambda m: m.measured_on, default=None)


def out_of_date(measurements: Sequence[Measured], plan: Calculation, day: dt.date) -> bool:
    """Whether the newest measurement is older on this day than the protocol allows. False where there is none."""
    last = newest(measurements, day)
    if last is None or plan.measurement_days is None:
        return False
    return (day - last.measured_on).days > plan.measurement_days


def number(value: Decimal) -> str:
    """'70.2', '465'."""
    return f"{value.normalize():f}"
