"""The standard scenarios of true toxicity at which designs are judged: the MTD at each dose, none, and above all."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from dosing.engine.characteristics import FAR_TOO_TOXIC
from dosing.engine.validation import dose_labels

STEP = 0.65  # between neighbouring doses, in log odds: 0.10, 0.18, 0.30, 0.45, 0.61 around a target of 0.30
ABOVE = 0.3  # of the lowest dose over the toxicity from which no dose is the MTD, in log odds
BELOW = 1.0  # of the highest dose under the target, in log odds


@dataclass(frozen=True)
class Scenario:
    """name: in words. toxicity: the true probability of a DLT per dose, lowest dose first."""

    name: str
    toxicity: tuple[float, ...]


def standard_scenarios(doses: int, target: float, labels: Sequence[str] | None = None) -> tuple[Scenario, ...]:
    """The MTD at each dose, with exactly the target's toxicity; then all doses too toxic, and all below the target.

    Neighbouring doses differ by the same odds ratio; toxicities other than the target have two decimals. labels: names
    of the doses for the scenarios' names.
    """
    names, steps = dose_labels(labels, doses), range(doses)
    at_each = tuple(Scenario(f"MTD at {names[mtd]}", tuple(_near(target, i - mtd) for i in steps)) for mtd in steps)
    lowest, highest = _odds(FAR_TOO_TOXIC * target) + ABOVE, _odds(target) - BELOW
    toxic = tuple(_rounded_up(_probability(lowest + STEP * i)) for i in steps)
    below = tuple(_rounded(_probability(highest - STEP * i)) for i in reversed(steps))
    return (*at_each, Scenario("All too toxic", toxic), Scenario("All below the target", below))


def _near(target: float, steps: int) -> float:
    """The toxicity so many doses above (or below) one that has the target's."""
    return target if steps == 0 else _rounded(_probability(_odds(target) + STEP * steps))


def _odds(probability: float) -> float:
    return math.log(probability / (1 - probability))


def _probability(odds: float) -> float:
    return 1 / (1 + math.exp(-odds))


def _rounded(probability: float) -> float:
    return min(0.99, max(0.01, round(probability, 2)))


def _rounded_up(probability: float) -> float:
    return min(0.99, math.ceil(100 * probability) / 100)
