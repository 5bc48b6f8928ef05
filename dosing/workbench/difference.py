"""The answer of a comparison in words: how often each design selects the MTD, and how far apart they are. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from dosing.workbench.question import Question
from dosing.workbench.results import Answer


def answer_in_words(question: Question, answered: Sequence[Answer]) -> str:
    """In a sentence or two: "BOIN selects the MTD, 15 mg, in 61.2 % of trials, 3+3 in 44.0 %: 17.2 points more often."

    Percentages have the decimal of the table below them, and the difference is that of the numbers shown, so that a
    reader can check it.
    """
    found = [answer for answer in answered if answer.characteristics is not None]
    unanswered = " ".join(answer.problem for answer in answered if answer.characteristics is None)
    if not found:
        return unanswered
    return " ".join(filter(None, [_selecting(question, found), unanswered]))


def _selecting(question: Question, found: Sequence[Answer]) -> str:
    right = [_percent(answer) for answer in found]
    names = [answer.name for answer in found]
    assert found[0].characteristics is not None
    mtd = int(found[0].characteristics.true_mtd[0])
    what = f"selects the MTD, {question.labels[mtd - 1]}," if mtd else "rightly selects no dose, all being too toxic,"
    first = f"{names[0]} {what} in {right[0]:.1f} % of trials"
    others = "".join(f", {name} in {percent:.1f} %" for name, percent in zip(names[1:], right[1:], strict=True))
    return f"{first}{others}{_comparison(right) if len(found) == 2 else ''}."


def _comparison(right: Sequence[float]) -> str:
    points = round(right[0] - right[1], 1)
    if points == 0:
        return ": equally often"
    return f": {abs(points):.1f} points {'more' if points > 0 else 'less'} often"


def _percent(answer: Answer) -> float:
    assert answer.characteristics is not None
    return round(float(answer.characteristics.correct_selection[0]) * 100, 1)
