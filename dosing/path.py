"""How we got here: the dose of each patient in order of registration, as coordinates. Pure, like ladder.py.

`wide` runs from left to right in lines of at most `PER_LINE` patients; `narrow` runs down the page, a patient a row,
which stays readable on a phone however long the trial grows.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from dosing.dots import Dot, DrawnDot
from dosing.ladder import NARROW, WIDE, Text

PER_LINE = 40
LEVEL_GAP = 46
ROW = 30
NUMBER_EVERY = 5


@dataclass(frozen=True, kw_only=True)
class Step:
    """One patient: the level's ordinal it was assigned, and how it ended so far."""

    ordinal: int
    dot: Dot


@dataclass(frozen=True)
class Line:
    """A guide line of one dose level."""

    x1: float
    y1: float
    x2: float
    y2: float


@dataclass(frozen=True, kw_only=True)
class PathLayout:
    """One finished drawing. Texts carry their anchor in the list they are in: `labels` start, `numbers` middle."""

    name: str
    width: int
    height: float
    guides: tuple[Line, ...]
    labels: tuple[Text, ...]
    numbers: tuple[Text, ...]
    routes: tuple[str, ...]
    dots: tuple[DrawnDot, ...]


@dataclass(frozen=True, kw_only=True)
class Path:
    """Both drawings and the rows of the table that says the same."""

    wide: PathLayout
    narrow: PathLayout
    title: str
    description: str
    rows: tuple[tuple[int, Dot, str], ...]
    has_links: bool


def draw_path(steps: Sequence[Step], *, levels: Sequence[tuple[int, str]]) -> Path:
    """Lay the path out.

    steps: in order of registration, may be empty. levels: (ordinal, label) of every dose level, in any order.
    Raises ValueError without a level or when a step names a level that is not listed.
    """
    labels = dict(levels)
    if not labels:
        raise ValueError("a path needs at least one dose level")
    unknown = {step.ordinal for step in steps} - labels.keys()
    if unknown:
        raise ValueError(f"steps name levels {sorted(unknown)}, the ladder has {sorted(labels)}")
    ordinals = sorted(labels)
    rows = tuple((number, step.dot, labels[step.ordinal]) for number, step in enumerate(steps, 1))
    return Path(
        wide=_wide(steps, ordinals, labels),
        narrow=_narrow(steps, ordinals, labels),
        title="Dose of each patient in order of registration",
        description="; ".join(f"{number}. {label}, {dot.sentence}" for number, dot, label in rows) or "Nobody yet",
        rows=rows,
        has_links=any(step.dot.url for step in steps),
    )


def _wide(steps: Sequence[Step], ordinals: Sequence[int], labels: dict[int, str]) -> PathLayout:
    left = 24 + min(200.0, 7.6 * max(len(label) for label in labels.values()))
    pitch = min(54.0, (WIDE - left - 20) / max(1, min(len(steps), PER_LINE)))
    radius = round(min(11.0, pitch * 0.42), 1)
    panel = LEVEL_GAP * (len(ordinals) - 1) + 62
    guides: list[Line] = []
    texts: list[Text] = []
    numbers: list[Text] = []
    routes: list[str] = []
    dots: list[DrawnDot] = []
    starts = list(range(0, len(steps), PER_LINE)) or [0]
    for row, start in enumerate(starts):
        heights = {
            ordinal: row * panel + 22 + LEVEL_GAP * (len(ordinals) - 1 - index)
            for index, ordinal in enumerate(ordinals)
        }
        guides += [Line(round(left, 1), y, WIDE - 6, y) for y in heights.values()]
        texts += [Text(4, y + 5, labels[ordinal]) for ordinal, y in heights.items()]
        line = [
            (round(left + pitch * (index + 0.5), 1), heights[step.ordinal], step)
            for index, step in enumerate(steps[start : start + PER_LINE])
        ]
        routes.append(" ".join(f"{x},{y}" for x, y, _ in line))
        dots += [_dot(step, x, y, radius, linked=pitch >= 24) for x, y, step in line]
        foot = row * panel + 22 + LEVEL_GAP * (len(ordinals) - 1) + 32
        numbers += [
            Text(x, foot, str(start + index))
            for index, (x, _, _) in enumerate(line, 1)
            if (start + index) % NUMBER_EVERY == 0 or start + index == 1
        ]
    return PathLayout(
        name="wide",
        width=WIDE,
        height=panel * len(starts),
        guides=tuple(guides),
        labels=tuple(texts),
        numbers=tuple(numbers),
        routes=tuple(routes),
        dots=tuple(dots),
    )


def _narrow(steps: Sequence[Step], ordinals: Sequence[int], labels: dict[int, str]) -> PathLayout:
    left, right = 78.0, NARROW - 8.0
    gap = (right - left) / len(ordinals)
    xs = {ordinal: round(left + gap * (index + 0.5), 1) for index, ordinal in enumerate(ordinals)}
    fits = all(7.2 * len(label) <= gap - 4 for label in labels.values())
    heads = [Text(xs[ordinal], 16, labels[ordinal] if fits else str(ordinal)) for ordinal in ordinals]
    bottom = 28 + ROW * max(1, len(steps))
    placed = [(xs[step.ordinal], 28 + ROW * (index + 0.5), step) for index, step in enumerate(steps)]
    return PathLayout(
        name="narrow",
        width=NARROW,
        height=bottom + 4,
        guides=tuple(Line(x, 26, x, bottom) for x in xs.values()),
        labels=tuple(Text(4, y + 5, step.dot.code) for _, y, step in placed),
        numbers=tuple(heads if fits else [Text(38, 16, "dose level"), *heads]),
        routes=(" ".join(f"{x},{y}" for x, y, _ in placed),),
        dots=tuple(_dot(step, x, y, 11.0, linked=True) for x, y, step in placed),
    )


def _dot(step: Step, x: float, y: float, radius: float, *, linked: bool) -> DrawnDot:
    return DrawnDot(dot=step.dot, x=x, y=y, r=radius, linked=linked and bool(step.dot.url))
