"""What the page of a saved comparison shows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from accounts.models import User
from dosing.engine import ENGINE_VERSION, SimulatedCharacteristics
from dosing.models import Comparison
from dosing.operations.comparisons import may_put_away
from dosing.workbench.address import question_to_query
from dosing.workbench.difference import answer_in_words
from dosing.workbench.into_study import why_not_live
from dosing.workbench.measures import SHARES
from dosing.workbench.plots import characteristics_panels, described
from dosing.workbench.question import Question
from dosing.workbench.reading import Reading, read
from dosing.workbench.results import Answer
from dosing.workbench.tables import IN_SCENARIOS, dose_groups, scenario_rows, summary_rows
from dosing.workbench.words import number_words, parameter_rows


@dataclass(frozen=True)
class DesignShown:
    """One design: its parameters in full, and how its numbers were computed."""

    index: int
    name: str
    parameters: list[tuple[str, str, str]]
    how: str
    problem: str
    not_live: str


def comparison_context(comparison: Comparison, reader: User) -> dict[str, Any]:
    """The whole page. The results are computed from the saved question by the engine of now."""
    question = Question.from_dict(comparison.question)
    reading = read(question)
    return {
        "comparison": comparison,
        "answer": answer_in_words(question, reading.answers),
        "facts": _facts(comparison, question),
        "engine_now": ENGINE_VERSION,
        "engine_differs": comparison.engine_version != ENGINE_VERSION,
        "designs": [_design(i, answer) for i, answer in enumerate(reading.answers)],
        "query": question_to_query(question),
        "may_put_away": comparison.put_away_at is None and may_put_away(comparison, reader),
        **_results(reading),
    }


def _results(reading: Reading) -> dict[str, Any]:
    question, answered = reading.question, reading.answers
    return {
        "panels": characteristics_panels(question, answered),
        "described": described(question, answered),
        "summary": summary_rows(answered),
        "two": len(answered) == 2,
        "doses": _doses(question, reading.true_mtd(0)),
        "groups": dose_groups(question, answered),
        "scenarios": scenario_rows(question, reading.scenarios, answered),
        "scenario_measures": [f"{m.label}, %" if m in SHARES else m.label for m in IN_SCENARIOS],
    }


def _facts(comparison: Comparison, question: Question) -> list[dict[str, Any]]:
    study = comparison.study
    return [
        {"label": "Saved by", "value": comparison.saved_by.get_full_name()},
        {"label": "Saved on", "value": f"{comparison.saved_at:%-d %B %Y, %H:%M} UTC"},
        {"label": "Seen by", "value": f"everybody with a role in {study.key}" if study else "you alone"},
        {"label": "Target toxicity", "value": number_words(question.target)},
        {"label": "Engine version", "value": comparison.engine_version},
    ]


def _doses(question: Question, true_mtd: int) -> list[dict[str, Any]]:
    pairs = zip(question.labels, question.toxicity, strict=True)
    return [
        {"label": label, "toxicity": number_words(p), "is_mtd": i == true_mtd} for i, (label, p) in enumerate(pairs, 1)
    ]


def _design(index: int, answer: Answer) -> DesignShown:
    found = answer.characteristics
    how = f"{found.trials:,} simulated trials" if isinstance(found, SimulatedCharacteristics) else "exact"
    return DesignShown(
        index=index,
        name=answer.name,
        parameters=parameter_rows(answer.design),
        how="out of reach" if found is None else how,
        problem=answer.problem if found is None else "",
        not_live=why_not_live(answer.design),
    )
