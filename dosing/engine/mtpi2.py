"""mTPI-2, the modified toxicity probability interval design with intervals of equal length.

Guo W, Wang SJ, Yang S, Lynn H, Ji Y. A Bayesian interval dose-finding design addressing Ockham's razor: mTPI-2.
Contemp Clin Trials 2017;58:23-33, doi:10.1016/j.cct.2017.04.006. Safety rules and MTD: Ji Y, Liu P, Li Y,
Bekele BN. A modified toxicity probability interval method for dose-finding trials. Clin Trials 2010;7:653-663.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import ClassVar

import numpy as np

from dosing.engine.equivalence import EquivalenceDesign
from dosing.engine.interval import limits_of
from dosing.engine.posterior import IntArray, interval_mass

EQUAL = 1e-12  # unit probability masses that differ by less are equal


@dataclass(frozen=True, kw_only=True)
class Mtpi2Design(EquivalenceDesign):
    """The mTPI-2 design; parameters as in `EquivalenceDesign`, with a uniform prior."""

    name: ClassVar[str] = "mtpi2"

    @property
    def intervals(self) -> tuple[tuple[float, ...], int]:
        """The ends of the intervals, lowest first, and the place of the equivalence interval among them.

        From the equivalence interval outwards all are as long as it, but for what is left at 0 and 1.
        """
        width = self.high - self.low
        below = [self.low - k * width for k in range(1, int(np.ceil(self.low / width - 1e-9)))]
        above = [self.high + k * width for k in range(1, int(np.ceil((1 - self.high) / width - 1e-9)))]
        return (0.0, *reversed(below), self.low, self.high, *above, 1.0), len(below) + 1

    def likeliest(self, n: IntArray, y: IntArray) -> IntArray:
        """-1, 0 or 1: the interval with the largest unit probability mass is below, is, or is above equivalence.

        The unit probability mass is the posterior mass over the length (Guo et al. 2017); of equals the
        highest interval counts, as in the keyboard design. Shape of n and y.
        """
        ends, place = self.intervals
        masses = np.stack([interval_mass(low, high, n, y) / (high - low) for low, high in pairwise(ends)])
        near = masses >= masses.max(axis=0) - EQUAL
        highest = len(masses) - 1 - near[::-1].argmax(axis=0)
        return np.asarray(np.sign(highest - place), dtype=np.int64)

    def table_limits(self, max_n: int) -> tuple[IntArray, IntArray]:
        """The largest unit probability mass below the equivalence interval escalates, above de-escalates."""
        return limits_of(max_n, lambda n, y: -self.likeliest(n, y))

    def comparison(self, n: int, y: int) -> str:
        """Where the largest unit probability mass lies."""
        side = int(self.likeliest(np.array([n]), np.array([y]))[0])
        where = ("below", "in", "above")[side + 1]
        return f"the toxicity most likely lies {where} the interval {self.low:.3f} to {self.high:.3f}"
