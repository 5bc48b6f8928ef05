"""Look-ahead: what the advice would be for every outcome of the patients still in their DLT window."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import product
from math import prod
from typing import Protocol

from dosing.engine.advice import Advice
from dosing.engine.tally import DoseTally, counts
from dosing.engine.validation import refuse

MOST_OUTCOMES = 100_000


class Advises(Protocol):
    """A design that advises from counts."""

    def most_patients(self, doses: int) -> int: ...

    def advise(self, tally: DoseTally, current_dose: int, labels: tuple[str, ...] | None = None) -> Advice: ...


@dataclass(frozen=True)
class Outcome:
    """One way in which the pending patients can turn out.

    dlts: how many of the pending patients have a DLT, per dose; tally and advice: as they would be then.
    """

    dlts: tuple[int, ...]
    tally: DoseTally
    advice: Advice


@dataclass(frozen=True)
class Lookahead:
    """The advice for every outcome, fewest DLTs at the lowest dose first.

    pending: patients still without outcome, per dose; outcomes: product of (pending + 1) of them.
    """

    pending: tuple[int, ...]
    outcomes: tuple[Outcome, ...]

    @property
    def decided(self) -> bool:
        """True when all outcomes agree on action, next dose and reason to stop: nobody need be awaited."""
        answers = {(o.advice.action, o.advice.next_dose, o.advice.stop_reason) for o in self.outcomes}
        return len(answers) == 1

    @property
    def possible_doses(self) -> tuple[int | None, ...]:
        """The next doses that are still possible, None (stop) first, then lowest first."""
        doses = {o.advice.next_dose for o in self.outcomes}
        return tuple(sorted(doses, key=lambda dose: 0 if dose is None else dose))


def lookahead(
    design: Advises,
    tally: DoseTally,
    current_dose: int,
    pending: Iterable[int],
    labels: tuple[str, ...] | None = None,
) -> Lookahead:
    """Advice for every outcome of the pending patients, who are not in `tally`.

    pending: patients per dose, each of whom will turn out with or without a DLT. (One who turns out not
    evaluable is replaced, and the replacement has the same two outcomes.) Raises ValueError for a wrong length
    or more than 100,000 outcomes.
    """
    waiting = counts("pending", pending)
    if len(waiting) != tally.doses:
        raise refuse("pending", waiting, f"one count for each of the {tally.doses} doses")
    if prod(count + 1 for count in waiting) > MOST_OUTCOMES:
        raise refuse("pending", waiting, f"few enough for {MOST_OUTCOMES:,} outcomes")
    outcomes = []
    for dlts in product(*(range(count + 1) for count in waiting)):
        then = tally.plus(waiting, dlts)
        outcomes.append(Outcome(dlts, then, design.advise(then, current_dose, labels)))
    return Lookahead(waiting, tuple(outcomes))
