"""What a saved comparison's designs do under the true toxicity that was given and under the standard scenarios."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache

from dosing.engine import CrmDesign, Design, SimulatedCharacteristics, Timing, TiteBoinDesign, simulate_trials
from dosing.workbench.question import Question
from dosing.workbench.results import SEED, Answer, Scenario, scenario_answers, standard_scenarios

AS_GIVEN = "True toxicity as given"
TRIALS = 10_000  # of a design whose characteristics are simulated, per scenario

Rows = tuple[tuple[float, ...], ...]


@dataclass(frozen=True, eq=False)
class Reading:
    """scenarios: that of the question first, then the standard ones. answers: one per design, a row per scenario."""

    question: Question
    scenarios: tuple[Scenario, ...]
    answers: tuple[Answer, ...]

    def true_mtd(self, row: int) -> int:
        """The dose that is right in a scenario; 0 where none is, or where no design could be answered for."""
        known = [answer.characteristics for answer in self.answers if answer.characteristics is not None]
        return int(known[0].true_mtd[row]) if known else 0


def read(question: Question) -> Reading:
    """All that is said about a question: exact where that is in reach, else from 10,000 simulated trials a scenario.

    A CRM that is out of reach stays without an answer: each of its simulated trials is dear.
    """
    standard = standard_scenarios(question.doses, question.target, question.labels)
    scenarios = (Scenario(AS_GIVEN, question.toxicity), *standard)
    answers = tuple(_enough_trials(question, answer, scenarios) for answer in scenario_answers(question, scenarios))
    return Reading(question, scenarios, answers)


def _enough_trials(question: Question, answer: Answer, scenarios: tuple[Scenario, ...]) -> Answer:
    timed = isinstance(answer.design, TiteBoinDesign)
    unanswered = answer.characteristics is None and not isinstance(answer.design, CrmDesign)
    if not timed and not unanswered:
        return answer
    rows = tuple(scenario.toxicity for scenario in scenarios)
    found = _simulated(answer.design, rows, question.timing if timed else None, question.target)
    return replace(answer, characteristics=found, exact=False, problem="")


@lru_cache(maxsize=64)
def _simulated(design: Design, rows: Rows, timing: Timing | None, target: float) -> SimulatedCharacteristics:
    return simulate_trials(design, rows, trials=TRIALS, seed=SEED, timing=timing, target=target)
