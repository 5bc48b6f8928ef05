"""Where everything of the drawn dose ladder goes: pure geometry, no Django, no database.

Rungs in, coordinates out, twice: `wide` for desks (760 units, one row a rung with the estimate beside it) and `narrow`
for phones (324 units, stacked), so that text is never scaled below a readable size.
templates/components/ladder.html draws what comes out.
"""

import textwrap
from collections.abc import Sequence
from dataclasses import dataclass

from dosing.dots import Dot, DotStatus, DrawnDot

WIDE, NARROW = 760, 324
LINE = 18  # height of a line of text
BOLD_CHARACTER, NOTE_CHARACTER = 8.4, 7.0  # average widths of a character: long labels wrap, notes must fit
REGULAR, COMPACT = (11.0, 32.0), (6.0, 16.0)  # radius and pitch of dots
MOST_LINES = 3  # of regular dots on a rung before all dots shrink


@dataclass(frozen=True, kw_only=True)
class Rung:
    """One dose level. estimate and interval: probability of a DLT, 0 to 1, None where untried.

    Raises ValueError when a probability is outside 0 to 1 or the interval is the wrong way round.
    """

    ordinal: int
    label: str
    dots: tuple[Dot, ...] = ()
    current: bool = False
    closed: bool = False
    estimate: float | None = None
    interval: tuple[float, float] | None = None

    def __post_init__(self) -> None:
        for value in (self.estimate, *(self.interval or ())):
            if value is not None and not 0 <= value <= 1:
                raise ValueError(f"a probability must lie between 0 and 1, not {value}")
        if self.interval and self.interval[0] > self.interval[1]:
            raise ValueError(f"interval must be (lower, upper), not {self.interval}")

    @property
    def evaluable(self) -> int:
        return sum(dot.status in (DotStatus.NO_DLT, DotStatus.DLT) for dot in self.dots)

    @property
    def dlts(self) -> int:
        return sum(dot.status is DotStatus.DLT for dot in self.dots)

    @property
    def standing(self) -> str:
        """ "level 2 · current" """
        marks = ["current"] * self.current + ["closed"] * self.closed
        return " · ".join([f"level {self.ordinal}", *marks])

    @property
    def tally(self) -> str:
        return f"{self.dlts} of {self.evaluable} had a DLT" if self.evaluable else "nobody counts yet"

    @property
    def estimate_words(self) -> str:
        if self.estimate is None:
            return ""
        return f"{self.estimate:.2f}" + (
            f" ({self.interval[0]:.2f} to {self.interval[1]:.2f})" if self.interval else ""
        )


@dataclass(frozen=True)
class Text:
    x: float
    y: float
    text: str


@dataclass(frozen=True, kw_only=True)
class Scale:
    """The axis of estimates: x of 0 and 1, the target and the band in which the dose stays (None without one)."""

    x0: float
    x1: float
    target: float | None
    band: tuple[float, float] | None

    def at(self, probability: float) -> float:
        return round(self.x0 + probability * (self.x1 - self.x0), 1)

    @property
    def target_x(self) -> float | None:
        return None if self.target is None else self.at(self.target)

    @property
    def band_x(self) -> float | None:
        return None if self.band is None else self.at(self.band[0])

    @property
    def band_width(self) -> float | None:
        return None if self.band is None else round(self.at(self.band[1]) - self.at(self.band[0]), 1)


@dataclass(frozen=True, kw_only=True)
class DrawnRung:
    rung: Rung
    top: float
    height: float
    line_y: float
    label: tuple[Text, ...]
    notes: tuple[Text, ...]
    dots: tuple[DrawnDot, ...]
    estimate_y: float
    estimate_x: float | None
    interval_x: tuple[float, float] | None
    estimate: Text | None

    @property
    def estimate_top(self) -> float:
        return round(self.estimate_y - 10, 1)


@dataclass(frozen=True, kw_only=True)
class Layout:
    """One finished drawing: `width` by `height` units; rails at `rails` from `rails_top` to `rails_bottom`."""

    name: str
    width: int
    height: float
    rails: tuple[float, float]
    rails_top: float
    rails_bottom: float
    rungs: tuple[DrawnRung, ...]
    scale: Scale | None
    heads: tuple[Text, ...]

    @property
    def rails_height(self) -> float:
        return round(self.rails_bottom - self.rails_top, 1)

    @property
    def axis_y(self) -> float:
        """Base line of the words under the axis."""
        return round(self.height - 6, 1)


