"""A protocol as Rung reads it: the study file's shape, typed and validated. No database here.

Every part of the file may carry `assumed: true` (and a `note`): the protocol's text does not say it, and pages show so.
"""

from __future__ import annotations

from decimal import Decimal
from enum import StrEnum
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

Code = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]*$", max_length=40)]
Days = Annotated[int, Field(ge=0, le=3650)]
PartKind = Literal["escalation", "expansion"]


class _Part(BaseModel):
    """Base of every part of a study file: frozen, no unknown keys, may be marked as assumed."""

    model_config = ConfigDict(frozen=True, extra="forbid", str_strip_whitespace=True)

    assumed: bool = False
    note: str = ""


class Window(_Part):
    """Days allowed before and after the planned day."""

    before: Days = 0
    after: Days = 0


class Heading(_Part):
    key: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9-]*$", max_length=40)]
    title: Annotated[str, Field(min_length=3, max_length=300)]
    time_zone: str = "UTC"
    objectives: tuple[str, ...] = ()


class Agent(_Part):
    code: Code
    name: Annotated[str, Field(min_length=1, max_length=80)]
    investigational: bool = False


class Dose(_Part):
    """One agent's dose: amount, unit, route and the days of the cycle on which it is given."""

    agent: Code
    amount: Annotated[Decimal, Field(gt=0)]
    unit: Literal["mg", "mg/m2", "mg/kg", "g", "µg"]
    route: Literal["oral", "intravenous", "subcutaneous"]
    days: Annotated[tuple[Annotated[int, Field(ge=1, le=365)], ...], Field(min_length=1)]

    @model_validator(mode="before")
    @classmethod
    def _days_as_ranges(cls, value: Any) -> Any:
        if isinstance(value, dict) and "days" in value:
            value = {**value, "days": expand_days(value["days"])}
        return value

    @property
    def amount_words(self) -> str:
        return f"{self.amount.normalize():f} {self.unit}"

    @property
    def days_words(self) -> str:
        """'days 1–21' or 'days 1, 8, 15, 22'."""
        days = self.days
        if len(days) > 2 and days == tuple(range(days[0], days[-1] + 1)):
            return f"days {days[0]}–{days[-1]}"
        return ("day " if len(days) == 1 else "days ") + ", ".join(map(str, days))


class Level(_Part):
    ordinal: Annotated[int, Field(ge=1, le=20)]
    label: Annotated[str, Field(min_length=1, max_length=80)]
    doses: Annotated[tuple[Dose, ...], Field(min_length=1)]


class Cycle(_Part):
    length_days: Annotated[int, Field(ge=1, le=365)]
    start_window: Window = Window()


class Escalation(_Part):
    title: str = "Dose escalation"
    maximum_patients: Annotated[int, Field(ge=1, le=500)]
    cohort_size: Annotated[int, Field(ge=1, le=50)]
    maximum_cohort_size: Annotated[int, Field(ge=1, le=50)]
    start_level: Annotated[int, Field(ge=1, le=20)] = 1
    reservation_days: Annotated[int, Field(ge=1, le=90)] = 7


class Expansion(_Part):
    title: str = "Dose expansion"
    patients: Annotated[int, Field(ge=1, le=500)]


class Design(_Part):
    """The engine's design by name, with the parameters that differ from its published defaults.

    The engine knows more designs than these; a live study is run by those that have been shown to run one.
    """

    name: Literal["boin"]
    parameters: dict[str, Any] = {}


class DltWindow(_Part):
    cycle: Annotated[int, Field(ge=1, le=100)] = 1
    from_day: Annotated[int, Field(ge=1, le=365)] = 1
    to_day: Annotated[int, Field(ge=1, le=365)]


class MinimumExposure(_Part):
    """Evaluable without a DLT only with at least this fraction of the agent's planned doses in the window."""

    agent: Code
    fraction: Annotated[Decimal, Field(ge=0, le=1)]


class DltRule(_Part):
    """What the protocol calls dose limiting. A person judges; the rule that fires is shown."""

    code: Code
    text: Annotated[str, Field(min_length=3)]
    minimum_grade: Annotated[int, Field(ge=1, le=5)]
    terms: tuple[str, ...] = ()
    except_terms: tuple[str, ...] = ()
    related: bool = True


class Dlt(_Part):
    window: DltWindow
    minimum_exposure: MinimumExposure
    rules: Annotated[tuple[DltRule, ...], Field(min_length=1)]


class Signatures(_Part):
    """Roles that must each sign before a decision takes effect."""

    dose_decision: Annotated[tuple[str, ...], Field(min_length=1)]
    mtd: Annotated[tuple[str, ...], Field(min_length=1)]


class LadderRung(_Part):
    """One rung of the reduction ladder: a dose level's regimen, or doses of its own below the lowest level."""

    label: Annotated[str, Field(min_length=1, max_length=80)]
    level: int | None = None
    doses: tuple[Dose, ...] = ()

    @model_validator(mode="after")
    def _level_or_doses(self) -> LadderRung:
        if (self.level is None) == (not self.doses):
            raise ValueError("give either the dose level or doses of its own")
        return self


