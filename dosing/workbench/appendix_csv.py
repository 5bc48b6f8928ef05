"""The protocol appendix as one CSV file, a number a row: section, design, scenario, dose, quantity, value.

Numbers are in full precision: read back as floating-point numbers they are the engine's own. A text that a spreadsheet
would take for a formula has an apostrophe before it.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from dataclasses import fields
from typing import Any

from dosing.engine import ENGINE_VERSION, OperatingCharacteristics, SimulatedCharacteristics
from dosing.models import Comparison
from dosing.workbench.appendix import asked
from dosing.workbench.appendix_tables import table_of
from dosing.workbench.question import Question
from dosing.workbench.reading import Reading, read
from dosing.workbench.results import Answer

HEADER = ("section", "design", "scenario", "dose", "quantity", "value")
PER_DOSE = ("selection", "patients", "dlts")
FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "'")  # the last: so that taking one apostrophe off gives the text back

Row = tuple[str, str, str, str, str, Any]


def appendix_csv(comparison: Comparison, chosen: int | None = None) -> str:
    """The file's text, for all designs or the chosen one (from 0); lines end as RFC 4180 says."""
    question = asked(comparison, chosen)
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(HEADER)
    for row in _rows(comparison, read(question)):
        writer.writerow([_cell(value) for value in row])
    return text.getvalue()


def guarded(text: str) -> str:
    """The text, with an apostrophe before it where a spreadsheet might run it as a formula."""
    return f"'{text}" if text.startswith(FORMULA) else text


def _cell(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int | float):
        return repr(value)
    if isinstance(value, list | tuple):
        return json.dumps(value)
    return "" if value is None else guarded(str(value))


def _rows(comparison: Comparison, reading: Reading) -> Iterator[Row]:
    yield from _comparison(comparison, reading.question)
    for answer in reading.answers:
        yield from _parameters(answer)
    for answer in reading.answers:
        yield from _decisions(answer, reading.question.doses)
    for row, scenario in enumerate(reading.scenarios):
        for label, toxicity in zip(reading.question.labels, scenario.toxicity, strict=True):
            yield "scenario", "", scenario.name, label, "true_toxicity", toxicity
        yield "scenario", "", scenario.name, "", "true_mtd", reading.true_mtd(row)
    for answer in reading.answers:
        for row in range(len(reading.scenarios)):
            yield from _characteristics(reading, answer, row)


def _comparison(comparison: Comparison, question: Question) -> Iterator[Row]:
    said = {
        "title": comparison.title,
        "note": comparison.note,
        "study": comparison.study.key if comparison.study else "",
        "saved_by": comparison.saved_by.get_full_name(),
        "saved_at": comparison.saved_at.isoformat(),
        "engine_version_saved": comparison.engine_version,
        "engine_version_computed": ENGINE_VERSION,
        "target": question.target,
    }
    if question.needs_time:
        said |= {f"timing_{name}": value for name, value in question.to_dict()["timing"].items()}
    for quantity, value in said.items():
        yield "comparison", "", "", "", quantity, value
    for ordinal, label in enumerate(question.labels, start=1):
        yield "dose", "", "", label, "level", ordinal


def _parameters(answer: Answer) -> Iterator[Row]:
    yield "parameter", answer.name, "", "", "design", answer.design.name
    for name, value in answer.design.parameters().items():
        yield "parameter", answer.name, "", "", name, value


def _decisions(answer: Answer, doses: int) -> Iterator[Row]:
    table = table_of(answer.design, doses)
    if table is None:
        return
    for boundary in table.boundaries:
        limits = {
            "escalate_if_at_most": boundary.escalate_if_at_most,
            "de_escalate_if_at_least": boundary.de_escalate_if_at_least,
            "eliminate_if_at_least": boundary.eliminate_if_at_least,
            "stop_if_at_least": boundary.stop_if_at_least,
        }
        for name, limit in limits.items():
            if limit is not None:
                yield "boundary", answer.name, "", "", f"n={boundary.n} {name}", limit
    for row in table.rows:
        for cell in row.cells:
            if cell is not None:
                yield "decision", answer.name, "", "", f"n={cell.n} y={cell.y}", cell.verdict.letter


def _characteristics(reading: Reading, answer: Answer, row: int) -> Iterator[Row]:
    name, scenario, found = answer.name, reading.scenarios[row].name, answer.characteristics
    if found is None:
        yield "operating characteristics", name, scenario, "", "problem", answer.problem
        return
    yield "operating characteristics", name, scenario, "", "exact", answer.exact
    yield from _numbers(reading, name, row, found, "")
    if isinstance(found, SimulatedCharacteristics):
        yield "operating characteristics", name, scenario, "", "trials", found.trials
        yield "operating characteristics", name, scenario, "", "seed", found.seed
        yield from _numbers(reading, name, row, found.standard_errors, "_standard_error")


def _numbers(reading: Reading, name: str, row: int, found: OperatingCharacteristics, suffix: str) -> Iterator[Row]:
    scenario = reading.scenarios[row].name
    for field in (f.name for f in fields(OperatingCharacteristics)):
        values = getattr(found, field)
        if field in PER_DOSE:
            for label, value in zip(reading.question.labels, values[row].tolist(), strict=True):
                yield "operating characteristics", name, scenario, label, f"{field}{suffix}", value
        elif field not in ("scenarios", "true_mtd"):
            yield "operating characteristics", name, scenario, "", f"{field}{suffix}", float(values[row])
