"""Where a running trial stands in its design's decision table: each dose level in the cell of its tally."""

from __future__ import annotations

from dataclasses import dataclass

from dosing.conclusion import Inputs, design_of, tally_of
from dosing.workbench.decision_table import MOST_COLUMNS, DecisionTable, Place, Verdict, decision_table

FEWEST_COLUMNS, MORE = 12, 6  # columns to begin with, and beyond the fullest level
LONGEST_NAME = 8  # characters that fit under a letter


@dataclass(frozen=True)
class LevelPlace:
    """A dose level with its tally. verdict: what the table says there, None where nobody was evaluated."""

    label: str
    n: int
    y: int
    current: bool
    closed: bool
    verdict: Verdict | None


@dataclass(frozen=True)
class TablePlace:
    """table: with the levels in it; levels: the same in words, from the highest down."""

    table: DecisionTable
    levels: tuple[LevelPlace, ...]


def table_place(inputs: Inputs) -> TablePlace | None:
    """The table as far as the trial is likely to go next.

    None before anybody was evaluated, in the expansion, and where a level has more patients than a table has columns.
    """
    tally = tally_of(inputs)
    if inputs["kind"] != "dose" or not 0 < max(tally.treated) <= MOST_COLUMNS:
        return None
    design, fullest = design_of(inputs), max(tally.treated)
    ahead = min(int(design.most_at_a_dose), max(FEWEST_COLUMNS, fullest + MORE), MOST_COLUMNS)
    columns = max(fullest, ahead)
    table = decision_table(design, columns, every=1)
    names = _names(tuple(inputs["doses"]))
    places = [
        Place(*tally.at(dose), names[dose - 1], dose == inputs["current_dose"]) for dose in range(1, tally.doses + 1)
    ]
    return TablePlace(table.marked(places).clipped(), tuple(reversed(_levels(inputs, table))))


def _levels(inputs: Inputs, table: DecisionTable) -> list[LevelPlace]:
    tally, closed = tally_of(inputs), inputs.get("closed_from")
    return [
        LevelPlace(
            label=label,
            n=tally.at(dose)[0],
            y=tally.at(dose)[1],
            current=dose == inputs["current_dose"],
            closed=closed is not None and dose >= closed,
            verdict=table.at(*tally.at(dose)) if tally.at(dose)[0] else None,
        )
        for dose, label in enumerate(inputs["doses"], 1)
    ]


def _names(labels: tuple[str, ...]) -> tuple[str, ...]:
    """The labels where all are short enough for a cell, else "level 1", "level 2"."""
    if all(len(label) <= LONGEST_NAME for label in labels):
        return labels
    return tuple(f"level {dose}" for dose in range(1, len(labels) + 1))
