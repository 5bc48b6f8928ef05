"""What mTPI-2 and i3+3 share: an equivalence interval around the target, and their safety and selection rules."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from dosing.engine.interval import IntervalDesign
from dosing.engine.validation import real_number, refuse


@dataclass(frozen=True, kw_only=True)
class EquivalenceDesign(IntervalDesign):
    """An interval design with an equivalence interval from target - epsilon1 to target + epsilon2.

    A dose is closed ("DU") at a posterior probability above elimination_cutoff however few its patients, and the
    MTD's estimates use a Beta(0.005, 0.005) prior (Ji et al. 2010). That prior serves the estimates alone: under it
    three patients without a DLT would give an interval from 0.000 to 0.001. Intervals and probabilities above the
    target have the uniform prior of the decisions.
    """

    fewest_to_eliminate: ClassVar[int] = 1
    estimate_prior: ClassVar[float] = 0.005
    spread_prior: ClassVar[float] = 1.0

    epsilon1: float = 0.05
    epsilon2: float = 0.05

    def __post_init__(self) -> None:
        super().__post_init__()
        for name in ("epsilon1", "epsilon2"):
            self._store(name, real_number(name, getattr(self, name), 0.001, 0.5))
        if self.epsilon1 >= self.target:
            raise refuse("epsilon1", self.epsilon1, f"less than the target, {self.target:g}")
        if self.epsilon2 >= 1 - self.target:
            raise refuse("epsilon2", self.epsilon2, f"less than {1 - self.target:g}, one minus the target")

    @property
    def low(self) -> float:
        """Lower end of the equivalence interval."""
        return self.target - self.epsilon1

    @property
    def high(self) -> float:
        """Upper end of the equivalence interval."""
        return self.target + self.epsilon2
