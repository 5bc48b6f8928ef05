"""Trials in time: patients arrive, are followed through their DLT window, and decisions wait or do not."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

import numpy as np

from dosing.engine.moves import CountDesign, Moves
from dosing.engine.posterior import BoolArray, FloatArray, IntArray
from dosing.engine.validation import real_number, refuse


class Arrivals(StrEnum):
    """How the days between two patients are distributed; the mean is one over the accrual rate."""

    EXPONENTIAL = "exponential"
    UNIFORM = "uniform"  # from 0 to twice the mean


class ToxicityTimes(StrEnum):
    """When in the window a DLT comes."""

    UNIFORM = "uniform"
    WEIBULL = "weibull"


@dataclass(frozen=True, kw_only=True)
class Timing:
    """Accrual and times to toxicity.

    window: length of the DLT window in days; accrual_rate: patients per day; late: with Weibull times, the share of
    the DLTs that come in the second half of the window, at every dose (0.5 is nearly uniform).
    """

    window: float
    accrual_rate: float
    arrivals: Arrivals = Arrivals.EXPONENTIAL
    toxicity_times: ToxicityTimes = ToxicityTimes.UNIFORM
    late: float = 0.5

    def __post_init__(self) -> None:
        for name, low, high in (("window", 0.0, 10_000.0), ("accrual_rate", 0.0, 1_000.0), ("late", 0.0, 1.0)):
            value = real_number(name, getattr(self, name), low, high, open_ends=True)
            object.__setattr__(self, name, value)
        for name, kind in (("arrivals", Arrivals), ("toxicity_times", ToxicityTimes)):
            try:
                object.__setattr__(self, name, kind(str(getattr(self, name))))
            except ValueError:
                raise refuse(name, getattr(self, name), "one of " + ", ".join(kind)) from None

    def gaps(self, shape: tuple[int, ...], random: np.random.Generator) -> FloatArray:
        """Days between arrivals."""
        mean = 1.0 / self.accrual_rate
        if self.arrivals is Arrivals.UNIFORM:
            return random.uniform(0.0, 2.0 * mean, shape)
        return random.exponential(mean, shape)

    def days_to_dlt(self, toxicity: FloatArray, random: np.random.Generator) -> FloatArray:
        """Days from entry to the DLT, inf for patients without one in the window; shape of toxicity.

        Weibull times with distribution function F have F(window) = p and F(window / 2) = (1 - late) p.
        """
        u = random.random(toxicity.shape)
        with np.errstate(divide="ignore", invalid="ignore"):
            if self.toxicity_times is ToxicityTimes.UNIFORM:
                days = self.window * u / toxicity
            else:
                p = np.minimum(toxicity, 1.0 - 1e-12)
                shape = np.log(np.log1p(-p) / np.log1p(-(1.0 - self.late) * p)) / np.log(2.0)
                days = self.window * (np.log1p(-np.minimum(u, p)) / np.log1p(-p)) ** (1.0 / shape)
        return np.where(u < toxicity, days, np.inf)


class TimedDesign(Protocol):
    """A design that decides while patients are pending."""

    @property
    def target(self) -> float: ...
    @property
    def start_dose(self) -> int: ...
    @property
    def planned_patients(self) -> int | None: ...
    def check_ladder(self, doses: int) -> None: ...
    def most_patients(self, doses: int) -> int: ...
    def select_rows(self, n: IntArray, y: IntArray) -> IntArray: ...
    def timed_moves(
        self, n: IntArray, y: IntArray, pending: IntArray, follow_up: FloatArray, current: IntArray
    ) -> tuple[Moves, BoolArray]: ...


def _decide(
    design: CountDesign | TimedDesign,
    n: IntArray,
    y: IntArray,
    pending: IntArray,
    follow_up: FloatArray,
    current: IntArray,
) -> tuple[Moves, BoolArray]:
    """The moves, and where the trial waits: a design that decides from counts waits for everybody."""
    timed = getattr(design, "timed_moves", None)
    if timed is not None:
        moves, waits = timed(n, y, pending, follow_up, current)
        return moves, waits
    waits = pending.sum(axis=1) > 0
    return design.moves(n, y, current), waits  # type: ignore[union-attr]


class _Trials:
    """The patients of many trials: arrays of shape (trials, patients), times in days, inf before entry."""

    def __init__(self, size: int, most: int, doses: int, timing: Timing) -> None:
        self.timing, self.doses = timing, doses
        self.entered = np.full((size, most), np.inf)
        self.dlt = np.full((size, most), np.inf)
        self.dose = np.zeros((size, most), dtype=np.int64)
        self.count = np.zeros(size, dtype=np.int64)
        self.now = np.zeros(size)

    def seen(self, rows: IntArray) -> tuple[IntArray, IntArray, IntArray, FloatArray, FloatArray]:
        """(n, y, pending, follow-up in windows) per dose as known now, and the time of the next outcome."""
        now, window = self.now[rows, None], self.timing.window
        entered, dlt, dose = self.entered[rows], self.dlt[rows], self.dose[rows]
        toxic = dlt <= now
        waits = (entered <= now) & ~toxic & (entered + window > now)
        follow = np.where(waits, (now - np.where(waits, entered, 0.0)) / window, 0.0)
        shape = (len(rows), self.doses)
        n, y, pending, time = (np.zeros(shape), np.zeros(shape), np.zeros(shape), np.zeros(shape))
        for j in range(self.doses):
            here = dose == j + 1
            n[:, j], y[:, j] = here.sum(axis=1), (here & toxic).sum(axis=1)
            pending[:, j], time[:, j] = (here & waits).sum(axis=1), (follow * here).sum(axis=1)
        upcoming = np.where(waits, np.minimum(dlt, entered + window), np.inf).min(axis=1)
        return n.astype(np.int64), y.astype(np.int64), pending.astype(np.int64), time, upcoming

    def enter(
        self, rows: IntArray, dose: IntArray, sizes: IntArray, truth: FloatArray, random: np.random.Generator
    ) -> None:
        """The next cohort enters, the first patient now; afterwards it is the next arrival's time."""
        most = int(sizes.max(initial=0))
        gaps = self.timing.gaps((len(rows), most), random)
        toxicity = np.repeat(truth[dose - 1][:, None], most, axis=1)
        days = self.timing.days_to_dlt(toxicity, random)
        for place in range(most):
            some = place < sizes
            these, column = rows[some], self.count[rows[some]]
            self.entered[these, column] = self.now[these]
            self.dlt[these, column] = self.now[these] + days[some, place]
            self.dose[these, column] = dose[some]
            self.count[these] += 1
            self.now[these] += gaps[some, place]

    def outcomes(self) -> tuple[IntArray, IntArray]:
        """(n, y) per dose when everybody who entered has been followed through the window."""
        toxic = np.isfinite(self.dlt)
        n = [(self.dose == j + 1).sum(axis=1) for j in range(self.doses)]
        y = [((self.dose == j + 1) & toxic).sum(axis=1) for j in range(self.doses)]
        return np.stack(n, axis=1).astype(np.int64), np.stack(y, axis=1).astype(np.int64)

    def durations(self) -> FloatArray:
        """Days from the first entry (day 0) to the last outcome."""
        inside = np.isfinite(self.entered)
        ends = np.where(inside, np.minimum(self.dlt, self.entered + self.timing.window), 0.0)
        return np.asarray(ends.max(axis=1))


