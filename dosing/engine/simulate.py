"""Simulated trials: the independent check of the exact walk, and the way for designs that depend on time.

Trials are simulated in blocks of a fixed size, each with a random stream of its own (`SeedSequence.spawn`), and
what a block gives back are whole numbers to add up: the result depends on the seed and the number of trials alone,
not on how many workers ran the blocks or in what order.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from typing import Any

import numpy as np

from dosing.engine.characteristics import (
    OperatingCharacteristics,
    TrueMtds,
    checked_scenarios,
    correct,
    shares,
    true_mtds,
)
from dosing.engine.moves import CountDesign, Moves
from dosing.engine.posterior import BoolArray, FloatArray, IntArray
from dosing.engine.timing import TimedDesign, Timing, timed_trials
from dosing.engine.validation import probabilities, refuse, whole_number

BLOCK = 10_000  # trials per random stream; changing it changes the numbers of a seed
LIMITS = (0.6, 0.8)

Seed = int
AnyDesign = CountDesign | TimedDesign


@dataclass(frozen=True, eq=False)
class SimulatedCharacteristics(OperatingCharacteristics):
    """Simulated operating characteristics: the same fields, with what the simulation adds.

    standard_errors: the same fields again, each the standard error of the simulated value (0 for scenarios and
    true_mtd). trials: simulated trials per scenario. duration: mean days from the first patient's entry to the last
    outcome, NaN where no timing was given.
    """

    standard_errors: OperatingCharacteristics
    trials: int
    seed: Seed
    duration: FloatArray

    def to_dict(self) -> dict[str, object]:
        """All fields as lists, ready for JSON."""
        more = {"trials": self.trials, "seed": self.seed, "standard_errors": self.standard_errors.to_dict()}
        timed = [None if np.isnan(days) else float(days) for days in self.duration]
        return super().to_dict() | more | {"duration": timed}


@dataclass(frozen=True)
class SimulationSums:
    """What a block of simulated trials of one scenario adds up to; whole numbers, so that any order gives the same.

    selection: trials that selected none, dose 1, dose 2, ...; patients, dlts: per dose, and their squares;
    totals: patients, their squares, DLTs, their squares; early, unsafe, and over and under: trials beyond 60 % and
    80 %; seconds: durations in whole seconds.
    """

    trials: int
    selection: tuple[int, ...]
    patients: tuple[int, ...]
    patients_squared: tuple[int, ...]
    dlts: tuple[int, ...]
    dlts_squared: tuple[int, ...]
    totals: tuple[int, int, int, int]
    early: int
    unsafe: int
    over: tuple[int, int]
    under: tuple[int, int]
    seconds: int

    def __add__(self, other: SimulationSums) -> SimulationSums:
        sums: dict[str, Any] = {}
        for field in fields(self):
            mine, theirs = getattr(self, field.name), getattr(other, field.name)
            is_tuple = isinstance(mine, tuple)
            sums[field.name] = tuple(a + b for a, b in zip(mine, theirs, strict=True)) if is_tuple else mine + theirs
        return SimulationSums(**sums)

    def to_dict(self) -> dict[str, Any]:
        """Ready for JSON."""
        return asdict(self)

    @classmethod
    def from_dict(cls, stored: dict[str, Any]) -> SimulationSums:
        """The sums that `to_dict` was taken of."""
        values: dict[str, Any] = {k: tuple(v) if isinstance(v, list) else v for k, v in stored.items()}
        return cls(**values)


def simulation_blocks(trials: int) -> list[int]:
    """The sizes of the blocks in which `trials` trials are simulated."""
    count = whole_number("trials", trials, 1)
    sizes = [BLOCK] * (count // BLOCK)
    return sizes + ([count % BLOCK] if count % BLOCK else [])


def simulate_block(
    design: AnyDesign,
    toxicity: Sequence[float],
    *,
    seed: Seed,
    block: int,
    size: int,
    scenario: int = 0,
    timing: Timing | None = None,
    target: float | None = None,
) -> SimulationSums:
    """Simulate block number `block` (from 0), of `size` trials, of scenario number `scenario`.

    The sums of all blocks of `simulation_blocks` are what `simulate_trials` reports, wherever they were run.
    """
    truth = np.asarray(probabilities("toxicity", toxicity))
    design.check_ladder(len(truth))
    stream = np.random.SeedSequence(whole_number("seed", seed, 0), spawn_key=(scenario, block))
    random = np.random.default_rng(stream)
    if timing is None:
        n, y, early, unsafe = _count_trials(_count_based(design), truth, size, random)
        seconds = 0
    else:
        n, y, early, unsafe, days = timed_trials(design, truth, size, timing, random)
        seconds = int(np.rint(days * 86_400).astype(np.int64).sum())
    selected = np.where(unsafe, 0, design.select_rows(n, y))
    aim = design.target if target is None else target
    return _sums(n, y, selected, early, unsafe, true_mtds(truth[None], aim), design.planned_patients, seconds)


def _count_based(design: AnyDesign) -> CountDesign:
    if hasattr(design, "timed_moves"):
        raise refuse("timing", None, f"a Timing, because {type(design).__name__} depends on time")
    return design


def _unique_moves(design: CountDesign, n: IntArray, y: IntArray, current: IntArray) -> Moves:
    """`moves` asked once for each different state, for designs to which a state is dear."""
    states = np.column_stack([n, y, current])
    radix, width = int(states.max()) + 1, states.shape[1]
    if radix**width < 2**63:  # one number per state, which sorts much faster than a row does
        keys = states @ (radix ** np.arange(width, dtype=np.int64))
        _, first, back = np.unique(keys, return_index=True, return_inverse=True)
    else:
        _, first, back = np.unique(states, axis=0, return_index=True, return_inverse=True)
    one, each = design.moves(n[first], y[first], current[first]), back.ravel()
    return Moves(one.next_dose[each], one.size[each], one.early[each], one.unsafe[each])


def _count_trials(
    design: CountDesign, truth: FloatArray, size: int, random: np.random.Generator
) -> tuple[IntArray, IntArray, BoolArray, BoolArray]:
    """(n, y, early, unsafe) of `size` trials of a design that decides from counts, all cohorts at a time."""
    n = np.zeros((size, len(truth)), dtype=np.int64)
    y, current = np.zeros_like(n), np.full(size, design.start_dose)
    early, unsafe = np.zeros(size, dtype=bool), np.zeros(size, dtype=bool)
    running = np.arange(size)
    while len(running):
        ask = _unique_moves if getattr(design, "dear", False) else _plain_moves
        moves = ask(design, n[running], y[running], current[running])
        stops = moves.next_dose == 0
        early[running[stops]], unsafe[running[stops]] = moves.early[stops], moves.unsafe[stops]
        running, dose, cohort = running[~stops], moves.next_dose[~stops], moves.size[~stops]
        n[running, dose - 1] += cohort
        y[running, dose - 1] += random.binomial(cohort, truth[dose - 1])
        current[running] = dose
    return n, y, early, unsafe


def _plain_moves(design: CountDesign, n: IntArray, y: IntArray, current: IntArray) -> Moves:
    return design.moves(n, y, current)


def _ints(values: IntArray | BoolArray) -> tuple[int, ...]:
    return tuple(values.sum(axis=0).tolist())


def _sums(
    n: IntArray,
    y: IntArray,
    selected: IntArray,
    early: BoolArray,
    unsafe: BoolArray,
    mtds: TrueMtds,
    planned: int | None,
    seconds: int,
) -> SimulationSums:
    total, dlts = n.sum(axis=1), y.sum(axis=1)
    beyond = [[int(shares(n, w[0], planned, limit).sum()) for limit in LIMITS] for w in (mtds.above, mtds.below)]
    return SimulationSums(
        trials=len(n),
        selection=tuple(np.bincount(selected, minlength=n.shape[1] + 1).tolist()),
        patients=_ints(n),
        patients_squared=_ints(n**2),
        dlts=_ints(y),
        dlts_squared=_ints(y**2),
        totals=(int(total.sum()), int((total**2).sum()), int(dlts.sum()), int((dlts**2).sum())),
        early=int(early.sum()),
        unsafe=int(unsafe.sum()),
        over=(beyond[0][0], beyond[0][1]),
        under=(beyond[1][0], beyond[1][1]),
        seconds=seconds,
    )


def _column(sums: Sequence[SimulationSums], name: str) -> FloatArray:
    """A sum per trial, a row per scenario."""
    return np.array([getattr(s, name) for s in sums]) / sums[0].trials


def _probabilities(sums: Sequence[SimulationSums], mtds: TrueMtds) -> dict[str, Any]:
    """The fields that are shares of the trials."""
    selection, over, under = (_column(sums, name) for name in ("selection", "over", "under"))
    return {
        "selection": selection[:, 1:],
        "no_selection": selection[:, 0],
        "stop_early": _column(sums, "early"),
        "stop_for_safety": _column(sums, "unsafe"),
        "overdose_60": over[:, 0],
        "overdose_80": over[:, 1],
        "underdose_60": under[:, 0],
        "underdose_80": under[:, 1],
        "correct_selection": correct(selection[:, 1:], selection[:, 0], mtds),
    }


def _means(sums: Sequence[SimulationSums]) -> tuple[dict[str, Any], dict[str, Any]]:
    """The fields that are means over the trials, and the means of their squares."""
    totals = _column(sums, "totals")
    means = {"patients": _column(sums, "patients"), "dlts": _column(sums, "dlts")}
    squares = {"patients": _column(sums, "patients_squared"), "dlts": _column(sums, "dlts_squared")}
    return (
        means | {"total_patients": totals[:, 0], "total_dlts": totals[:, 2]},
        squares | {"total_patients": totals[:, 1], "total_dlts": totals[:, 3]},
    )


def simulated_characteristics(
    sums: Sequence[SimulationSums],
    scenarios: Sequence[Sequence[float]] | FloatArray,
    *,
    seed: Seed,
    target: float,
    timed: bool = False,
) -> SimulatedCharacteristics:
    """The characteristics of the added-up blocks, one SimulationSums per scenario."""
    toxicity = checked_scenarios(scenarios)
    mtds, trials = true_mtds(toxicity, target), sums[0].trials
    shared, (means, squares) = _probabilities(sums, mtds), _means(sums)
    errors: dict[str, Any] = {name: np.sqrt(p * (1 - p) / trials) for name, p in shared.items()}
    for name, mean in means.items():
        errors[name] = np.sqrt(np.maximum(squares[name] - mean**2, 0.0) / trials)
    known: dict[str, Any] = {"scenarios": np.zeros_like(toxicity), "true_mtd": np.zeros_like(mtds.dose)}
    return SimulatedCharacteristics(
        scenarios=toxicity,
        true_mtd=mtds.dose,
        **shared,
        **means,
        standard_errors=OperatingCharacteristics(**errors, **known),
        trials=trials,
        seed=seed,
        duration=_column(sums, "seconds") / 86_400 if timed else np.full(len(sums), np.nan),
    )


def simulate_trials(
    design: AnyDesign,
    scenarios: Sequence[float] | Sequence[Sequence[float]] | FloatArray,
    *,
    trials: int = 10_000,
    seed: Seed = 1,
    timing: Timing | None = None,
    target: float | None = None,
) -> SimulatedCharacteristics:
    """Simulated operating characteristics, a row per scenario (one scenario may come as a plain sequence).

    Each scenario has `trials` trials. timing: accrual and times to toxicity, needed by designs that depend on time;
    with it, designs that decide from counts wait for complete follow-up, and the duration is reported. Raises
    ValueError for bad input.
    """
    toxicity = checked_scenarios(scenarios)  # type: ignore[arg-type]
    sizes = simulation_blocks(trials)
    sums = []
    for scenario, truth in enumerate(toxicity.tolist()):
        blocks = [
            simulate_block(
                design, truth, seed=seed, block=block, size=size, scenario=scenario, timing=timing, target=target
            )
            for block, size in enumerate(sizes)
        ]
        added = blocks[0]
        for block_sums in blocks[1:]:
            added += block_sums
        sums.append(added)
    aim = design.target if target is None else target
    return simulated_characteristics(sums, toxicity, seed=seed, target=aim, timed=timing is not None)
