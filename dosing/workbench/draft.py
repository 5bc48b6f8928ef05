"""A question as it stands in the fields of the workbench: texts, some of which may not be allowed yet."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import Any

from dosing.engine import DESIGNS, CrmDesign, Design, Timing
from dosing.engine.crm_model import calibrated_skeleton
from dosing.workbench.parameters import CALIBRATION, Kind, Parameter, default_of, parameters_of, text_of
from dosing.workbench.question import DEFAULT_TIMING, MOST_DESIGNS, MOST_DOSES, NOT_DRAWABLE, Question

HALF_WIDTH = 0.25  # of the target: the default half-width of indifference
ENGINE_SAYS = re.compile(
    r"(?P<name>\w+)(?:\[(?P<place>\d+)\])? = .*? is not allowed: \S+(?: and \w+)? must be (?P<allowed>.*)", re.S
)
FLAGS = {"yes": True, "no": False}


@dataclass(frozen=True)
class Fault:
    """A field that cannot be as it is. field: as in the address, such as "p-3" or "1-cohort_size"."""

    field: str
    value: str
    allowed: str

    @property
    def sentence(self) -> str:
        return (
            f"“{self.value}” is not allowed: it must be {self.allowed}." if self.value else f"Fill in {self.allowed}."
        )


class Faulty(ValueError):
    """A draft that is no question yet. faults: all that was found, field by field."""

    def __init__(self, faults: list[Fault]) -> None:
        self.faults = tuple(faults)
        super().__init__("; ".join(f"{fault.field}: {fault.sentence}" for fault in faults))


@dataclass(frozen=True)
class DraftDesign:
    """kind: the design's name in the engine. given: texts by parameter; those left out have their defaults."""

    kind: str
    given: Mapping[str, str] = field(default_factory=dict)

    def text(self, name: str) -> str:
        """What stands in the parameter's field."""
        return self.given.get(name, text_of(default_of(self.kind, name)))


@dataclass(frozen=True)
class Draft:
    """Labels and toxicities are as long as each other. timing: texts by name; those left out have their defaults."""

    labels: tuple[str, ...]
    toxicity: tuple[str, ...]
    target: str
    designs: tuple[DraftDesign, ...]
    timing: Mapping[str, str] = field(default_factory=dict)

    def timing_text(self, name: str) -> str:
        return self.timing.get(name, text_of(getattr(DEFAULT_TIMING, name)))

    def question(self) -> Question:
        """The question that the fields ask. Raises Faulty with every fault found."""
        return _Reading(self).question()


def draft_of(question: Question) -> Draft:
    """The fields that ask this question; parameters that have their published defaults are left out."""
    return Draft(
        labels=question.labels,
        toxicity=tuple(map(text_of, question.toxicity)),
        target=text_of(question.target),
        designs=tuple(_draft_design(design, question) for design in question.designs),
        timing={
            name: text_of(value)
            for name, value in asdict(question.timing).items()
            if value != getattr(DEFAULT_TIMING, name)
        },
    )


def _draft_design(design: Design, question: Question) -> DraftDesign:
    followed = _followed(design, question)
    given = {
        name: text_of(value)
        for name, value in design.parameters().items()
        if name == "max_patients" or value != followed.get(name, default_of(design.name, name))
    }
    return DraftDesign(design.name, given)


def _followed(design: Design, question: Question) -> dict[str, Any]:
    """What the parameters are whose fields are left empty because they follow from others."""
    values: dict[str, Any] = {"target": question.target, "p_saf": 0.6 * design.target, "p_tox": 1.4 * design.target}
    if isinstance(design, CrmDesign):
        values["skeleton"] = list(_default_skeleton(design.target, question.doses, design.model, design.intercept))
    return values


