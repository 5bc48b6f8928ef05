"""The parts of the statistical section that are the CRM's and TITE-BOIN's own. Text as in section_text."""

from __future__ import annotations

from collections.abc import Sequence

from dosing.engine import CrmDesign, TiteBoinDesign
from dosing.engine.crm_model import CrmModel
from dosing.engine.tite_boin import TiteRule


def crm_rule(design: CrmDesign, labels: Sequence[str]) -> list[str]:
    """The model with its prior, and how the next dose follows from it."""
    skeleton = ", ".join(f"{s:.3g} at {label}" for s, label in zip(design.skeleton, labels, strict=True))
    if design.model is CrmModel.EMPIRIC:
        curve = "the probability of a DLT at level j is s_j to the power exp(β)"
    else:
        curve = (
            f"the logit of the probability of a DLT at level j is {design.intercept:g} + exp(β) x_j, with x_j chosen "
            "so that the curve is the skeleton at β = 0"
        )
    skipping = (
        " The dose is raised by at most one level at a time, so that no level is skipped."
        if design.no_skipping
        else " Levels may be skipped."
    )
    return [
        f"The relation of dose and toxicity is described by a model with one parameter β: {curve}. The skeleton s_j "
        f"holds the prior guesses: {skeleton}. Beforehand β is normally distributed with mean 0 and standard "
        f"deviation {design.scale:.4g}.",
        "After each cohort the posterior distribution of β given the outcomes of all evaluable patients at all levels "
        "is computed by numerical integration. Each level's probability of a DLT is estimated at the posterior mean "
        "of β, and the next cohort is treated at the level whose estimate is nearest to the target, the lower of two "
        f"equally near.{skipping}",
    ]


def crm_safety(design: CrmDesign) -> list[str]:
    """When the trial stops because no dose is safe."""
    if design.stop_cutoff is None:
        return ["No level is closed by a rule of its own, and no rule stops the trial for toxicity."]
    return [
        "The trial stops, without a selected dose, when the posterior probability under the model that the lowest "
        f"level's probability of a DLT exceeds the target is greater than {design.stop_cutoff:g}. No level is "
        "closed by a rule of its own."
    ]


def crm_mtd(design: CrmDesign) -> list[str]:
    """Which dose the model selects."""
    among = "among the levels at which patients were treated" if design.mtd_tried_only else "among all levels"
    return [
        "The maximum tolerated dose (MTD) is the level whose probability of a DLT, estimated under the model from all "
        f"evaluable patients, is nearest to the target, {among}."
    ]


def tite_rule(design: TiteBoinDesign) -> list[str]:
    """How decisions are made while patients are still in their DLT window."""
    if design.rule is TiteRule.SINGLE_IMPUTATION:
        method = (
            "otherwise the outcomes of the pending patients are imputed from their follow-up: with "
            "q = (y + φ/2)/(n − c + 1) and w = q/(1 − q), the rate is estimated by (y + w(c − f))/n. If y/n < φ and "
            "this estimate is at most λ_e, the dose is escalated; if y/n > φ and it is at least λ_d, the dose is "
            "de-escalated; else it stays (single imputation)"
        )
    else:
        method = (
            "otherwise the rate is estimated by y/(n − c + f), the DLTs per effective sample size, and compared with "
            "λ_e and λ_d as above"
        )
    return [
        "Decisions do not wait until all patients have completed the DLT window. n counts all patients treated at the "
        "current level, c of whom are pending: without a DLT, and still in the window; f is their time in the window, "
        "added up, in windows. If y/n ≥ λ_d, the dose is de-escalated, since pending patients can only add DLTs. If "
        f"more than {design.max_pending * 100:g} % of the n patients are pending, accrual is suspended until more is "
        f"known. If nobody is pending, the rule above applies; {method}.",
        "When the last patient has been treated, or the trial ends earlier, the outcomes of all pending patients are "
        "awaited before the maximum tolerated dose is selected.",
    ]
