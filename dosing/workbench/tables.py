"""Operating characteristics as tables of words: designs beside each other, doses along the top, scenarios at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from dosing.engine import SimulatedCharacteristics
from dosing.workbench.measures import PER_DOSE, SHARES, TOTALS, Measure, value_of
from dosing.workbench.question import Question
from dosing.workbench.results import Answer, Scenario
from dosing.workbench.words import number_words

NOT_KNOWN = "–"
MINUS = "−"
IN_SCENARIOS = (SHARES[0], SHARES[1], TOTALS[0], TOTALS[1])


@dataclass(frozen=True)
class Row:
    """label, meaning: of the measure, or of what the row is about. cells: in words. difference: of the first two."""

    label: str
    cells: tuple[str, ...]
    meaning: str = ""
    difference: str = ""


@dataclass(frozen=True)
class DoseGroup:
    """One measure per dose: a row for each design that has an answer."""

    measure: str
    rows: tuple[Row, ...]


@dataclass(frozen=True)
class ScenarioRow:
    """One standard scenario. groups: for each measure a cell per design. is_here: it is what the sliders show."""

    place: int
    name: str
    toxicity: str
    groups: tuple[tuple[str, ...], ...]
    is_here: bool


def cell(answer: Answer, measure: Measure, place: int | None = None, row: int = 0) -> str:
    """ "61.2", or "61.2 ± 1.1" with the standard error of a simulated value. Shares are in %."""
    if answer.characteristics is None:
        return NOT_KNOWN
    value, error = value_of(answer, measure, place, row)
    shown = _number(value, measure)
    return f"{shown} ± {_number(error, measure)}" if answer.errors is not None else shown


def _number(value: float, measure: Measure) -> str:
    return f"{100 * value:.1f}" if measure.is_share else f"{value:.{measure.decimals}f}"


def summary_rows(answers: Sequence[Answer]) -> list[Row]:
    """A row per measure of the whole trial, a cell per design; with two designs how far apart they are."""
    rows = [
        Row(
            measure.label,
            tuple(_with_unit(cell(answer, measure), measure) for answer in answers),
            measure.meaning,
            _difference(answers, measure),
        )
        for measure in (*SHARES, *TOTALS)
    ]
    return rows + _duration(answers)


def _with_unit(words: str, measure: Measure) -> str:
    return f"{words} %" if measure.is_share and words != NOT_KNOWN else words


def _difference(answers: Sequence[Answer], measure: Measure) -> str:
    if len(answers) != 2 or any(answer.characteristics is None for answer in answers):
        return ""
    one, other = (float(_number(value_of(answer, measure)[0], measure)) for answer in answers)
    decimals = 1 if measure.is_share else measure.decimals
    apart = round(one - other, decimals)
    return f"{'+' if apart > 0 else MINUS if apart < 0 else ''}{abs(apart):.{decimals}f}"


def _duration(answers: Sequence[Answer]) -> list[Row]:
    """How long a trial takes, where one of the designs was simulated in time."""
    cells = tuple(_days(answer) for answer in answers)
    if all(words == NOT_KNOWN for words in cells):
        return []
    return [Row("Duration, days", cells, "From the first patient's entry to the last outcome, on average.")]


def _days(answer: Answer) -> str:
    known = answer.characteristics
    if not isinstance(known, SimulatedCharacteristics) or np.isnan(known.duration[0]):
        return NOT_KNOWN
    return f"{known.duration[0]:.0f}"


def dose_groups(question: Question, answers: Sequence[Answer]) -> list[DoseGroup]:
    """Selection in % (the last cell: no dose), expected patients and DLTs (the last cell: in total), per dose."""
    known = [answer for answer in answers if answer.characteristics is not None]
    lasts = (None, *TOTALS)
    return [
        DoseGroup(
            f"{measure.label}, %" if measure.is_share else measure.label,
            tuple(Row(answer.name, _per_dose(question, answer, measure, last)) for answer in known),
        )
        for measure, last in zip(PER_DOSE, lasts, strict=True)
    ]


def _per_dose(question: Question, answer: Answer, measure: Measure, last: Measure | None) -> tuple[str, ...]:
    doses = tuple(cell(answer, measure, place) for place in range(question.doses))
    return (*doses, cell(answer, measure, question.doses) if last is None else cell(answer, last))


def true_mtd(answers: Sequence[Answer]) -> int:
    """The dose that is the true MTD, the same for all designs; 0 where none is, or nothing is known."""
    known = next((answer.characteristics for answer in answers if answer.characteristics is not None), None)
    return 0 if known is None else int(known.true_mtd[0])


def scenario_rows(question: Question, scenarios: Sequence[Scenario], answers: Sequence[Answer]) -> list[ScenarioRow]:
    """A row per scenario: correct selection, overdosing, expected patients and DLTs, for all designs."""
    return [
        ScenarioRow(
            place,
            scenario.name,
            ", ".join(map(number_words, scenario.toxicity)),
            tuple(tuple(cell(answer, measure, row=place - 1) for answer in answers) for measure in IN_SCENARIOS),
            scenario.toxicity == question.toxicity,
        )
        for place, scenario in enumerate(scenarios, 1)
    ]
