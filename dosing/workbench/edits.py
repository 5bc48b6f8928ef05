"""What the workbench's buttons do to a draft: doses and designs added, copied and removed, a scenario taken over."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from dataclasses import replace

from dosing.workbench.draft import Draft, DraftDesign
from dosing.workbench.parameters import text_of
from dosing.workbench.question import MOST_DESIGNS, MOST_DOSES
from dosing.workbench.scenarios import STEP, standard_scenarios

BESIDE = ("boin", "three_plus_three", "crm", "keyboard")  # what is added next to what is there already


def edited(draft: Draft, action: str) -> Draft:
    """The draft after a button: "add-dose", "remove-dose-2", "add-design", "copy-design-1", "remove-design-1",
    "scenario-3", numbered from 1. A button that has no meaning (any more) changes nothing."""
    found = re.fullmatch(r"([a-z-]+?)(?:-(\d{1,2}))?", action)
    do = _ACTIONS.get(found[1]) if found else None
    return do(draft, int(found[2] or 0)) if do and found else draft


def _add_dose(draft: Draft, _: int) -> Draft:
    if len(draft.labels) >= MOST_DOSES:
        return draft
    names = (f"Dose {i}" for i in range(len(draft.labels) + 1, 2 * MOST_DOSES))
    label = next(name for name in names if name not in draft.labels)
    return replace(draft, labels=(*draft.labels, label), toxicity=(*draft.toxicity, _above(draft.toxicity)))


def _above(toxicity: tuple[str, ...]) -> str:
    """One step more toxic than the last dose; empty where that one cannot be read."""
    try:
        last = float(toxicity[-1])
        return text_of(round(1 / (1 + math.exp(-math.log(last / (1 - last)) - STEP)), 2))
    except (ValueError, IndexError, ZeroDivisionError):
        return ""


def _remove_dose(draft: Draft, place: int) -> Draft:
    if len(draft.labels) <= 1 or not 1 <= place <= len(draft.labels):
        return draft
    return replace(draft, labels=_without(draft.labels, place), toxicity=_without(draft.toxicity, place))


def _without(texts: tuple[str, ...], place: int) -> tuple[str, ...]:
    return (*texts[: place - 1], *texts[place:])


def _add_design(draft: Draft, _: int) -> Draft:
    if len(draft.designs) >= MOST_DESIGNS:
        return draft
    there = {design.kind for design in draft.designs}
    kind = next(kind for kind in BESIDE if kind not in there)
    return replace(draft, designs=(*draft.designs, DraftDesign(kind)))


def _copy_design(draft: Draft, place: int) -> Draft:
    if len(draft.designs) >= MOST_DESIGNS or not 1 <= place <= len(draft.designs):
        return draft
    return replace(draft, designs=(*draft.designs[:place], *draft.designs[place - 1 :]))


def _remove_design(draft: Draft, place: int) -> Draft:
    if len(draft.designs) <= 1 or not 1 <= place <= len(draft.designs):
        return draft
    return replace(draft, designs=(*draft.designs[: place - 1], *draft.designs[place:]))


def _scenario(draft: Draft, place: int) -> Draft:
    try:
        scenarios = standard_scenarios(len(draft.labels), float(draft.target))
        return replace(draft, toxicity=tuple(map(text_of, scenarios[place - 1].toxicity)))
    except (ValueError, IndexError, ZeroDivisionError):
        return draft


_ACTIONS: dict[str, Callable[[Draft, int], Draft]] = {
    "add-dose": _add_dose,
    "remove-dose": _remove_dose,
    "add-design": _add_design,
    "copy-design": _copy_design,
    "remove-design": _remove_design,
    "scenario": _scenario,
}
