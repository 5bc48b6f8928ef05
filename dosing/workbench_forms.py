"""The fields of the workbench: what stands in each, what leaving it empty means, and what is wrong with it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from dosing.engine import DESIGNS, Arrivals, ToxicityTimes
from dosing.workbench.draft import Draft, DraftDesign, Fault
from dosing.workbench.parameters import Kind, Parameter, default_of, parameters_of, text_of
from dosing.workbench.question import DEFAULT_TIMING, MOST_DESIGNS, MOST_DOSES
from dosing.workbench.words import NAMES

YES_NO = (("yes", "yes"), ("no", "no"))
TIMING = (
    Parameter("window", "DLT window, days", "How long a patient is followed for a DLT."),
    Parameter("accrual_rate", "Patients a day", "How many come on average: 0.1 is three in 30 days."),
    Parameter(
        "arrivals",
        "Time between patients",
        "Exponential: as chance has it; uniform: from none to twice the mean.",
        Kind.CHOICE,
        choices=(
            (Arrivals.EXPONENTIAL.value, "exponential"),
            (Arrivals.UNIFORM.value, "uniform"),
        ),
    ),
    Parameter(
        "toxicity_times",
        "Time to a DLT",
        "Uniform in the window, or Weibull with the share of late DLTs.",
        Kind.CHOICE,
        choices=(
            (ToxicityTimes.UNIFORM.value, "uniform"),
            (ToxicityTimes.WEIBULL.value, "Weibull"),
        ),
    ),
    Parameter("late", "Share of late DLTs", "Those in the second half of the window, with Weibull times."),
)


@dataclass(frozen=True)
class Field:
    """One input. name: in the address; its id is unique on the page. choices: of a select, else empty."""

    name: str
    id: str
    label: str
    value: str
    hint: str = ""
    empty: str = ""
    error: str = ""
    step: str = "any"
    is_text: bool = False
    choices: Sequence[tuple[str, str]] = ()

    @property
    def error_id(self) -> str:
        return f"fault-{self.id}"

    @property
    def hint_id(self) -> str:
        return f"hint-{self.id}" if self.hint else ""


@dataclass(frozen=True)
class DoseFields:
    """One rung: its name, its true toxicity, and the slider that goes with it."""

    place: int
    label: Field
    toxicity: Field


@dataclass(frozen=True)
class DesignFields:
    """One design: which, its parameters, and those folded away unless one of them was changed or is not allowed."""

    place: int
    name: str
    kind: Field
    first: tuple[Field, ...]
    folded: tuple[Field, ...]
    unfolded: bool


@dataclass(frozen=True)
class WorkbenchFields:
    """All fields of a draft."""

    draft: Draft
    faults: Sequence[Fault] = field(default_factory=tuple)

    @property
    def errors(self) -> Mapping[str, str]:
        """What is wrong, by the id of the field."""
        return {fault.field: fault.sentence for fault in self.faults}

    @property
    def doses(self) -> list[DoseFields]:
        return [self._dose(place) for place in range(1, len(self.draft.labels) + 1)]

    def _dose(self, place: int) -> DoseFields:
        label, errors = self.draft.labels[place - 1], self.errors
        shown = label.strip() or f"dose {place}"
        return DoseFields(
            place,
            Field("dose", f"dose-{place}", f"Name of dose {place}", label, error=errors.get(f"dose-{place}", "")),
            Field(
                "p",
                f"p-{place}",
                f"True toxicity of {shown}",
                self.draft.toxicity[place - 1],
                error=errors.get(f"p-{place}", ""),
                step="0.01",
            ),
        )

    @property
    def target(self) -> Field:
        hint = "The probability of a DLT that the MTD should have."
        return Field("target", "target", "Target toxicity", self.draft.target, hint, "", self._error("target"), "0.01")

    def _error(self, id: str) -> str:
        return self.errors.get(id, "")

    @property
    def designs(self) -> list[DesignFields]:
        return [self._design(place, design) for place, design in enumerate(self.draft.designs, 1)]

    def _design(self, place: int, draft: DraftDesign) -> DesignFields:
        kind = Field(
            "kind", f"kind-{place}", f"Design {place}", draft.kind, error=self._error(f"kind-{place}"), choices=_kinds()
        )
        if draft.kind not in DESIGNS:
            return DesignFields(place, draft.kind, kind, (), (), unfolded=False)
        shown = [(p, self._parameter(place, draft, p)) for p in parameters_of(draft.kind)]
        folded = [(p, each) for p, each in shown if not p.first]
        changed = any(each.error or each.value.strip() != _default(draft.kind, p) for p, each in folded)
        first = tuple(each for p, each in shown if p.first)
        return DesignFields(place, NAMES[draft.kind], kind, first, tuple(each for _, each in folded), changed)

    def _parameter(self, place: int, draft: DraftDesign, parameter: Parameter) -> Field:
        id = f"{place}-{parameter.name}"
        return _field(parameter, id, id, draft.text(parameter.name), self._error(id))

    @property
    def needs_time(self) -> bool:
        return any(design.kind == "tite_boin" for design in self.draft.designs)

    @property
    def timing(self) -> list[Field]:
        return [_field(p, p.name, p.name, self.draft.timing_text(p.name), self._error(p.name)) for p in TIMING]

    @property
    def hidden_timing(self) -> Iterator[tuple[str, str]]:
        """What was typed about time while no design needs it: it is kept in the address."""
        defaults = {p.name: text_of(getattr(DEFAULT_TIMING, p.name)) for p in TIMING}
        return ((name, text) for name, text in self.draft.timing.items() if text != defaults[name])

    @property
    def general_errors(self) -> list[str]:
        """What belongs to no field: too many doses, too many designs."""
        return [fault.sentence for fault in self.faults if fault.field in ("doses", "designs")]

    @property
    def may_add_dose(self) -> bool:
        return len(self.draft.labels) < MOST_DOSES

    @property
    def may_add_design(self) -> bool:
        return len(self.draft.designs) < MOST_DESIGNS


def _kinds() -> tuple[tuple[str, str], ...]:
    return tuple(NAMES.items())


def _default(kind: str, parameter: Parameter) -> str:
    return text_of(default_of(kind, parameter.name))


def _field(parameter: Parameter, id: str, name: str, value: str, error: str) -> Field:
    choices = YES_NO if parameter.kind is Kind.YES_NO else parameter.choices
    step = "1" if parameter.kind is Kind.WHOLE else "any"
    is_text = parameter.kind is Kind.PROBABILITIES
    return Field(name, id, parameter.label, value, parameter.meaning, parameter.empty, error, step, is_text, choices)
