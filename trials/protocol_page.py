"""The Protocol page: what a protocol version says, section by section, and what of it the protocol's text does not say.

Formatting only. Every part of the study file that is marked as assumed comes out as a mark beside what it says.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from trials import protocol_page_doses as body_size
from trials import protocol_page_schedule as schedule
from trials import protocol_words as words
from trials.clock import day_of
from trials.models import ProtocolVersion, Role
from trials.protocol import Heading, Protocol
from trials.protocol_marks import Mark, Place
from trials.protocol_pieces import Item, Line, Section, item, nothing, section, short


@dataclass(frozen=True)
class Assumption:
    """One assumption, with the places that it is made at."""

    what: str
    marks: tuple[Mark, ...]


@dataclass(frozen=True)
class ProtocolPage:
    """counts_only: the design knows numbers of DLTs that escalate and that are too many, and nothing between them."""

    headline: str
    sections: tuple[Section, ...]
    assumptions: tuple[Assumption, ...]
    counts_only: bool


def protocol_page(protocol: Protocol) -> ProtocolPage:
    sections = tuple(_sections(Place(protocol, ("",))))
    counts_only = protocol.design.name in words.COUNTS_ONLY
    return ProtocolPage(_headline(protocol), sections, tuple(_assumptions(sections)), counts_only)


def version_facts(version: ProtocolVersion) -> list[dict[str, str]]:
    """The version itself, for components/definitions.html; days are the study's."""
    zone = version.study.time_zone
    live = words.day_words(day_of(version.live_at, zone)) if version.live_at else "not yet"
    return [
        {"label": "Version", "value": f"{version.number}, {version.get_status_display()}"},
        {"label": "Live since", "value": live},
        {"label": "Loaded on", "value": words.day_words(day_of(version.loaded_at, zone))},
        {"label": "Loaded by", "value": version.loaded_by.full_name},
        {"label": "SHA-256", "value": version.sha256},
    ]


def _headline(protocol: Protocol) -> str:
    levels, design = protocol.levels, words.design_words(protocol.design)
    doses = levels[0].label if len(levels) == 1 else f"{levels[0].label} to {levels[-1].label}"
    most = words.count(protocol.escalation.maximum_patients, "patient")
    return f"{doses} in {words.count(len(levels), 'dose level')}, by {design} with at most {most}"


def _sections(root: Place) -> Iterator[Section]:
    yield _objectives(root)
    yield _parts(root)
    yield from schedule.lead_in(root)
    yield _levels(root)
    yield from body_size.doses(root)
    yield _design(root)
    yield _dlt(root)
    yield _signatures(root)
    yield _eligibility(root)
    yield _reductions(root)
    yield _delay(root)
    yield _discontinuation(root)
    yield _continuation(root)
    yield _event_monitoring(root)
    yield schedule.visits(root)
    yield from schedule.activities(root)
    yield schedule.samples(root)
    yield schedule.outcome_measures(root)


# --- the page's pieces ---


def _assumptions(sections: Sequence[Section]) -> Iterator[Assumption]:
    """Every mark once, in the order of the page; what is assumed alike is one assumption."""
    found: dict[str, list[Mark]] = {}
    for one in sections:
        inside = (mark for line in one.lines for item in line.items for mark in item.marks)
        for mark in itertools.chain(one.marks, inside):
            found.setdefault(mark.what, []).append(mark)
    for what, marks in found.items():
        yield Assumption(what, tuple(marks))


# --- what is tried ---


def _objectives(root: Place) -> Section:
    study = root.at("study")
    said = tuple(Item(objective) for objective in study.part.objectives) or (Item("The study file names none."),)
    facts = [
        Line("Study", (Item(study.part.title, f"{study.part.key}; days are those of {study.part.time_zone}"),)),
        *(Line(label, tuple(map(Item, texts))) for label, texts in _names(study.part) if texts),
        Line("Objectives", said),
        Line("Toxicity", (Item(f"Graded by CTCAE version {root.part.ctcae_version}"),)),
    ]
    return section("objectives", "Objectives", facts, Place(root.part, ("protocol",)), study)


