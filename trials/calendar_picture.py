"""A patient's calendar as a protocol plans it: what is due on which day, before anybody is registered. Pure.

Days lie on one line: 0 is day 1 of cycle 1, -1 the day before it; nothing is delayed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

from trials.protocol import AnchorKind, Protocol, Timepoint
from trials.protocol_base import PartKind
from trials.protocol_schedule import signed_words

CYCLES_DRAWN = 2
DAY, ROW, LEFT, TOP = 11, 26, 210, 44
MARGIN = 3  # days drawn before the first thing that is due


@dataclass(frozen=True)
class Mark:
    """A day on which something is due, with the days around it that are allowed."""

    x: float
    window_x: float
    window_width: float
    words: str

    @property
    def dose_x(self) -> float:
        return self.x - 4

    @property
    def has_window(self) -> bool:
        return self.window_width > DAY


@dataclass(frozen=True)
class Row:
    label: str
    kind: str
    y: float
    marks: tuple[Mark, ...]

    @property
    def dose_y(self) -> float:
        return self.y - 5

    @property
    def window_y(self) -> float:
        return self.y - 8


@dataclass(frozen=True)
class Block:
    """The lead-in or a cycle."""

    label: str
    x: float
    width: float
    ticks: tuple[tuple[float, str], ...]


@dataclass(frozen=True)
class CalendarPicture:
    """The lead-in and the first cycles by day."""

    blocks: tuple[Block, ...]
    rows: tuple[Row, ...]
    width: float
    height: float
    sentence: str


def draw_calendar(protocol: Protocol, part: PartKind, ordinal: int) -> CalendarPicture:
    """The calendar of a patient of this part at this dose level."""
    cycles = tuple(range(protocol.first_cycle, CYCLES_DRAWN + 1))
    lines = list(_lines(protocol, part, ordinal, cycles))
    first = min([_start(protocol, cycles[0]), *(on - tp_before for _, _, days in lines for on, tp_before, _ in days)])
    first -= MARGIN
    last = _start(protocol, cycles[-1]) + protocol.cycle_length(cycles[-1])

    def x_of(day: float) -> float:
        return LEFT + (day - first) * DAY

    rows = tuple(
        Row(
            label,
            kind,
            TOP + place * ROW + ROW / 2,
            tuple(
                Mark(x_of(on + 0.5), x_of(on - before), (before + after + 1) * DAY, day_words(protocol, on))
                for on, before, after in days
                if on < last
            ),
        )
        for place, (label, kind, days) in enumerate(lines)
    )
    blocks = tuple(_block(protocol, number, x_of) for number in cycles)
    sentence = "; ".join(f"{row.label}: {', '.join(m.words for m in row.marks) or 'later'}" for row in rows)
    return CalendarPicture(blocks, rows, x_of(last) + MARGIN, TOP + len(lines) * ROW + 8, sentence)


Due = tuple[int, int, int]  # the day, and the days allowed before and after it


def _lines(
    protocol: Protocol, part: PartKind, ordinal: int, cycles: Sequence[int]
) -> Iterator[tuple[str, str, list[Due]]]:
    """Label, kind, and the days: agents, visits, other activities, samples, outcome measures."""
    for agent in protocol.agents:
        given = [day for number in cycles for day in _dosing_days(protocol, ordinal, number, agent.code)]
        if given:
            yield agent.name, "dose", [(day, 0, 0) for day in given]
    for label, kind, timepoints in _groups(protocol):
        due = [d for tp in timepoints if part in tp.parts for d in _due(protocol, tp, cycles)]
        if due:
            yield label, kind, sorted(set(due))


def _groups(protocol: Protocol) -> Iterator[tuple[str, str, Sequence[Timepoint]]]:
    if protocol.visits:
        yield "Visits", "visit", protocol.visits
    for activity in protocol.activities:
        yield activity.title, "activity", activity.timepoints
    if protocol.samples is not None:
        yield "Samples", "sample", protocol.samples.timepoints
    for measure in protocol.outcome_measures:
        yield measure.title, "outcome", measure.timepoints


def _dosing_days(protocol: Protocol, ordinal: int, number: int, agent: str) -> Iterator[int]:
    doses = protocol.cycle_doses(number, protocol.rung_of_level(ordinal))
    start = _start(protocol, number)
    return (start + day - 1 for dose in doses if dose.agent == agent for day in dose.days)


def _due(protocol: Protocol, timepoint: Timepoint, cycles: Sequence[int]) -> Iterator[Due]:
    for day in days_of(protocol, timepoint, cycles):
        yield day, timepoint.window.before, timepoint.window.after


def days_of(protocol: Protocol, timepoint: Timepoint, cycles: Iterable[int]) -> list[int]:
    """The days of a time point in these cycles; the end of treatment, which no plan knows, has none."""
    anchor, day = timepoint.anchor, timepoint.day or 1
    begins = _start(protocol, protocol.first_cycle)
    if anchor in (AnchorKind.REGISTRATION, AnchorKind.PRE_TREATMENT, AnchorKind.LEAD_IN_START):
        return [begins]
    if anchor is AnchorKind.LEAD_IN_DAY:
        return [day]
    if anchor in (AnchorKind.EVERY_CYCLE_START, AnchorKind.EVERY_CYCLE_DAY):
        return [_start(protocol, number) + day - 1 for number in cycles if number >= 1]
    if timepoint.cycle is None or timepoint.cycle not in cycles:
        return []
    start = _start(protocol, timepoint.cycle)
    if anchor is AnchorKind.CYCLE_END:
        return [start + protocol.cycle_length(timepoint.cycle) - 1]
    return [start + (day - 1 if day > 0 else day)]


def day_words(protocol: Protocol, on: int) -> str:
    """'day −21', 'cycle 1 day 8'."""
    if on < 0:
        return f"day {signed_words(on)}"
    cycle, day = divmod(on, protocol.cycle.length_days)
    return f"cycle {cycle + 1} day {day + 1}"


def _start(protocol: Protocol, number: int) -> int:
    """The first day of a cycle (0: the lead-in)."""
    return -protocol.cycle_length(0) if number == 0 else (number - 1) * protocol.cycle.length_days


def _block(protocol: Protocol, number: int, x_of: Callable[[float], float]) -> Block:
    start, length = _start(protocol, number), protocol.cycle_length(number)
    ticks = tuple((x_of(start + place + 0.5), _tick(number, length, place)) for place in range(0, length, 7))
    return Block(f"Cycle {number}" if number else "Lead-in", x_of(start), length * DAY, ticks)


def _tick(number: int, length: int, place: int) -> str:
    return signed_words(place - length) if number == 0 else str(place + 1)


@dataclass(frozen=True)
class Later:
    """What is due after the cycles that are drawn."""

    label: str
    titles: tuple[str, ...]


def due_later(protocol: Protocol, part: PartKind) -> list[Later]:
    """Time points of later cycles and of the end of treatment, for the list below the picture."""
    found = []
    for label, _, timepoints in _groups(protocol):
        titles = tuple(t.title for t in timepoints if part in t.parts and _is_later(t))
        if titles:
            found.append(Later(label, titles))
    return found


def _is_later(timepoint: Timepoint) -> bool:
    return timepoint.anchor is AnchorKind.END_OF_TREATMENT or (timepoint.cycle or 0) > CYCLES_DRAWN
