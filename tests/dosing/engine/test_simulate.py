"""Simulation against the exact walk, and reproducible whatever the order of its blocks."""

import json
import random
from functools import reduce
from operator import add
from typing import Any

import numpy as np
import pytest

from dosing.engine import (
    BoinDesign,
    CountBased,
    CrmDesign,
    I3Plus3Design,
    KeyboardDesign,
    Mtpi2Design,
    SimulationSums,
    ThreePlusThreeDesign,
    Timing,
    TiteBoinDesign,
    operating_characteristics,
    simulate_block,
    simulate_trials,
    simulated_characteristics,
    simulation_blocks,
)
from dosing.engine import simulate as simulate_module
from tests.dosing.engine.reference import records
from tests.dosing.engine.test_exact import boin

TRUTH = [0.05, 0.15, 0.30, 0.45, 0.60]
COMPARED = (
    "selection",
    "no_selection",
    "patients",
    "dlts",
    "total_patients",
    "total_dlts",
    "stop_early",
    "stop_for_safety",
    "overdose_60",
    "overdose_80",
    "underdose_60",
    "underdose_80",
    "correct_selection",
)
DESIGNS: list[CountBased] = [
    BoinDesign(target=0.3, max_patients=30),
    BoinDesign(target=0.25, max_patients=24, cohort_size=2, titration=True, early_stop_n=9, extra_safe=True),
    KeyboardDesign(target=0.3, max_patients=30, early_stop_n=12),
    Mtpi2Design(target=0.3, max_patients=30),
    I3Plus3Design(target=0.3, max_patients=20, cohort_size=4),
    ThreePlusThreeDesign(),
    ThreePlusThreeDesign(de_escalate=False, complete_highest=True),
    CrmDesign(target=0.3, max_patients=24, skeleton=(0.06, 0.16, 0.3, 0.44, 0.58)),
]


def widest_gap(simulated: Any, exact: Any) -> float:
    """The largest distance in standard errors over all fields."""
    gaps = []
    for name in COMPARED:
        error = np.maximum(getattr(simulated.standard_errors, name), 1e-5)
        gaps.append(float((np.abs(getattr(simulated, name) - getattr(exact, name)) / error).max()))
    return max(gaps)


@pytest.mark.parametrize("design", DESIGNS, ids=lambda d: d.name)
def test_simulation_agrees_with_the_exact_walk(design: CountBased) -> None:
    scenarios = [TRUTH, [0.4, 0.5, 0.6, 0.7, 0.8]]
    simulated = simulate_trials(design, scenarios, trials=20_000, seed=7)
    assert widest_gap(simulated, operating_characteristics(design, scenarios)) < 4.5


def test_a_crm_with_more_doses_than_fit_one_number_per_state() -> None:
    skeleton = (0.03, 0.06, 0.1, 0.16, 0.24, 0.33, 0.43, 0.53)
    design = CrmDesign(target=0.25, max_patients=15, skeleton=skeleton)
    simulated = simulate_trials(design, skeleton, trials=5_000, seed=7)
    exact = operating_characteristics(design, [skeleton])
    gap = np.abs(simulated.patients - exact.patients)[0, :5] / simulated.standard_errors.patients[0, :5]
    assert gap.max() < 4.5


def test_a_design_out_of_reach_of_the_walk_agrees_with_the_packages_simulation() -> None:
    """Six doses and 60 patients, with a stop at 18 at a dose: 3.2 million final tallies."""
    record = next(r for r in records("boin_oc") if r["id"] == "oc-016")
    ours = simulate_trials(boin(record), record["p_true"], trials=20_000, seed=3)
    for p, percent in zip(ours.selection[0], record["selpercent"], strict=True):
        assert abs(p - percent / 100) <= 4 * np.sqrt(2 * p * (1 - p) / 20_000) + 1e-9


def test_the_same_seed_gives_the_same_and_another_seed_another() -> None:
    design = BoinDesign(target=0.3, max_patients=12, cohort_size=1)
    first, again, other = (simulate_trials(design, TRUTH[1:4], trials=12_000, seed=seed) for seed in (5, 5, 6))
    assert first.to_dict() == again.to_dict()
    assert first.selection.tolist() != other.selection.tolist()


def test_blocks_run_anywhere_in_any_order_and_stored_between_give_the_same() -> None:
    design, truth = BoinDesign(target=0.3, max_patients=12, cohort_size=1), TRUTH[1:4]
    whole = simulate_trials(design, truth, trials=35_000, seed=11)
    blocks = list(enumerate(simulation_blocks(35_000)))
    random.Random(1).shuffle(blocks)
    stored = [json.dumps(simulate_block(design, truth, seed=11, block=b, size=size).to_dict()) for b, size in blocks]
    total = reduce(add, (SimulationSums.from_dict(json.loads(text)) for text in stored))
    assert simulated_characteristics([total], [truth], seed=11, target=0.3).to_dict() == whole.to_dict()


def test_blocks_tile_the_trials() -> None:
    assert simulation_blocks(simulate_module.BLOCK * 2 + 5) == [simulate_module.BLOCK] * 2 + [5]
    assert simulation_blocks(1) == [1]
    with pytest.raises(ValueError, match="trials"):
        simulation_blocks(0)