def _names(heading: Heading) -> Iterator[tuple[str, Sequence[str]]]:
    """What a study is called elsewhere, and its arms as a register has them."""
    yield "Official title", [heading.official_title] if heading.official_title else []
    yield "Identifiers", heading.identifiers
    yield "Arms", heading.arms


def _parts(root: Place) -> Section:
    plan, expansion = root.at("escalation"), root.at("expansion")
    first, *others = words.escalation_words(root.part, plan.part)
    sizes = (item(first, "Sizes of the dose escalation", "", plan), *map(Item, others))
    lines = [Line(plan.part.title, sizes)]
    if expansion.part is not None:
        text = f"{words.count(expansion.part.patients, 'patient')}, treated at the MTD."
        lines.append(Line(expansion.part.title, (item(text, "Size of the dose expansion", "", expansion),)))
    return section("parts", "Parts and sizes", lines)


def _levels(root: Place) -> Section:
    cycle, window = root.at("cycle"), root.at("cycle").at("start_window")
    start = words.window_words(window.part, "the planned day")
    lines = [
        Line("Agents", tuple(_agent(agent) for agent in root.each("agents"))),
        Line(
            "Cycle",
            (
                item(words.count(cycle.part.length_days, "day"), "Length of the cycle", "", cycle),
                item(f"It starts {start[:1].lower()}{start[1:]}.", "Window for the start of a cycle", "", window),
            ),
        ),
    ]
    for level in reversed(root.each("levels")):
        name = f"Level {level.part.ordinal}: {level.part.label}"
        lines.append(Line(name, _regimen(root.part, level, "Doses of the levels", level.part.label)))
    return section("levels", "Dose levels", lines)


def _agent(agent: Place) -> Item:
    detail = "Investigational: its toxicity decides about the dose." if agent.part.investigational else ""
    return item(agent.part.name, "Agents", agent.part.name, agent, detail=detail)


def _regimen(protocol: Protocol, place: Place, what: str, label: str) -> tuple[Item, ...]:
    """What is given; a mark on the whole stands beside the first dose."""
    doses = place.each("doses")
    return tuple(
        item(words.dose_words(protocol, dose.part), what, label, *([place] if i == 0 else []), dose)
        for i, dose in enumerate(doses)
    )


# --- how it is decided ---


def _design(root: Place) -> Section:
    design = root.at("design")
    lines = [Line("Design", (Item(words.design_words(design.part)),))]
    for name, value in design.part.parameters.items():
        lines.append(Line(name.replace("_", " ").capitalize(), (Item(words.parameter_words(value)),)))
    return section("design", "Design", lines, design)


def _dlt(root: Place) -> Section:
    dlt = root.at("dlt")
    window, exposure = dlt.at("window"), dlt.at("minimum_exposure")
    days = f"Days {window.part.from_day}–{window.part.to_day} of cycle {window.part.cycle}"
    agent = root.part.agent(exposure.part.agent).name.lower()
    least = f"At least {words.number_words(exposure.part.fraction * 100)} % of the planned doses of {agent}"
    lines = [
        Line("DLT window", (item(days, "DLT window", "", window),)),
        Line(
            "Minimum exposure",
            (
                item(
                    least, "Minimum exposure", "", exposure,
                    detail="With less in the window and no DLT, a patient is not evaluable and is replaced.",
                ),
            ),
        ),
    ]  # fmt: skip
    for rule in dlt.each("rules"):
        code, detail = rule.part.code, words.rule_words(rule.part)
        lines.append(
            Line(f"Rule {code}", (item(rule.part.text, "What is a DLT", f"rule {code}", rule, detail=detail),))
        )
    return section("dlt", "Dose-limiting toxicity", lines, dlt)