def _default_skeleton(target: float, doses: int, model: str, intercept: float) -> tuple[float, ...]:
    try:
        return calibrated_skeleton(target, HALF_WIDTH * target, (doses + 1) // 2, doses, model, intercept)
    except ValueError:
        return ()


class _Reading:
    """Reads a draft, and keeps every fault it meets."""

    def __init__(self, draft: Draft) -> None:
        self.draft = draft
        self.faults: list[Fault] = []

    def question(self) -> Question:
        draft = self.draft
        labels = tuple(label.strip() for label in draft.labels)
        self._sizes(labels)
        toxicity = [
            self._number(f"p-{i}", text, 0.0, 1.0, "a probability from 0 to 1")
            for i, text in enumerate(draft.toxicity, 1)
        ]
        target = self._number("target", draft.target, 0.05, 0.6, "a number from 0.05 to 0.6")
        timing = self._timing()
        designs = [self._design(i, one, target, len(labels)) for i, one in enumerate(draft.designs, 1)]
        if self.faults:
            raise Faulty(self.faults)
        made = [design for design in designs if design is not None]
        return Question(labels, tuple(toxicity), target, tuple(made), timing)

    def _fault(self, field: str, value: str, allowed: str) -> None:
        self.faults.append(Fault(field, value, allowed))

    def _sizes(self, labels: tuple[str, ...]) -> None:
        if not 1 <= len(labels) <= MOST_DOSES:
            self._fault("doses", str(len(labels)), f"1 to {MOST_DOSES} doses")
        if not 1 <= len(self.draft.designs) <= MOST_DESIGNS:
            self._fault("designs", str(len(self.draft.designs)), f"1 to {MOST_DESIGNS} designs")
        for i, label in enumerate(labels):
            if not label:
                self._fault(f"dose-{i + 1}", "", "a name for the dose")
            elif NOT_DRAWABLE.search(label):
                self._fault(f"dose-{i + 1}", label, "a name without control characters")
            elif label in labels[:i]:
                self._fault(f"dose-{i + 1}", label, "a name that no other dose has")

    def _number(self, field: str, text: str, low: float, high: float, allowed: str) -> float:
        value = _number(text)
        if value is None or not low <= value <= high:
            self._fault(field, text.strip(), allowed)
            return low
        return value

    def _timing(self) -> Timing:
        values: dict[str, Any] = {}
        for name in (each.name for each in fields(Timing)):
            text = self.draft.timing_text(name).strip()
            values[name] = text if name in ("arrivals", "toxicity_times") else _number(text)
            if values[name] is None:
                self._fault(name, text, "a number")
        if any(value is None for value in values.values()):
            return DEFAULT_TIMING
        return self._made(lambda: Timing(**values), "", self.draft.timing) or DEFAULT_TIMING

    def _design(self, place: int, draft: DraftDesign, target: float, doses: int) -> Design | None:
        if draft.kind not in DESIGNS:
            self._fault(f"kind-{place}", draft.kind, "one of " + ", ".join(DESIGNS))
            return None
        before = len(self.faults)
        values = {p.name: self._value(place, draft, p) for p in parameters_of(draft.kind)}
        if len(self.faults) > before:
            return None
        if values["target"] is None:
            values["target"] = target
        shown = {p.name: draft.text(p.name) for p in parameters_of(draft.kind)}
        return self._made(lambda: _make(draft.kind, values, doses), f"{place}-", shown)

    def _value(self, place: int, draft: DraftDesign, parameter: Parameter) -> Any:
        text = draft.text(parameter.name).strip()
        if not text:
            if not parameter.empty:
                self._fault(f"{place}-{parameter.name}", "", _ALLOWED[parameter.kind])
            return None
        value = _READ[parameter.kind](text)
        if value is None:
            self._fault(f"{place}-{parameter.name}", text, _ALLOWED[parameter.kind])
        return value

    def _made(self, make: Callable[[], Any], prefix: str, shown: Mapping[str, str]) -> Any:
        """What `make` makes; None, and a fault at the field that the engine names, where it refuses."""
        try:
            return make()
        except ValueError as error:
            said = ENGINE_SAYS.fullmatch(str(error))
            name = said["name"] if said else "kind"
            self._fault(prefix + name, shown.get(name, ""), said["allowed"] if said else str(error))
            return None


def _make(kind: str, values: Mapping[str, Any], doses: int) -> Design:
    given = dict(values)
    if kind == CrmDesign.name:
        given["skeleton"] = given["skeleton"] or _skeleton(given, doses)
    for name in CALIBRATION:
        given.pop(name, None)
    design = DESIGNS[kind](**given)
    design.check_ladder(doses)
    return design


def _skeleton(given: Mapping[str, Any], doses: int) -> tuple[float, ...]:
    half = HALF_WIDTH * given["target"] if given["halfwidth"] is None else given["halfwidth"]
    middle = (doses + 1) // 2 if given["prior_mtd"] is None else given["prior_mtd"]
    return calibrated_skeleton(given["target"], half, middle, doses, given["model"], given["intercept"])


def _number(text: str) -> float | None:
    try:
        value = float(text.strip().replace(",", "."))
    except ValueError:
        return None
    return value if abs(value) < float("inf") else None


def _whole(text: str) -> int | None:
    return int(text) if re.fullmatch(r"-?\d{1,6}", text) else None


def _several(text: str) -> tuple[float, ...] | None:
    values = [_number(part) for part in re.split(r"[,;\s]+", text.strip(" ,;"))]
    return None if None in values else tuple(value for value in values if value is not None)


_READ: Mapping[Kind, Callable[[str], Any]] = {
    Kind.NUMBER: _number,
    Kind.WHOLE: _whole,
    Kind.YES_NO: FLAGS.get,
    Kind.CHOICE: str,
    Kind.PROBABILITIES: _several,
}
_ALLOWED = {
    Kind.NUMBER: "a number",
    Kind.WHOLE: "a whole number",
    Kind.YES_NO: "yes or no",
    Kind.CHOICE: "one of the choices",
    Kind.PROBABILITIES: "probabilities, one for each dose, such as 0.05, 0.12, 0.25",
}


def default_draft() -> Draft:
    """Where a new comparison begins: BOIN beside 3+3 on five doses, the third of which is the MTD."""
    toxicity = ("0.11", "0.18", "0.3", "0.45", "0.61")
    labels = tuple(f"Dose {i}" for i in range(1, len(toxicity) + 1))
    return Draft(labels, toxicity, "0.3", (DraftDesign("boin"), DraftDesign("three_plus_three")))
