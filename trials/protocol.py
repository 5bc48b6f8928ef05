"""A protocol as Rung reads it: the study file's shape, typed and validated. No database here.

Every part of the file may carry `assumed: true` (and a `note`): the protocol's text does not say it, and pages show so.
"""

from __future__ import annotations

from decimal import Decimal
from functools import cached_property
from typing import Annotated, Any, Literal

from pydantic import Field, field_validator, model_validator

from trials.protocol_base import Code, Days, FilePart
from trials.protocol_base import Window as Window  # part of the study file like the others: imported from here
from trials.protocol_doses import Administrations, Calculation, Rounding
from trials.protocol_doses import Dose as Dose
from trials.protocol_doses import expand_days as expand_days
from trials.protocol_schedule import Activity as Activity
from trials.protocol_schedule import ActivityKind as ActivityKind
from trials.protocol_schedule import AnchorKind as AnchorKind
from trials.protocol_schedule import LeadIn as LeadIn
from trials.protocol_schedule import OutcomeMeasure as OutcomeMeasure
from trials.protocol_schedule import Samples as Samples
from trials.protocol_schedule import Timepoint as Timepoint
from trials.protocol_schedule import Tube as Tube
from trials.protocol_schedule import visits_as_activity


class Heading(FilePart):
    key: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9-]*$", max_length=40)]
    title: Annotated[str, Field(min_length=3, max_length=300)]
    time_zone: str = "UTC"
    official_title: Annotated[str, Field(max_length=600)] = ""
    identifiers: tuple[Annotated[str, Field(min_length=1, max_length=80)], ...] = ()
    objectives: tuple[str, ...] = ()
    arms: tuple[str, ...] = ()


class Agent(FilePart):
    code: Code
    name: Annotated[str, Field(min_length=1, max_length=80)]
    investigational: bool = False


class Level(FilePart):
    ordinal: Annotated[int, Field(ge=1, le=20)]
    label: Annotated[str, Field(min_length=1, max_length=80)]
    doses: Annotated[tuple[Dose, ...], Field(min_length=1)]


class Cycle(FilePart):
    length_days: Annotated[int, Field(ge=1, le=365)]
    start_window: Window = Window()


class Escalation(FilePart):
    title: str = "Dose escalation"
    maximum_patients: Annotated[int, Field(ge=1, le=500)]
    cohort_size: Annotated[int, Field(ge=1, le=50)]
    maximum_cohort_size: Annotated[int, Field(ge=1, le=50)]
    start_level: Annotated[int, Field(ge=1, le=20)] = 1
    reservation_days: Annotated[int, Field(ge=1, le=90)] = 7


class Expansion(FilePart):
    title: str = "Dose expansion"
    patients: Annotated[int, Field(ge=1, le=500)]


class Design(FilePart):
    """The engine's design by name, with the parameters that differ from its published defaults.

    The engine knows more designs than these; a live study is run by those that have been shown to run one.
    """

    name: Literal["boin", "keyboard", "mtpi2", "i3plus3", "three_plus_three"]
    parameters: dict[str, Any] = {}

    @field_validator("name", mode="before")
    @classmethod
    def _runs_a_live_study(cls, name: Any) -> Any:
        if isinstance(name, str) and name in NOT_LIVE:
            raise ValueError(f"{NOT_LIVE[name]}; it can be compared with others in the workbench only")
        return name


# Designs that the engine knows and that do not run a live study, each with the reason.
NOT_LIVE = {
    "crm": "CRM has no table of boundaries, and the safety stop closes a dose by one",
    "tite_boin": "TITE-BOIN counts how long patients were followed so far, and a live study counts outcomes",
}


class DltWindow(FilePart):
    cycle: Annotated[int, Field(ge=1, le=100)] = 1
    from_day: Annotated[int, Field(ge=1, le=365)] = 1
    to_day: Annotated[int, Field(ge=1, le=365)]


class MinimumExposure(FilePart):
    """Evaluable without a DLT only with at least this fraction of the agent's planned doses in the window."""

    agent: Code
    fraction: Annotated[Decimal, Field(ge=0, le=1)]


class DltRule(FilePart):
    """What the protocol calls dose limiting. A person judges; the rule that fires is shown."""

    code: Code
    text: Annotated[str, Field(min_length=3)]
    minimum_grade: Annotated[int, Field(ge=1, le=5)]
    terms: tuple[str, ...] = ()
    except_terms: tuple[str, ...] = ()
    related: bool = True


class Dlt(FilePart):
    window: DltWindow
    minimum_exposure: MinimumExposure
    rules: Annotated[tuple[DltRule, ...], Field(min_length=1)]


class Signatures(FilePart):
    """Roles that must each sign before a decision takes effect; `set_up`: before a study starts or is amended."""

    dose_decision: Annotated[tuple[str, ...], Field(min_length=1)]
    mtd: Annotated[tuple[str, ...], Field(min_length=1)]
    set_up: Annotated[tuple[str, ...], Field(min_length=1)] = ("principal_investigator", "statistician")


class Delegation(FilePart):
    """What has to be recorded of a person before their role lets them act; looking is possible without."""

    identity_check: bool = False
    training: bool = False


