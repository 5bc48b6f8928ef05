"""CRM against the R package dfcrm 0.2-2.1, whose numbers were made precise by fine-grid quadrature (`_hp`)."""

from typing import Any

import numpy as np
import pytest

from dosing.engine import (
    Action,
    CrmDesign,
    DoseTally,
    StopReason,
    calibrated_skeleton,
    dose_paths,
    operating_characteristics,
)
from tests.dosing.engine.reference import records

RECORDS = records("crm")
# Not offered, so not compared: maximum likelihood, and weights for incomplete follow-up (TITE-CRM).
BAYES = [r for r in RECORDS if r["fn"] == "crm" and r["method"] == "bayes" and not r["error"]]
PRIORS = [r for r in RECORDS if r["fn"] == "getprior" and not r["error"]]
SIMULATED = [r for r in RECORDS if r["fn"] == "crmsim"]


def design_of(record: dict[str, Any], **others: Any) -> CrmDesign:
    return CrmDesign(
        target=record["target"],
        skeleton=tuple(record["prior"]),
        model=record["model"],
        intercept=record["intcpt"],
        scale=record["scale"],
        stop_cutoff=None,
        mtd_tried_only=False,
        **{"max_patients": 100, **others},
    )


def tally_of(record: dict[str, Any]) -> DoseTally:
    doses = range(1, len(record["prior"]) + 1)
    pairs = list(zip(record["level"], record["tox"], strict=True))
    return DoseTally(
        tuple(sum(level == d for level, _ in pairs) for d in doses),
        tuple(sum(tox for level, tox in pairs if level == d) for d in doses),
    )


def test_posterior_and_estimates_equal_the_reference() -> None:
    assert len(BAYES) == 176
    for record in BAYES:
        design, tally = design_of(record), tally_of(record)
        fitted = design.posterior(np.array([tally.treated]), np.array([tally.dlts]))
        assert fitted.mean[0] == pytest.approx(record["estimate_hp"], abs=1e-9), record["id"]
        assert fitted.variance[0] == pytest.approx(record["post_var_hp"], abs=1e-9), record["id"]
        toxicity = design.curve.toxicity(fitted.mean)[0]
        assert toxicity == pytest.approx(record["ptox_hp"], abs=1e-9), record["id"]
        assert design.select_mtd(tally).dose == record["mtd"], record["id"]


def test_intervals_are_those_of_the_package_up_to_its_integration_error() -> None:
    """The package's default integration is off by up to 1.1e-4; its limits are at 90 %."""
    for record in BAYES:
        design, tally = design_of(record), tally_of(record)
        fitted = design.posterior(np.array([tally.treated]), np.array([tally.dlts]))
        spread = 1.6448536269514722 * np.sqrt(fitted.variance)
        assert design.curve.toxicity(fitted.mean + spread)[0] == pytest.approx(record["ptoxL"], abs=1.1e-4)
        assert design.curve.toxicity(fitted.mean - spread)[0] == pytest.approx(record["ptoxU"], abs=1.1e-4)


def test_calibrated_skeletons_equal_the_packages() -> None:
    assert len(PRIORS) > 50
    for record in PRIORS:
        ours = calibrated_skeleton(
            record["target"],
            record["halfwidth"],
            record["nu"],
            record["nlevel"],
            record["model"],
            record["intcpt"],
        )
        assert ours == pytest.approx(record["skeleton"], abs=1e-9), record["id"]


@pytest.mark.parametrize("record", SIMULATED, ids=lambda r: r["id"])
def test_crm_lies_within_four_standard_errors_of_the_packages_simulation(record: dict[str, Any]) -> None:
    """With restrict=TRUE the package does not skip, and does not escalate after a cohort with a DLT either.

    The second is no function of the counts and is not part of ours: with cohorts of three (crmsim-02, -08) only the
    selection is compared, which it hardly touches; the patients are compared for the others.
    """
    design = design_of(
        record,
        max_patients=record["n"],
        cohort_size=record["mcohort"],
        start_dose=record["x0"][0],
        no_skipping=record["restrict"],
    )
    ours = operating_characteristics(design, [record["PI"]])
    trials = record["nsim"]
    for p, share in zip(ours.selection[0], record["sel_prob"], strict=True):
        assert abs(p - share) <= 4 * np.sqrt(p * (1 - p) / trials) + 1e-9
    if record["restrict"] and record["mcohort"] > 1:
        return
    for mean, simulated in zip(ours.patients[0], record["n_mean"], strict=True):
        assert abs(mean - simulated) <= 4 * np.sqrt(mean * (record["n"] - mean) / trials)


def test_dose_paths_of_crm_have_the_reference_probabilities() -> None:
    record = next(r for r in records("exact_paths") if r["id"] == "exact-14")
    design = CrmDesign(
        target=0.3,
        skeleton=(0.05, 0.12, 0.25, 0.4, 0.55),
        max_patients=100,
        no_skipping=False,
        stop_cutoff=None,
    )
    tree = dose_paths(design, DoseTally.empty(5), 1, cohorts=4)
    ours = dict.fromkeys(record["prob_recommend_names"], 0.0)
    for path in tree:
        ours[str(path.advice.next_dose or "NoDose")] += path.probability(record["true_prob_tox"])
    assert list(ours.values()) == pytest.approx(record["prob_recommend"], abs=1e-9)
    assert tree.nodes == record["num_nodes"]


