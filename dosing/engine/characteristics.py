"""Operating characteristics: what a design does on average under a given true toxicity of each dose."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np

from dosing.engine.posterior import BoolArray, FloatArray, IntArray
from dosing.engine.validation import probabilities, refuse

FAR_TOO_TOXIC = 1.4  # when even the lowest dose exceeds this multiple of the target, no dose is the true MTD
SAME = 1e-9  # toxicities this near to each other are equal


@dataclass(frozen=True, eq=False)
class OperatingCharacteristics:
    """Operating characteristics with a row per scenario; probabilities from 0 to 1.

    scenarios: true toxicity, shape (scenarios, doses). true_mtd: the dose whose toxicity is nearest to the target
    (of two equally near the lower, of equal toxicities the lowest dose stands for all); 0 where even the lowest
    dose is above 1.4 times the target, so that selecting none is right and every dose is above the MTD.
    selection: probability that each dose is selected; no_selection: that none is. patients, dlts: expected
    numbers per dose; total_patients, total_dlts: over all doses. stop_early: the trial ends before its full
    course for any reason; stop_for_safety: because the lowest dose is too toxic. overdose_60 (_80): more than 60 %
    (80 %) of the patients were treated above the true MTD, of the maximum planned where the design has one, as is
    usual; underdose_60, underdose_80: below it. correct_selection: a true MTD is selected, or none where there
    is none.
    """

    scenarios: FloatArray
    true_mtd: IntArray
    selection: FloatArray
    no_selection: FloatArray
    patients: FloatArray
    dlts: FloatArray
    total_patients: FloatArray
    total_dlts: FloatArray
    stop_early: FloatArray
    stop_for_safety: FloatArray
    overdose_60: FloatArray
    overdose_80: FloatArray
    underdose_60: FloatArray
    underdose_80: FloatArray
    correct_selection: FloatArray

    def to_dict(self) -> dict[str, object]:
        """All fields as lists, ready for JSON."""
        named = {field.name: getattr(self, field.name) for field in fields(OperatingCharacteristics)}
        return {name: values.tolist() for name, values in named.items()}


@dataclass(frozen=True, eq=False)
class TrueMtds:
    """Where the true MTD lies: shape (scenarios, doses) each, and the dose (0: none), shape (scenarios,)."""

    is_mtd: BoolArray
    above: BoolArray
    below: BoolArray
    dose: IntArray


def checked_scenarios(scenarios: Sequence[Sequence[float]] | FloatArray) -> FloatArray:
    """Scenarios as an array of shape (scenarios, doses); one scenario may come as a plain sequence."""
    rows = list(scenarios)
    if not rows:
        raise refuse("scenarios", scenarios, "at least one scenario")
    if not hasattr(rows[0], "__iter__"):
        rows = [rows]
    if isinstance(scenarios, np.ndarray) and scenarios.ndim == 2 and scenarios.dtype == np.float64:
        good = np.isfinite(scenarios) & (scenarios >= 0) & (scenarios <= 1)
        if scenarios.shape[1] > 0 and bool(good.all()):
            return scenarios
    checked = [probabilities(f"scenarios[{i}]", row) for i, row in enumerate(rows)]
    for i, row in enumerate(checked):
        if len(row) != len(checked[0]):
            raise refuse(f"scenarios[{i}]", row, f"{len(checked[0])} probabilities, as many as the first")
    return np.asarray(checked, dtype=np.float64)


def true_mtds(toxicity: FloatArray, target: float) -> TrueMtds:
    """The true MTD of each scenario, as `OperatingCharacteristics` defines it."""
    distance = np.abs(toxicity - target)
    nearest = distance <= distance.min(axis=1, keepdims=True) + SAME
    value = np.where(nearest, toxicity, np.inf).min(axis=1, keepdims=True)
    none = toxicity[:, :1] > FAR_TOO_TOXIC * target + SAME
    is_mtd = (np.abs(toxicity - value) <= SAME) & ~none
    above = none | (toxicity > value + SAME)
    below = ~none & (toxicity < value - SAME)
    return TrueMtds(is_mtd, above, below, np.where(none[:, 0], 0, is_mtd.argmax(axis=1) + 1))


def shares(n: IntArray, where: BoolArray, planned: int | None, limit: float) -> BoolArray:
    """Whether more than `limit` of the patients, of `planned` where given, were treated at the doses `where`."""
    whole = n.sum(axis=1) if planned is None else planned
    return np.asarray((n @ where.astype(np.int64)) > limit * whole + SAME)


def correct(selection: FloatArray, no_selection: FloatArray, mtds: TrueMtds) -> FloatArray:
    """Probability that a true MTD is selected, or none where there is none."""
    right = (selection * mtds.is_mtd).sum(axis=1)
    return np.where(mtds.dose == 0, no_selection, right)