def _signatures(root: Place) -> Section:
    signatures = root.at("signatures")
    lines = [
        Line("A dose decision", _roles(signatures.part.dose_decision)),
        Line("The MTD", _roles(signatures.part.mtd)),
        Line("The set-up, and an amendment", _roles(signatures.part.set_up)),
    ]
    delegation = root.at("delegation")
    asked = [
        said
        for needed, said in (
            (delegation.part.identity_check, "Identity check"),
            (delegation.part.training, "Training on the protocol version in force"),
        )
        if needed
    ]
    if asked:
        before = tuple(item(said, "Before a role lets anybody act", "", delegation) for said in asked)
        lines.append(Line("Before a role lets anybody act", before))
    return section("signatures", "Who must sign", lines, signatures)


def _roles(roles: Iterable[str]) -> tuple[Item, ...]:
    return tuple(Item(Role(role).label.capitalize()) for role in roles)


# --- who, and for how long ---


def _eligibility(root: Place) -> Section:
    criteria = root.each("eligibility")
    lines = []
    for kind, label in (("inclusion", "To be met"), ("exclusion", "Not to be met")):
        said = [item(c.part.text, "Eligibility", short(c.part.text), c) for c in criteria if c.part.kind == kind]
        if said:
            lines.append(Line(label, tuple(said)))
    return section("eligibility", "Eligibility", lines or [nothing()])


def _reductions(root: Place) -> Section:
    reductions = root.at("reductions")
    most = f"At most {words.count(reductions.part.maximum, 'reduction')} for a patient, one rung down each."
    lines = [Line("Maximum", (Item(most),))]
    for rung in reductions.each("ladder"):
        what = f"{rung.part.label} on the reduction ladder"
        if rung.part.level is None:
            said = _regimen(root.part, rung, what, "")
        else:
            said = (item(f"As dose level {rung.part.level}", what, "", rung),)
        lines.append(Line(rung.part.label, said))
    return section("reductions", "Reduction ladder", lines, reductions)


def _delay(root: Place) -> Section:
    limit = root.part.delay.limit_days
    text = (
        f"A cycle can start at most {words.count(limit, 'day')} later than due; after that, treatment is discontinued."
    )
    return section("delay", "Delays", [Line("Limit", (Item(text),))], root.at("delay"))


def _discontinuation(root: Place) -> Section:
    retreatment = root.at("retreatment")
    said = tuple(
        item(
            reason.part.text, "Reasons to discontinue", short(reason.part.text), reason,
            chip="allows re-treatment" if reason.part.allows_retreatment else "",
        )
        for reason in root.each("discontinuation")
    )  # fmt: skip
    again = "Allowed after the reasons that say so." if retreatment.part.allowed else "Not allowed."
    lines = [Line("Reasons", said), Line("Re-treatment", (item(again, "Re-treatment", "", retreatment),))]
    return section("discontinuation", "Discontinuation", lines)


def _continuation(root: Place) -> Section:
    review = root.at("continuation_review")
    if review.part is None:
        return section("continuation", "Continuation review", [nothing()])
    lines = [Line("Due", (Item(f"After {words.count(review.part.after_months, 'month')} of treatment"),))]
    if review.part.question:
        lines.append(Line("To go on", (Item(review.part.question),)))
    return section("continuation", "Continuation review", lines, review)


# --- what is looked at ---


def _event_monitoring(root: Place) -> Section:
    plan = root.at("event_monitoring")
    every, until = plan.part.every_days, plan.part.for_days
    often = f"Every {words.count(every, 'day')} for {words.count(until, 'day')} after treatment has ended"
    visits = f"{words.count(until // every, 'visit')} in all"
    window = plan.at("window")
    around = words.window_words(window.part, "the planned day")
    lines = [
        Line("Visits", (Item(often, visits),)),
        Line("Window", (item(around, "Window of event monitoring", "", window),)),
    ]
    return section("event-monitoring", "Event monitoring", lines, plan)
