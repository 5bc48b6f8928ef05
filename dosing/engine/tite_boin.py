"""TITE-BOIN: BOIN for toxicities that come late, deciding while patients are still in their DLT window.

Yuan Y, Lin R, Li D, Nie L, Warren KE. Time-to-event Bayesian optimal interval design to accelerate phase I trials.
Clin Cancer Res 2018;24:4921-4930, doi:10.1158/1078-0432.CCR-18-0246 (single imputation). Lin R, Yuan Y. Time-to-event
model-assisted designs for dose-finding trials with delayed toxicity. Biostatistics 2020;21:807-824,
doi:10.1093/biostatistics/kxz007 (effective sample size).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import ClassVar

import numpy as np

from dosing.engine import wording
from dosing.engine.advice import Action, Advice
from dosing.engine.boin import EQUAL, BoinDesign
from dosing.engine.boundaries import BoundaryTable
from dosing.engine.isotonic import MtdSelection
from dosing.engine.moves import Moves
from dosing.engine.posterior import BoolArray, FloatArray, IntArray
from dosing.engine.rules import (
    Standing,
    at_ends,
    leave_closed_dose,
    stop_at_maximum,
    stop_if_lowest_too_toxic,
    treat_first_patients,
)
from dosing.engine.tally import DoseTally, counts
from dosing.engine.validation import real_number, refuse, whole_number


class TiteRule(StrEnum):
    """How the follow-up of pending patients counts."""

    SINGLE_IMPUTATION = "single_imputation"
    EFFECTIVE_SAMPLE_SIZE = "effective_sample_size"


@dataclass(frozen=True)
class TiteTally:
    """What has been seen so far, patients still in their DLT window included; per dose, lowest first.

    treated: all patients n, pending ones included; dlts: patients with a DLT; pending: patients without a DLT
    who are still in the window; follow_up: the pending patients' time in the window, added up, in windows (two
    pending patients halfway through: 1.0). Raises ValueError where these do not fit together.
    """

    treated: tuple[int, ...]
    dlts: tuple[int, ...]
    pending: tuple[int, ...]
    follow_up: tuple[float, ...]

    def __post_init__(self) -> None:
        plain = DoseTally(self.treated, self.dlts)
        pending = counts("pending", self.pending)
        if len(pending) != plain.doses or len(self.follow_up) != plain.doses:
            raise refuse("pending and follow_up", (pending, self.follow_up), f"{plain.doses} long, one per dose")
        for i, waiting in enumerate(pending):
            whole_number(f"pending[{i}]", waiting, 0, plain.treated[i] - plain.dlts[i])
        times = tuple(
            real_number(f"follow_up[{i}]", time, 0.0, float(pending[i])) for i, time in enumerate(self.follow_up)
        )
        for name, value in (("treated", plain.treated), ("dlts", plain.dlts), ("pending", pending)):
            object.__setattr__(self, name, value)
        object.__setattr__(self, "follow_up", times)

    @property
    def plain(self) -> DoseTally:
        """All patients treated, as if the pending ones had no DLT."""
        return DoseTally(self.treated, self.dlts)


@dataclass(frozen=True, kw_only=True)
class TiteBoinDesign:
    """The time-to-event BOIN design; parameters as in `BoinDesign`, and two more.

    max_pending: accrual is suspended while more than this share of the patients at the current dose is pending,
    unless the DLTs already seen de-escalate. rule: how follow-up counts, single imputation (2018) or
    effective sample size (2020).
    """

    name: ClassVar[str] = "tite_boin"

    target: float
    max_patients: int
    cohort_size: int = 3
    p_saf: float | None = None
    p_tox: float | None = None
    elimination_cutoff: float = 0.95
    extra_safe: bool = False
    extra_safe_offset: float = 0.05
    early_stop_n: int | None = None
    bound_mtd: bool = False
    start_dose: int = 1
    max_pending: float = 0.5
    rule: TiteRule = TiteRule.SINGLE_IMPUTATION

    def __post_init__(self) -> None:
        share = real_number("max_pending", self.max_pending, 0.0, 1.0)
        object.__setattr__(self, "max_pending", share)
        try:
            object.__setattr__(self, "rule", TiteRule(str(self.rule)))
        except ValueError:
            raise refuse("rule", self.rule, "one of " + ", ".join(TiteRule)) from None
        for name, value in self.boin.parameters().items():
            if name != "titration":
                object.__setattr__(self, name, value)

    @property
    def boin(self) -> BoinDesign:
        """The BOIN design for complete follow-up."""
        own = asdict(self)
        del own["max_pending"], own["rule"]
        return BoinDesign(**own)

    @property
    def planned_patients(self) -> int | None:
        """max_patients."""
        return self.max_patients

    def parameters(self) -> dict[str, object]:
        """All parameters in full, ready for JSON; `design_from_parameters` makes an equal design of them."""
        return asdict(self) | {"rule": self.rule.value}

    def most_patients(self, doses: int) -> int:
        """max_patients, however many doses."""
        return self.max_patients

    def check_ladder(self, doses: int) -> None:
        """Raises ValueError where the ladder is too short for the design's start_dose."""
        self.boin.check_ladder(doses)

    def boundaries(self, max_n: int | None = None) -> BoundaryTable:
        """The decision table for complete follow-up, BOIN's; see `thresholds` for pending patients."""
        return self.boin.boundaries(max_n)

    def select_mtd(self, tally: DoseTally, labels: Sequence[str] | None = None) -> MtdSelection:
        """The MTD from complete follow-up, as BOIN selects it."""
        return self.boin.select_mtd(tally, labels)

    def select_rows(self, n: IntArray, y: IntArray) -> IntArray:
        """`select_mtd` for many tallies."""
        return self.boin.select_rows(n, y)

    def thresholds(self, n: IntArray, y: IntArray, pending: IntArray) -> tuple[FloatArray, FloatArray]:
        """(escalate at a follow-up of at least this, de-escalate at most this), in windows; +/- inf: never.

        With n patients, y DLTs and `pending` pending at the current dose. The estimated toxicity falls as the
        pending patients' follow-up grows. Single imputation: p = (y + w (c - f)) / n, where f is the follow-up,
        w = q / (1 - q) and q = (y + target / 2) / (n - c + 1); it escalates only from an observed rate below the
        target and de-escalates only from one above. Effective sample size: p = y / (n - c + f).
        """
        low, high = self.boin.escalation_boundary, self.boin.de_escalation_boundary
        with np.errstate(divide="ignore", invalid="ignore"):
            if self.rule is TiteRule.EFFECTIVE_SAMPLE_SIZE:
                complete = n - pending
                # Without a DLT nothing asks to de-escalate, not even when nobody has been followed yet (0/0).
                return y / low - complete, np.where(y > 0, y / high - complete, -np.inf)
            q = (y + self.target / 2) / (n - pending + 1)
            w = q / (1 - q)
            side = y - self.target * n
            up = np.where(side < -EQUAL, pending - (n * low - y) / w, np.inf)
            down = np.where(side > EQUAL, pending - (n * high - y) / w, -np.inf)
        # q reaches 1 only where half the patients and more are pending with DLTs in all others.
        return np.where(q < 1, up, np.inf), np.where(q < 1, down, np.where(side > EQUAL, np.inf, -np.inf))

    def steps(self, n: IntArray, y: IntArray, pending: IntArray, follow_up: FloatArray) -> tuple[IntArray, BoolArray]:
        """(+1, 0 or -1; whether accrual is suspended) at the current dose, n >= 1; shapes alike."""
        limits = self.boin.limits(max(self.max_patients, int(n.max(initial=0))))
        down = y >= limits.de_escalate[n]
        suspended = ~down & (pending > self.max_pending * n + EQUAL)
        at_least, at_most = self.thresholds(n, y, pending)
        complete = pending == 0
        escalate = np.where(complete, y <= limits.escalate[n], follow_up >= at_least - EQUAL)
        lower = down | (~complete & (follow_up <= at_most + EQUAL))
        step = np.where(lower, -1, escalate.astype(np.int64))
        return np.where(suspended, 0, step), suspended

    def advise(self, tally: TiteTally | DoseTally, current_dose: int, labels: Sequence[str] | None = None) -> Advice:
        """The next dose now, with the last cohort treated at `current_dose`, or SUSPEND until more is known.

        The safety rules are BOIN's, on all patients treated. At the maximum the trial is suspended until nobody is
        pending, then stops. A DoseTally is a tally with nobody pending. Raises ValueError as `BoinDesign.advise`.
        """
        seen = tally if isinstance(tally, TiteTally) else _complete(tally)
        here = self.boin.standing(seen.plain, current_dose, labels)
        maximum = stop_at_maximum(here)
        if maximum is not None and any(seen.pending):
            waiting = wording.patients(sum(seen.pending))
            maximum = _suspend(here, f"All patients are treated and {waiting} pending, so wait for their outcomes")
        return (
            stop_if_lowest_too_toxic(here)
            or maximum
            or leave_closed_dose(here)
            or treat_first_patients(here, self.cohort_size)
            or self._by_follow_up(here, seen)
        )

    def _by_follow_up(self, here: Standing, seen: TiteTally) -> Advice:
        (n, y), place = here.here, here.current_dose - 1
        pending, follow_up = seen.pending[place], seen.follow_up[place]
        arrays = (np.array([n]), np.array([y]), np.array([pending]))
        step, suspended = self.steps(*arrays, np.array([follow_up]))
        name = here.label(here.current_dose)
        if suspended[0]:
            return _suspend(here, f"{pending} of {wording.patients(n)} at {name} are pending, so suspend accrual")
        at_least, at_most = (float(limit[0]) for limit in self.thresholds(*arrays))
        return at_ends(here, int(step[0]), self._comparison(n, y, pending, follow_up, at_least, at_most))

    def _comparison(self, n: int, y: int, pending: int, follow_up: float, at_least: float, at_most: float) -> str:
        plain = self.boin.comparison(n, y)
        if pending == 0 or "at least" in plain:
            return plain
        shown = f"the follow-up of {pending} pending, {follow_up:.2f} windows,"
        if follow_up >= at_least - EQUAL:
            return f"{shown} is at least {max(at_least, 0.0):.2f}"
        if follow_up <= at_most + EQUAL:
            return f"{shown} is at most {at_most:.2f}"
        return f"{shown} settles no move yet"

    def timed_moves(
        self, n: IntArray, y: IntArray, pending: IntArray, follow_up: FloatArray, current: IntArray
    ) -> tuple[Moves, BoolArray]:
        """`advise` for many tallies, shape (tallies, doses), and where it suspends."""
        boin = self.boin
        limits = boin.limits(max(self.max_patients, int(n.max(initial=0))))
        rows, place, total = np.arange(len(n)), current - 1, n.sum(axis=1)
        open_to = limits.open_doses(n, y)
        unsafe = (open_to == 0) | (y[:, 0] >= limits.stop[n[:, 0]])
        here_n = n[rows, place]
        step, waits = self.steps(np.maximum(here_n, 1), y[rows, place], pending[rows, place], follow_up[rows, place])
        step = np.where(here_n > 0, step, 0)
        following = np.minimum(np.maximum(current + step, 1), open_to)
        full, closed = total >= self.max_patients, current > open_to
        some_pending = pending.sum(axis=1) > 0
        stops = unsafe | (full & ~some_pending)
        waits = ~unsafe & np.where(full, some_pending, waits & ~closed & (here_n > 0))
        if self.early_stop_n is not None:
            stops |= ~waits & (here_n >= self.early_stop_n) & (following == current)
        moves = Moves(
            next_dose=np.where(stops | waits, 0, following),
            size=np.minimum(self.cohort_size, self.max_patients - total),
            early=stops & ~full,
            unsafe=unsafe,
        )
        return moves, waits


def _complete(tally: DoseTally) -> TiteTally:
    return TiteTally(tally.treated, tally.dlts, (0,) * tally.doses, (0.0,) * tally.doses)


def _suspend(here: Standing, reason: str) -> Advice:
    return Advice(Action.SUSPEND, None, here.eliminated, reason)
