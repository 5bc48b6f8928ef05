"""What was typed into a section's form, as a study file would say it; and what its buttons do to that."""

from __future__ import annotations

import re
from collections.abc import Callable
from decimal import Decimal, InvalidOperation
from typing import Any, Protocol

from trials.study_forms.shape import Kind, Shape, fields_of

# Hidden inputs beside the typed ones: which rows a list has, in their order, and that an optional part is there.
ROWS, THERE = "__rows", "__there"
_WHOLE = re.compile(r"[+-]?\d{1,18}")


class Typed(Protocol):
    """What a browser sent: Django's QueryDict is one."""

    def get(self, key: str, /) -> str | None: ...
    def getlist(self, key: str, /) -> list[str]: ...


def read(shape: Shape, typed: Typed, path: str) -> Any:
    """The content at a path. What is empty, or is the default, is left out (None), as a file would leave it out."""
    readers: dict[Kind, Callable[[Shape, Typed, str], Any]] = {
        Kind.PART: _part,
        Kind.LIST: _list,
        Kind.LINES: _lines,
        Kind.CHOICES: _choices,
        Kind.YES_NO: _yes_no,
        Kind.WHOLE: _number,
        Kind.NUMBER: _number,
        Kind.PARAMETERS: _parameters,
    }
    return readers.get(shape.kind, _text)(shape, typed, path)


def _part(shape: Shape, typed: Typed, path: str) -> dict[str, Any] | None:
    if shape.optional and shape.default is None and typed.get(f"{path}.{THERE}") != "yes":
        return None
    assert shape.part is not None
    found = {name: read(field, typed, f"{path}.{name}") for name, field in fields_of(shape.part).items()}
    if typed.get(f"{path}.assumed"):
        found["assumed"] = True
    found["note"] = (typed.get(f"{path}.note") or "").strip() or None
    said = {name: value for name, value in found.items() if value is not None}
    return None if shape.optional and shape.default is not None and not said else said


def _list(shape: Shape, typed: Typed, path: str) -> list[Any] | None:
    assert shape.item is not None
    rows = [row for row in typed.getlist(f"{path}.{ROWS}") if row.isdigit()]
    found = [read(shape.item, typed, f"{path}.{row}") for row in rows]
    return None if not found and shape.optional else found


def _lines(shape: Shape, typed: Typed, path: str) -> list[str] | None:
    said = typed.getlist(path)
    lines = said if len(said) > 1 else (said[0].splitlines() if said else [])
    found = [line.strip() for line in lines if line.strip()]
    return None if _left_out(shape, found) else found


def _choices(shape: Shape, typed: Typed, path: str) -> list[str] | None:
    chosen = typed.getlist(path)
    ordered = [c for c in shape.choices if c in chosen] + [c for c in chosen if c and c not in shape.choices]
    return None if shape.optional and tuple(ordered) == shape.default else ordered


def _yes_no(shape: Shape, typed: Typed, path: str) -> bool | None:
    said = bool(typed.get(path))
    return None if said == shape.default else said


def _text(shape: Shape, typed: Typed, path: str) -> str | None:
    said = (typed.get(path) or "").strip().replace("\r\n", "\n")
    return None if not said or (shape.optional and said == shape.default) else said


def _number(shape: Shape, typed: Typed, path: str) -> Any:
    """The number; what is none stays as it was typed, for the validation to refuse with its place."""
    said = _text(shape, typed, path)
    if said is None:
        return None
    number = as_number(said)
    return None if shape.optional and number == shape.default else number


def as_number(said: str) -> int | Decimal | str:
    """'3' as 3, '2.5' as a decimal; anything else as it is."""
    if _WHOLE.fullmatch(said):
        return int(said)
    try:
        value = Decimal(said)
    except InvalidOperation:
        return said
    return value if value.is_finite() and abs(value.adjusted()) < 18 else said


def _parameters(shape: Shape, typed: Typed, path: str) -> dict[str, Any] | None:
    """A design's parameters: those that were given; the others keep their published defaults."""
    found = {}
    for name in typed.getlist(f"{path}.{ROWS}"):
        said = (typed.get(f"{path}.{name}") or "").strip()
        if said:
            found[name] = _parameter(said)
    return found or None


def _parameter(said: str) -> Any:
    if said in ("yes", "no"):
        return said == "yes"
    if "," in said:
        return [as_number(one.strip()) for one in said.split(",") if one.strip()]
    return as_number(said)


def _left_out(shape: Shape, found: list[str]) -> bool:
    return shape.optional and tuple(found) == tuple(shape.default or ())


# --- buttons ---


def press(button: str, content: Any, section: str) -> Any:
    """The content after a button: "add:levels.0.doses", "remove:levels.1", "up:levels.1", "copy:levels.1",
    "put:lead_in" or "drop:lead_in.start_window". Anything else changes nothing.
    """
    verb, _, path = button.partition(":")
    steps = path.split(".")
    if verb not in _PRESSED or steps[0] != section:
        return content
    whole = {section: content}
    _PRESSED[verb](whole, steps)
    return whole[section]


def _add(whole: dict[str, Any], steps: list[str]) -> None:
    holder, name = _holder(whole, steps)
    if isinstance(holder, dict):
        holder[name] = [*(holder.get(name) or []), {}]


def _remove(whole: dict[str, Any], steps: list[str]) -> None:
    rows, place = _row(whole, steps)
    if rows is not None:
        del rows[place]


def _up(whole: dict[str, Any], steps: list[str]) -> None:
    rows, place = _row(whole, steps)
    if rows is not None and place > 0:
        rows[place - 1], rows[place] = rows[place], rows[place - 1]


def _copy(whole: dict[str, Any], steps: list[str]) -> None:
    rows, place = _row(whole, steps)
    if rows is not None:
        rows.insert(place + 1, rows[place])


def _put(whole: dict[str, Any], steps: list[str]) -> None:
    holder, name = _holder(whole, steps)
    if isinstance(holder, dict) and not holder.get(name):
        holder[name] = {}


def _drop(whole: dict[str, Any], steps: list[str]) -> None:
    holder, name = _holder(whole, steps)
    if isinstance(holder, dict):
        holder[name] = None


def _holder(whole: Any, steps: list[str]) -> tuple[Any, Any]:
    """What holds the last step, and its name there."""
    for step in steps[:-1]:
        whole = _inside(whole, step)
    return whole, steps[-1]


def _row(whole: Any, steps: list[str]) -> tuple[list[Any] | None, int]:
    rows, step = _holder(whole, steps)
    if isinstance(rows, list) and step.isdigit() and int(step) < len(rows):
        return rows, int(step)
    return None, 0


def _inside(whole: Any, step: str) -> Any:
    if isinstance(whole, dict):
        return whole.get(step)
    if isinstance(whole, list) and step.isdigit() and int(step) < len(whole):
        return whole[int(step)]
    return None


_PRESSED = {"add": _add, "remove": _remove, "up": _up, "copy": _copy, "put": _put, "drop": _drop}
