"""From height and weight to the dose to give: body surface, rounding, and which measurement counts. Pure, in Decimal.

Decimal throughout: 467.5 mg is exactly half of a step of 5, and no binary fraction decides to which side it falls.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from decimal import ROUND_DOWN, ROUND_HALF_UP, Decimal
from typing import Protocol, TypeVar

from trials.protocol_doses import Calculation, Rounding

FORMULA_NAMES = {"mosteller": "Mosteller", "dubois": "Du Bois"}


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


def measurement_in_use(
    measurements: Sequence[M], plan: Calculation, first_day: dt.date | None, day: dt.date
) -> M | None:
    """The measurement with which a dose of `day` is computed; None where there is none by then.

    The first dose (on `first_day`; None: not given yet) is computed with the newest measurement. After that, a
    measurement is used only when its weight differs from the one in use by more than the protocol's percentage.
    measurements: in any order; those after `day` are left out.
    """
    known = sorted((m for m in measurements if m.measured_on <= day), key=lambda m: m.measured_on)
    if not known:
        return None
    begun = day if first_day is None else min(first_day, day)
    earlier = [m for m in known if m.measured_on <= begun]
    in_use = earlier[-1] if earlier else known[0]
    for later in known:
        if later.measured_on > begun and changed_too_much(plan, in_use.weight_kg, later.weight_kg):
            in_use = later
    return in_use


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
