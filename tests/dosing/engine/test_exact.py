"""Exact operating characteristics against the reference, a slow enumeration, and what must always hold."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dosing.engine import BoinDesign, CrmDesign, TooManyStates, dose_paths, operating_characteristics
from dosing.engine import exact as exact_module
from dosing.engine.tally import DoseTally
from tests.dosing.engine.reference import records

STANDARD = [0.05, 0.15, 0.30, 0.45, 0.60]


def boin(record: dict[str, Any]) -> BoinDesign:
    early = record["n_earlystop"]
    return BoinDesign(
        target=record["target"],
        max_patients=record["ncohort"] * record["cohortsize"],
        cohort_size=record["cohortsize"],
        p_saf=record["p_saf"],
        p_tox=record["p_tox"],
        elimination_cutoff=record["cutoff_eli"],
        extra_safe=record["extrasafe"],
        extra_safe_offset=record["offset"],
        early_stop_n=None if early >= 100 else early,
        start_dose=record["startdose"],
        titration=record["titration"],
        bound_mtd=record["boundMTD"],
    )


EXACT = [r for r in records("exact_paths") if "oc_record" in r]
SIMULATED = [r for r in records("boin_oc") if not r["error"]]
NOT_FOLLOWED = {
    "oc-016": "out of reach of the walk (3.2 million final tallies); test_simulate compares it",
    "oc-027": "the package's titration ignores the start dose; ours begins there",
}


@pytest.mark.parametrize("record", EXACT, ids=lambda r: r["id"])
def test_boin_equals_the_exact_reference(record: dict[str, Any]) -> None:
    ours = operating_characteristics(boin(record), [record["p_true"]])
    assert ours.selection[0] == pytest.approx(record["selprob"], abs=1e-9)
    assert ours.no_selection[0] == pytest.approx(record["prob_none"], abs=1e-9)
    assert ours.patients[0] == pytest.approx(record["npatients"], abs=1e-9)
    assert ours.dlts[0] == pytest.approx(record["ntox"], abs=1e-9)
    assert ours.total_patients[0] == pytest.approx(record["totaln"], abs=1e-9)
    assert ours.total_dlts[0] == pytest.approx(record["totaltox"], abs=1e-9)


@pytest.mark.parametrize("record", SIMULATED, ids=lambda r: r["id"])
def test_boin_lies_within_four_standard_errors_of_the_packages_simulation(record: dict[str, Any]) -> None:
    if record["id"] in NOT_FOLLOWED:
        return
    ours = operating_characteristics(boin(record), [record["p_true"]])
    trials, probabilities = record["ntrial"], [
        *zip(ours.selection[0], record["selpercent"], strict=True),
        (ours.no_selection[0], record["percentstop"]),
    ]  # fmt: skip
    # The package averages the two doses above the target one by one where the toxicities are not monotone.
    if record["overdose60"] is not None and record["id"] != "oc-045":
        probabilities += [
            (ours.overdose_60[0], record["overdose60"]),
            (ours.overdose_80[0], record["overdose80"]),
        ]
    for p, percent in probabilities:
        assert abs(p - percent / 100) <= 4 * np.sqrt(p * (1 - p) / trials) + 1e-9
    most = record["ncohort"] * record["cohortsize"]
    for mean, simulated in zip(ours.patients[0], record["npatients"], strict=True):
        assert abs(mean - simulated) <= 4 * np.sqrt(max(mean * (most - mean), 0) / trials) + 1e-9


@settings(max_examples=25, deadline=None)
@given(
    scenarios=st.lists(st.lists(st.floats(0.0, 1.0), min_size=4, max_size=4), min_size=1, max_size=4),
    cohort_size=st.sampled_from([2, 3]),
)
def test_probabilities_sum_to_one_and_dlts_are_toxicity_times_patients(
    scenarios: list[list[float]], cohort_size: int
) -> None:
    design = BoinDesign(target=0.3, max_patients=20, cohort_size=cohort_size)
    ours = operating_characteristics(design, scenarios)
    assert ours.selection.sum(axis=1) + ours.no_selection == pytest.approx(1.0, abs=1e-12)
    assert np.abs(ours.dlts - ours.patients * np.array(scenarios)).max() < 1e-12
    for one, scenario in enumerate(scenarios):
        alone = operating_characteristics(design, [scenario])
        assert ours.selection[one] == pytest.approx(alone.selection[0], abs=1e-14)
        assert ours.overdose_60[one] == pytest.approx(alone.overdose_60[0], abs=1e-14)


def test_toxicities_of_zero_and_one_give_the_one_path_that_the_rules_prescribe() -> None:
    design = BoinDesign(target=0.3, max_patients=12, cohort_size=3)
    climbing, stopping, between = (operating_characteristics(design, [p]) for p in ([0, 0, 0], [1, 1, 1], [0, 1, 1]))
    assert climbing.selection[0].tolist() == [0, 0, 1]
    assert climbing.patients[0].tolist() == [3, 3, 6]
    assert (stopping.no_selection[0], stopping.patients[0].tolist()) == (1, [3, 0, 0])
    assert (stopping.stop_early[0], stopping.stop_for_safety[0], stopping.total_dlts[0]) == (1, 1, 3)
    assert between.selection[0].tolist() == [1, 0, 0]
    assert between.patients[0].tolist() == [9, 3, 0]


def test_one_dose_and_a_cohort_larger_than_what_remains() -> None:
    ours = operating_characteristics(BoinDesign(target=0.3, max_patients=7, cohort_size=3), [[0.0]])
    assert (ours.patients[0, 0], ours.selection[0, 0]) == (7, 1)
    larger = operating_characteristics(BoinDesign(target=0.3, max_patients=2, cohort_size=3), [[0.5]])
    assert larger.patients[0, 0] == pytest.approx(2)


def test_the_true_mtd() -> None:
    design = BoinDesign(target=0.3, max_patients=12)
    scenarios = [[0.1, 0.3, 0.5], [0.2, 0.4, 0.6], [0.1, 0.3, 0.3], [0.43, 0.5, 0.6], [0.42, 0.5, 0.6]]
    ours = operating_characteristics(design, scenarios)
    assert ours.true_mtd.tolist() == [2, 1, 2, 0, 1]
    assert ours.correct_selection[0] == ours.selection[0, 1]
    assert ours.correct_selection[2] == pytest.approx(ours.selection[2, 1:].sum())
    assert ours.correct_selection[3] == ours.no_selection[3]
    assert operating_characteristics(design, [[0.1, 0.3, 0.5]], target=0.5).true_mtd.tolist() == [3]


def test_out_of_reach_says_how_many_states_and_what_to_use(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exact_module, "MOST_STATES", 500)
    with pytest.raises(TooManyStates, match="use simulate_trials") as refusal:
        operating_characteristics(BoinDesign(target=0.3, max_patients=30, elimination_cutoff=0.949), [STANDARD])
    assert refusal.value.states > 500
    assert f"{refusal.value.states:,} states" in str(refusal.value)


def test_equal_states_merge_when_they_need_more_than_one_word() -> None:
    """Seven doses and 36 patients do not fit one word of 63 bits; the probabilities still sum to one."""
    design = BoinDesign(target=0.3, max_patients=36, cohort_size=6)
    ours = operating_characteristics(design, [[0.02, 0.05, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5]])
    assert ours.selection.sum() + ours.no_selection[0] == pytest.approx(1.0, abs=1e-12)
    finals = exact_module.all_final_tallies(design, 8)
    rows = np.concatenate([finals.n, finals.y], axis=1)
    assert len(np.unique(rows, axis=0)) == len(rows)


@pytest.mark.parametrize(
    ("scenarios", "words"),
    [([], "scenarios"), ([[]], "scenarios"), ([[0.1, 1.2]], r"scenarios\[0\]\[1\] = 1.2"),
     ([[0.1, 0.2], [0.1]], r"scenarios\[1\]"), ([[0.1, float("nan")]], r"scenarios\[0\]\[1\]")],
)  # fmt: skip
def test_scenarios_that_are_not_probabilities_are_refused(scenarios: Any, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        operating_characteristics(BoinDesign(target=0.3, max_patients=12), scenarios)


def test_a_start_dose_above_the_ladder_is_refused() -> None:
    with pytest.raises(ValueError, match="start_dose"):
        operating_characteristics(BoinDesign(target=0.3, max_patients=12, start_dose=4), [[0.1, 0.2]])


def test_titration_never_exceeds_the_maximum_where_the_packages_crashes() -> None:
    record = next(r for r in records("boin_oc") if r["error"])
    design = BoinDesign(target=0.3, max_patients=6, cohort_size=3, titration=record["titration"])
    ours = operating_characteristics(design, [record["p_true"]])
    assert ours.total_patients[0] == pytest.approx(6)
    assert ours.selection.sum() + ours.no_selection[0] == pytest.approx(1)


@pytest.mark.parametrize("name", ["exact-10", "exact-16"])
def test_boin_with_a_maximum_equals_the_reference(name: str) -> None:
    record = next(r for r in records("exact_paths") if r["id"] == name)
    design = BoinDesign(target=0.3, max_patients=sum(record["cohort_sizes"]), cohort_size=3)
    ours = operating_characteristics(design, [record["true_prob_tox"]])
    assert [ours.no_selection[0], *ours.selection[0]] == pytest.approx(record["prob_recommend"], abs=1e-9)
    assert ours.patients[0] == pytest.approx(record["expected_n_at_dose"], abs=1e-9)


@pytest.mark.parametrize("name", ["exact-09", "exact-15"])
def test_dose_paths_of_boin_have_the_reference_probabilities(name: str) -> None:
    """The reference recommends the next dose after 10 single patients, and after 5 cohorts of 3, without maximum."""
    record = next(r for r in records("exact_paths") if r["id"] == name)
    truth, sizes = record["true_prob_tox"], record["cohort_sizes"]
    design = BoinDesign(target=0.3, max_patients=100, cohort_size=sizes[0])
    tree = dose_paths(design, DoseTally.empty(len(truth)), current_dose=1, cohorts=len(sizes))
    expected = dict(zip(record["prob_recommend_names"], record["prob_recommend"], strict=True))
    ours = dict.fromkeys(expected, 0.0)
    patients = np.zeros(len(truth))
    for path in tree:
        chance = path.probability(truth)
        ours[str(path.advice.next_dose or "NoDose")] += chance
        patients += chance * np.array(path.tally.treated)
    assert ours == pytest.approx(expected, abs=1e-9)
    assert patients == pytest.approx(record["expected_n_at_dose"], abs=1e-9)
    assert tree.nodes == record["num_nodes"]


def test_a_design_that_integrates_for_every_state_gives_up_sooner(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exact_module, "MOST_DEAR_STATES", 20)
    design = CrmDesign.calibrated(target=0.3, doses=5, halfwidth=0.05, prior_mtd=3, max_patients=33, cohort_size=3)
    with pytest.raises(TooManyStates, match="more than 20; use simulate_trials"):
        operating_characteristics(design, [STANDARD])


def test_the_largest_trial_stays_within_floating_point() -> None:
    """One dose, 1,000 patients: the weights reach 2**1000, and the probabilities still add up."""
    found = operating_characteristics(BoinDesign(target=0.3, max_patients=1000, cohort_size=10), [[0.3], [0.0], [1.0]])
    assert found.selection[:, 0] + found.no_selection == pytest.approx(1.0, abs=1e-12)
    assert found.dlts[:, 0] == pytest.approx(found.scenarios[:, 0] * found.patients[:, 0], rel=1e-12)
