"""The slow obvious way: every history of single outcomes, by `advise` and `select_mtd` alone."""

from collections import defaultdict
from collections.abc import Sequence
from itertools import product
from typing import Any, Protocol

from dosing.engine import Advice, DoseTally, MtdSelection


class Design(Protocol):
    start_dose: int
    target: float

    def advise(self, tally: DoseTally, current_dose: int) -> Advice: ...
    def select_mtd(self, tally: DoseTally) -> MtdSelection: ...


def histories(design: Design, doses: int) -> list[tuple[DoseTally, int, Advice]]:
    """(final tally, number of histories of single outcomes that lead to it, last advice), unmerged."""
    ended = []
    open_histories = [(DoseTally.empty(doses), design.start_dose)]
    while open_histories:
        tally, current = open_histories.pop()
        advice = design.advise(tally, current)
        if advice.next_dose is None:
            ended.append((tally, 1, advice))
            continue
        for outcome in product((0, 1), repeat=advice.next_cohort_size):
            then = tally.after_cohort(advice.next_dose, len(outcome), sum(outcome))
            open_histories.append((then, advice.next_dose))
    return ended


def above_true_mtd(toxicity: Sequence[float], target: float) -> list[bool]:
    """Which doses are more toxic than the one nearest to the target (all, where the lowest is above 1.4 times it)."""
    if toxicity[0] > 1.4 * target + 1e-9:
        return [True] * len(toxicity)
    nearest = min(abs(p - target) for p in toxicity)
    value = min(p for p in toxicity if abs(p - target) <= nearest + 1e-9)
    return [p > value + 1e-9 for p in toxicity]


def characteristics(design: Design, toxicity: Sequence[float], most: int | None) -> dict[str, Any]:
    """The expectations over all histories."""
    doses = len(toxicity)
    sums: dict[str, Any] = defaultdict(float)
    selection, patients, dlts = [0.0] * (doses + 1), [0.0] * doses, [0.0] * doses
    for tally, ways, advice in histories(design, doses):
        chance = float(ways)
        for p, n, y in zip(toxicity, tally.treated, tally.dlts, strict=True):
            chance *= p**y * (1 - p) ** (n - y)
        selection[design.select_mtd(tally).dose or 0] += chance
        for j in range(doses):
            patients[j] += chance * tally.treated[j]
            dlts[j] += chance * tally.dlts[j]
        reason = advice.stop_reason
        unsafe = reason is not None and reason.no_dose_is_safe
        sums["stop_for_safety"] += chance * unsafe
        sums["stop_early"] += chance * (unsafe if most is None else tally.total_treated < most)
        sums["total"] += chance
        whole = tally.total_treated if most is None else most
        above = sum(n for n, far in zip(tally.treated, above_true_mtd(toxicity, design.target), strict=True) if far)
        sums["overdose_60"] += chance * (above * 10 > 6 * whole)
    return {**sums, "selection": selection[1:], "none": selection[0], "patients": patients, "dlts": dlts}
