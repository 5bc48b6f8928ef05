"""The schedule of a study file: the lead-in, and what is due when. Days are counted without a day 0."""

from __future__ import annotations

import re
from decimal import Decimal
from enum import StrEnum
from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from trials.protocol_base import Code, FilePart, PartKind, Window

# A day of the protocol: day -1 is followed by day 1.
ProtocolDay = Annotated[int, Field(ge=-365, le=365)]
_FROM_TO = re.compile(r"(-\d+)\s*(?:to|–)\s*(-\d+)")


class LeadIn(FilePart):
    """Treatment before cycle 1, with some of the agents alone, at the amounts of the dose level in force.

    Its days are counted down: with 21 days from day -21, its first day, to day -1, the day before cycle 1 is due.
    days: those on which the agents are given; without them, every day. '-21 to -1' or [-21, -14, -7].
    """

    length_days: Annotated[int, Field(ge=1, le=365)]
    agents: Annotated[tuple[Code, ...], Field(min_length=1)]
    days: Annotated[tuple[Annotated[int, Field(ge=-365, le=-1)], ...], Field(min_length=1)]
    start_window: Window = Window()

    @model_validator(mode="before")
    @classmethod
    def _every_day_unless_said(cls, value: Any) -> Any:
        if not isinstance(value, dict):
            return value
        length = value.get("length_days")
        if "days" not in value and isinstance(length, int) and 1 <= length <= 365:
            return {**value, "days": list(range(-length, 0))}
        return {**value, "days": _counted_down(value["days"])} if "days" in value else value

    @property
    def days_words(self) -> str:
        """'days −21 to −1' or 'days −21, −14, −7'."""
        days = self.days
        if len(days) > 2 and days == tuple(range(days[0], days[-1] + 1)):
            return f"days {signed_words(days[0])} to {signed_words(days[-1])}"
        return ("day " if len(days) == 1 else "days ") + ", ".join(map(signed_words, days))

    def place_of(self, day: int) -> int:
        """A day of the lead-in counted from its start: day -length_days is 1."""
        return self.length_days + day + 1

    def day_at(self, place: int) -> int:
        """The other way round: its first day is -length_days."""
        return place - self.length_days - 1


class AnchorKind(StrEnum):
    """What a time point hangs on.

    pre-treatment: the first day of treatment. lead-in-day: day -n of the lead-in, counted from its actual start; days
    before its first (-25 with 21 days) lie before treatment. cycle-day: day d of a cycle, counted from its actual
    start; in cycle 1 also day -n, so many days before it. end-of-treatment: the last day of treatment.
    """

    REGISTRATION = "registration"
    PRE_TREATMENT = "pre-treatment"
    LEAD_IN_START = "lead-in-start"
    LEAD_IN_DAY = "lead-in-day"
    CYCLE_START = "cycle-start"
    CYCLE_DAY = "cycle-day"
    CYCLE_END = "cycle-end"
    EVERY_CYCLE_START = "every-cycle-start"
    EVERY_CYCLE_DAY = "every-cycle-day"
    END_OF_TREATMENT = "end-of-treatment"


OF_ONE_CYCLE = (AnchorKind.CYCLE_START, AnchorKind.CYCLE_DAY, AnchorKind.CYCLE_END)
OF_EVERY_CYCLE = (AnchorKind.EVERY_CYCLE_START, AnchorKind.EVERY_CYCLE_DAY)
OF_THE_LEAD_IN = (AnchorKind.LEAD_IN_START, AnchorKind.LEAD_IN_DAY)
ON_A_DAY = (AnchorKind.LEAD_IN_DAY, AnchorKind.CYCLE_DAY, AnchorKind.EVERY_CYCLE_DAY)


