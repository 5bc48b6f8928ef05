"""A design's decision table cut into pieces as wide as a page, for the protocol appendix. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Any

from dosing.engine import Action, Advice, CrmDesign, Design, DoseTally, TiteBoinDesign, dose_paths
from dosing.engine.paths import PathNode
from dosing.workbench.decision_table import MOST_COLUMNS, DecisionTable, decision_table, why_no_table

BOUNDARY_COLUMNS, GRID_COLUMNS = 15, 36  # as many as a page of A4 holds
GRID_WIDTH = 150  # millimetres for the columns of the grid
WIDEST_CELL = 9
FIRST_STEPS = 30  # lines at most of what follows from a design's first cohorts


def table_of(design: Design, doses: int) -> DecisionTable | None:
    """The table for as many patients as can be at one dose, at most 100; None for a design without one."""
    if isinstance(design, CrmDesign):
        return None
    return decision_table(design, min(design.most_patients(doses), MOST_COLUMNS))


def printed_table(design: Design, labels: Sequence[str]) -> dict[str, Any]:
    """What the appendix prints of it: boundaries and coloured table in pieces, captions, rules and notes.

    For a design without a table, every outcome of its first cohorts and what follows instead.
    """
    table = table_of(design, len(labels))
    if table is None:
        assert isinstance(design, CrmDesign)
        return {
            "boundaries": [],
            "grid": [],
            "without_table": f"{why_no_table(design)}. The table shows what follows from each outcome of the first "
            "cohorts.",
            "first_steps": first_steps(design, labels),
        }
    pending = " when nobody is pending" if isinstance(design, TiteBoinDesign) else ""
    return {
        "boundaries": [_boundaries(table, part) for part in _parts(table, BOUNDARY_COLUMNS)],
        "boundaries_caption": f"Boundaries: what follows from the number of patients with a DLT{pending}, among all "
        "evaluable patients treated at the current dose level. A dash: cannot occur.",
        "grid": [_grid(table, part) for part in _parts(table, GRID_COLUMNS)],
        "grid_caption": "Decisions for each number of patients with a DLT (rows) among the evaluable patients treated "
        f"at the current dose level (columns){pending}.",
        "legend": [{"letter": verdict.letter, "meaning": verdict.meaning} for verdict in table.legend],
        "rules": [list(rule) for rule in table.rules],
        "notes": list(table.notes),
        "without_table": "",
    }


def first_steps(design: CrmDesign, labels: Sequence[str]) -> list[list[str]]:
    """[what was seen in the cohorts so far, what follows] for the first cohorts, as many as fit in 30 lines."""
    outcomes = design.cohort_size + 1
    deep = next((n for n in (3, 2) if sum(outcomes**i for i in range(1, n + 1)) <= FIRST_STEPS), 1)
    tree = dose_paths(design, DoseTally.empty(len(labels)), design.start_dose, deep, labels=tuple(labels))
    return [list(step) for step in _steps(tree.root, "", labels)]


def _steps(node: PathNode, before: str, labels: Sequence[str]) -> Iterator[tuple[str, str]]:
    for child in node.children:
        assert child.cohort is not None
        seen = f"{child.cohort.dlts} of {child.cohort.size} at {labels[child.cohort.dose - 1]}"
        so_far = f"{before}, then {seen}" if before else seen
        yield so_far, _what_follows(child.advice, labels)
        yield from _steps(child, so_far, labels)


def _what_follows(advice: Advice, labels: Sequence[str]) -> str:
    if advice.next_dose is None:
        unsafe = advice.stop_reason is not None and advice.stop_reason.no_dose_is_safe
        return "Stop: the lowest dose is too toxic" if unsafe else "Stop, and select the MTD"
    verb = {Action.ESCALATE: "Escalate to", Action.STAY: "Stay at", Action.DE_ESCALATE: "De-escalate to"}[advice.action]
    return f"{verb} {labels[advice.next_dose - 1]}"


def _parts(table: DecisionTable, most: int) -> list[slice]:
    """Pieces of nearly the same width, as few as there can be."""
    columns = len(table.columns)
    pieces = -(-columns // most)
    ends = [round(columns * i / pieces) for i in range(pieces + 1)]
    return [slice(low, high) for low, high in pairwise(ends)]


def _boundaries(table: DecisionTable, part: slice) -> list[dict[str, Any]]:
    rows = table.boundaries[part]
    lines: list[tuple[str, Sequence[int | None]]] = [
        ("Evaluable patients, n", [row.n for row in rows]),
        ("Escalate if DLTs ≤", [row.escalate_if_at_most for row in rows]),
        ("De-escalate if DLTs ≥", [row.de_escalate_if_at_least for row in rows]),
        ("Close the level if DLTs ≥", [row.eliminate_if_at_least for row in rows]),
    ]
    if table.stops_earlier_at_the_lowest:
        lines.append(("Stop at the lowest level if DLTs ≥", [row.stop_if_at_least for row in rows]))
    return [{"label": label, "cells": list(cells)} for label, cells in lines]


def _grid(table: DecisionTable, part: slice) -> dict[str, Any]:
    columns = table.columns[part]
    rows = [
        {"dlts": row.label, "cells": [cell.verdict.letter if cell else "" for cell in row.cells[part]]}
        for row in table.clipped().rows
    ]
    widest = max(len(columns), 1)
    return {
        "patients": list(columns),
        "width": round(min(WIDEST_CELL, GRID_WIDTH / widest), 2),
        "rows": [row for row in rows if any(row["cells"])],
    }
