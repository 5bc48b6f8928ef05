"""Designs in words: their names, and every parameter with its value and what it means."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from dosing.engine import Design, ThreePlusThreeDesign
from dosing.workbench.parameters import PARAMETERS, Kind, Parameter

NAMES = {
    "boin": "BOIN",
    "keyboard": "Keyboard",
    "mtpi2": "mTPI-2",
    "i3plus3": "i3+3",
    "three_plus_three": "3+3",
    "crm": "CRM",
    "tite_boin": "TITE-BOIN",
}


NO_TARGET = "Plays no part in the rule, which counts; it only says which dose ought to be the MTD."


def design_words(design: Design) -> str:
    """The design's short name: "BOIN", "3+3"."""
    return NAMES[design.name]


def design_names(designs: Sequence[Design]) -> tuple[str, ...]:
    """A name for each, no two the same: of several BOIN designs each says what sets it apart."""
    return tuple(_name(place, designs) for place in range(len(designs)))


def _name(place: int, designs: Sequence[Design]) -> str:
    mine = designs[place]
    alike = [design for design in designs if design.name == mine.name]
    apart = [name for name in mine.parameters() if len({str(other.parameters()[name]) for other in alike}) > 1][:2]
    words = [
        f"{_small(PARAMETERS[name].label)} {value_words(PARAMETERS[name], mine.parameters()[name])}" for name in apart
    ]
    named = ", ".join([design_words(mine), *words])
    twins = [i for i, design in enumerate(designs) if design.name == mine.name and _same(design, mine, apart)]
    return named if len(twins) == 1 else f"{named} ({twins.index(place) + 1})"


def _same(one: Design, other: Design, names: Sequence[str]) -> bool:
    return all(one.parameters()[name] == other.parameters()[name] for name in names)


def _small(label: str) -> str:
    return label if label[:3].isupper() else label[0].lower() + label[1:]


def value_words(parameter: Parameter, value: Any) -> str:
    """ "0.3", "yes", "never" (what None means), "0.05, 0.12, 0.25"."""
    if value is None:
        return parameter.empty or "not set"
    if parameter.kind is Kind.YES_NO:
        return "yes" if value else "no"
    if parameter.kind is Kind.CHOICE:
        return dict(parameter.choices)[str(value)]
    if isinstance(value, list | tuple):
        return ", ".join(number_words(one) for one in value)
    return number_words(value)


def number_words(value: float) -> str:
    """Up to six significant digits: "0.3", "12", "1.15758"."""
    return f"{value:.6g}"


def parameter_rows(design: Design) -> list[tuple[str, str, str]]:
    """Every parameter of the design in full: label, value in words, what it means."""
    values = design.parameters()
    return [
        (
            "Target toxicity" if name == "target" else parameter.label,
            value_words(parameter, values[name]),
            NO_TARGET if name == "target" and isinstance(design, ThreePlusThreeDesign) else parameter.meaning,
        )
        for name, parameter in PARAMETERS.items()
        if name in values
    ]