class Timepoint(FilePart):
    """When something is due: at an anchor, with a window; only in the given parts."""

    code: Code
    title: Annotated[str, Field(min_length=1, max_length=120)]
    anchor: AnchorKind
    cycle: Annotated[int, Field(ge=1, le=200)] | None = None
    day: ProtocolDay | None = None
    window: Window = Window()
    parts: Annotated[tuple[PartKind, ...], Field(min_length=1)] = ("escalation", "expansion")

    @model_validator(mode="after")
    def _cycle_where_needed(self) -> Timepoint:
        if (self.anchor in OF_ONE_CYCLE) != (self.cycle is not None):
            raise ValueError("`cycle` goes with cycle-start, cycle-day and cycle-end, and only with them")
        return self

    @model_validator(mode="after")
    def _day_where_needed(self) -> Timepoint:
        if (self.anchor in ON_A_DAY) != (self.day is not None):
            raise ValueError("`day` goes with lead-in-day, cycle-day and every-cycle-day, and only with them")
        if self.day == 0:
            raise ValueError("there is no day 0: day -1 is followed by day 1")
        if self.anchor is AnchorKind.LEAD_IN_DAY and (self.day or 0) > 0:
            raise ValueError("days of the lead-in are counted down to day -1: give a day below 0")
        if self.anchor is AnchorKind.EVERY_CYCLE_DAY and (self.day or 0) < 0:
            raise ValueError("a day of every cycle is counted from its first: give a day from 1")
        if self.anchor is AnchorKind.CYCLE_DAY and (self.day or 0) < 0 and self.cycle != 1:
            raise ValueError("days below 0 lie before cycle 1: give cycle 1, or a day from 1")
        return self

    @property
    def comes_back(self) -> bool:
        """Whether it is due again in every cycle."""
        return self.anchor in OF_EVERY_CYCLE


class ActivityKind(StrEnum):
    VISIT = "visit"
    BIOPSY = "biopsy"
    SAFETY_ASSESSMENT = "safety-assessment"
    PROCEDURE = "procedure"
    IMAGING = "imaging"


class Activity(FilePart):
    """Something that is done with a patient, when it is due."""

    code: Code
    title: Annotated[str, Field(min_length=1, max_length=120)]
    kind: ActivityKind
    timepoints: Annotated[tuple[Timepoint, ...], Field(min_length=1)]


# What is recorded about the protocol's visits is found under this code; no activity can have it too.
VISITS = "visits"


def visits_as_activity(visits: tuple[Timepoint, ...]) -> tuple[Activity, ...]:
    """The visits on days of their own as an activity; one that comes with every cycle is recorded by starting that."""
    own = tuple(visit for visit in visits if visit.anchor is not AnchorKind.EVERY_CYCLE_START)
    return (Activity(code=VISITS, title="Visit", kind=ActivityKind.VISIT, timepoints=own),) if own else ()


class Tube(FilePart):
    code: Code
    volume_ml: Annotated[Decimal, Field(gt=0, le=100)]
    colour: str
    additive: str = ""
    purpose: str


class Samples(FilePart):
    tubes: Annotated[tuple[Tube, ...], Field(min_length=1)]
    timepoints: Annotated[tuple[Timepoint, ...], Field(min_length=1)]


class OutcomeMeasure(FilePart):
    code: Code
    title: Annotated[str, Field(min_length=1, max_length=120)]
    domain: str
    unit: str = ""
    minimum: Decimal | None = None
    maximum: Decimal | None = None
    better: Literal["lower", "higher"]
    timepoints: Annotated[tuple[Timepoint, ...], Field(min_length=1)]


def signed_words(day: int) -> str:
    """A day as protocols write it: '−21' with a minus sign, '8'."""
    return f"−{-day}" if day < 0 else str(day)


def shifted(day: int, by: int) -> int:
    """A day so many days later (negative: earlier); the count goes from -1 to 1."""
    place = (day if day < 0 else day - 1) + by
    return place if place < 0 else place + 1


def _counted_down(days: object) -> object:
    """'-21 to -1' or [-21, '-14 to -7'] as a list of days; anything else as it is, for the validation to refuse."""
    if isinstance(days, int) and not isinstance(days, bool):
        return [days]
    parts = days.split(",") if isinstance(days, str) else days
    if not isinstance(parts, list | tuple):
        return days
    found: list[object] = []
    for part in parts:
        span = _FROM_TO.fullmatch(str(part).strip())
        if span and -365 <= int(span[1]) <= int(span[2]):
            found.extend(range(int(span[1]), int(span[2]) + 1))
        else:
            found.append(part)
    return found
