"""Advice for many tallies at a time: what the exact walk and the simulation ask of a design."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from dosing.engine.posterior import BoolArray, IntArray


@dataclass(frozen=True, eq=False)
class Moves:
    """`advise` for many tallies; every array has an entry per tally.

    next_dose: 0 where the trial stops; size: patients of the next cohort (meaningless where it stops);
    early: stops before its full course; unsafe: stops because even the lowest dose is too toxic.
    """

    next_dose: IntArray
    size: IntArray
    early: BoolArray
    unsafe: BoolArray


class CountDesign(Protocol):
    """A design that decides from counts alone, and so can be walked exactly."""

    def __hash__(self) -> int:
        """Equal designs walk the same way, so walks are kept by design."""

    @property
    def target(self) -> float:
        """The target toxicity, which says which dose is the true MTD."""

    @property
    def start_dose(self) -> int:
        """The dose of the first cohort."""

    @property
    def planned_patients(self) -> int | None:
        """The maximum number of patients of the plan; None where the rule alone ends the trial."""

    def check_ladder(self, doses: int) -> None:
        """Raises ValueError where the design cannot run on that many doses."""

    def most_patients(self, doses: int) -> int:
        """The most patients that a trial can have."""

    def moves(self, n: IntArray, y: IntArray, current: IntArray) -> Moves:
        """`advise` for tallies of shape (tallies, doses) with current doses of shape (tallies,)."""

    def select_rows(self, n: IntArray, y: IntArray) -> IntArray:
        """`select_mtd` for tallies of shape (tallies, doses): the dose, 0 for none."""
