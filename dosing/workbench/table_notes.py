"""What a decision table does not show by itself, in sentences: safety rules, stopping, pending patients. Pure."""

from __future__ import annotations

from dosing.engine import BoinDesign, Design, ThreePlusThreeDesign, TiteBoinDesign, TiteRule
from dosing.engine.interval import IntervalDesign
from dosing.engine.posterior import FEWEST_TO_ELIMINATE
from dosing.engine.wording import probability_as_given

ENDS = (
    "At the highest dose E means stay; so it does where the next dose is closed. "
    "At the lowest dose D means stay, and DU stops the trial."
)


def notes_of(design: Design) -> tuple[str, ...]:
    """The sentences under the table, the general ones first."""
    if isinstance(design, ThreePlusThreeDesign):
        return _three_plus_three(design)
    if isinstance(design, TiteBoinDesign):
        return (*_pending(design), *_interval(design.boin))
    return _interval(design) if isinstance(design, IntervalDesign) else ()


def rules_of(design: Design) -> tuple[tuple[str, str], ...]:
    """3+3 in its own words: (what is seen at the dose, what follows); nothing for other designs."""
    if not isinstance(design, ThreePlusThreeDesign):
        return ()
    filled = "the next lower dose, once it has six patients, is the MTD"
    first = "the next lower dose, once it has three patients, is the MTD"
    at_once = first if design.start_dose > 1 else "the next lower dose is the MTD"
    below = filled if design.de_escalate else at_once
    top = "three more are treated there first" if design.complete_highest else "it is the MTD"
    return (
        ("0 of 3", f"Escalate to the next dose. At the highest dose, {top}"),
        ("1 of 3", "Stay: treat three more at the same dose"),
        ("2 or 3 of 3", f"Too many: the dose is above the MTD, and {below}"),
        ("0 or 1 of 6", "Escalate, unless the next dose was too toxic or there is none: then this dose is the MTD"),
        ("2 or more of 6", f"Too many: the dose is above the MTD, and {below}"),
    )


def _three_plus_three(design: ThreePlusThreeDesign) -> tuple[str, ...]:
    return (
        "A second DLT closes the dose at once, whether the cohort is complete or not; otherwise an incomplete "
        "cohort is completed.",
        "At the lowest dose DU stops the trial, and there is no MTD.",
    )


def _interval(design: IntervalDesign) -> tuple[str, ...]:
    notes = [ENDS]
    if design.fewest_to_eliminate > 1:
        notes.append(f"A dose is closed only once {design.fewest_to_eliminate} patients were evaluated at it.")
    if design.extra_safe:
        cutoff = design.elimination_cutoff - design.extra_safe_offset
        notes.append(
            f"Extra safety: from {FEWEST_TO_ELIMINATE} patients on, the trial already stops at the lowest dose when "
            f"its toxicity is above the target of {probability_as_given(design.target)} with a probability of more "
            f"than {cutoff:g}; see “stop at the lowest dose”."
        )
    if design.early_stop_n is not None:
        when = " and the table says to remain there" if design.stops_early_only_to_remain else ""
        notes.append(f"The trial stops early once {design.early_stop_n} patients were evaluated at a dose{when}.")
    if isinstance(design, BoinDesign) and design.titration and design.cohort_size > 1:
        notes.append("While single patients climb the ladder (titration, until the first DLT) the table is not used.")
    return tuple(notes)


def _pending(design: TiteBoinDesign) -> tuple[str, ...]:
    counted = {
        TiteRule.SINGLE_IMPUTATION: "the expected share of a DLT that each may still have (single imputation)",
        TiteRule.EFFECTIVE_SAMPLE_SIZE: "the part of the window that each has passed (effective sample size)",
    }[TiteRule(design.rule)]
    return (
        "The table holds when nobody is pending at the dose. While patients are pending, DLTs already seen that mean "
        f"D or DU act at once; otherwise pending patients count with {counted}.",
        f"Accrual is suspended while more than {100 * design.max_pending:g} % of the patients at the current dose are "
        "pending, unless the DLTs already seen mean D or DU.",
    )
