"""The decision table of a design as the field prints it: a letter and a colour for each y DLTs of n patients. Pure.

Rows are numbers of patients with a DLT, columns numbers of evaluable patients at the current dose, as in the tables
published for mTPI (Ji et al. 2010), keyboard, BOIN and i3+3. Everything is read from the design's own boundaries.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from dosing.engine import BoundaryRow, CrmDesign, Design, ThreePlusThreeDesign
from dosing.engine.validation import refuse, whole_number
from dosing.workbench.table_notes import notes_of, rules_of

MOST_COLUMNS = 100
FULL = 6  # patients at a dose beyond which 3+3 never goes


class Verdict(StrEnum):
    """What a cell of the table says."""

    ESCALATE = "escalate"
    STAY = "stay"
    TREAT_MORE = "treat_more"  # of 3+3, which completes three or six patients before it decides
    DE_ESCALATE = "de_escalate"
    ELIMINATE = "eliminate"

    @property
    def letter(self) -> str:
        """The field's letter: E, S, D, DU (unacceptable)."""
        return {"escalate": "E", "stay": "S", "treat_more": "S", "de_escalate": "D", "eliminate": "DU"}[self.value]

    @property
    def kind(self) -> str:
        """The colour that repeats the letter, as pages name it: up (green), stay (amber), down (orange), out (red)."""
        names = {"escalate": "up", "stay": "stay", "treat_more": "stay", "de_escalate": "down", "eliminate": "out"}
        return names[self.value]

    @property
    def word(self) -> str:
        return {"de_escalate": "de-escalate", "treat_more": "treat more"}.get(self.value, self.value)

    @property
    def meaning(self) -> str:
        """The line of the legend beside the letter."""
        return {
            "escalate": "Escalate: the next cohort is treated one dose higher",
            "stay": "Stay: the next cohort is treated at the same dose",
            "treat_more": "Stay, and treat more: patients are added at the same dose to complete three or six",
            "de_escalate": "De-escalate: the next cohort is treated one dose lower",
            "eliminate": "De-escalate and eliminate: this dose and all above it are closed for good",
        }[self.value]


@dataclass(frozen=True)
class Place:
    """Where a dose level stands: y of n had a DLT there."""

    n: int
    y: int
    name: str
    current: bool = False


@dataclass(frozen=True)
class Cell:
    """y DLTs of n patients. places: the dose levels that stand there, in a trial that runs."""

    n: int
    y: int
    verdict: Verdict
    places: tuple[Place, ...] = ()

    @property
    def here(self) -> bool:
        """Whether the current dose stands there."""
        return any(place.current for place in self.places)


@dataclass(frozen=True)
class Row:
    """The cells of one number of DLTs, one for each column; None where there are fewer patients than DLTs."""

    y: int
    cells: tuple[Cell | None, ...]
    and_more: bool = False

    @property
    def label(self) -> str:
        return f"{self.y} or more" if self.and_more else str(self.y)


