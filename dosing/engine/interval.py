"""What the interval designs share: the decision at the current dose, read from a table, and the safety rules.

BOIN, keyboard, mTPI-2 and i3+3 differ in how the table comes about; the walk on the ladder is the same.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from functools import lru_cache
from typing import ClassVar

import numpy as np

from dosing.engine import isotonic, rules
from dosing.engine.advice import Advice
from dosing.engine.boundaries import BoundaryTable, Limits, thresholds
from dosing.engine.isotonic import MtdSelection
from dosing.engine.moves import Moves
from dosing.engine.posterior import FEWEST_TO_ELIMINATE, NEVER, IntArray, fewest_dlts_above
from dosing.engine.tally import DoseTally
from dosing.engine.validation import MOST_PATIENTS, dose_labels, flag, real_number, refuse, whole_number


@dataclass(frozen=True, kw_only=True)
class IntervalDesign:
    """Parameters and safety rules that all interval designs have.

    target: the target toxicity, from 0.05 to 0.6. max_patients: evaluable patients at which escalation ends, at
    most 1,000. cohort_size: patients treated between two decisions; may be changed from cohort to cohort by the
    caller. elimination_cutoff: a dose with at least three patients and a posterior probability above the cut-off of
    being more toxic than the target is closed with all above it. extra_safe: stop at the lowest dose already
    above the cut-off less extra_safe_offset, from three patients on. early_stop_n: stop when the current dose has
    that many patients and the advice is to remain there, or no move is possible. start_dose: where the trial begins.
    """

    name: ClassVar[str]
    fewest_to_eliminate: ClassVar[int] = FEWEST_TO_ELIMINATE
    estimate_prior: ClassVar[float] = 0.05  # both parameters of the beta prior of the MTD's estimates
    spread_prior: ClassVar[float] = 0.05  # the same of their intervals, and of the probability above the target
    stops_early_only_to_remain: ClassVar[bool] = True  # early_stop_n needs the advice to remain, too
    estimates_toxicity: ClassVar[bool] = True  # the MTD is selected by estimates
    fixed_cohort: ClassVar[int | None] = None  # cohorts are of any size

    target: float
    max_patients: int
    cohort_size: int = 3
    elimination_cutoff: float = 0.95
    extra_safe: bool = False
    extra_safe_offset: float = 0.05
    early_stop_n: int | None = None
    start_dose: int = 1

    def __post_init__(self) -> None:
        self._store("target", real_number("target", self.target, 0.05, 0.6))
        self._store("max_patients", whole_number("max_patients", self.max_patients, 1, MOST_PATIENTS))
        self._store("cohort_size", whole_number("cohort_size", self.cohort_size, 1))
        cutoff = real_number("elimination_cutoff", self.elimination_cutoff, 0.5, 1.0, open_ends=True)
        self._store("elimination_cutoff", cutoff)
        flag("extra_safe", self.extra_safe)
        offset = real_number("extra_safe_offset", self.extra_safe_offset, 0.0, 0.5)
        if cutoff - offset <= 0.0:
            raise refuse("extra_safe_offset", offset, f"less than elimination_cutoff, {cutoff:g}")
        self._store("extra_safe_offset", offset)
        if self.early_stop_n is not None:
            self._store("early_stop_n", whole_number("early_stop_n", self.early_stop_n, 1))
        self._store("start_dose", whole_number("start_dose", self.start_dose, 1))

    def _store(self, name: str, value: object) -> None:
        object.__setattr__(self, name, value)

    def parameters(self) -> dict[str, object]:
        """All parameters in full, ready for JSON; `design_from_parameters` makes an equal design of them."""
        return asdict(self)

    @abstractmethod
    def table_limits(self, max_n: int) -> tuple[IntArray, IntArray]:
        """Most DLTs that escalate (-1: none) and fewest that de-escalate (NEVER: none), for n = 0..max_n."""
        raise NotImplementedError

    @abstractmethod
    def comparison(self, n: int, y: int) -> str:
        """The clause that compares y of n with the boundaries."""
        raise NotImplementedError

    @property
    def highest_estimate(self) -> float | None:
        """Doses with an estimate above it are never selected as the MTD; None: no such rule."""
        return None

    def limits(self, max_n: int) -> Limits:
        """The decision table as arrays for n = 0..max_n."""
        return kept_limits(self, max_n)

    def boundaries(self, max_n: int | None = None) -> BoundaryTable:
        """The decision table for n = 1..max_n patients at a dose (max_patients unless given)."""
        rows = self.max_patients if max_n is None else whole_number("max_n", max_n, 1)
        return self.limits(rows).table(rows)

    def elimination_table(self, max_n: int | None = None) -> dict[int, int]:
        """{n: fewest DLTs that close a dose with n patients}, for the n where that can happen."""
        rows = self.max_patients if max_n is None else whole_number("max_n", max_n, 1)
        return thresholds(self.limits(rows).eliminate)

    def lowest_dose_stop_table(self, max_n: int | None = None) -> dict[int, int]:
        """{n: fewest DLTs at the lowest dose that stop the trial}, with extra_safe earlier than elimination."""
        rows = self.max_patients if max_n is None else whole_number("max_n", max_n, 1)
        limits = self.limits(rows)
        return thresholds(np.minimum(limits.eliminate, limits.stop))

    def standing(self, tally: DoseTally, current_dose: int, labels: Sequence[str] | None) -> rules.Standing:
        """The checked situation in which advice is asked for."""
        self.check_ladder(tally.doses)
        return rules.Standing(
            design=self,
            tally=tally,
            current_dose=whole_number("current_dose", current_dose, 1, tally.doses),
            limits=self.limits(max(self.max_patients, *tally.treated)),
            labels=dose_labels(labels, tally.doses),
        )

    def check_ladder(self, doses: int) -> None:
        """Raises ValueError where the ladder is too short for the design's start_dose."""
        if self.start_dose > doses:
            raise refuse("start_dose", self.start_dose, f"from 1 to {doses}, the doses of the ladder")

    def advise(self, tally: DoseTally, current_dose: int, labels: Sequence[str] | None = None) -> Advice:
        """The next dose after `tally`, with the last cohort treated at `current_dose`.

        The first rule that has something to say decides: stop where the lowest dose is too toxic, stop at the
        maximum, leave a closed dose, treat the first patients, decide by the table. labels: names of the
        doses for the reason. Raises ValueError for a dose that is not on the ladder.
        """
        here = self.standing(tally, current_dose, labels)
        return (
            rules.stop_if_lowest_too_toxic(here)
            or rules.stop_at_maximum(here)
            or rules.leave_closed_dose(here)
            or rules.treat_first_patients(here, self.cohort_size)
            or rules.decide_by_table(here)
        )

    def select_mtd(self, tally: DoseTally, labels: Sequence[str] | None = None) -> MtdSelection:
        """The MTD after `tally`: the open, treated dose with the isotonic estimate nearest to the target.

        None is selected where the lowest dose is closed or stopped by extra_safe, or no open dose was treated.
        """
        names = dose_labels(labels, tally.doses)
        limits = self.limits(max(self.max_patients, *tally.treated))
        open_doses = rules.open_doses(limits, tally)
        tried = [j for j in range(open_doses) if tally.treated[j] > 0]
        n, y = [tally.treated[j] for j in tried], [tally.dlts[j] for j in tried]
        chosen = isotonic.select(n, y, self.target, self.estimate_prior, self.highest_estimate)
        dose = None if chosen is None else tried[chosen] + 1
        estimates, intervals, above = isotonic.summaries(tally, self.target, self.estimate_prior, self.spread_prior)
        return MtdSelection(
            dose=dose,
            estimates=estimates,
            intervals=intervals,
            prob_above_target=above,
            eliminated=tuple(range(open_doses + 1, tally.doses + 1)),
            reason=rules.reason_for_mtd(self, tally, dose, open_doses, names),
        )

    @property
    def planned_patients(self) -> int | None:
        """max_patients."""
        return self.max_patients

    def most_patients(self, doses: int) -> int:
        """max_patients, however many doses."""
        return self.max_patients

    @property
    def most_at_a_dose(self) -> int:
        """max_patients."""
        return self.max_patients

    def room_at(self, tally: DoseTally, dose: int) -> int:
        """Patients who can still be treated at a dose: those that max_patients leaves."""
        return max(0, self.max_patients - tally.total_treated)

    def cohort_at(self, tally: DoseTally, dose: int) -> int:
        """Patients whom the design would treat next at a dose."""
        return min(self.cohort_size, self.room_at(tally, dose))

    def complete_below(self, tally: DoseTally, dose: int) -> bool:
        """Never: what ends the trial is the number of patients, not that a dose is complete."""
        return False

    def monitoring_boundaries(self, max_n: int | None = None) -> BoundaryTable:
        """The table for patients of an expansion counted together with those of the escalation: the same one."""
        return self.boundaries(max_n)

    def moves(self, n: IntArray, y: IntArray, current: IntArray) -> Moves:
        """`advise` for many tallies, shape (tallies, doses), at their current doses, shape (tallies,)."""
        limits = self.limits(max(self.max_patients, int(n.max(initial=0))))
        rows, total = np.arange(len(n)), n.sum(axis=1)
        here_n, here_y = n[rows, current - 1], y[rows, current - 1]
        open_to = limits.open_doses(n, y)
        unsafe = (open_to == 0) | (y[:, 0] >= limits.stop[n[:, 0]])
        up = (here_y <= limits.escalate[here_n]).astype(np.int64)
        wish = current + up - (here_y >= limits.de_escalate[here_n])
        following = np.minimum(np.maximum(wish, 1), open_to)
        stops = unsafe | (total >= self.max_patients)
        if self.early_stop_n is not None:
            remains = (following == current) | (not self.stops_early_only_to_remain)
            stops |= (here_n >= self.early_stop_n) & (current <= open_to) & remains
        return Moves(
            next_dose=np.where(stops, 0, following),
            size=np.minimum(self.cohort_size, self.max_patients - total),
            early=stops & (total < self.max_patients),
            unsafe=unsafe,
        )

    def select_rows(self, n: IntArray, y: IntArray) -> IntArray:
        """`select_mtd` for many tallies of shape (tallies, doses): the dose, 0 where none is selected."""
        limits = self.limits(max(self.max_patients, int(n.max(initial=0))))
        open_doses = np.where(y[:, 0] >= limits.stop[n[:, 0]], 0, limits.open_doses(n, y))
        return isotonic.select_rows(n, y, open_doses, self.target, self.estimate_prior, self.highest_estimate)