class LadderRung(FilePart):
    """One rung of the reduction ladder: a dose level's regimen, or doses of its own below the lowest level."""

    label: Annotated[str, Field(min_length=1, max_length=80)]
    level: int | None = None
    doses: tuple[Dose, ...] = ()

    @model_validator(mode="after")
    def _level_or_doses(self) -> LadderRung:
        if (self.level is None) == (not self.doses):
            raise ValueError("give either the dose level or doses of its own")
        return self


class Reductions(FilePart):
    maximum: Annotated[int, Field(ge=0, le=10)]
    ladder: Annotated[tuple[LadderRung, ...], Field(min_length=1)]


class Delay(FilePart):
    limit_days: Days


class DiscontinuationReason(FilePart):
    code: Code
    text: Annotated[str, Field(min_length=3)]
    allows_retreatment: bool = False


class ContinuationReview(FilePart):
    after_months: Annotated[int, Field(ge=1, le=120)]
    question: str = ""


class Retreatment(FilePart):
    allowed: bool = False


class EventMonitoring(FilePart):
    every_days: Annotated[int, Field(ge=1, le=365)]
    for_days: Annotated[int, Field(ge=1, le=3650)]
    window: Window = Window()


class Criterion(FilePart):
    code: Code
    text: Annotated[str, Field(min_length=3)]
    kind: Literal["inclusion", "exclusion"]


class Protocol(FilePart):
    """A whole study file."""

    schema_version: Literal[1] = Field(alias="schema")
    study: Heading
    agents: Annotated[tuple[Agent, ...], Field(min_length=1)]
    lead_in: LeadIn | None = None
    cycle: Cycle
    calculation: Calculation | None = None
    administrations: Administrations = Administrations()
    levels: Annotated[tuple[Level, ...], Field(min_length=1)]
    escalation: Escalation
    expansion: Expansion | None = None
    design: Design
    dlt: Dlt
    signatures: Signatures
    delegation: Delegation = Delegation()
    eligibility: tuple[Criterion, ...] = ()
    reductions: Reductions
    delay: Delay
    discontinuation: Annotated[tuple[DiscontinuationReason, ...], Field(min_length=1)]
    continuation_review: ContinuationReview | None = None
    retreatment: Retreatment = Retreatment()
    event_monitoring: EventMonitoring
    visits: tuple[Timepoint, ...] = ()
    activities: tuple[Activity, ...] = ()
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

    @property
    def first_cycle(self) -> int:
        """The number of the cycle with which treatment starts: 0, the lead-in, where there is one; else 1."""
        return 0 if self.lead_in is not None else 1

    def cycle_length(self, number: int) -> int:
        """The days of a cycle; of the lead-in for number 0."""
        return self.lead_in.length_days if number == 0 and self.lead_in is not None else self.cycle.length_days

    def cycle_start_window(self, number: int) -> Window:
        return self.lead_in.start_window if number == 0 and self.lead_in is not None else self.cycle.start_window

    def cycle_doses(self, number: int, rung: int) -> tuple[Dose, ...]:
        """What is given in a cycle on a rung. In the lead-in, 0, its agents alone; its days are counted from 1 here."""
        doses = self.rung_doses(rung)
        if number != 0 or self.lead_in is None:
            return doses
        days = tuple(self.lead_in.place_of(day) for day in self.lead_in.days)
        return tuple(d.model_copy(update={"days": days}) for d in doses if d.agent in self.lead_in.agents)

    def counted_doses(self, number: int, rung: int) -> tuple[Dose, ...]:
        """Those of `cycle_doses` that are counted at the end of the cycle; the others are recorded one by one."""
        return tuple(dose for dose in self.cycle_doses(number, rung) if not dose.given_singly)

    def rounding(self, agent: str) -> Rounding | None:
        """How an agent's computed dose is rounded; None where nothing of it is computed."""
        rules = self.calculation.rounding if self.calculation else ()
        return next((r for r in rules if r.agent == agent), None)

    @property
    def all_doses(self) -> tuple[Dose, ...]:
        """Every dose of the file: those of the levels, then those of rungs of their own."""
        levels = [dose for level in self.levels for dose in level.doses]
        return (*levels, *(dose for rung in self.reductions.ladder for dose in rung.doses))

    def given_singly(self, agent: str) -> bool:
        """Whether each dose of an agent is recorded on its own, not counted with the others of its cycle."""
        return any(dose.agent == agent and dose.given_singly for dose in self.all_doses)

    @property
    def by_body_size(self) -> bool:
        """Whether anything is dosed by the patient's height or weight."""
        return any(dose.by_body_size for dose in self.all_doses)

    @cached_property
    def recorded_activities(self) -> tuple[Activity, ...]:
        """What is recorded as done or missed: the visits on days of their own first, then the activities."""
        return (*visits_as_activity(self.visits), *self.activities)

    def discontinuation_reason(self, code: str) -> DiscontinuationReason:
        return next(r for r in self.discontinuation if r.code == code)

    def measure(self, code: str) -> OutcomeMeasure:
        return next(m for m in self.outcome_measures if m.code == code)
