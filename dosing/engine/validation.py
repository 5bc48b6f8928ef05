"""Checks of what callers pass in. Every error names the parameter, its value and what is allowed."""

from __future__ import annotations

import math
from collections.abc import Sequence
from operator import index

MOST_PATIENTS = 1000  # the most that a trial may plan: beyond, the weights of exact results leave the range of floats


def refuse(name: str, value: object, allowed: str) -> ValueError:
    """The error for a parameter outside its range."""
    return ValueError(f"{name} = {value!r} is not allowed: {name} must be {allowed}")


def whole_number(name: str, value: object, low: int, high: int | None = None) -> int:
    """`value` as an int of at least `low` (and at most `high`); True and False are not numbers here."""
    allowed = f"a whole number of at least {low}" if high is None else f"a whole number from {low} to {high}"
    if isinstance(value, bool):
        raise refuse(name, value, allowed)
    try:
        number = index(value)  # type: ignore[arg-type]
    except TypeError:
        raise refuse(name, value, allowed) from None
    if number < low or (high is not None and number > high):
        raise refuse(name, value, allowed)
    return number


def _finite(value: object) -> float | None:
    if isinstance(value, bool | str | bytes) or value is None:
        return None
    try:
        number = float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        return None
    return number if math.isfinite(number) else None


def real_number(name: str, value: object, low: float, high: float, *, open_ends: bool = False) -> float:
    """`value` as a float in [low, high], or in (low, high) with `open_ends`. Not-a-number is refused."""
    number = _finite(value)
    if open_ends:
        if number is None or not low < number < high:
            raise refuse(name, value, f"a number greater than {low:g} and less than {high:g}")
    elif number is None or not low <= number <= high:
        raise refuse(name, value, f"a number from {low:g} to {high:g}")
    return number


def flag(name: str, value: object) -> bool:
    """`value` if it is True or False; 0, 1 and strings are refused."""
    if not isinstance(value, bool):
        raise refuse(name, value, "True or False")
    return value


def probabilities(name: str, values: object) -> tuple[float, ...]:
    """A non-empty sequence of probabilities, each from 0 to 1."""
    if isinstance(values, str | bytes) or not hasattr(values, "__iter__"):
        raise refuse(name, values, "a sequence of probabilities, one per dose")
    checked = tuple(real_number(f"{name}[{i}]", value, 0.0, 1.0) for i, value in enumerate(values))
    if not checked:
        raise refuse(name, values, "a sequence of at least one probability, one per dose")
    return checked


def dose_labels(labels: Sequence[str] | None, doses: int) -> tuple[str, ...]:
    """The names of the doses for a sentence: `labels`, or "dose 1", "dose 2", ..."""
    if labels is None:
        return tuple(f"dose {dose}" for dose in range(1, doses + 1))
    if isinstance(labels, str) or len(labels) != doses:
        raise refuse("labels", labels, f"one name for each of the {doses} doses")
    return tuple(str(label) for label in labels)
