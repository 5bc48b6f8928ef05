"""Where a protocol's parts stand in the study file, and which of them are assumed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Mark:
    """Something assumed, where it is said. what: as the list of assumptions names it; label: which of several."""

    what: str
    label: str
    note: str
    paths: tuple[str, ...]

    @property
    def anchor(self) -> str:
        return "assumed-" + self.paths[0].replace(".", "-")

    @property
    def places(self) -> str:
        """The paths in the study file, with blanks between."""
        return " ".join(self.paths)


@dataclass(frozen=True)
class Place:
    """A part of the protocol, and where it stands in the study file (several places where the file says it again)."""

    part: Any
    paths: tuple[str, ...]

    def at(self, name: str) -> Place:
        return Place(getattr(self.part, name), tuple(f"{path}.{name}".lstrip(".") for path in self.paths))

    def each(self, name: str) -> list[Place]:
        """The parts of a list, one by one."""
        inside = self.at(name)
        return [Place(p, tuple(f"{path}.{i}" for path in inside.paths)) for i, p in enumerate(inside.part)]


def marks_of(what: str, label: str, *places: Place) -> tuple[Mark, ...]:
    return tuple(Mark(what, label, p.part.note, p.paths) for p in places if p.part.assumed)


def note_of(*places: Place) -> str:
    """What the study file remarks on parts that are not assumed; assumed ones carry theirs in the mark."""
    return " ".join(p.part.note for p in places if p.part.note and not p.part.assumed)
