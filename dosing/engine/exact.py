"""Exact operating characteristics: every trial that a design can lead to, counted once.

For a design that decides from counts, the probability of a trial's history is a constant times
prod_j p_j^y_j (1 - p_j)^(n_j - y_j): histories that end with the same tally differ only in the constant. So the
reachable states (tally, current dose) are walked in the order of their patients, equal states are merged and the
constants ("weights", products of binomial coefficients) added up. Any number of toxicity scenarios is then a
weighted sum over the final tallies, without simulation error.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from math import comb

import numpy as np

from dosing.engine.characteristics import OperatingCharacteristics, checked_scenarios, true_mtds
from dosing.engine.final_tallies import FinalTallies, Pairs, weighted_sums
from dosing.engine.moves import CountDesign
from dosing.engine.posterior import BoolArray, FloatArray, IntArray
from dosing.engine.validation import refuse

MOST_STATES = 1_000_000  # states after merging, at any one number of patients
MOST_DEAR_STATES = 250_000  # of a design for which each costs an integration


class TooManyStates(ValueError):
    """Exact operating characteristics are out of reach; `states` says how many states there would be at least."""

    def __init__(self, states: int, patients: int, most: int) -> None:
        self.states = states
        super().__init__(
            f"exact operating characteristics are out of reach: after {patients} patients there are {states:,} "
            f"states, more than {most:,}; use simulate_trials, fewer doses, fewer patients or larger cohorts"
        )


@dataclass(frozen=True, eq=False)
class _States:
    """States with equally many patients. codes: place of (n, y) in the triangle of pairs, per dose."""

    codes: IntArray
    current: IntArray
    weight: FloatArray


def _words(codes: IntArray, current: IntArray | None, kinds: int) -> list[IntArray]:
    """The states as numbers, as few of 63 bits as hold them; equal states have equal numbers."""
    columns = [codes[:, j] for j in range(codes.shape[1])]
    if current is not None:
        columns.append(current)
    bits = max(kinds, codes.shape[1] + 1).bit_length()
    per_word = 63 // bits
    words = []
    for first in range(0, len(columns), per_word):
        word = columns[first].astype(np.int64)
        for column in columns[first + 1 : first + per_word]:
            word = (word << bits) | column
        words.append(word)
    return words


def _merge(parts: Sequence[_States], kinds: int, *, by_current: bool) -> _States:
    """One state for each set of equal ones, with their weights added up; `by_current`: equal current dose too."""
    codes = np.concatenate([part.codes for part in parts])
    current = np.concatenate([part.current for part in parts])
    weight = np.concatenate([part.weight for part in parts])
    words = _words(codes, current if by_current else None, kinds)
    order = words[0].argsort() if len(words) == 1 else np.lexsort(words)
    fresh = np.zeros(len(order), dtype=bool)
    fresh[0] = True
    for word in words:
        ordered = word[order]
        fresh[1:] |= ordered[1:] != ordered[:-1]
    starts = np.nonzero(fresh)[0]
    first = order[starts]
    return _States(codes[first], current[first], np.add.reduceat(weight[order], starts))


def _after_cohorts(states: _States, doses: IntArray, size: int, pairs: Pairs) -> Iterable[_States]:
    """The states after `size` patients at `doses`, for each number of DLTs among them."""
    rows = np.arange(len(doses))
    here = states.codes[rows, doses - 1]
    n, y = pairs.n[here], pairs.y[here]
    for dlts in range(size + 1):
        codes = states.codes.copy()
        codes[rows, doses - 1] = pairs.code(n + size, y + dlts)
        yield _States(codes, doses, states.weight * comb(size, dlts))


@lru_cache(maxsize=8)
def all_final_tallies(design: CountDesign, doses: int) -> FinalTallies:
    """Walk all trials of `design` on a ladder of `doses`. Raises TooManyStates where that is out of reach."""
    design.check_ladder(doses)
    most = design.most_patients(doses)
    most_states = MOST_DEAR_STATES if getattr(design, "dear", False) else MOST_STATES
    pairs = Pairs(most)
    start = _States(
        codes=np.zeros((1, doses), dtype=np.int32), current=np.array([design.start_dose]), weight=np.ones(1)
    )
    waiting: defaultdict[int, list[_States]] = defaultdict(list, {0: [start]})
    ended: list[FinalTallies] = []
    for patients in range(most + 1):
        if patients not in waiting:
            continue
        states = _merge(waiting.pop(patients), len(pairs.n), by_current=patients < most)
        if len(states.weight) > most_states:
            raise TooManyStates(len(states.weight), patients, most_states)
        ended.append(_step(design, states, pairs, patients, waiting))
    return FinalTallies(*(np.concatenate(column) for column in zip(*map(_columns, ended), strict=True)))


def _columns(ended: FinalTallies) -> tuple[IntArray, IntArray, FloatArray, IntArray, BoolArray, BoolArray]:
    return ended.n, ended.y, ended.weight, ended.selected, ended.early, ended.unsafe


def _step(
    design: CountDesign, states: _States, pairs: Pairs, patients: int, waiting: dict[int, list[_States]]
) -> FinalTallies:
    """Treat the next cohort of every state that goes on; give the tallies of those that stop."""
    n, y = pairs.n[states.codes], pairs.y[states.codes]
    moves = design.moves(n, y, states.current)
    goes_on = moves.next_dose > 0
    for size in np.unique(moves.size[goes_on]).tolist():
        these = goes_on & (moves.size == size)
        part = _States(states.codes[these], states.current[these], states.weight[these])
        waiting[patients + size].extend(_after_cohorts(part, moves.next_dose[these], size, pairs))
    stops = ~goes_on
    n, y = n[stops], y[stops]
    selected = design.select_rows(n, y) if len(n) else np.zeros(0, dtype=np.int64)
    small = np.int16 if pairs.n[-1] < np.iinfo(np.int16).max else np.int64
    return FinalTallies(
        n.astype(small),
        y.astype(small),
        states.weight[stops],
        selected.astype(np.int16),
        moves.early[stops],
        moves.unsafe[stops],
    )


def operating_characteristics(
    design: CountDesign, scenarios: Sequence[Sequence[float]], *, target: float | None = None
) -> OperatingCharacteristics:
    """Exact operating characteristics of `design`, a row per scenario (true toxicity per dose, lowest dose first).

    target: for which the true MTD is meant, the design's own unless given. Raises ValueError for a scenario that
    is not made of probabilities or not as long as the others, and TooManyStates (a ValueError with the number
    of states) where the walk is out of reach. The walk is kept, so that further scenarios of the same design
    cost only their sums.
    """
    if not hasattr(design, "moves"):
        raise refuse("design", type(design).__name__, "one that decides from counts; use simulate_trials")
    toxicity = checked_scenarios(scenarios)
    finals = all_final_tallies(design, toxicity.shape[1])
    mtds = true_mtds(toxicity, design.target if target is None else target)
    return weighted_sums(finals, toxicity, mtds, design.planned_patients)