@dataclass(frozen=True)
class DecisionTable:
    """columns: numbers of patients; rows: from 0 DLTs up; boundaries: the same in short, a row for each column.

    rules: (what is seen, what follows) in sentences, for a design whose table is a list of rules (3+3). notes: what
    the table does not show by itself, in sentences.
    """

    columns: tuple[int, ...]
    rows: tuple[Row, ...]
    boundaries: tuple[BoundaryRow, ...]
    rules: tuple[tuple[str, str], ...]
    notes: tuple[str, ...]

    def at(self, n: int, y: int) -> Verdict:
        """What y of n means. Raises ValueError where the table has no such cell."""
        found = next((c for row in self.rows for c in row.cells if c is not None and (c.n, c.y) == (n, y)), None)
        if found is None:
            raise refuse("(n, y)", (n, y), "a cell of the table")
        return found.verdict

    @property
    def legend(self) -> tuple[Verdict, ...]:
        """The verdicts that occur, from escalate to eliminate."""
        present = {cell.verdict for row in self.rows for cell in row.cells if cell is not None}
        return tuple(verdict for verdict in Verdict if verdict in present)

    @property
    def stops_earlier_at_the_lowest(self) -> bool:
        """Whether extra safety stops the trial at the lowest dose before elimination would."""
        return any(row.stop_if_at_least is not None for row in self.boundaries)

    def marked(self, places: Sequence[Place]) -> DecisionTable:
        """The same table with the dose levels where they stand; those without a patient or a cell are left out."""
        rows = tuple(replace(row, cells=tuple(_marked(cell, places) for cell in row.cells)) for row in self.rows)
        return replace(self, rows=rows)

    def clipped(self) -> DecisionTable:
        """The same without the last rows that only eliminate: the first of them says "or more"."""
        last = len(self.rows) - 1
        while last > 0 and _only_eliminates(self.rows[last - 1]) and not _has_places(self.rows[last]):
            last -= 1
        clipped = replace(self.rows[last], and_more=last < len(self.rows) - 1)
        return replace(self, rows=(*self.rows[:last], clipped))


def _marked(cell: Cell | None, places: Sequence[Place]) -> Cell | None:
    if cell is None:
        return None
    return replace(cell, places=tuple(place for place in places if (place.n, place.y) == (cell.n, cell.y)))


def _only_eliminates(row: Row) -> bool:
    cells = [cell for cell in row.cells if cell is not None]
    return bool(cells) and all(cell.verdict is Verdict.ELIMINATE for cell in cells)


def _has_places(row: Row) -> bool:
    return any(cell is not None and cell.places for cell in row.cells)


def why_no_table(design: Design) -> str:
    """A sentence for a design whose decisions do not fit in a table; empty for one with a table."""
    if not isinstance(design, CrmDesign):
        return ""
    return (
        "The CRM has no decision table: its next dose follows from the outcomes at all doses together, through the "
        "dose-toxicity model, and not from the counts at the current dose alone"
    )


def decision_table(design: Design, most: int, *, every: int | None = None) -> DecisionTable:
    """The table for `every`, 2 x `every`, ... up to `most` patients at a dose.

    every: 1 unless given; for 3+3, which decides after three and six patients, 3. Its table ends at six whatever
    `most` is. Raises ValueError for sizes that are not from 1 to 100, and for a design without a table.
    """
    if isinstance(design, CrmDesign):
        raise ValueError(why_no_table(design))
    whole_number("most", most, 1, MOST_COLUMNS)
    rule_based = isinstance(design, ThreePlusThreeDesign)
    step = whole_number("every", every or (3 if rule_based else 1), 1, MOST_COLUMNS)
    last = FULL if rule_based else max(most, step)
    found = design.boundaries(max_n=last)
    boundaries = tuple(found.for_n(n) for n in range(step, last + 1, step))
    between = Verdict.TREAT_MORE if rule_based else Verdict.STAY
    rows = tuple(Row(y, tuple(_cell(row, y, between) for row in boundaries)) for y in range(boundaries[-1].n + 1))
    return DecisionTable(
        columns=tuple(row.n for row in boundaries),
        rows=rows,
        boundaries=boundaries,
        rules=rules_of(design),
        notes=notes_of(design),
    )


def _cell(row: BoundaryRow, y: int, between: Verdict) -> Cell | None:
    return Cell(row.n, y, _verdict(row, y, between)) if y <= row.n else None


def _verdict(row: BoundaryRow, y: int, between: Verdict) -> Verdict:
    """What y DLTs mean by a row of boundaries. between: what it is where no boundary is reached."""
    if row.eliminate_if_at_least is not None and y >= row.eliminate_if_at_least:
        return Verdict.ELIMINATE
    if row.de_escalate_if_at_least is not None and y >= row.de_escalate_if_at_least:
        return Verdict.DE_ESCALATE
    if row.escalate_if_at_most is not None and y <= row.escalate_if_at_most:
        return Verdict.ESCALATE
    return between