@dataclass(frozen=True, kw_only=True)
class Ladder:
    """Both drawings, and the same facts in words. `rungs` runs from the highest level down, as drawn."""

    wide: Layout
    narrow: Layout
    rungs: tuple[Rung, ...]
    title: str
    description: str
    has_links: bool
    target: float | None
    band: tuple[float, float] | None
    statuses: tuple[str, ...]
    counts_only: bool

    @property
    def has_estimates(self) -> bool:
        return any(rung.estimate is not None for rung in self.rungs)


def draw_ladder(
    rungs: Sequence[Rung],
    *,
    target: float | None = None,
    boundaries: tuple[float, float] | None = None,
    counts_only: bool = False,
) -> Ladder:
    """Lay the ladder out.

    rungs: in any order, at least one. target: the target probability of a DLT, None for a design without one.
    boundaries: (escalate at or below, de-escalate at or above), the band between which the dose stays.
    counts_only: the design estimates nothing, so `estimate` is the share with a DLT as it was seen.
    Raises ValueError without a rung or when two share an ordinal.
    """
    if not rungs:
        raise ValueError("a ladder needs at least one dose level")
    if len({rung.ordinal for rung in rungs}) < len(rungs):
        raise ValueError("two dose levels share an ordinal")
    ordered = tuple(sorted(rungs, key=lambda rung: rung.ordinal, reverse=True))
    with_scale = target is not None or any(rung.estimate is not None for rung in ordered)
    wide = _wide(ordered, target, boundaries, with_scale, _head(counts_only))
    narrow = _narrow(ordered, target, boundaries, with_scale)
    present = {dot.status for rung in ordered for dot in rung.dots}
    return Ladder(
        wide=wide,
        narrow=narrow,
        rungs=ordered,
        title="Dose ladder",
        description=". ".join(_in_words(rung) for rung in reversed(ordered)) + ".",
        has_links=any(dot.linked for drawing in (wide, narrow) for rung in drawing.rungs for dot in rung.dots),
        target=target,
        band=boundaries,
        statuses=tuple(status.value for status in DotStatus if status in present),
        counts_only=counts_only,
    )


def _head(counts_only: bool) -> str:
    return "Share with a DLT, with its interval" if counts_only else "Chance of a DLT, with its interval"


def _in_words(rung: Rung) -> str:
    slots = sum(dot.status in (DotStatus.OPEN, DotStatus.RESERVED) for dot in rung.dots)
    pending = sum(dot.status is DotStatus.PENDING for dot in rung.dots)
    parts = [f"{rung.label}, {rung.standing.replace(' · ', ', ')}: {rung.tally}"]
    parts += [f"{pending} in the DLT window"] * bool(pending)
    parts += [f"{slots} slot{'s' * (slots > 1)} open or reserved"] * bool(slots)
    parts += [f"estimate {rung.estimate_words}"] * (rung.estimate is not None)
    return ", ".join(parts)


