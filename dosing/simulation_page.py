"""What the page of a large simulation says: its answer or its progress, in words and numbers."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any

from dosing.engine import OperatingCharacteristics, SimulatedCharacteristics
from dosing.models import Simulation
from dosing.workbench.address import question_to_query
from dosing.workbench.measures import PER_DOSE, SHARES, TOTALS, Measure, value_of
from dosing.workbench.question import Question
from dosing.workbench.results import Answer
from dosing.workbench.simulated import added_up, exact_beside
from dosing.workbench.words import design_names, number_words

Status = Simulation.Status
MANY = 1_000_000  # trials from which on one more decimal is certain
NO_WORKER_AFTER = 10  # seconds


@dataclass(frozen=True)
class Row:
    """One value beside the exact one. difference: in standard errors; None where there is nothing to compare."""

    label: str
    note: str
    value: str
    error: str
    exact: str
    difference: float | None

    @property
    def difference_words(self) -> str:
        return "–" if self.difference is None else f"{self.difference:+.1f}".replace("-", "−")


@dataclass(frozen=True)
class Group:
    title: str
    rows: tuple[Row, ...]


@dataclass(frozen=True)
class DesignResult:
    """What is simulated of one design. groups: empty while nothing is. duration: mean days of a trial, or nothing.

    summary: (label, value with its unit, standard error) of what designs are compared by first.
    """

    name: str
    trials: int
    groups: tuple[Group, ...]
    summary: tuple[tuple[str, str, str], ...]
    duration: str
    has_exact: bool

    @property
    def furthest(self) -> str:
        """The largest difference from an exact value, in standard errors."""
        known = [abs(row.difference) for group in self.groups for row in group.rows if row.difference is not None]
        return f"{max(known):.1f}" if known else ""

    @property
    def compared(self) -> int:
        return sum(row.difference is not None for group in self.groups for row in group.rows)


@dataclass(frozen=True)
class Progress:
    """simulated, planned: trials of all designs. seconds: since the start."""

    simulated: int
    planned: int
    seconds: float

    @property
    def percent(self) -> int:
        return 100 * self.simulated // self.planned

    @property
    def rate(self) -> int:
        """Trials a second, to two digits."""
        exact = self.simulated / max(self.seconds, 0.1)
        return int(float(f"{exact:.2g}"))

    @property
    def left(self) -> str:
        """How much longer it takes, where that can be said."""
        return duration_words((self.planned - self.simulated) / self.rate) if self.rate else ""

    @property
    def waits_for_a_worker(self) -> bool:
        return self.simulated == 0 and self.seconds > NO_WORKER_AFTER


def simulation_context(simulation: Simulation, now: dt.datetime) -> dict[str, Any]:
    """All that the page and its moving part show. now: for how long it has been running."""
    question = Question.from_dict(simulation.question)
    simulated = added_up(question, simulation.seed, simulation.blocks.done().values_list("design", "sums"))
    running = simulation.status == Status.RUNNING
    ended = simulation.ended_at or now
    results = _results(question, simulated, with_exact=not running)
    progress = Progress(
        simulated=sum(one.trials for one in simulated if one is not None),
        planned=simulation.trials * len(question.designs),
        seconds=(ended - simulation.started_at).total_seconds(),
    )
    return {
        "simulation": simulation,
        "running": running,
        "heading": _heading(simulation, question, simulated, progress),
        "results": results,
        "side_by_side": [one for one in results if one.groups] if len(results) > 1 else [],
        "progress": progress,
        "facts": _facts(simulation, question, progress),
        "setting": setting(question),
        "query": question_to_query(question),
        "nav": "Design",
    }


def setting(question: Question) -> list[dict[str, str]]:
    """What was asked, as definitions."""
    doses = ", ".join(f"{label} {p:g}" for label, p in zip(question.labels, question.toxicity, strict=True))
    facts = [
        {"label": "Designs", "value": "; ".join(design_names(question.designs))},
        {"label": "True toxicity", "value": doses},
        {"label": "Target", "value": number_words(question.target)},
    ]
    if question.needs_time:
        time = question.timing
        facts.append({"label": "DLT window", "value": f"{time.window:g} days"})
        facts.append({"label": "Accrual", "value": f"{time.accrual_rate:g} patients a day"})
    return facts


def duration_words(seconds: float) -> str:
    """ "8 s", "2 min 5 s", "1 h 4 min"."""
    whole = max(1, round(seconds))
    hours, minutes = whole // 3600, whole % 3600 // 60
    if hours:
        return f"{hours} h {minutes} min"
    return f"{minutes} min {whole % 60} s" if minutes else f"{whole} s"


def _facts(simulation: Simulation, question: Question, progress: Progress) -> list[dict[str, str]]:
    started = simulation.started_at.astimezone(dt.UTC)
    facts = [
        {"label": "Trials of each design", "value": f"{simulation.trials:,}"},
        {"label": "Seed", "value": str(simulation.seed)},
        {"label": "Engine", "value": simulation.engine_version},
        {"label": "Started", "value": f"{started:%-d %b %Y, %H:%M} UTC"},
    ]
    if simulation.ended_at:
        facts.append({"label": "Time taken", "value": duration_words(progress.seconds)})
        facts.append({"label": "Trials a second", "value": f"{progress.rate:,}"})
    return facts


# --- The answer first ---


def _heading(
    simulation: Simulation,
    question: Question,
    simulated: tuple[SimulatedCharacteristics | None, ...],
    progress: Progress,
) -> str:
    if simulation.status == Status.RUNNING:
        return f"Simulating: {progress.percent} %"
    if simulation.status == Status.FAILED:
        return "The simulation could not be finished"
    if simulation.status == Status.CANCELLED:
        return f"Cancelled after {progress.simulated:,} of {progress.planned:,} trials"
    return _answer(question, [one for one in simulated if one is not None])


def _answer(question: Question, simulated: list[SimulatedCharacteristics]) -> str:
    right = int(simulated[0].true_mtd[0])
    does = f"selects the MTD, {question.labels[right - 1]}," if right else "rightly selects no dose"
    names = design_names(question.designs)
    shares = [f"{100 * one.correct_selection[0]:.1f} %" for one in simulated]
    first, *others = zip(names, shares, strict=True)
    said = [f"{first[0]} {does} in {first[1]} of trials", *(f"{name} in {share}" for name, share in others)]
    return ", ".join(said)


# --- The numbers ---


def _results(
    question: Question, simulated: tuple[SimulatedCharacteristics | None, ...], *, with_exact: bool
) -> list[DesignResult]:
    exact = exact_beside(question) if with_exact else (None,) * len(question.designs)
    names = design_names(question.designs)
    return [_result(question, i, names[i], simulated[i], exact[i]) for i in range(len(names))]


def _result(
    question: Question,
    place: int,
    name: str,
    simulated: SimulatedCharacteristics | None,
    exact: OperatingCharacteristics | None,
) -> DesignResult:
    if simulated is None:
        return DesignResult(name, 0, (), (), "", has_exact=False)
    design = question.designs[place]
    mine = Answer(design, name, simulated, exact=False)
    beside = Answer(design, name, exact, exact=True) if exact is not None else None
    days = float(simulated.duration[0])
    groups = [_per_dose(question, measure, total, mine, beside) for measure, total in _WITH_TOTALS]
    whole = Group("Whole trial, % of trials", tuple(_row(m.label, "", m, None, mine, beside) for m in SHARES))
    duration = f"{days:,.1f} days" if days == days else ""  # NaN: not simulated in time
    summary = tuple(_compared(m, _row(m.label, "", m, None, mine, None)) for m in _COMPARED_BY)
    return DesignResult(name, simulated.trials, (*groups, whole), summary, duration, has_exact=exact is not None)


def _compared(measure: Measure, row: Row) -> tuple[str, str, str]:
    return row.label, f"{row.value} %" if measure.is_share else row.value, row.error


_COMPARED_BY = (SHARES[0], *TOTALS, SHARES[1])  # correct selection, patients, DLTs, overdosing
_WITH_TOTALS = tuple(zip(PER_DOSE, (None, *TOTALS), strict=True))


def _per_dose(
    question: Question, measure: Measure, total: Measure | None, mine: Answer, beside: Answer | None
) -> Group:
    toxicity = [f"{p:g}" for p in question.toxicity]
    rows = [
        _row(label, note, measure, place, mine, beside)
        for place, (label, note) in enumerate(zip(question.labels, toxicity, strict=True))
    ]
    if measure.has_none:
        rows.append(_row("no dose", "", measure, question.doses, mine, beside))
    if total is not None:
        rows.append(_row("all doses", "", total, None, mine, beside))
    unit = "% of trials" if measure.is_share else "mean of a trial"
    return Group(f"{measure.label}, {unit}", tuple(rows))


def _row(label: str, note: str, measure: Measure, place: int | None, mine: Answer, beside: Answer | None) -> Row:
    value, error = value_of(mine, measure, place)
    exact = value_of(beside, measure, place)[0] if beside is not None else None
    assert isinstance(mine.characteristics, SimulatedCharacteristics)
    digits = (2 if measure.is_share else 3) + (mine.characteristics.trials >= MANY)
    times = 100 if measure.is_share else 1
    return Row(
        label=label,
        note=note,
        value=f"{times * value:.{digits}f}",
        error=f"{times * error:.{digits}f}",
        exact="" if exact is None else f"{times * exact:.{digits}f}",
        difference=(value - exact) / error if exact is not None and error > 0 else None,
    )
