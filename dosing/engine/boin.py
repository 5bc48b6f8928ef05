"""BOIN, the Bayesian optimal interval design.

Liu S, Yuan Y. Bayesian optimal interval designs for phase I clinical trials. J R Stat Soc C 2015;64:507-523,
doi:10.1111/rssc.12089 (local BOIN). Compared throughout with the R package BOIN 2.7.2; where the package
departs from the paper, the paper is followed (docs/designs/boin.md lists each place).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from dosing.engine import rules, wording
from dosing.engine.advice import Advice
from dosing.engine.interval import IntervalDesign
from dosing.engine.moves import Moves
from dosing.engine.posterior import IntArray
from dosing.engine.tally import DoseTally
from dosing.engine.validation import flag, real_number, refuse

EQUAL = 1e-9  # a rate this close to a boundary lies on it: 1/2 is on a boundary of 0.5 whatever the rounding
CLOSEST = 0.1  # p_saf and p_tox keep at least a tenth of the target from it (R package BOIN)


@dataclass(frozen=True, kw_only=True)
class BoinDesign(IntervalDesign):
    """The Bayesian optimal interval design.

    Besides the parameters of `IntervalDesign`: p_saf, the highest toxicity deemed so low that the dose
    should be raised (0.6 of the target unless given); p_tox, the lowest deemed so high that it should be
    lowered (1.4 of the target); titration: single patients until the first DLT, then cohorts (no effect with
    cohorts of 1); bound_mtd: the MTD's estimate must not be above the de-escalation boundary. p_saf and p_tox
    read back as numbers. Raises ValueError naming the parameter, the value and the allowed range.
    """

    name: ClassVar[str] = "boin"

    p_saf: float | None = None
    p_tox: float | None = None
    titration: bool = False
    bound_mtd: bool = False

    def __post_init__(self) -> None:
        super().__post_init__()
        safe = 0.6 * self.target if self.p_saf is None else self.p_saf
        toxic = 1.4 * self.target if self.p_tox is None else self.p_tox
        safe = real_number("p_saf", safe, 0.0, 1.0, open_ends=True)
        toxic = real_number("p_tox", toxic, 0.0, 1.0, open_ends=True)
        highest, lowest = (1 - CLOSEST) * self.target, (1 + CLOSEST) * self.target
        if safe > highest + EQUAL:
            raise refuse("p_saf", safe, f"greater than 0 and at most {highest:g}, nine tenths of the target")
        if toxic < lowest - EQUAL:
            raise refuse("p_tox", toxic, f"at least {lowest:g}, eleven tenths of the target, and less than 1")
        self._store("p_saf", safe)
        self._store("p_tox", toxic)
        flag("titration", self.titration)
        flag("bound_mtd", self.bound_mtd)

    @property
    def escalation_boundary(self) -> float:
        """lambda_e, at most which a rate escalates (Liu & Yuan 2015, local BOIN with equal prior probabilities)."""
        f, p1 = self.target, _given(self.p_saf)
        return math.log((1 - p1) / (1 - f)) / math.log(f * (1 - p1) / (p1 * (1 - f)))

    @property
    def de_escalation_boundary(self) -> float:
        """lambda_d, at least which a rate de-escalates (Liu & Yuan 2015, local BOIN with equal prior probabilities)."""
        f, p2 = self.target, _given(self.p_tox)
        return math.log((1 - f) / (1 - p2)) / math.log(p2 * (1 - f) / (f * (1 - p2)))

    @property
    def highest_estimate(self) -> float | None:
        """The de-escalation boundary with bound_mtd."""
        return self.de_escalation_boundary if self.bound_mtd else None

    def table_limits(self, max_n: int) -> tuple[IntArray, IntArray]:
        """y/n <= lambda_e escalates, y/n >= lambda_d de-escalates: equality moves, as the paper says.

        The R package stays on equality with lambda_d, and on equality with lambda_e depends on rounding.
        """
        n = np.arange(max_n + 1)
        escalate = np.floor(self.escalation_boundary * n + EQUAL).astype(np.int64)
        de_escalate = np.ceil(self.de_escalation_boundary * n - EQUAL).astype(np.int64)
        escalate[0], de_escalate[0] = -1, 1
        return escalate, de_escalate

    def comparison(self, n: int, y: int) -> str:
        """0.33 lies between 0.236 and 0.359."""
        low, high = self.escalation_boundary, self.de_escalation_boundary
        shown = wording.rate(n, y, low, high)
        if y <= low * n + EQUAL:
            return f"{shown} is at most {low:.3f}"
        if y >= high * n - EQUAL:
            return f"{shown} is at least {high:.3f}"
        return f"{shown} lies between {low:.3f} and {high:.3f}"

    def advise(self, tally: DoseTally, current_dose: int, labels: Sequence[str] | None = None) -> Advice:
        """The next dose after `tally`, with the last cohort treated at `current_dose`.

        The three steps of Liu & Yuan 2015 with their rule for eliminating doses. The first rule that has something
        to say decides; each is one function in `dosing.engine.rules`. labels: names of the doses for the reason
        ("15 mg"), one per dose. Raises ValueError for a dose that is not on the ladder.
        """
        here = self.standing(tally, current_dose, labels)
        return (
            rules.stop_if_lowest_too_toxic(here)
            or rules.stop_at_maximum(here)
            or rules.leave_closed_dose(here)
            or rules.treat_first_patients(here, 1 if self._titrating(tally) else self.cohort_size)
            or self._titrate(here)
            or rules.decide_by_table(here)
        )

    def _titrating(self, tally: DoseTally) -> bool:
        """Single patients: nobody has had a DLT and no dose has more than one patient."""
        return self._single_patients(tally) and tally.total_dlts == 0

    def _single_patients(self, tally: DoseTally) -> bool:
        return self.titration and self.cohort_size > 1 and max(tally.treated) <= 1

    def _titrate(self, here: rules.Standing) -> Advice | None:
        """One dose up per patient without a DLT; at the first DLT, or at the top, fill the cohort there."""
        if not self._single_patients(here.tally):
            return None
        dose = here.current_dose
        if self._titrating(here.tally) and dose < here.tally.doses:
            higher = here.label(dose + 1)
            return here.go(dose + 1, f"No DLT so far in titration, so escalate to {higher} with one patient", 1)
        end = "titration ended with a DLT" if here.tally.total_dlts else "titration reached the highest dose"
        return here.go(
            dose,
            f"{wording.seen(*here.here)}: {end}, so stay at {here.label(dose)} and complete its cohort",
            self.cohort_size - 1,
        )

    def moves(self, n: IntArray, y: IntArray, current: IntArray) -> Moves:
        """`advise` for many tallies, shape (tallies, doses), at their current doses, shape (tallies,)."""
        by_table = super().moves(n, y, current)
        if not self.titration or self.cohort_size == 1:
            return by_table
        left = self.max_patients - n.sum(axis=1)
        single = (n.max(axis=1) <= 1) & ~by_table.unsafe & (left > 0)
        first = n[np.arange(len(n)), current - 1] == 0
        no_dlt = y.sum(axis=1) == 0
        up = no_dlt & ~first & (current < n.shape[1])
        fill = np.where(first, self.cohort_size, self.cohort_size - 1)
        size = np.where(no_dlt & (first | up), 1, fill)
        return Moves(
            next_dose=np.where(single, current + up, by_table.next_dose),
            size=np.where(single, np.minimum(size, left), by_table.size),
            early=by_table.early & ~single,
            unsafe=by_table.unsafe,
        )


def _given(value: float | None) -> float:
    """A parameter that is a number once the design is made."""
    if value is None:
        raise TypeError("a parameter that the design fills in is missing")
    return value
