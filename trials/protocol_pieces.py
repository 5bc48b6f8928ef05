"""The pieces of which the Protocol page is made: sections of lines of items, with the marks of what is assumed."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from trials.protocol_marks import Mark, Place, marks_of, note_of


@dataclass(frozen=True)
class Item:
    """One thing that the protocol says."""

    text: str
    detail: str = ""
    note: str = ""
    chip: str = ""
    marks: tuple[Mark, ...] = ()


@dataclass(frozen=True)
class Line:
    label: str
    items: tuple[Item, ...]


@dataclass(frozen=True)
class Section:
    key: str
    title: str
    lines: tuple[Line, ...]
    note: str = ""
    marks: tuple[Mark, ...] = ()


def item(text: str, what: str, label: str, *places: Place, detail: str = "", chip: str = "") -> Item:
    return Item(text, detail, note_of(*places), chip, marks_of(what, label, *places))


def section(key: str, title: str, lines: Iterable[Line], *places: Place) -> Section:
    return Section(key, title, tuple(lines), note_of(*places), marks_of(title, "", *places))


def short(text: str, limit: int = 40) -> str:
    """The beginning of a text, to whole words."""
    if len(text) <= limit:
        return text
    return text[:limit].rsplit(" ", 1)[0] + " …"


def nothing() -> Line:
    return Line("None", (Item("The study file says nothing here."),))
