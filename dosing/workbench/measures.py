"""The measures by which designs are compared: their names, and where they stand in the operating characteristics."""

from __future__ import annotations

from dataclasses import dataclass

from dosing.engine import OperatingCharacteristics
from dosing.workbench.results import Answer

SPREAD = 1.96  # standard errors to each side of a simulated value


@dataclass(frozen=True)
class Measure:
    """name: the field of the operating characteristics. is_share: a share of the trials, not an expected number.

    title: over a plot. has_none: there is a value for selecting no dose, too. decimals: of an expected number.
    """

    name: str
    label: str
    meaning: str
    is_share: bool
    title: str = ""
    has_none: bool = False
    decimals: int = 1


PER_DOSE = (
    Measure("selection", "Selected as MTD", "", True, "Selected as the MTD, share of trials", has_none=True),
    Measure("patients", "Patients", "", False, "Patients treated, expected"),
    Measure("dlts", "Patients with a DLT", "", False, "Patients with a DLT, expected", decimals=2),
)
_ABOVE = "Trials that treat so much of the maximum sample size (3+3: of those treated) above the true MTD."
_BELOW = "Trials that treat so much of the maximum sample size (3+3: of those treated) below the true MTD."
SHARES = (
    Measure("correct_selection", "Correct selection", "The true MTD is selected, or none where there is none.", True),
    Measure("overdose_60", "More than 60 % overdosed", _ABOVE, True),
    Measure("overdose_80", "More than 80 % overdosed", _ABOVE, True),
    Measure("underdose_60", "More than 60 % underdosed", _BELOW, True),
    Measure("underdose_80", "More than 80 % underdosed", _BELOW, True),
    Measure("stop_early", "Stopped early", "The trial ends before its full course, for any reason.", True),
    Measure("stop_for_safety", "Stopped for safety", "The trial ends because the lowest dose is too toxic.", True),
)
TOTALS = (
    Measure("total_patients", "Patients", "Expected number in the whole trial.", False),
    Measure("total_dlts", "Patients with a DLT", "Expected number in the whole trial.", False, decimals=2),
)


def value_of(answer: Answer, measure: Measure, place: int | None = None, row: int = 0) -> tuple[float, float]:
    """(value, standard error) of an answer that has characteristics; the error of an exact one is 0.

    place: the dose, from 0, for a measure per dose; one beyond the last stands for no dose. row: the scenario.
    """
    if answer.characteristics is None:
        raise ValueError(f"{answer.name} has no characteristics: {answer.problem}")
    errors = answer.errors
    value = _read(answer.characteristics, measure, place, row)
    return value, _read(errors, measure, place, row) if errors is not None else 0.0


def _read(known: OperatingCharacteristics, measure: Measure, place: int | None, row: int) -> float:
    values = getattr(known, measure.name)[row]
    if place is None:
        return float(values)
    return float(known.no_selection[row]) if place == len(values) else float(values[place])
