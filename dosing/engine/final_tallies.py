"""The tallies with which trials end, and the sums over them that are the operating characteristics."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from dosing.engine.blocks import rows_at_a_time
from dosing.engine.characteristics import OperatingCharacteristics, TrueMtds, correct, shares
from dosing.engine.posterior import BoolArray, FloatArray, IntArray

SCENARIOS = 32  # summed at a time
LIMITS = (0.6, 0.8)


@dataclass(frozen=True, eq=False)
class FinalTallies:
    """The tallies with which trials end, one row each.

    n, y: shape (tallies, doses); weight: the constants, exact up to 2**53 (always so up to 53 patients); beyond that
    every product and sum on the way is rounded, by about 1 part in 10**16; selected: the MTD, 0 for none; early,
    unsafe: as in `Moves`.
    """

    n: IntArray
    y: IntArray
    weight: FloatArray
    selected: IntArray
    early: BoolArray
    unsafe: BoolArray


class Pairs:
    """The pairs (n, y), 0 <= y <= n <= most, numbered n (n + 1) / 2 + y."""

    def __init__(self, most: int) -> None:
        self.most = most
        self.n = np.repeat(np.arange(most + 1), np.arange(1, most + 2))
        self.y = np.arange(len(self.n)) - self.n * (self.n + 1) // 2

    def code(self, n: IntArray, y: IntArray) -> IntArray:
        """The number of each pair."""
        return n * (n + 1) // 2 + y


def _probabilities(finals: FinalTallies, rows: slice, toxicity: FloatArray, pairs: Pairs) -> FloatArray:
    """Probability of the final tallies `rows` under each scenario, shape (tallies, scenarios)."""
    chance = np.repeat(finals.weight[rows, None], len(toxicity), axis=1)
    counts = np.arange(pairs.most + 1)[:, None]
    for j in range(toxicity.shape[1]):
        toxic, fine = toxicity[:, j] ** counts, (1.0 - toxicity[:, j]) ** counts
        at_dose = toxic[pairs.y] * fine[pairs.n - pairs.y]
        code = pairs.code(finals.n[rows, j].astype(np.int64), finals.y[rows, j].astype(np.int64))
        chance *= at_dose[code]
    return chance


def _features(finals: FinalTallies, rows: slice, places: BoolArray, planned: int | None) -> FloatArray:
    """What is summed, shape (tallies, columns): selection, n, y, early, unsafe, and the shares at `places`."""
    n, doses = finals.n[rows].astype(np.int64), finals.n.shape[1]
    picked = finals.selected[rows, None] == np.arange(doses + 1)
    beyond = [shares(n, where, planned, limit)[:, None] for where in places for limit in LIMITS]
    columns = [picked, n, finals.y[rows], finals.early[rows, None], finals.unsafe[rows, None], *beyond]
    return np.concatenate([column.astype(np.float64) for column in columns], axis=1)


def weighted_sums(
    finals: FinalTallies, toxicity: FloatArray, mtds: TrueMtds, planned: int | None
) -> OperatingCharacteristics:
    """The sums over all final tallies under each scenario, in blocks, so that memory stays bounded."""
    doses = toxicity.shape[1]
    pairs = Pairs(int(finals.n.max()))
    places, which = np.unique(np.concatenate([mtds.above, mtds.below]), axis=0, return_inverse=True)
    sums = np.zeros((len(toxicity), 3 * doses + 3 + len(LIMITS) * len(places)))
    tallies = rows_at_a_time(min(len(toxicity), SCENARIOS) * sums.shape[1])
    for first in range(0, len(finals.weight), tallies):
        rows = slice(first, first + tallies)
        features = _features(finals, rows, places, planned)
        for start in range(0, len(toxicity), SCENARIOS):
            block = slice(start, start + SCENARIOS)
            sums[block] += _probabilities(finals, rows, toxicity[block], pairs).T @ features
    return _named(sums, toxicity, mtds, np.reshape(which, (2, -1)))


def _named(sums: FloatArray, toxicity: FloatArray, mtds: TrueMtds, which: IntArray) -> OperatingCharacteristics:
    """The columns of the sums by name; `which`: the place of doses above and below the MTD, per scenario."""
    doses, each = toxicity.shape[1], np.arange(len(toxicity))
    none, selection = sums[:, 0], sums[:, 1 : doses + 1]
    patients, dlts = sums[:, doses + 1 : 2 * doses + 1], sums[:, 2 * doses + 1 : 3 * doses + 1]
    over, under = 3 * doses + 3 + len(LIMITS) * which
    return OperatingCharacteristics(
        scenarios=toxicity,
        true_mtd=mtds.dose,
        selection=selection,
        no_selection=none,
        patients=patients,
        dlts=dlts,
        total_patients=patients.sum(axis=1),
        total_dlts=dlts.sum(axis=1),
        stop_early=sums[:, 3 * doses + 1],
        stop_for_safety=sums[:, 3 * doses + 2],
        overdose_60=sums[each, over],
        overdose_80=sums[each, over + 1],
        underdose_60=sums[each, under],
        underdose_80=sums[each, under + 1],
        correct_selection=correct(selection, none, mtds),
    )
