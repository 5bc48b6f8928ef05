"""Doses by body size, and the recording of infusions, on the Protocol page. Formatting only."""

from __future__ import annotations

from collections.abc import Iterator

from trials import protocol_words as words
from trials.protocol_doses import FORMULA_NAMES, Calculation, Rounding
from trials.protocol_marks import Place
from trials.protocol_pieces import Item, Line, Section, item, section


def doses(root: Place) -> Iterator[Section]:
    """Only of a study that has such doses: most have none, and miss nothing."""
    calculation = root.at("calculation")
    if calculation.part is not None:
        yield section("body-size", "Doses by body size", _calculation(root, calculation), calculation)
    if any(dose.given_singly for dose in root.part.all_doses):
        given = root.at("administrations")
        yield section("administrations", "Recording of infusions", _administrations(given), given)


def _calculation(root: Place, calculation: Place) -> Iterator[Line]:
    plan: Calculation = calculation.part
    if plan.bsa_formula is not None:
        cap = f", and no more than {words.number_words(plan.bsa_cap_m2)} m²" if plan.bsa_cap_m2 is not None else ""
        text = f"By {FORMULA_NAMES[plan.bsa_formula]}, rounded to {words.count(plan.bsa_decimals, 'decimal')}{cap}"
        yield Line("Body surface", (Item(text),))
    percent = words.number_words(plan.weight_change_percent)
    said = [Item(f"Computed anew when the weight changes by more than {percent} %.")]
    if plan.measurement_days is not None:
        days = words.count(plan.measurement_days, "day")
        said.append(Item(f"Height and weight are out of date after {days}."))
    yield Line("Weight", tuple(said))
    for rule in calculation.each("rounding"):
        name = root.part.agent(rule.part.agent).name
        yield Line(f"Rounding of {name.lower()}", (item(_rounding(rule.part), "Rounding of doses", name, rule),))


def _rounding(rule: Rounding) -> str:
    step = words.number_words(rule.to)
    if rule.direction == "down":
        return f"Down to a multiple of {step} in the unit given"
    return f"To the nearest {step} in the unit given; a half goes up"


def _administrations(given: Place) -> Iterator[Line]:
    window = given.at("window")
    around = words.window_words(window.part, "the planned day")
    yield Line("Window", (item(around, "Window of infusions", "", window),))
    percent = words.number_words(given.part.tolerance_percent)
    yield Line(
        "Deviation", (Item(f"An amount that differs by more than {percent} % from the dose to give has a reason."),)
    )
