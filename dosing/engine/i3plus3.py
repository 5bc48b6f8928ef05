"""i3+3.

Liu M, Wang SJ, Ji Y. The i3+3 design for phase I clinical trials. J Biopharm Stat 2020;30:294-304,
doi:10.1080/10543406.2019.1636811.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from dosing.engine import wording
from dosing.engine.equivalence import EquivalenceDesign
from dosing.engine.interval import limits_of
from dosing.engine.posterior import IntArray

EQUAL = 1e-9  # a rate this close to an end of the interval lies on it


@dataclass(frozen=True, kw_only=True)
class I3Plus3Design(EquivalenceDesign):
    """The i3+3 design; parameters as in `EquivalenceDesign`."""

    name: ClassVar[str] = "i3plus3"

    def _step(self, n: IntArray, y: IntArray) -> IntArray:
        size = np.maximum(n, 1)
        rate, one_fewer = y / size, (y - 1) / size
        above = rate > self.high + EQUAL
        lower = above & (one_fewer >= self.low - EQUAL)
        return np.where(rate < self.low - EQUAL, 1, -lower.astype(np.int64)).astype(np.int64)

    def table_limits(self, max_n: int) -> tuple[IntArray, IntArray]:
        """y/n below the equivalence interval escalates; above it de-escalates, unless (y - 1)/n is below it.

        In that case the interval is skipped by a single DLT, and the dose stays (Liu et al. 2020).
        """
        return limits_of(max_n, self._step)

    def comparison(self, n: int, y: int) -> str:
        """Where y/n lies, and (y - 1)/n where that decides."""
        shown, interval = wording.rate(n, y, self.low, self.high), f"{self.low:.3f} to {self.high:.3f}"
        if y / n < self.low - EQUAL:
            return f"{shown} is below the interval {interval}"
        if y / n <= self.high + EQUAL:
            return f"{shown} lies in the interval {interval}"
        fewer = wording.rate(n, y - 1, self.low, self.high)
        if (y - 1) / n < self.low - EQUAL:
            return f"{shown} is above the interval {interval}, but {fewer} with one DLT fewer is below it"
        return f"{shown} is above the interval {interval}"