def test_standard_errors_shrink_with_the_root_of_the_trials() -> None:
    design = BoinDesign(target=0.3, max_patients=12)
    few, many = (simulate_trials(design, TRUTH[:3], trials=trials, seed=2) for trials in (1_000, 16_000))
    ratio = few.standard_errors.patients / many.standard_errors.patients
    assert ratio == pytest.approx(np.full_like(ratio, 4.0), rel=0.35)
    p = many.selection
    assert many.standard_errors.selection == pytest.approx(np.sqrt(p * (1 - p) / 16_000))


def test_toxicities_of_zero_and_one() -> None:
    design = BoinDesign(target=0.3, max_patients=12)
    sure = simulate_trials(design, [[0, 0, 0], [1, 1, 1]], trials=50, seed=1)
    assert sure.selection[0].tolist() == [0, 0, 1]
    assert (sure.no_selection[1], sure.patients[1].tolist()) == (1, [3, 0, 0])
    timed = simulate_trials(
        TiteBoinDesign(target=0.3, max_patients=12),
        [[0, 0, 0], [1, 1, 1]],
        trials=50,
        seed=1,
        timing=Timing(window=28, accrual_rate=0.2),
    )
    assert timed.selection[0].tolist() == [0, 0, 1]
    assert timed.no_selection[1] == 1


@pytest.mark.parametrize("times", ["uniform", "weibull"])
def test_dlts_come_in_the_window_as_often_and_as_late_as_said(times: str) -> None:
    timing = Timing(window=28, accrual_rate=1, toxicity_times=times, late=0.8)  # type: ignore[arg-type]
    days = timing.days_to_dlt(np.full(40_000, 0.3), np.random.default_rng(4))
    seen = days[np.isfinite(days)]
    assert len(seen) / 40_000 == pytest.approx(0.3, abs=0.01)
    assert seen.max() <= 28
    late = float((seen > 14).mean())
    assert late == pytest.approx(0.8 if times == "weibull" else 0.5, abs=0.02)


@pytest.mark.parametrize("arrivals", ["exponential", "uniform"])
def test_patients_arrive_at_the_accrual_rate(arrivals: str) -> None:
    timing = Timing(window=28, accrual_rate=0.25, arrivals=arrivals)  # type: ignore[arg-type]
    assert timing.gaps((40_000,), np.random.default_rng(4)).mean() == pytest.approx(4.0, rel=0.03)


def test_waiting_for_complete_follow_up_changes_the_duration_but_not_the_decisions() -> None:
    design = BoinDesign(target=0.3, max_patients=18)
    timing = Timing(window=28, accrual_rate=0.2)
    timed = simulate_trials(design, TRUTH[:3], trials=20_000, seed=9, timing=timing)
    assert widest_gap(timed, operating_characteristics(design, [TRUTH[:3]])) < 4.5
    assert np.isnan(simulate_trials(design, TRUTH[:3], trials=10, seed=9).duration[0])
    # Six cohorts: two gaps of 5 days inside each, then the window of the last patient (or a gap, if longer).
    assert 6 * (10 + 20) < timed.duration[0] < 6 * (10 + 40)


def test_deciding_with_pending_patients_is_quicker() -> None:
    timing = Timing(window=84, accrual_rate=0.1, toxicity_times="weibull", late=0.5)  # type: ignore[arg-type]
    waiting = simulate_trials(BoinDesign(target=0.3, max_patients=18), TRUTH, trials=2_000, seed=1, timing=timing)
    deciding = simulate_trials(TiteBoinDesign(target=0.3, max_patients=18), TRUTH, trials=2_000, seed=1, timing=timing)
    assert deciding.duration[0] < 0.8 * waiting.duration[0]


def test_a_very_slow_accrual_leaves_nobody_pending_so_that_tite_boin_is_boin() -> None:
    timing = Timing(window=1, accrual_rate=1e-4)
    slow = simulate_trials(TiteBoinDesign(target=0.3, max_patients=18), TRUTH, trials=20_000, seed=5, timing=timing)
    exact = operating_characteristics(BoinDesign(target=0.3, max_patients=18), [TRUTH])
    assert widest_gap(slow, exact) < 4.5


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"seed": -1}, "seed"),
        ({"seed": 1.5}, "seed"),
        ({"trials": 0}, "trials"),
        ({"scenarios": [0.1, 2.0]}, "scenarios"),
        ({"design": TiteBoinDesign(target=0.3, max_patients=12)}, "timing"),
    ],
)
def test_bad_input_is_refused(arguments: dict[str, Any], words: str) -> None:
    good: dict[str, Any] = {
        "design": BoinDesign(target=0.3, max_patients=12),
        "scenarios": TRUTH,
        "trials": 10,
        "seed": 1,
    }
    given = good | arguments
    with pytest.raises(ValueError, match=words):
        simulate_trials(given.pop("design"), given.pop("scenarios"), **given)


@pytest.mark.parametrize(
    ("name", "value"),
    [("window", 0), ("accrual_rate", -1), ("late", 1.0), ("arrivals", "bus"), ("toxicity_times", "gamma")],
)
def test_bad_timing_is_refused(name: str, value: Any) -> None:
    good: dict[str, Any] = {"window": 28, "accrual_rate": 0.1}
    with pytest.raises(ValueError, match=name):
        Timing(**(good | {name: value}))


def test_exact_characteristics_of_a_design_in_time_are_refused_with_the_way_on() -> None:
    with pytest.raises(ValueError, match="use simulate_trials"):
        operating_characteristics(TiteBoinDesign(target=0.3, max_patients=12), [TRUTH])  # type: ignore[arg-type]
