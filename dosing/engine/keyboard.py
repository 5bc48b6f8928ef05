"""Keyboard.

Yan F, Mandrekar SJ, Yuan Y. Keyboard: a novel Bayesian toxicity probability interval design for phase I clinical
trials. Clin Cancer Res 2017;23:3994-4003, doi:10.1158/1078-0432.CCR-17-0220.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import ClassVar

import numpy as np

from dosing.engine.interval import IntervalDesign, limits_of
from dosing.engine.posterior import FloatArray, IntArray, interval_mass
from dosing.engine.validation import real_number, refuse

EQUAL = 1e-12  # keys whose strengths differ by less are equally strong


@dataclass(frozen=True, kw_only=True)
class KeyboardDesign(IntervalDesign):
    """The keyboard design.

    Besides the parameters of `IntervalDesign`: margin_left, margin_right, how far the target key reaches below and
    above the target. early_stop_n stops when the current dose has that many patients, whatever the advice (as
    in the R package Keyboard).
    """

    name: ClassVar[str] = "keyboard"
    stops_early_only_to_remain: ClassVar[bool] = False

    margin_left: float = 0.05
    margin_right: float = 0.05

    def __post_init__(self) -> None:
        super().__post_init__()
        for name in ("margin_left", "margin_right"):
            self._store(name, real_number(name, getattr(self, name), 0.001, 0.5))
        if self.margin_left >= self.target:
            raise refuse("margin_left", self.margin_left, f"less than the target, {self.target:g}")
        if self.margin_right >= 1 - self.target:
            allowed = f"less than {1 - self.target:g}, one minus the target"
            raise refuse("margin_right", self.margin_right, allowed)

    @property
    def keys(self) -> tuple[tuple[float, ...], int]:
        """The ends of the keys, lowest first, and the place of the target key among them."""
        low, high = self.target - self.margin_left, self.target + self.margin_right
        width = high - low
        below = [low - k * width for k in range(1, int(np.ceil(low / width - 1e-9)))]
        above = [high + k * width for k in range(1, int(np.ceil((1 - high) / width - 1e-9)))]
        return (0.0, *reversed(below), low, high, *above, 1.0), len(below) + 1

    def strongest_keys(self, n: IntArray, y: IntArray) -> IntArray:
        """-1, 0 or 1: the strongest key is left of, is, or is right of the target key; shape of n and y.

        The strongest key has the greatest posterior mass under a uniform prior; shorter keys at the ends
        count in proportion to a full key's width. Of equally strong keys the highest counts.
        """
        ends, place = self.keys
        width = self.margin_left + self.margin_right
        strengths: list[FloatArray] = [
            interval_mass(low, high, n, y) * (width / (high - low) if low == 0.0 or high == 1.0 else 1.0)
            for low, high in pairwise(ends)
        ]
        table = np.stack(strengths)
        near = table >= table.max(axis=0) - EQUAL
        strongest = len(table) - 1 - near[::-1].argmax(axis=0)
        return np.asarray(np.sign(strongest - place), dtype=np.int64)

    def table_limits(self, max_n: int) -> tuple[IntArray, IntArray]:
        """A strongest key left of the target key escalates, right of it de-escalates (Yan et al. 2017)."""
        return limits_of(max_n, lambda n, y: -self.strongest_keys(n, y))

    def comparison(self, n: int, y: int) -> str:
        """Where the strongest key lies."""
        side = int(self.strongest_keys(np.array([n]), np.array([y]))[0])
        ends, place = self.keys
        target_key = f"the target key {ends[place]:.3f} to {ends[place + 1]:.3f}"
        return ("the strongest key is " + ("below ", "", "above ")[side + 1]) + target_key
