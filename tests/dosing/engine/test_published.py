"""Worked examples from publications, replayed."""

import pytest

from dosing.engine import Action, BoinDesign, CrmDesign, I3Plus3Design, StopReason, ThreePlusThreeDesign
from tests.dosing.engine.notation import tally_of


def test_the_notorious_example_of_neuenschwander() -> None:
    """Neuenschwander B, Branson M, Gsponer T. Stat Med 2008;27:2420-2439, section 2 and figure 1.

    Fifteen doses from 1 to 250 mg, target 0.30, one-parameter power model, prior standard deviation 1.34. After two
    DLTs in two patients at 25 mg (dose 7) the CRM still asks for 40 mg (dose 9).
    """
    skeleton = (0.010, 0.015, 0.020, 0.025, 0.030, 0.040, 0.050, 0.100, 0.170, 0.300, 0.400, 0.500, 0.650, 0.800, 0.900)
    design = CrmDesign(target=0.30, skeleton=skeleton, scale=1.34, max_patients=60, no_skipping=False, stop_cutoff=None)
    tally, current = tally_of("1NNN 2NNNN 3NNNNN 4NNNN 7TT", 15)
    advice = design.advise(tally, current)
    assert (advice.action, advice.next_dose) == (Action.ESCALATE, 9)
    careful = CrmDesign(target=0.30, skeleton=skeleton, scale=1.34, max_patients=60, stop_cutoff=None)
    assert careful.advise(tally, current).next_dose == 8


@pytest.mark.parametrize(
    ("target", "low", "high"),
    [
        (0.15, 0.118, 0.179),
        (0.20, 0.157, 0.238),
        (0.25, 0.197, 0.298),
        (0.30, 0.236, 0.358),
        (0.35, 0.276, 0.419),
        (0.40, 0.316, 0.479),
    ],
)
def test_boundaries_of_boin(target: float, low: float, high: float) -> None:
    """Yuan Y, Hess KR, Hilsenbeck SG, Gilbert MR. Clin Cancer Res 2016;22:4291-4301, table 1, to three decimals."""
    design = BoinDesign(target=target, max_patients=30)
    assert design.escalation_boundary == pytest.approx(low, abs=0.001)
    assert design.de_escalation_boundary == pytest.approx(high, abs=0.001)


@pytest.mark.parametrize(
    ("outcomes", "wide", "next_dose"),
    [
        ("2NNN", False, 3),
        ("1NNN 2NNT", True, 2),
        ("1NNN 2NNT", False, 1),
        ("2NTN 1TTT", False, None),
    ],
)
def test_boin_in_the_manual_of_escalation(outcomes: str, wide: bool, next_dose: int | None) -> None:
    """Brock K. escalation: a modular approach to dose-finding clinical trials (R package, its introduction).

    Five doses, target 0.25. With p_saf and p_tox at 0.3 and 1.7 of the target 1 of 3 stays, with the defaults
    (0.6 and 1.4) it de-escalates; three DLTs of three at the lowest dose stop the trial.
    """
    margins = {"p_saf": 0.3 * 0.25, "p_tox": 1.7 * 0.25} if wide else {}
    design = BoinDesign(target=0.25, max_patients=30, **margins)  # type: ignore[arg-type]
    advice = design.advise(*tally_of(outcomes, 5))
    assert advice.next_dose == next_dose
    if next_dose is None:
        assert advice.stop_reason is StopReason.LOWEST_ELIMINATED


def test_crm_in_the_manual_of_escalation() -> None:
    """The same introduction: "2NNN" asks for dose 4; with the logistic model "2NNN 3TNN" asks for dose 3."""
    skeleton = (0.05, 0.1, 0.25, 0.4, 0.6)
    empiric = CrmDesign(target=0.25, skeleton=skeleton, max_patients=30, no_skipping=False, stop_cutoff=None)
    assert empiric.advise(*tally_of("2NNN", 5)).next_dose == 4
    logistic = CrmDesign(
        target=0.25,
        skeleton=skeleton,
        max_patients=30,
        model="logistic",  # type: ignore[arg-type]
        intercept=4,
        stop_cutoff=None,
    )
    assert logistic.advise(*tally_of("2NNN 3TNN", 5)).next_dose == 3


def test_three_plus_three_of_korn() -> None:
    """Korn EL et al. Stat Med 1994;13:1799-1806: the MTD is the highest dose with at most 1 DLT of 6 patients."""
    design = ThreePlusThreeDesign()
    steps = [("1NNN", 2), ("1NNN 2NNT", 2), ("1NNN 2NNT 2NNN", 3), ("1NNN 2NNT 2NNN 3NTT", None)]
    for outcomes, next_dose in steps:
        assert design.advise(*tally_of(outcomes, 4)).next_dose == next_dose
    done, _ = tally_of("1NNN 2NNT 2NNN 3NTT", 4)
    assert design.select_mtd(done).dose == 2


def test_i3plus3_of_liu() -> None:
    """Liu M, Wang SJ, Ji Y. J Biopharm Stat 2020;30:294-304, the rule that gave the design its name.

    Target 0.3: 1/2 is above the interval from 0.25 to 0.35 and 0/2 below it, so stay. 2/3 is above it and 1/3 is in
    it, so de-escalate.
    """
    design = I3Plus3Design(target=0.3, max_patients=30)
    assert design.advise(*tally_of("1NNN 2NT", 3)).action is Action.STAY
    assert design.advise(*tally_of("1NNN 2NTT", 3)).action is Action.DE_ESCALATE
