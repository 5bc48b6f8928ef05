"""The statistical section of a protocol, in words: one text for a design with its parameters. No database, no request.

Text with λ_e, φ_1 and so on: an underscore before one letter or digit says that it stands below the line.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from dosing.engine import (
    BoinDesign,
    CrmDesign,
    Design,
    I3Plus3Design,
    KeyboardDesign,
    Mtpi2Design,
    ThreePlusThreeDesign,
    TiteBoinDesign,
)
from dosing.engine.interval import IntervalDesign
from dosing.engine.posterior import FEWEST_TO_ELIMINATE
from dosing.engine.wording import probability_as_given
from dosing.workbench.section_models import crm_mtd, crm_rule, crm_safety, tite_rule
from dosing.workbench.section_references import REFERENCES

NUMBERS = ("Two", "Three", "Four", "Five", "Six", "Seven", "Eight", "Nine", "Ten")  # Question has ten doses at most
DLT = "dose-limiting toxicity (DLT)"


@dataclass(frozen=True)
class Passage:
    """A heading and what stands below it."""

    heading: str
    paragraphs: tuple[str, ...]


@dataclass(frozen=True)
class StatisticalSection:
    """The section of one design: passages in the order of a protocol, and the publications behind them."""

    passages: tuple[Passage, ...]
    references: tuple[str, ...]


def statistical_section(design: Design, labels: Sequence[str]) -> StatisticalSection:
    """The text for a design on the ladder of these doses, lowest first."""
    passages = (
        Passage("Dose decisions", (_opening(design, labels), *_rule(design, labels))),
        Passage("Dose levels closed for toxicity", tuple(_safety(design))),
        Passage("Sample size and end of escalation", tuple(_ending(design))),
        Passage("Selection of the maximum tolerated dose", tuple(_mtd(design))),
    )
    return StatisticalSection(passages, REFERENCES[design.name])


def _opening(design: Design, labels: Sequence[str]) -> str:
    ladder = "One dose level is studied" if len(labels) == 1 else f"{NUMBERS[len(labels) - 2]} dose levels are studied"
    aim = f"The target probability of a {DLT} is φ = {probability_as_given(design.target)}."
    if isinstance(design, ThreePlusThreeDesign):
        aim = f"The rule counts patients with a {DLT}; it has no target probability of its own."
    start = f"The first cohort is treated at {labels[design.start_dose - 1]}."
    sizes = "3" if isinstance(design, ThreePlusThreeDesign) else str(design.cohort_size)
    cohorts = "Patients are treated one at a time." if sizes == "1" else f"Patients are treated in cohorts of {sizes}."
    return f"{ladder}: {', '.join(labels)}. {aim} {cohorts} {start}"


# --- How dose decisions are made ---


def _rule(design: Design, labels: Sequence[str]) -> list[str]:
    if isinstance(design, CrmDesign):
        return crm_rule(design, labels)
    if isinstance(design, TiteBoinDesign):
        return [*_boin_rule(design.boin), *tite_rule(design)]
    own: dict[type, Callable[..., list[str]]] = {
        BoinDesign: _boin_rule,
        KeyboardDesign: _keyboard_rule,
        Mtpi2Design: _mtpi2_rule,
        I3Plus3Design: _i3plus3_rule,
        ThreePlusThreeDesign: _three_plus_three_rule,
    }
    return own[type(design)](design)


COUNTED = (
    "After each cohort, n is the number of evaluable patients treated so far at the current dose level, over all "
    "cohorts, and y the number of them with a DLT."
)
ENDS = (
    "Where there is no open level above the current one, a decision to escalate means to stay; at the lowest level "
    "a decision to de-escalate means to stay. No level is skipped on the way up."
)


def _boin_rule(design: BoinDesign) -> list[str]:
    low, high = design.escalation_boundary, design.de_escalation_boundary
    text = [
        f"{COUNTED} The observed rate y/n is compared with two fixed boundaries, λ_e = {low:.3f} and λ_d = {high:.3f}. "
        "If y/n ≤ λ_e, the dose is escalated by one level; if y/n ≥ λ_d, it is de-escalated by one level; otherwise "
        f"the next cohort is treated at the same level. {ENDS}",
        f"The boundaries follow from the target φ, from the probability φ_1 = {design.p_saf:.3g} that is deemed so low "
        f"that the dose should be raised, and from φ_2 = {design.p_tox:.3g}, deemed so high that it should be lowered:",
        "λ_e = ln[(1 − φ_1)/(1 − φ)] / ln[φ(1 − φ_1)/(φ_1(1 − φ))]",
        "λ_d = ln[(1 − φ)/(1 − φ_2)] / ln[φ_2(1 − φ)/(φ(1 − φ_2))]",
        "Where the three probabilities are equally likely beforehand, these boundaries make the probability of a wrong "
        "decision the smallest.",
    ]
    if design.titration and design.cohort_size > 1:
        text.append(
            "The trial begins with accelerated titration: single patients are treated at rising levels until the "
            f"first DLT or the highest level. There the cohort is completed to {design.cohort_size} patients, and "
            "from then on the rule above applies."
        )
    return text


def _keyboard_rule(design: KeyboardDesign) -> list[str]:
    ends, place = design.keys
    return [
        f"{COUNTED} With a uniform prior, the probability of a DLT at this level has the posterior distribution "
        f"Beta(1 + y, 1 + n − y). The target key is the interval from {ends[place]:.3f} to {ends[place + 1]:.3f}; "
        "below and above it the unit interval is divided into keys of the same width; what is left at either end is a "
        "shorter key. The strongest key is the one with the largest posterior probability, a shorter end key counting "
        "in proportion to a full key's width; of equally strong keys the highest counts. If the strongest key lies "
        "below the target key, the dose is escalated by one level; if it lies above, it is de-escalated by one level; "
        f"if it is the target key, the next cohort is treated at the same level. {ENDS}"
    ]


def _mtpi2_rule(design: Mtpi2Design) -> list[str]:
    return [
        f"{COUNTED} With a uniform prior, the probability of a DLT at this level has the posterior distribution "
        "Beta(1 + y, 1 + n − y). The equivalence interval around the target reaches from "
        f"{design.low:.3f} to {design.high:.3f}; below and above it the unit interval is divided into intervals of "
        "the same length; what is left at either end is a shorter one. Each interval's unit probability mass is its "
        "posterior probability divided by its length; of equal masses the highest interval counts. If the largest "
        "mass lies below the equivalence interval, the dose is escalated by one level; if it lies above, it is "
        "de-escalated by one level; if it is that of the equivalence interval, the next cohort is treated at the same "
        f"level. {ENDS}"
    ]


def _i3plus3_rule(design: I3Plus3Design) -> list[str]:
    return [
        f"{COUNTED} The equivalence interval around the target reaches from {design.low:.3f} to {design.high:.3f}, "
        "its ends included. If y/n lies below it, the dose is escalated by one level. If y/n lies in it, the next "
        "cohort is treated at the same level. If y/n lies above it, (y − 1)/n decides: where that lies below the "
        "interval, so that a single DLT makes the difference, the next cohort is treated at the same level; otherwise "
        f"the dose is de-escalated by one level. {ENDS}"
    ]


def _three_plus_three_rule(design: ThreePlusThreeDesign) -> list[str]:
    climb = (
        "If none of the first 3 evaluable patients at a level has a DLT, the next level is opened. If 1 of 3 has a "
        "DLT, 3 more patients are treated at the level; if none of these has one (1 of 6), the next level is opened. "
        "If 2 or more patients at a level have a DLT, of 3 or of 6, the level is above the maximum tolerated dose and "
        "escalation ends."
    )
    top = (
        "The highest level is treated to 6 patients before it can be the maximum tolerated dose."
        if design.complete_highest
        else "At the highest level 0 of 3, or at most 1 of 6, completes the trial."
    )
    return [climb, f"{_three_plus_three_down(design)} {top}"]


def _three_plus_three_down(design: ThreePlusThreeDesign) -> str:
    if design.de_escalate:
        return (
            "When a level has been found too toxic and the next lower level has fewer than 6 patients, it is treated "
            "to 6; if 2 or more of them have a DLT, the same is done one level further down."
        )
    if design.start_dose == 1:
        return "When a level has been found too toxic, no further patient is treated at a lower level."
    return (
        "When a level has been found too toxic, a lower level is treated only where nobody has been: then 3 patients "
        "are treated there, and if 2 or more of them have a DLT, the same is done one level further down."
    )


# --- Closing levels ---


def _safety(design: Design) -> list[str]:
    if isinstance(design, CrmDesign):
        return crm_safety(design)
    if isinstance(design, ThreePlusThreeDesign):
        return [
            "A level at which 2 or more patients have had a DLT is closed, with all levels above it. If that is the "
            "lowest level, the trial stops and no dose is selected."
        ]
    plain = design.boin if isinstance(design, TiteBoinDesign) else design
    return _interval_safety(plain)


def _interval_safety(design: IntervalDesign) -> list[str]:
    cutoff, fewest = design.elimination_cutoff, design.fewest_to_eliminate
    after = f"once at least {fewest} evaluable patients have been treated there and" if fewest > 1 else "as soon as"
    text = [
        f"A dose level is closed, with all levels above it, {after} the posterior probability that its probability p "
        f"of a DLT exceeds the target is greater than {cutoff:g}, that is Pr(p > φ | y, n) > {cutoff:g} under a "
        "uniform prior. No patient is treated at a closed level any more; from a closed level the dose goes down to "
        "the highest open one. If the lowest level is closed, the trial stops and no dose is selected."
    ]
    if design.extra_safe:
        earlier = cutoff - design.extra_safe_offset
        text.append(
            f"As an additional safeguard, the trial stops without a selected dose as soon as, from "
            f"{FEWEST_TO_ELIMINATE} evaluable patients on, this probability exceeds {earlier:g} at the lowest level."
        )
    return text


# --- The end ---


def _ending(design: Design) -> list[str]:
    if isinstance(design, ThreePlusThreeDesign):
        return [
            "The sample size is not fixed: the rule ends the trial. At most 6 evaluable patients are treated at each "
            "dose level. Patients who are not evaluable for DLT are replaced."
        ]
    first = (
        f"Dose escalation ends when {design.max_patients} evaluable patients have been treated. A last cohort that "
        "would exceed this number is reduced. Patients who are not evaluable for DLT are replaced."
    )
    if design.early_stop_n is None:
        return [first]
    regardless = isinstance(design, IntervalDesign) and not design.stops_early_only_to_remain
    condition = "" if regardless else " and the decision is to remain at it"
    return [
        f"{first} It ends earlier when {design.early_stop_n} evaluable patients have been treated at the current "
        f"level{condition}."
    ]


def _mtd(design: Design) -> list[str]:
    if isinstance(design, CrmDesign):
        return crm_mtd(design)
    if isinstance(design, ThreePlusThreeDesign):
        which = "the highest level at which at most 1 of 6 evaluable patients has had a DLT"
        if not design.complete_highest:
            which += " (at the highest level of the ladder, 0 of 3 suffices)"
        if not design.de_escalate:
            which = "the level below the one at which 2 or more patients have had a DLT, or the highest level if none"
        return [f"The maximum tolerated dose (MTD) is {which}. There is none if the lowest level is too toxic."]
    prior = (design.boin if isinstance(design, TiteBoinDesign) else design).estimate_prior
    bound = ""
    if isinstance(design, BoinDesign | TiteBoinDesign) and design.bound_mtd:
        bound = " A level with an estimate above λ_d is not selected."
    return [
        "When escalation has ended, the probabilities of a DLT at the levels that were treated and are not closed are "
        f"estimated by isotonic regression: the posterior means (y + {prior:g})/(n + {2 * prior:g}), under a "
        f"Beta({prior:g}, {prior:g}) prior, are made non-decreasing over the levels by pooling adjacent violators, "
        "weighted by their inverse posterior variances. The maximum tolerated dose (MTD) is the level with the "
        "estimate nearest to the target; of equal estimates the higher level is taken where they lie below the "
        "target, the lower one otherwise, and of two estimates equally far below and above the target the lower "
        f"level.{bound}"
    ]
