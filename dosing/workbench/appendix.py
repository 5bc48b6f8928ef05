"""The protocol appendix of a saved comparison: everything that is printed, and its PDF.

The same comparison gives the same bytes: the document's time is the moment of saving, its fonts are typst's own.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from dosing.engine import ENGINE_VERSION
from dosing.engine.wording import probability_as_given
from dosing.models import Comparison
from dosing.typesetting import typeset
from dosing.workbench.appendix_tables import printed_table
from dosing.workbench.difference import answer_in_words
from dosing.workbench.plots import characteristics_plots
from dosing.workbench.question import Question
from dosing.workbench.reading import Reading, read
from dosing.workbench.results import Answer
from dosing.workbench.section_computing import DEFINITIONS, how_computed
from dosing.workbench.section_text import statistical_section
from dosing.workbench.words import parameter_rows

SOURCE = Path(__file__).with_suffix(".typ")
FONT = "Libertinus Serif"  # the appendix's own, which typst brings along
LONGEST_HEADING, LONGEST_LADDER = 12, 56  # characters: labels beyond it do not fit over the columns of a page
SUMMARY_COLUMNS = (
    "Correct selection",
    "Stopped early",
    "Stopped for safety",
    "> 60 % overdosed",
    "> 80 % overdosed",
    "> 60 % underdosed",
    "Patients",
    "DLTs",
)
SHARES = ("correct_selection", "stop_early", "stop_for_safety", "overdose_60", "overdose_80", "underdose_60")
EXPECTED = ("total_patients", "total_dlts", "no_selection")
PER_DOSE = ("selection", "patients", "dlts")


def appendix_pdf(comparison: Comparison, chosen: int | None = None) -> bytes:
    """The appendix as PDF/A-2a and PDF/UA-1, for all designs or the chosen one (from 0)."""
    return render(appendix_of(comparison, chosen), comparison.saved_at)


def render(appendix: dict[str, Any], at: dt.datetime) -> bytes:
    """What `appendix_of` gives, set on paper. The same appendix and time give the same bytes."""
    return typeset(SOURCE.read_bytes(), "appendix", appendix, at)


def asked(comparison: Comparison, chosen: int | None = None) -> Question:
    """The saved question, of one design alone where one is chosen. Raises IndexError where there is no such design."""
    question = Question.from_dict(comparison.question)
    if chosen is None:
        return question
    return Question(
        labels=question.labels,
        toxicity=question.toxicity,
        target=question.target,
        designs=(question.designs[chosen],),
        timing=question.timing,
    )


def appendix_of(comparison: Comparison, chosen: int | None = None) -> dict[str, Any]:
    """Everything that is printed, JSON-able; numbers as the engine gave them, not rounded."""
    question = asked(comparison, chosen)
    reading = read(question)
    names = [answer.name for answer in reading.answers]
    return {
        "title": comparison.title,
        "names": ", ".join(names),
        "saved_by": comparison.saved_by.get_full_name(),
        "engine": {"saved": comparison.engine_version, "now": ENGINE_VERSION},
        "facts": _facts(comparison, names),
        "note": comparison.note,
        "answer": answer_in_words(question, reading.answers),
        "target": probability_as_given(question.target),
        "doses": [
            {"level": i, "label": label, "toxicity": probability_as_given(p), "is_mtd": i == reading.true_mtd(0)}
            for i, (label, p) in enumerate(zip(question.labels, question.toxicity, strict=True), start=1)
        ],
        "columns": _columns(question.labels),
        "designs": [_design(question, answer) for answer in reading.answers],
        "definitions": DEFINITIONS,
        "summary_columns": SUMMARY_COLUMNS,
        "scenarios": [_scenario(reading, row) for row in range(len(reading.scenarios))],
        "plots": _plots(reading),
    }


def _facts(comparison: Comparison, names: Sequence[str]) -> list[list[str]]:
    saved = comparison.saved_at.astimezone(dt.UTC)
    engine = f"{ENGINE_VERSION} (the same as when it was saved)"
    if comparison.engine_version != ENGINE_VERSION:
        engine = f"{ENGINE_VERSION}; the comparison was saved with {comparison.engine_version}"
    facts = [["Study", f"{comparison.study.key}: {comparison.study.title}"]] if comparison.study else []
    return [
        *facts,
        ["Designs", ", ".join(names)],
        ["Saved", f"{saved.day} {saved:%B %Y, %H:%M} UTC by {comparison.saved_by.get_full_name()}"],
        ["Dose-finding engine", engine],
    ]


def _columns(labels: Sequence[str]) -> list[str]:
    """What stands over the doses' columns: their names where these are short, else their levels."""
    if max(map(len, labels)) <= LONGEST_HEADING and sum(map(len, labels)) <= LONGEST_LADDER:
        return list(labels)
    return [f"Level {i}" if len(labels) <= 6 else str(i) for i in range(1, len(labels) + 1)]


def _design(question: Question, answer: Answer) -> dict[str, Any]:
    section = statistical_section(answer.design, question.labels)
    return {
        "heading": answer.name,
        "passages": [{"heading": p.heading, "paragraphs": list(p.paragraphs)} for p in section.passages],
        "computed": how_computed(answer, question),
        "parameters": [
            {"label": label, "value": value, "meaning": meaning}
            for label, value, meaning in parameter_rows(answer.design)
        ],
        **printed_table(answer.design, question.labels),
        "references": list(section.references),
    }


def _scenario(reading: Reading, row: int) -> dict[str, Any]:
    scenario, true_mtd = reading.scenarios[row], reading.true_mtd(row)
    truth = ", ".join(map(probability_as_given, scenario.toxicity))
    which = "The true MTD is in bold." if true_mtd else "No dose is the MTD: all are too toxic."
    return {
        "name": scenario.name,
        "caption": f"{scenario.name} ({truth}). {which}",
        "toxicity": list(scenario.toxicity),
        "toxicity_shown": [probability_as_given(p) for p in scenario.toxicity],
        "true_mtd": true_mtd,
        "results": [_result(answer, row) for answer in reading.answers],
    }


def _result(answer: Answer, row: int) -> dict[str, Any]:
    found = answer.characteristics
    if found is None:
        return {"design": answer.name, "problem": answer.problem}
    numbers = {field: float(getattr(found, field)[row]) for field in (*SHARES, *EXPECTED)}
    per_dose = {field: getattr(found, field)[row].tolist() for field in PER_DOSE}
    return {"design": answer.name, "problem": "", **numbers, **per_dose}


def _plots(reading: Reading) -> list[dict[str, str]]:
    if any(answer.characteristics is None for answer in reading.answers):
        return []
    short = replace(reading.question, labels=tuple(_columns(reading.question.labels)))
    svg = characteristics_plots(short, reading.answers, printed=True).replace("Inter", FONT)
    words = "; ".join(_plot_words(reading.question, answer) for answer in reading.answers)
    caption = "Operating characteristics under the true toxicity as given."
    return [{"svg": svg, "alt": f"{caption} {words}.", "caption": caption}]


def _plot_words(question: Question, answer: Answer) -> str:
    assert answer.characteristics is not None
    shares = zip(question.labels, answer.characteristics.selection[0], strict=True)
    return f"{answer.name} selects " + ", ".join(f"{label} in {100 * share:.0f} %" for label, share in shares)