def limits_of(max_n: int, step: Callable[[IntArray, IntArray], IntArray]) -> tuple[IntArray, IntArray]:
    """Most DLTs that escalate and fewest that de-escalate for n = 0..max_n, of a rule that gives +1, 0 or -1."""
    n, y = np.meshgrid(np.arange(max_n + 1), np.arange(max_n + 1), indexing="ij")
    steps = step(n, np.minimum(n, y))
    up, down = (steps > 0) & (y <= n) & (n > 0), (steps < 0) & (y <= n) & (n > 0)
    escalate = np.where(up, y, -1).max(axis=1)
    de_escalate = np.where(down, y, NEVER).min(axis=1)
    return escalate.astype(np.int64), de_escalate.astype(np.int64)


@lru_cache(maxsize=256)
def kept_limits(design: IntervalDesign, max_n: int) -> Limits:
    """The decision table of a design for n = 0..max_n, made once."""
    escalate, de_escalate = design.table_limits(max_n)
    eliminate = fewest_dlts_above(design.target, design.elimination_cutoff, max_n, from_n=design.fewest_to_eliminate)
    stop = np.full(max_n + 1, NEVER)
    if design.extra_safe:
        earlier = design.elimination_cutoff - design.extra_safe_offset
        stop = fewest_dlts_above(design.target, earlier, max_n)
    first_not_stay = np.minimum(de_escalate, eliminate)
    arrays = (np.minimum(escalate, first_not_stay - 1), first_not_stay, eliminate, stop)
    for array in arrays:
        array.setflags(write=False)
    return Limits(*arrays)
