"""Trials worked out in blocks, in any order, by anybody: the numbers are those of `simulate_trials`."""

import json
import random
from dataclasses import replace
from typing import Any

import pytest

from dosing.engine import (
    BoinDesign,
    CrmDesign,
    Design,
    SimulatedCharacteristics,
    ThreePlusThreeDesign,
    Timing,
    TiteBoinDesign,
    simulate_trials,
)
from dosing.workbench.question import Question
from dosing.workbench.simulated import added_up, blocks_of, exact_beside, simulate

TOXICITY = (0.05, 0.15, 0.30)
BOIN = BoinDesign(target=0.30, max_patients=12)
TITE = TiteBoinDesign(target=0.30, max_patients=9)
CRM = CrmDesign(target=0.30, max_patients=12, skeleton=(0.1, 0.2, 0.3))
TIMING = Timing(window=28, accrual_rate=0.2)


def ask(*designs: Design, target: float = 0.25) -> Question:
    return Question(("10 mg", "15 mg", "25 mg"), TOXICITY, target, designs, TIMING)


def worked_out(question: Question, trials: int, seed: int) -> list[tuple[int, Any]]:
    """All blocks, in no order, through JSON as the database keeps them."""
    blocks = list(blocks_of(question, trials))
    random.Random(seed).shuffle(blocks)
    return [(b.design, json.loads(json.dumps(simulate(question, b, seed).to_dict()))) for b in blocks]


def same(one: SimulatedCharacteristics | None, other: SimulatedCharacteristics) -> bool:
    return one is not None and repr(one.to_dict()) == repr(other.to_dict())


@pytest.mark.parametrize("trials", [10_000, 50_000, 60_001, 123_456])
def test_blocks_in_any_order_give_what_simulate_trials_gives(trials: int) -> None:
    question = ask(BOIN, ThreePlusThreeDesign())
    together = added_up(question, 7, worked_out(question, trials, 7))
    for design, mine in zip(question.designs, together, strict=True):
        assert same(mine, simulate_trials(design, TOXICITY, trials=trials, seed=7, target=0.25))


def test_beside_a_design_that_depends_on_time_all_are_simulated_in_time() -> None:
    question = ask(BOIN, TITE)
    together = added_up(question, 3, worked_out(question, 12_000, 3))
    for design, mine in zip(question.designs, together, strict=True):
        assert same(mine, simulate_trials(design, TOXICITY, trials=12_000, seed=3, timing=TIMING, target=0.25))
        assert mine is not None
        assert mine.duration[0] > 28


def test_another_seed_gives_other_numbers() -> None:
    question = ask(BOIN)
    one, other = (added_up(question, seed, worked_out(question, 10_000, seed))[0] for seed in (1, 2))
    assert one is not None
    assert other is not None
    assert one.selection.tolist() != other.selection.tolist()


@pytest.mark.parametrize("designs", [(BOIN,), (BOIN, CRM, ThreePlusThreeDesign()), (BOIN, TITE)])
@pytest.mark.parametrize("trials", [10_000, 99_999, 10_000_000])
def test_every_trial_is_in_one_block_and_the_designs_take_turns(designs: tuple[Design, ...], trials: int) -> None:
    blocks = list(blocks_of(ask(*designs), trials))
    for design in range(len(designs)):
        of_design = [b for b in blocks if b.design == design]
        assert sum(b.size for b in of_design) == trials
        assert [b.number * 10_000 for b in of_design] == [
            sum(b.size for b in of_design[:i]) for i in range(len(of_design))
        ]
    assert [b.design for b in blocks[: len(designs)]] == list(range(len(designs)))


def test_a_design_without_a_block_done_has_no_numbers_yet() -> None:
    question = ask(BOIN, CRM)
    first = next(blocks_of(question, 100_000))
    boin, crm = added_up(question, 1, [(0, simulate(question, first, 1).to_dict())])
    assert boin is not None
    assert boin.trials == 50_000
    assert crm is None


# --- beside the exact values ---


def test_the_simulation_lies_within_five_standard_errors_of_the_exact_values() -> None:
    question = ask(BOIN, CRM)
    simulated = added_up(question, 11, worked_out(question, 100_000, 11))
    for mine, exact in zip(simulated, exact_beside(question), strict=True):
        assert mine is not None
        assert exact is not None
        assert mine.true_mtd.tolist() == exact.true_mtd.tolist()
        for name in ("selection", "patients", "dlts", "correct_selection"):
            difference = abs(getattr(mine, name) - getattr(exact, name))
            assert (difference <= 5 * getattr(mine.standard_errors, name)).all(), name


def test_there_is_nothing_exact_beside_a_design_that_depends_on_time_or_is_out_of_reach() -> None:
    many = BoinDesign(target=0.30, max_patients=60, cohort_size=1)
    labels, toxicity = tuple(f"{i} mg" for i in range(8)), tuple(0.05 * (i + 1) for i in range(8))
    big = Question(labels, toxicity, 0.30, (many,))
    assert exact_beside(big) == (None,)
    exact, none = exact_beside(replace(ask(BOIN), designs=(BOIN, TITE)))
    assert exact is not None
    assert none is None