SKELETON = (0.1, 0.2, 0.3, 0.45)


def test_advice_names_the_dose_nearest_to_the_target_and_does_not_skip() -> None:
    design = CrmDesign(target=0.3, skeleton=SKELETON, max_patients=30)
    up = design.advise(DoseTally((3, 0, 0, 0), (0, 0, 0, 0)), 1)
    assert (up.action, up.next_dose, up.next_cohort_size) == (Action.ESCALATE, 2, 3)
    assert "but no dose is skipped, so escalate to dose 2" in up.reason
    skipping = CrmDesign(target=0.3, skeleton=SKELETON, max_patients=30, no_skipping=False)
    assert skipping.advise(DoseTally((3, 0, 0, 0), (0, 0, 0, 0)), 1).next_dose == 4
    assert design.advise(DoseTally.empty(4), 1).next_dose == 1


def test_the_trial_stops_when_the_lowest_dose_is_too_toxic() -> None:
    design = CrmDesign(target=0.3, skeleton=SKELETON, max_patients=30)
    advice = design.advise(DoseTally((6, 0, 0, 0), (6, 0, 0, 0)), 1)
    assert advice.stop_reason is StopReason.LOWEST_TOO_TOXIC
    assert advice.eliminated == (1, 2, 3, 4)
    mtd = design.select_mtd(DoseTally((6, 0, 0, 0), (6, 0, 0, 0)))
    assert mtd.dose is None
    assert mtd.prob_above_target[0] is not None
    assert mtd.prob_above_target[0] > 0.95
    never = CrmDesign(target=0.3, skeleton=SKELETON, max_patients=30, stop_cutoff=None)
    assert never.advise(DoseTally((6, 0, 0, 0), (6, 0, 0, 0)), 1).next_dose == 1


@pytest.mark.parametrize("model", ["empiric", "logistic"])
def test_probability_above_the_target_equals_a_fine_sum(model: str) -> None:
    design = CrmDesign(target=0.3, skeleton=SKELETON, max_patients=30, model=model)  # type: ignore[arg-type]
    n, y = np.array([3, 6, 3, 0]), np.array([0, 2, 2, 0])
    b = np.linspace(-6, 3, 400_001)
    p = design.curve.toxicity(b)
    density = np.exp((y * np.log(p) + (n - y) * np.log1p(-p)).sum(axis=1) - 0.5 * (b / design.scale) ** 2)
    for dose in range(4):
        slow = density[p[:, dose] > 0.3].sum() / density.sum()
        assert design.posterior(n[None], y[None]).below[0, dose] == pytest.approx(slow, abs=1e-4)


def test_maximum_and_early_stop() -> None:
    design = CrmDesign(target=0.3, skeleton=SKELETON, max_patients=9, early_stop_n=6)
    assert design.advise(DoseTally((3, 6, 0, 0), (0, 2, 0, 0)), 2).stop_reason is StopReason.MAX_PATIENTS
    early = CrmDesign(target=0.3, skeleton=SKELETON, max_patients=30, early_stop_n=6)
    staying = DoseTally((3, 6, 6, 0), (0, 1, 2, 0))
    assert early.advise(staying, 3).stop_reason is StopReason.EARLY_STOP_N
    assert CrmDesign(target=0.3, skeleton=SKELETON, max_patients=30).advise(staying, 3).next_dose == 3


def test_the_mtd_is_a_dose_that_somebody_was_treated_at() -> None:
    safe = DoseTally((3, 3, 0, 0), (0, 0, 0, 0))
    design = CrmDesign(target=0.3, skeleton=SKELETON, max_patients=6)
    assert design.select_mtd(safe).dose == 2
    assert design.select_mtd(safe).estimates[2] is None
    any_dose = CrmDesign(target=0.3, skeleton=SKELETON, max_patients=6, mtd_tried_only=False)
    assert any_dose.select_mtd(safe).dose == 4


def test_a_calibrated_design() -> None:
    design = CrmDesign.calibrated(target=0.3, doses=5, halfwidth=0.07, prior_mtd=3, max_patients=30)
    assert design.skeleton[2] == pytest.approx(0.3)
    assert list(design.skeleton) == sorted(design.skeleton)


def test_a_tally_that_is_not_as_long_as_the_skeleton_is_refused() -> None:
    with pytest.raises(ValueError, match="skeleton"):
        CrmDesign(target=0.3, skeleton=SKELETON, max_patients=9).advise(DoseTally.empty(3), 1)
    with pytest.raises(ValueError, match="halfwidth"):
        calibrated_skeleton(0.3, 0.4, 2, 4)
    with pytest.raises(ValueError, match="prior_mtd"):
        calibrated_skeleton(0.3, 0.05, 5, 4)