def _sizes(rungs: Sequence[Rung], width: float) -> tuple[float, float, int]:
    """Radius, pitch and dots a line that keep the fullest rung within a few lines."""
    fullest = max(len(rung.dots) for rung in rungs)
    radius, pitch = REGULAR
    if fullest > MOST_LINES * int(width // pitch):
        radius, pitch = COMPACT
    return radius, pitch, max(1, int(width // pitch))


def _place(dots: Sequence[Dot], left: float, top: float, sizes: tuple[float, float, int]) -> tuple[DrawnDot, ...]:
    radius, pitch, per_line = sizes
    return tuple(
        DrawnDot(
            dot=dot,
            x=round(left + pitch * (index % per_line) + pitch / 2, 1),
            y=round(top + pitch * (index // per_line) + pitch / 2, 1),
            r=radius,
            linked=bool(dot.url) and radius >= REGULAR[0],  # smaller ones are too small to touch: the table has them
        )
        for index, dot in enumerate(dots)
    )


def _lines(rung: Rung, per_line: int) -> int:
    return max(1, -(-len(rung.dots) // per_line))


def _shelf(bottom: float) -> float:
    """Several lines of dots stand on their rung; a single line is threaded on it."""
    return round(bottom + 2, 1)


def _wide(
    rungs: Sequence[Rung], target: float | None, band: tuple[float, float] | None, with_scale: bool, head: str
) -> Layout:
    longest_label = max(len(rung.label) for rung in rungs)
    longest_note = max(len(note) for rung in rungs for note in (rung.standing, rung.tally))
    label_width = max(min(200.0, BOLD_CHARACTER * longest_label + 8), NOTE_CHARACTER * longest_note + 6)
    left, right = 18 + label_width, (478.0 if with_scale else WIDE - 18.0)
    sizes = _sizes(rungs, right - left - 24)
    scale = Scale(x0=512, x1=706, target=target, band=band) if with_scale else None
    top, drawn = 30.0, []
    for rung in rungs:
        names = textwrap.wrap(rung.label, int(label_width / BOLD_CHARACTER)) or [""]
        height = max(LINE * (len(names) + 2) + 18, _lines(rung, sizes[2]) * sizes[1] + 20)
        drawn.append(_wide_rung(rung, names, top, height, left + 12, sizes, scale))
        top += height + 6
    heads = [Text(left + 12, 18, "Patients")]
    if scale:
        heads.append(Text(scale.x0, 18, head))
    return Layout(
        name="wide",
        width=WIDE,
        height=round(top + (26 if scale else 4), 1),
        rails=(left, right),
        rails_top=30,
        rails_bottom=round(top - 6, 1),
        rungs=tuple(drawn),
        scale=scale,
        heads=tuple(heads),
    )


def _wide_rung(
    rung: Rung,
    names: Sequence[str],
    top: float,
    height: float,
    dots_left: float,
    sizes: tuple[float, float, int],
    scale: Scale | None,
) -> DrawnRung:
    middle = round(top + height / 2, 1)
    lines = _lines(rung, sizes[2])
    first = middle - LINE * (len(names) + 2) / 2 + 14
    return _drawn(
        rung,
        top=top,
        height=height,
        line_y=middle if lines == 1 else _shelf(middle + lines * sizes[1] / 2),
        label=tuple(Text(14, round(first + LINE * row, 1), name) for row, name in enumerate(names)),
        notes=tuple(
            Text(14, round(first + LINE * (len(names) + row), 1), words)
            for row, words in enumerate((rung.standing, rung.tally))
        ),
        dots=_place(rung.dots, dots_left, middle - lines * sizes[1] / 2, sizes),
        scale=scale,
        estimate_y=middle,
        number_x=WIDE - 12,
    )


def _narrow(rungs: Sequence[Rung], target: float | None, band: tuple[float, float] | None, with_scale: bool) -> Layout:
    sizes = _sizes(rungs, NARROW - 32)
    scale = Scale(x0=14, x1=262, target=target, band=band) if with_scale else None
    top, drawn = 2.0, []
    for rung in rungs:
        names = textwrap.wrap(rung.label, 34) or [""]
        dots_top = top + LINE * (len(names) + 1) + 14
        lines = _lines(rung, sizes[2])
        dots_height = lines * sizes[1]
        height = dots_top - top + dots_height + (34 if scale else 8)
        notes = (Text(14, round(top + LINE * (len(names) + 1) + 4, 1), f"{rung.standing} · {rung.tally}"),)
        drawn.append(
            _drawn(
                rung,
                top=top,
                height=height,
                line_y=round(dots_top + sizes[1] / 2, 1) if lines == 1 else _shelf(dots_top + dots_height),
                label=tuple(Text(14, round(top + LINE * (row + 1) + 4, 1), name) for row, name in enumerate(names)),
                notes=notes,
                dots=_place(rung.dots, 14, dots_top, sizes),
                scale=scale,
                estimate_y=round(dots_top + dots_height + 18, 1),
                number_x=NARROW - 14,
            )
        )
        top += height + 6
    return Layout(
        name="narrow",
        width=NARROW,
        height=round(top + (22 if scale else 0), 1),
        rails=(4, NARROW - 4),
        rails_top=4,
        rails_bottom=round(top - 8, 1),
        rungs=tuple(drawn),
        scale=scale,
        heads=(),
    )


def _drawn(
    rung: Rung,
    *,
    top: float,
    height: float,
    line_y: float,
    label: tuple[Text, ...],
    notes: tuple[Text, ...],
    dots: tuple[DrawnDot, ...],
    scale: Scale | None,
    estimate_y: float,
    number_x: float,
) -> DrawnRung:
    shown = scale is not None and rung.estimate is not None
    return DrawnRung(
        rung=rung,
        top=round(top, 1),
        height=round(height, 1),
        line_y=line_y,
        label=label,
        notes=notes,
        dots=dots,
        estimate_y=estimate_y,
        estimate_x=scale.at(rung.estimate) if scale and rung.estimate is not None else None,
        interval_x=(scale.at(rung.interval[0]), scale.at(rung.interval[1])) if scale and rung.interval else None,
        estimate=Text(number_x, round(estimate_y + 5, 1), f"{rung.estimate:.2f}") if shown else None,
    )
