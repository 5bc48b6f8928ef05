"""Registrations over time as a drawing: pure geometry, like ladder.py. templates/dosing/accrual.html draws it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

from trials.days import day_words

WIDTH, HEIGHT = 324, 150
LEFT, RIGHT, TOP, BOTTOM = 30, 316, 12, 122


@dataclass(frozen=True)
class Tick:
    at: float
    text: str


@dataclass(frozen=True)
class Accrual:
    """A stair with one step a registration. planned_y: the line of the patients planned."""

    route: str
    planned: int
    planned_y: float
    days: tuple[Tick, ...]
    counts: tuple[Tick, ...]
    months: tuple[tuple[str, int, int], ...]
    sentence: str
    width: int = WIDTH
    height: int = HEIGHT
    left: int = LEFT
    right: int = RIGHT
    bottom: int = BOTTOM


def draw_accrual(registered: Sequence[dt.date], *, start: dt.date, today: dt.date, planned: int) -> Accrual:
    """registered: the day of each registration. start: when the first cohort opened. planned: of the parts that opened.

    Raises ValueError without a registration.
    """
    if not registered:
        raise ValueError("accrual needs at least one registration")
    ordered = sorted(registered)
    first, last = min(start, ordered[0]), max(today, ordered[-1])
    length = max(1, (last - first).days)
    most = max(planned, len(ordered))

    def x(day: dt.date) -> float:
        return round(LEFT + (RIGHT - LEFT) * (day - first).days / length, 1)

    def y(count: int) -> float:
        return round(BOTTOM - (BOTTOM - TOP) * count / most, 1)

    route = f"M{LEFT} {y(0)}" + "".join(f"H{x(day)}V{y(n)}" for n, day in enumerate(ordered, 1)) + f"H{x(last)}"
    weeks = max(1, round(length / 7))
    return Accrual(
        route=route,
        planned=planned,
        planned_y=y(planned),
        days=(Tick(LEFT, day_words(first)), Tick(RIGHT, day_words(last))),
        counts=tuple(Tick(y(n), str(n)) for n in sorted({0, planned})),
        months=tuple(_months(ordered)),
        sentence=f"{len(ordered)} of {planned} registered in {weeks} week{'s' if weeks > 1 else ''}",
    )


def _months(ordered: Sequence[dt.date]) -> list[tuple[str, int, int]]:
    """(month, registered in it, registered by its end), for the table that says the same."""
    rows, total = [], 0
    for month in sorted({(d.year, d.month) for d in ordered}):
        count = sum((d.year, d.month) == month for d in ordered)
        total += count
        rows.append((f"{dt.date(*month, 1):%B %Y}", count, total))
    return rows
