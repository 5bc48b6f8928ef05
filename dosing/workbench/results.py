"""What the designs of a question do: exact where they decide from counts, simulated where time matters."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from dosing.engine import (
    CountBased,
    Design,
    OperatingCharacteristics,
    SimulatedCharacteristics,
    Timing,
    TiteBoinDesign,
    TooManyStates,
    operating_characteristics,
    simulate_trials,
)
from dosing.workbench.question import Question
from dosing.workbench.scenarios import Scenario, standard_scenarios
from dosing.workbench.words import design_names

__all__ = ["LIVE_TRIALS", "SEED", "Answer", "Scenario", "answers", "scenario_answers", "standard_scenarios"]

LIVE_TRIALS = 2_000  # simulated while somebody waits; a simulation of its own has more
SCENARIO_TRIALS = 500  # of each of many scenarios at once
SEED = 1

Rows = tuple[tuple[float, ...], ...]  # the true toxicity per dose, a row per scenario


@dataclass(frozen=True, eq=False)
class Answer:
    """One design's operating characteristics, with a row per scenario that was asked about.

    characteristics: None where they are out of reach; then `problem` says so, and what to use instead. exact: without
    simulation error; where False, `errors` holds the standard error of every value.
    """

    design: Design
    name: str
    characteristics: OperatingCharacteristics | None
    exact: bool
    problem: str = ""

    @property
    def errors(self) -> OperatingCharacteristics | None:
        """Standard errors, field by field; None for exact characteristics."""
        known = self.characteristics
        return known.standard_errors if isinstance(known, SimulatedCharacteristics) else None


def answers(question: Question) -> tuple[Answer, ...]:
    """An answer per design, each with the one row of the question's true toxicity."""
    return _answers(question, (question.toxicity,), LIVE_TRIALS)


def scenario_answers(question: Question, scenarios: Sequence[Scenario]) -> tuple[Answer, ...]:
    """An answer per design, each with a row per scenario. The question's own toxicity plays no part."""
    return _answers(question, tuple(scenario.toxicity for scenario in scenarios), SCENARIO_TRIALS)


def _answers(question: Question, rows: Rows, trials: int) -> tuple[Answer, ...]:
    names = design_names(question.designs)
    return tuple(_answer(question, d, name, rows, trials) for d, name in zip(question.designs, names, strict=True))


def _answer(question: Question, design: Design, name: str, rows: Rows, trials: int) -> Answer:
    if isinstance(design, TiteBoinDesign):
        simulated = _simulated(design, rows, question.timing, question.target, trials)
        return Answer(design, name, simulated, exact=False)
    states = states_out_of_reach(design, question.doses)
    if states:
        return Answer(design, name, None, exact=True, problem=_problem(name, states))
    return Answer(design, name, _exact(design, rows, question.target), exact=True)


def _problem(name: str, states: int) -> str:
    return (
        f"Exact operating characteristics of {name} are out of reach: its trials have at least {states:,} states. "
        "Simulate it instead, or choose larger cohorts, fewer patients or fewer doses."
    )


def states_out_of_reach(design: CountBased, doses: int) -> int:
    """How many states there are at least where the exact walk is out of reach; 0 where it is not.

    The first to ask about a design waits for its walk, and whoever asks meanwhile waits for the same one.
    """
    with _gate(design, doses):
        return _states_out_of_reach(design, doses)


@lru_cache(maxsize=256)
def _gate(design: CountBased, doses: int) -> threading.Lock:
    return threading.Lock()


@lru_cache(maxsize=256)
def _states_out_of_reach(design: CountBased, doses: int) -> int:
    try:
        operating_characteristics(design, [(0.0,) * doses])
    except TooManyStates as out_of_reach:
        return out_of_reach.states
    return 0


@lru_cache(maxsize=256)
def _exact(design: CountBased, rows: Rows, target: float) -> OperatingCharacteristics:
    return operating_characteristics(design, rows, target=target)


@lru_cache(maxsize=256)
def _simulated(
    design: TiteBoinDesign, rows: Rows, timing: Timing, target: float, trials: int
) -> SimulatedCharacteristics:
    return simulate_trials(design, rows, trials=trials, seed=SEED, timing=timing, target=target)
