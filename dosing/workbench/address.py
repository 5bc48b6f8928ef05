"""The workbench's state in its address, so that a link can be sent.

Such as `dose=10 mg&p=0.1&dose=15 mg&p=0.3&target=0.3&kind=boin&1-cohort_size=1`.

dose, p: a dose's name and true toxicity, repeated, lowest dose first. kind: a design's name in the engine, repeated;
the first one's parameters are called 1-max_patients and so on. A parameter that is left out has its published
default; an empty one means what its field says ("never", "0.6 of the target"). The timing's have names of their own.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields
from itertools import zip_longest
from typing import Protocol
from urllib.parse import urlencode

from dosing.engine import DESIGNS, Timing
from dosing.workbench.draft import Draft, DraftDesign, Faulty, default_draft, draft_of
from dosing.workbench.parameters import PARAMETERS, default_of, text_of
from dosing.workbench.question import DEFAULT_TIMING, MOST_DESIGNS, MOST_DOSES, Question

__all__ = ["Faulty", "draft_from_query", "draft_to_query", "question_from_query", "question_to_query"]

MOST_PLACES = 2 * max(MOST_DESIGNS, MOST_DOSES)  # of what is given too much; beyond it nobody typed it
LONGEST = 400  # characters of one field
TIMING = tuple(each.name for each in fields(Timing))


class Query(Protocol):
    """What is read from a request's QueryDict."""

    def getlist(self, key: str, /) -> list[str]: ...
    def __contains__(self, key: object, /) -> bool: ...


def question_to_query(question: Question) -> str:
    """The address's query that asks this question; `question_from_query` gives an equal one back."""
    return draft_to_query(draft_of(question))


def question_from_query(query: Query) -> Question:
    """The question of an address. Raises Faulty (a ValueError) naming each field, its value and what is allowed."""
    return draft_from_query(query).question()


def draft_to_query(draft: Draft) -> str:
    """What stands in the fields, without parameters that have their published defaults."""
    return urlencode(list(_pairs(draft)))


def _pairs(draft: Draft) -> Iterator[tuple[str, str]]:
    for label, p in zip(draft.labels, draft.toxicity, strict=True):
        yield "dose", label
        yield "p", p
    yield "target", draft.target
    for place, design in enumerate(draft.designs, 1):
        yield "kind", design.kind
        for name in PARAMETERS:
            text = design.given.get(name)
            if text is not None and not _left_out(design.kind, name, text):
                yield f"{place}-{name}", text
    for name, text in draft.timing.items():
        if text != text_of(getattr(DEFAULT_TIMING, name)):
            yield name, text


def _left_out(kind: str, name: str, text: str) -> bool:
    """Whether it is the published default of the design. What was typed for a kind that does not exist is kept."""
    return name != "max_patients" and kind in DESIGNS and text == text_of(default_of(kind, name))


def draft_from_query(query: Query) -> Draft:
    """The fields as an address gives them; what it does not mention is as on a new comparison."""
    new = default_draft()
    labels, toxicity = new.labels, new.toxicity
    if "dose" in query or "p" in query:
        pairs = list(zip_longest(_several(query, "dose"), _several(query, "p"), fillvalue=""))
        labels, toxicity = tuple(label for label, _ in pairs), tuple(p for _, p in pairs)
    kinds = _several(query, "kind")
    return Draft(
        labels=labels,
        toxicity=toxicity,
        target=_one(query, "target") if "target" in query else new.target,
        designs=tuple(_design(query, place, kind) for place, kind in enumerate(kinds, 1)) or new.designs,
        timing={name: _one(query, name) for name in TIMING if name in query},
    )


def _design(query: Query, place: int, kind: str) -> DraftDesign:
    given = {name: _one(query, f"{place}-{name}") for name in PARAMETERS if f"{place}-{name}" in query}
    return DraftDesign(kind, given)


def _several(query: Query, key: str) -> list[str]:
    return [text[:LONGEST] for text in query.getlist(key)[:MOST_PLACES]]


def _one(query: Query, key: str) -> str:
    return query.getlist(key)[-1][:LONGEST]