def timed_trials(
    design: CountDesign | TimedDesign,
    truth: FloatArray,
    size: int,
    timing: Timing,
    random: np.random.Generator,
) -> tuple[IntArray, IntArray, BoolArray, BoolArray, FloatArray]:
    """(n, y, early, unsafe, days) of `size` trials.

    A decision is made when the next patient arrives; where the trial waits, at every outcome after that, and
    the patient waits, too. Patients who are pending when the trial stops early are followed to the end of their window:
    n and y hold everybody's outcome.
    """
    trials = _Trials(size, design.most_patients(len(truth)), len(truth), timing)
    current, running = np.full(size, design.start_dose), np.arange(size)
    early, unsafe = np.zeros(size, dtype=bool), np.zeros(size, dtype=bool)
    while len(running):
        n, y, pending, follow_up, upcoming = trials.seen(running)
        moves, waits = _decide(design, n, y, pending, follow_up, current[running])
        waits &= np.isfinite(upcoming)
        trials.now[running[waits]] = upcoming[waits]
        stops = ~waits & (moves.next_dose == 0)
        ended = running[stops]
        early[ended], unsafe[ended] = moves.early[stops], moves.unsafe[stops]
        goes = ~waits & ~stops
        trials.enter(running[goes], moves.next_dose[goes], moves.size[goes], truth, random)
        current[running[goes]] = moves.next_dose[goes]
        running = running[~stops]
    return *trials.outcomes(), early, unsafe, trials.durations()
