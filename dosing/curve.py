"""The isotonic curve as a drawing: estimate and interval of each dose tried. templates/dosing/curve.html draws it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

WIDTH, HEIGHT = 360, 240
LEFT, RIGHT, TOP, BOTTOM = 44, 308, 14, 190


@dataclass(frozen=True)
class Point:
    x: float
    y: float
    label: str
    seen: str
    top: float
    bottom: float
    selected: bool


@dataclass(frozen=True)
class Curve:
    """Doses from left to right, the probability of a DLT from 0 below to 1 above."""

    points: tuple[Point, ...]
    labels: tuple[tuple[float, str, str], ...]
    route: str
    target: float
    target_y: float
    ticks: tuple[tuple[float, str], ...]
    sentence: str
    width: int = WIDTH
    height: int = HEIGHT
    left: int = LEFT
    right: int = RIGHT
    bottom: int = BOTTOM


def draw_curve(levels: Sequence[dict[str, Any]], *, target: float, selected: int | None) -> Curve | None:
    """levels: rows of `queries.shown.levels_table`, lowest first. selected: the MTD's ordinal.

    None where nobody was treated.
    """
    if not any(row["estimate"] is not None for row in levels):
        return None
    step = (RIGHT - LEFT) / len(levels)
    places = [round(LEFT + step * (i + 0.5), 1) for i in range(len(levels))]
    points = tuple(
        Point(
            x,
            _y(row["estimate"]),
            row["label"],
            f"{row['y']} of {row['n']}",
            _y(row["interval"][1]),
            _y(row["interval"][0]),
            row["level"] == selected,
        )
        for x, row in zip(places, levels, strict=True)
        if row["estimate"] is not None
    )
    return Curve(
        points=points,
        labels=tuple(
            (x, row["label"], f"{row['y']} of {row['n']}" if row["n"] else "not tried")
            for x, row in zip(places, levels, strict=True)
        ),
        route="M" + "L".join(f"{p.x} {p.y}" for p in points),
        target=target,
        target_y=_y(target),
        ticks=tuple((_y(value), f"{value:g}") for value in (0.0, 0.25, 0.5, 0.75, 1.0)),
        sentence="; ".join(
            "{label}: estimate {estimate:.2f}, interval {interval[0]:.2f} to {interval[1]:.2f}".format(**row)
            for row in levels
            if row["estimate"] is not None
        ),
    )


def _y(probability: float) -> float:
    return round(BOTTOM - (BOTTOM - TOP) * probability, 1)
