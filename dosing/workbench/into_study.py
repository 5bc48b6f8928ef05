"""A study file that begins with a design of the workbench: its ladder, its sizes, its parameters. No request."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import MISSING, fields
from typing import Any

from dosing.engine import DESIGNS, Design, ThreePlusThreeDesign, design_from_parameters
from dosing.queries.inputs import IN_THE_PLAN
from dosing.workbench.question import Question
from trials.protocol import NOT_LIVE


def why_not_live(design: Design) -> str:
    """A sentence for a design that cannot run a live study; empty for one that can."""
    return f"{NOT_LIVE[design.name]}." if design.name in NOT_LIVE else ""


def definition_with(
    question: Question, place: int, *, heading: Mapping[str, Any], rest: Mapping[str, Any], because: str
) -> dict[str, Any]:
    """A study file's content with design number `place` (from 0) of the question; it may still lack parts.

    heading: the new study's key, title and time zone. rest: another study file, from which everything else is taken;
    a dose's regimen too, where it has a level of the same name. because: where the design comes from, for its note.
    """
    design = question.designs[place]
    content = {**rest, "study": {**_kept(rest, "study", "objectives"), **heading}}
    content["levels"] = _levels(question, rest)
    content["escalation"] = {**_kept(rest, "escalation", "title", "reservation_days"), **_sizes(design, question, rest)}
    content["design"] = {"name": design.name, "parameters": own_parameters(design), "note": because}
    if _labels(rest) != list(question.labels) and isinstance(content.get("reductions"), Mapping):
        content["reductions"] = {name: part for name, part in content["reductions"].items() if name != "ladder"}
    return content


def own_parameters(design: Design) -> dict[str, Any]:
    """What stands in the file's `design.parameters`: what has no default, or another value than its default."""
    required = [f.name for f in fields(DESIGNS[design.name]) if f.default is MISSING and f.default_factory is MISSING]
    given = design.parameters()
    usual = design_from_parameters(design.name, {name: given[name] for name in required}).parameters()
    return {
        name: value
        for name, value in given.items()
        if name not in IN_THE_PLAN and (name in required or value != usual[name])
    }


def _sizes(design: Design, question: Question, rest: Mapping[str, Any]) -> dict[str, int]:
    given = design.parameters()
    most = design.most_patients(question.doses)
    fixed = design.fixed_cohort if isinstance(design, ThreePlusThreeDesign) else None
    size = fixed or int(str(given["cohort_size"]))
    largest = fixed or max(size, _whole(rest, "maximum_cohort_size"))
    return {
        "maximum_patients": most,
        "cohort_size": min(size, most),
        "maximum_cohort_size": min(largest, most),
        "start_level": design.start_dose,
    }


def _whole(rest: Mapping[str, Any], name: str) -> int:
    found = _kept(rest, "escalation", name).get(name)
    return found if isinstance(found, int) else 0


def _levels(question: Question, rest: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The ladder's names, each with what is given at it where the other file has a level of that name."""
    known = {level.get("label"): level.get("doses") for level in _rows(rest)}
    return [
        {"ordinal": ordinal, "label": label, **({"doses": known[label]} if known.get(label) else {})}
        for ordinal, label in enumerate(question.labels, start=1)
    ]


def _labels(rest: Mapping[str, Any]) -> list[Any]:
    return [level.get("label") for level in _rows(rest)]


def _rows(rest: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    levels = rest.get("levels")
    return [level for level in levels if isinstance(level, Mapping)] if isinstance(levels, list) else []


def _kept(rest: Mapping[str, Any], part: str, *names: str) -> dict[str, Any]:
    """These entries of a part of the other file, which may be a draft and lack anything."""
    found = rest.get(part)
    return {name: found[name] for name in names if name in found} if isinstance(found, Mapping) else {}
