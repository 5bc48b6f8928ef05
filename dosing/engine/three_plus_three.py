"""3+3.

Storer BE. Design and analysis of phase I clinical trials. Biometrics 1989;45:925-937 (design A).
Korn EL, Midthune D, Chen TT, et al. A comparison of two phase I trial designs. Stat Med 1994;13:1799-1806
(treating the next lower dose to six).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import ClassVar

import numpy as np

from dosing.engine import observed, wording
from dosing.engine.advice import Action, Advice, StopReason, action_between
from dosing.engine.boundaries import BoundaryRow, BoundaryTable
from dosing.engine.isotonic import MtdSelection
from dosing.engine.moves import Moves
from dosing.engine.posterior import IntArray
from dosing.engine.tally import DoseTally
from dosing.engine.validation import dose_labels, flag, real_number, refuse, whole_number

TOO_MANY = 2  # DLTs at a dose, of three or of six, that show it to be above the MTD
FIRST, FULL = 3, 6


@dataclass(frozen=True, kw_only=True)
class ThreePlusThreeDesign:
    """The 3+3 design.

    de_escalate: when a dose has two DLTs, treat the next lower dose to six patients, and take the highest dose
    with at most one DLT of six; with False the MTD is the dose below. complete_highest: treat the highest dose to
    six, too, before it is the MTD; with False 0 of 3 is enough there. start_dose: where the trial begins.
    target: decides nothing in the trial; it says which dose is the true MTD in operating characteristics.
    """

    name: ClassVar[str] = "three_plus_three"
    estimates_toxicity: ClassVar[bool] = False  # it counts; no model, no estimate
    fixed_cohort: ClassVar[int | None] = FIRST

    de_escalate: bool = True
    complete_highest: bool = False
    start_dose: int = 1
    target: float = 0.30

    def __post_init__(self) -> None:
        flag("de_escalate", self.de_escalate)
        flag("complete_highest", self.complete_highest)
        object.__setattr__(self, "start_dose", whole_number("start_dose", self.start_dose, 1))
        object.__setattr__(self, "target", real_number("target", self.target, 0.05, 0.6))

    def parameters(self) -> dict[str, object]:
        """All parameters in full, ready for JSON; `design_from_parameters` makes an equal design of them."""
        return asdict(self)

    @property
    def planned_patients(self) -> int | None:
        """None: the rule alone ends the trial."""
        return None

    def most_patients(self, doses: int) -> int:
        """Six at every dose."""
        return FULL * doses

    @property
    def most_at_a_dose(self) -> int:
        """Six."""
        return FULL

    def room_at(self, tally: DoseTally, dose: int) -> int:
        """Patients who complete three or six at a dose; none where there are six."""
        n, _ = tally.at(dose)
        return 0 if n >= FULL else FIRST - n % FIRST

    def cohort_at(self, tally: DoseTally, dose: int) -> int:
        """Patients whom the design would treat next at a dose: those who complete three or six."""
        return self.room_at(tally, dose)

    def complete_below(self, tally: DoseTally, dose: int) -> bool:
        """Whether `dose` has all its patients when the dose above it is too toxic."""
        return tally.at(dose)[0] >= (FULL if self.de_escalate else FIRST)

    def check_ladder(self, doses: int) -> None:
        """Raises ValueError where the ladder is too short for the design's start_dose."""
        if self.start_dose > doses:
            raise refuse("start_dose", self.start_dose, f"from 1 to {doses}, the doses of the ladder")

    def boundaries(self, max_n: int = FULL) -> BoundaryTable:
        """0 of 3 and at most 1 of 6 escalate; 2 DLTs are too many, whatever n; the rest completes 3 or 6."""
        rows = whole_number("max_n", max_n, 1)
        return BoundaryTable(tuple(_row(n) for n in range(1, rows + 1)))

    def monitoring_boundaries(self, max_n: int = FULL) -> BoundaryTable:
        """The table for patients of an expansion counted together with those of the escalation.

        Up to six patients it is that of the escalation. The rule says nothing about more; from seven on a dose is too
        toxic when a third of its patients or more had a DLT, the share at which two of six are too many.
        """
        rows = whole_number("max_n", max_n, 1)
        return BoundaryTable(tuple(_row(n) if n <= FULL else _monitoring_row(n) for n in range(1, rows + 1)))

    def elimination_table(self, max_n: int = FULL) -> dict[int, int]:
        """{n: fewest DLTs that close a dose}: two."""
        return dict.fromkeys(range(TOO_MANY, whole_number("max_n", max_n, 1) + 1), TOO_MANY)

    def lowest_dose_stop_table(self, max_n: int = FULL) -> dict[int, int]:
        """{n: fewest DLTs at the lowest dose that stop the trial}: two."""
        return self.elimination_table(max_n)

    def advise(self, tally: DoseTally, current_dose: int, labels: Sequence[str] | None = None) -> Advice:
        """The next dose after `tally`, with the last cohort treated at `current_dose`.

        Cohorts that were not completed are completed. labels: names of the doses for the reason. Raises
        ValueError for a dose that is not on the ladder.
        """
        self.check_ladder(tally.doses)
        current = whole_number("current_dose", current_dose, 1, tally.doses)
        names = dose_labels(labels, tally.doses)
        highest = _below_exceeded(tally)
        if highest == 0:
            reason = f"{wording.seen(*tally.at(1))} at {names[0]}, the lowest dose, so the trial stops"
            closed = tuple(range(1, tally.doses + 1))
            return Advice(Action.STOP, None, closed, reason, StopReason.LOWEST_TOO_TOXIC)
        if highest < tally.doses:
            return self._after_exceeding(tally, current, highest, names)
        return self._climb(tally, current, names, ())

    def _after_exceeding(self, tally: DoseTally, current: int, highest: int, names: tuple[str, ...]) -> Advice:
        """Dose highest + 1 is too toxic: complete the dose below, or stop where it is complete.

        From further down (a DLT was reported late from above) the climb goes on, to that dose at most.
        """
        n, _ = tally.at(highest)
        why = f"{wording.seen(*tally.at(highest + 1))} at {names[highest]}, which is too many"
        closed = tuple(range(highest + 1, tally.doses + 1))
        if n >= (FULL if self.de_escalate else FIRST):
            reason = f"{why}, and {names[highest - 1]} has {wording.patients(n)}, so the trial stops"
            return Advice(Action.STOP, None, closed, reason, StopReason.COMPLETE)
        if current < highest:
            return self._climb(tally, current, names, closed)
        action, name, size = action_between(current, highest), names[highest - 1], FIRST - n % FIRST
        reason = f"{why}, so {wording.MOVES[action]} {name} and treat {wording.patients(size)} there"
        return Advice(action, highest, closed, reason, None, size)

    def _climb(self, tally: DoseTally, current: int, names: tuple[str, ...], closed: tuple[int, ...]) -> Advice:
        """No dose is too toxic up to the next: complete three or six patients, then go up; at the top stop.

        Doses above that have six already (the trial went down by choice) are passed over.
        """
        n, y = tally.at(current)
        name = names[current - 1]
        if n == 0:
            reason = f"Nobody has been evaluated at {name} yet, so treat at {name}"
            return Advice(Action.STAY, current, closed, reason, None, FIRST)
        passed = n >= FULL or (n >= FIRST and y == 0)
        above = next((d for d in range(current + 1, tally.doses + 1) if tally.at(d)[0] < FULL), None)
        if passed and above is not None:
            size = self.room_at(tally, above)
            reason = f"{wording.seen(n, y)}, so escalate to {names[above - 1]}"
            return Advice(Action.ESCALATE, above, closed, reason, None, size)
        if passed and current < tally.doses:
            reason = f"{wording.seen(n, y)} at {name}, and every dose above has {FULL} patients, so the trial stops"
            return Advice(Action.STOP, None, closed, reason, StopReason.COMPLETE)
        if passed and (n >= FULL or not self.complete_highest):
            reason = f"{wording.seen(n, y)} at {name}, the highest dose, so the trial stops"
            return Advice(Action.STOP, None, closed, reason, StopReason.COMPLETE)
        size = FIRST - n % FIRST
        reason = f"{wording.seen(n, y)}, so stay at {name} and treat {wording.patients(size)} more"
        return Advice(Action.STAY, current, closed, reason, None, size)

    def select_mtd(self, tally: DoseTally, labels: Sequence[str] | None = None) -> MtdSelection:
        """The MTD of a complete trial; none where the lowest dose is too toxic or the trial is not complete.

        The dose below the lowest with two DLTs, once it has six patients (three without de_escalate); where no
        dose has two, the highest, once it has at most one DLT of six (or none of three, but for complete_highest).
        Estimates are the shares with a DLT and intervals their exact ones: nothing is modelled, none is isotonic, and
        prob_above_target is None throughout.
        """
        names = dose_labels(labels, tally.doses)
        highest = _below_exceeded(tally)
        dose = int(self.select_rows(np.array([tally.treated]), np.array([tally.dlts]))[0]) or None
        if dose is not None:
            why = f"{names[dose - 1]} is the MTD: the highest dose that is not too toxic"
            reason = f"{why} ({wording.seen(*tally.at(dose))})"
        elif highest == 0:
            reason = f"No MTD: {names[0]}, the lowest dose, is too toxic"
        else:
            reason = "No MTD: the trial is not complete"
        estimates, intervals = observed.shares(tally)
        closed = tuple(range(highest + 1, tally.doses + 1))
        return MtdSelection(dose, estimates, intervals, (None,) * tally.doses, closed, reason)

    def moves(self, n: IntArray, y: IntArray, current: IntArray) -> Moves:
        """`advise` for many tallies, shape (tallies, doses), at their current doses, shape (tallies,)."""
        rows, doses = np.arange(len(n)), n.shape[1]
        highest = (~np.logical_or.accumulate(y >= TOO_MANY, axis=1)).sum(axis=1)
        exceeded, unsafe = highest < doses, highest == 0
        here_n, here_y = n[rows, current - 1], y[rows, current - 1]
        passed = (here_n >= FULL) | ((here_n >= FIRST) & (here_y == 0))
        above = (n < FULL) & (np.arange(doses) >= current[:, None])
        rises = above.any(axis=1)
        climbing = np.where(passed & rises, above.argmax(axis=1) + 1, current)
        at_top = passed & ~rises & ((current < doses) | (here_n >= FULL) | (not self.complete_highest))
        following = np.where(exceeded & (current >= highest), np.maximum(highest, 1), climbing)
        needed = FULL if self.de_escalate else FIRST
        complete = np.where(exceeded, n[rows, np.maximum(highest, 1) - 1] >= needed, at_top)
        return Moves(
            next_dose=np.where(unsafe | complete, 0, following),
            size=FIRST - n[rows, following - 1] % FIRST,
            early=unsafe,
            unsafe=unsafe,
        )

    def select_rows(self, n: IntArray, y: IntArray) -> IntArray:
        """`select_mtd` for many tallies of shape (tallies, doses): the dose, 0 where none is selected."""
        doses = n.shape[1]
        highest = (~np.logical_or.accumulate(y >= TOO_MANY, axis=1)).sum(axis=1)
        last = np.maximum(highest, 1) - 1
        rows = np.arange(len(n))
        treated, dlts = n[rows, last], y[rows, last]
        at_top = (treated >= FULL) | ((treated >= FIRST) & (dlts == 0) & (not self.complete_highest))
        enough = np.where(highest < doses, treated >= (FULL if self.de_escalate else FIRST), at_top)
        return np.where(enough, highest, 0).astype(np.int64)


def _row(n: int) -> BoundaryRow:
    escalate = None if n < FIRST else 0 if n < FULL else 1
    too_many = TOO_MANY if n >= TOO_MANY else None
    return BoundaryRow(n, escalate, too_many, too_many)


def _monitoring_row(n: int) -> BoundaryRow:
    too_many = -(-n * TOO_MANY // FULL)
    return BoundaryRow(n, None, too_many, too_many)


def _below_exceeded(tally: DoseTally) -> int:
    """Number of doses below the lowest with two DLTs."""
    return next((place for place, y in enumerate(tally.dlts) if y >= TOO_MANY), tally.doses)
