"""What the workbench shows is what the engine says, and what is out of reach says so."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dosing.engine import (
    BoinDesign,
    Design,
    KeyboardDesign,
    ThreePlusThreeDesign,
    Timing,
    TiteBoinDesign,
    operating_characteristics,
    simulate_trials,
)
from dosing.engine.characteristics import true_mtds
from dosing.workbench.question import Question
from dosing.workbench.results import LIVE_TRIALS, SEED, answers, scenario_answers, standard_scenarios

TOXICITY = (0.1, 0.3, 0.5)


def asked(*designs: Design, toxicity: tuple[float, ...] = TOXICITY, target: float = 0.3) -> Question:
    labels = tuple(f"{10 * i} mg" for i in range(1, len(toxicity) + 1))
    return Question(labels, toxicity, target, designs)


def test_exact_answers_are_the_engines_own() -> None:
    designs = (BoinDesign(target=0.3, max_patients=12, cohort_size=1), ThreePlusThreeDesign())
    for answer, design in zip(answers(asked(*designs)), designs, strict=True):
        assert answer.exact
        assert answer.errors is None
        assert answer.characteristics is not None
        assert answer.characteristics.to_dict() == operating_characteristics(design, [TOXICITY]).to_dict()


def test_the_comparisons_target_says_which_dose_is_the_mtd_for_all_designs() -> None:
    own_target = KeyboardDesign(target=0.2, max_patients=12)
    (answer,) = answers(asked(own_target, target=0.5))
    assert answer.characteristics is not None
    assert answer.characteristics.true_mtd.tolist() == [3]
    assert answer.characteristics.to_dict() == operating_characteristics(own_target, [TOXICITY], target=0.5).to_dict()


def test_a_design_that_depends_on_time_is_simulated_with_its_standard_errors() -> None:
    design = TiteBoinDesign(target=0.3, max_patients=12)
    (answer,) = answers(asked(design))
    assert not answer.exact
    assert answer.errors is not None
    expected = simulate_trials(
        design, TOXICITY, trials=LIVE_TRIALS, seed=SEED, timing=Timing(window=28, accrual_rate=0.1)
    )
    assert answer.characteristics is not None
    assert answer.characteristics.to_dict() == expected.to_dict()


def test_a_design_out_of_reach_says_how_many_states_there_are_and_what_to_use_instead() -> None:
    single = BoinDesign(target=0.3, max_patients=40, cohort_size=1)
    beyond, within = answers(asked(single, ThreePlusThreeDesign(), toxicity=(0.05, 0.1, 0.2, 0.3, 0.5, 0.6)))
    assert beyond.characteristics is None
    assert "1," in beyond.problem
    assert "Simulate" in beyond.problem
    assert within.characteristics is not None
    assert not within.problem


def test_scenarios_at_once_have_a_row_each() -> None:
    scenarios = standard_scenarios(3, 0.3)
    design = BoinDesign(target=0.3, max_patients=12)
    (answer,) = scenario_answers(asked(design), scenarios)
    assert answer.characteristics is not None
    expected = operating_characteristics(design, [scenario.toxicity for scenario in scenarios])
    assert np.array_equal(answer.characteristics.correct_selection, expected.correct_selection)


@given(st.integers(1, 10), st.floats(0.05, 0.6))
def test_standard_scenarios_are_what_they_are_called(doses: int, target: float) -> None:
    scenarios = standard_scenarios(doses, target)
    assert len(scenarios) == doses + 2
    rows = [scenario.toxicity for scenario in scenarios]
    assert true_mtds(np.array(rows), target).dose.tolist() == [*range(1, doses + 1), 0, doses]
    assert all(p == sorted(p) and 0 < p[0] <= p[-1] < 1 for p in map(list, rows))
    assert rows[-1][-1] < target


def test_scenarios_are_named_by_the_doses() -> None:
    names = [scenario.name for scenario in standard_scenarios(2, 0.3, ["10 mg", "15 mg"])]
    assert names == ["MTD at 10 mg", "MTD at 15 mg", "All too toxic", "All below the target"]


@pytest.mark.parametrize("target", [0.05, 0.3, 0.6])
def test_around_the_target_neighbouring_doses_can_be_told_apart(target: float) -> None:
    middle = standard_scenarios(3, target)[1].toxicity
    assert middle[0] < target < middle[2]