class Reductions(_Part):
    maximum: Annotated[int, Field(ge=0, le=10)]
    ladder: Annotated[tuple[LadderRung, ...], Field(min_length=1)]


class Delay(_Part):
    limit_days: Days


class DiscontinuationReason(_Part):
    code: Code
    text: Annotated[str, Field(min_length=3)]
    allows_retreatment: bool = False


class ContinuationReview(_Part):
    after_months: Annotated[int, Field(ge=1, le=120)]
    question: str = ""


class Retreatment(_Part):
    allowed: bool = False


class EventMonitoring(_Part):
    every_days: Annotated[int, Field(ge=1, le=365)]
    for_days: Annotated[int, Field(ge=1, le=3650)]
    window: Window = Window()


class AnchorKind(StrEnum):
    PRE_TREATMENT = "pre-treatment"
    CYCLE_START = "cycle-start"
    CYCLE_END = "cycle-end"
    EVERY_CYCLE_START = "every-cycle-start"


class Timepoint(_Part):
    """When something is due: at an anchor, with a window; only in the given parts."""

    code: Code
    title: Annotated[str, Field(min_length=1, max_length=120)]
    anchor: AnchorKind
    cycle: Annotated[int, Field(ge=1, le=200)] | None = None
    window: Window = Window()
    parts: tuple[PartKind, ...] = ("escalation", "expansion")

    @model_validator(mode="after")
    def _cycle_where_needed(self) -> Timepoint:
        needs = self.anchor in (AnchorKind.CYCLE_START, AnchorKind.CYCLE_END)
        if needs != (self.cycle is not None):
            raise ValueError("`cycle` goes with cycle-start and cycle-end, and only with them")
        return self


class Tube(_Part):
    code: Code
    volume_ml: Annotated[Decimal, Field(gt=0, le=100)]
    colour: str
    additive: str = ""
    purpose: str


class Samples(_Part):
    tubes: Annotated[tuple[Tube, ...], Field(min_length=1)]
    timepoints: Annotated[tuple[Timepoint, ...], Field(min_length=1)]


class OutcomeMeasure(_Part):
    code: Code
    title: Annotated[str, Field(min_length=1, max_length=120)]
    domain: str
    unit: str = ""
    minimum: Decimal | None = None
    maximum: Decimal | None = None
    better: Literal["lower", "higher"]
    timepoints: Annotated[tuple[Timepoint, ...], Field(min_length=1)]


class Criterion(_Part):
    code: Code
    text: Annotated[str, Field(min_length=3)]
    kind: Literal["inclusion", "exclusion"]


class Protocol(_Part):
    """A whole study file."""

    schema_version: Literal[1] = Field(alias="schema")
    study: Heading
    agents: Annotated[tuple[Agent, ...], Field(min_length=1)]
    cycle: Cycle
    levels: Annotated[tuple[Level, ...], Field(min_length=1)]
    escalation: Escalation
    expansion: Expansion | None = None
    design: Design
    dlt: Dlt
    signatures: Signatures
    eligibility: tuple[Criterion, ...] = ()
    reductions: Reductions
    delay: Delay
    discontinuation: Annotated[tuple[DiscontinuationReason, ...], Field(min_length=1)]
    continuation_review: ContinuationReview | None = None
    retreatment: Retreatment = Retreatment()
    event_monitoring: EventMonitoring
    visits: tuple[Timepoint, ...] = ()
    samples: Samples | None = None
    outcome_measures: tuple[OutcomeMeasure, ...] = ()
    ctcae_version: Literal["5.0"] = "5.0"

    def level(self, ordinal: int) -> Level:
        return self.levels[ordinal - 1]

    def agent(self, code: str) -> Agent:
        return next(a for a in self.agents if a.code == code)

    def rung_of_level(self, ordinal: int) -> int:
        """Index on the reduction ladder (0 is the highest rung) at which a patient of this level starts."""
        return next(i for i, rung in enumerate(self.reductions.ladder) if rung.level == ordinal)

    def rung_doses(self, rung: int) -> tuple[Dose, ...]:
        """What is given on a rung of the reduction ladder."""
        step = self.reductions.ladder[rung]
        return step.doses if step.level is None else self.level(step.level).doses

    def discontinuation_reason(self, code: str) -> DiscontinuationReason:
        return next(r for r in self.discontinuation if r.code == code)

    def measure(self, code: str) -> OutcomeMeasure:
        return next(m for m in self.outcome_measures if m.code == code)


def expand_days(days: object) -> object:
    """'1-21' or [1, 8, '15-17'] as a list of days; anything else is returned as it is, for the validation to refuse."""
    if isinstance(days, int) and not isinstance(days, bool):
        return [days]
    parts = days.split(",") if isinstance(days, str) else days
    if not isinstance(parts, list | tuple):
        return days
    found: list[object] = []
    for part in parts:
        text = str(part).strip()
        first, dash, last = text.partition("-")
        if dash and first.isdigit() and last.isdigit() and 0 < int(first) <= int(last) <= 365:
            found.extend(range(int(first), int(last) + 1))
        else:
            found.append(int(text) if text.isdigit() else part)
    return found
