"""What can be true of a rehearsal, and what usually is."""

import math

from reminders.rehearsal.fate import Scenario
from trials.errors import Refused

FEWEST_A_WEEK, MOST_A_WEEK = 0.25, 20.0
HIGHEST_CHANCE = 0.5
HIGHEST_SEED = 999_999
STEP = 0.12  # between the levels of the scenario that is offered


def check_scenario(scenario: Scenario, seed: int, levels: int) -> None:
    """Refused, with the field, unless all of it is possible for a study with so many levels."""
    if len(scenario.toxicity) != levels:
        raise Refused(
            "toxicity-faulty", f"Give a true toxicity for each of the {levels} dose levels.", field="toxicity"
        )
    for ordinal, value in enumerate(scenario.toxicity, 1):
        if not (math.isfinite(value) and 0 <= value <= 1):
            sentence = f"{value} is no probability: give a number from 0 to 1."
            raise Refused("toxicity-faulty", sentence, field=f"toxicity_{ordinal}")
    if not FEWEST_A_WEEK <= scenario.patients_per_week <= MOST_A_WEEK:
        sentence = f"Choose from {FEWEST_A_WEEK:g} to {MOST_A_WEEK:g} patients a week."
        raise Refused("accrual-faulty", sentence, field="patients_per_week")
    for name in ("late_starts", "missed_doses"):
        if not 0 <= getattr(scenario, name) <= HIGHEST_CHANCE:
            raise Refused("chance-faulty", f"Choose a chance from 0 to {HIGHEST_CHANCE:g}.", field=name)
    if not 0 <= seed <= HIGHEST_SEED:
        raise Refused("seed-faulty", f"A seed is a whole number from 0 to {HIGHEST_SEED:,}.", field="seed")


def usual_toxicity(levels: int, target: float) -> list[float]:
    """A sensible truth to begin with: the level above the middle is at the target, the others in even steps from it."""
    at_target = levels // 2
    return [round(min(0.95, max(0.02, target + STEP * (place - at_target))), 2) for place in range(levels)]
