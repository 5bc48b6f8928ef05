"""Selecting the MTD by isotonic regression, as interval designs do at the end of a trial."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from dosing.engine.posterior import BoolArray, FloatArray, IntArray, prob_above, quantile
from dosing.engine.tally import DoseTally

# Added once more per dose: of equal estimates the higher dose is preferred below the target, the lower above it.
TIE_STEP = 1e-10


@dataclass(frozen=True)
class MtdSelection:
    """The selected MTD and what is known about each dose.

    dose: numbered from 1, None when no dose can be selected; estimates: isotonic estimate of each dose's
    toxicity; intervals: 95 % credible interval (lower, upper); prob_above_target: posterior probability that
    the toxicity is above the target. The last three have an entry per dose, None where nobody was treated.
    eliminated: closed doses; reason: one sentence.
    """

    dose: int | None
    estimates: tuple[float | None, ...]
    intervals: tuple[tuple[float, float] | None, ...]
    prob_above_target: tuple[float | None, ...]
    eliminated: tuple[int, ...]
    reason: str


def pava(values: Sequence[float], weights: Sequence[float]) -> list[float]:
    """Weighted isotonic (never falling) regression by pooling adjacent violators (Barlow et al. 1972)."""
    blocks: list[tuple[float, float, int]] = []  # mean, weight, length
    for value, weight in zip(values, weights, strict=True):
        mean, total, length = value, weight, 1
        while blocks and blocks[-1][0] > mean:
            before, before_weight, before_length = blocks.pop()
            mean = (before * before_weight + mean * total) / (before_weight + total)
            total, length = total + before_weight, length + before_length
        blocks.append((mean, total, length))
    return [mean for mean, _, length in blocks for _ in range(length)]


def posterior_mean(n: FloatArray, y: FloatArray, prior: float) -> tuple[FloatArray, FloatArray]:
    """Mean and inverse variance of Beta(prior + y, prior + n - y)."""
    a, b, total = y + prior, n - y + prior, n + 2 * prior
    return a / total, total**2 * (total + 1.0) / (a * b)


def select(n: Sequence[int], y: Sequence[int], target: float, prior: float, highest: float | None = None) -> int | None:
    """Index of the selected dose among treated, admissible doses given lowest first; None if there is none.

    The estimates are isotonic means weighted by inverse variance; the one nearest to the target is taken.
    `highest`: doses with an estimate above it cannot be selected.
    """
    mean, weight = posterior_mean(np.asarray(n, dtype=np.float64), np.asarray(y, dtype=np.float64), prior)
    fitted = [p + (k + 1) * TIE_STEP for k, p in enumerate(pava(mean.tolist(), weight.tolist()))]
    allowed = [k for k, p in enumerate(fitted) if highest is None or p <= highest]
    return min(allowed, key=lambda k: abs(fitted[k] - target), default=None)


def summaries(
    tally: DoseTally, target: float, prior: float, spread_prior: float | None = None
) -> tuple[
    tuple[float | None, ...],
    tuple[tuple[float, float] | None, ...],
    tuple[float | None, ...],
]:
    """Estimates, 95 % intervals and probabilities of being above the target, per dose, over treated doses.

    Each is made isotonic over the doses, with the posterior Beta(prior + y, prior + n - y): means and quantiles
    weighted by the inverse variance, probabilities unweighted, as in the R package BOIN. spread_prior: of the intervals
    and probabilities, where it is not that of the estimates; then an interval without DLTs begins at 0 and one without
    patients free of DLTs ends at 1, so that it holds the estimate.
    """
    spread = prior if spread_prior is None else spread_prior
    tried = [j for j, n in enumerate(tally.treated) if n > 0]
    n = np.asarray([tally.treated[j] for j in tried], dtype=np.int64)
    y = np.asarray([tally.dlts[j] for j in tried], dtype=np.int64)
    mean, weight = posterior_mean(n.astype(np.float64), y.astype(np.float64), prior)
    estimates = pava(mean.tolist(), weight.tolist())
    low, high = quantile(0.025, n, y, spread), quantile(0.975, n, y, spread)
    if spread != prior:
        low, high = np.where(y == 0, 0.0, low), np.where(y == n, 1.0, high)
    lower, upper = pava(low.tolist(), weight.tolist()), pava(high.tolist(), weight.tolist())
    above = pava(prob_above(target, n, y, spread).tolist(), [1.0] * len(tried))
    place = {j: k for k, j in enumerate(tried)}
    doses = range(tally.doses)
    return (
        tuple(estimates[place[j]] if j in place else None for j in doses),
        tuple((lower[place[j]], upper[place[j]]) if j in place else None for j in doses),
        tuple(above[place[j]] if j in place else None for j in doses),
    )


def _isotonic_rows(mean: FloatArray, weight: FloatArray, used: BoolArray) -> FloatArray:
    """Isotonic regression of every row over its used doses (max-min formula, Robertson et al. 1988, 1.4)."""
    doses = mean.shape[1]
    w = np.where(used, weight, 0.0)
    total = np.zeros((mean.shape[0], doses + 1))
    product = np.zeros_like(total)
    np.cumsum(w, axis=1, out=total[:, 1:])
    np.cumsum(w * mean, axis=1, out=product[:, 1:])
    fitted = np.full_like(mean, -np.inf)
    for first in range(doses):
        least = np.full(mean.shape[0], np.inf)
        for last in range(doses - 1, first - 1, -1):
            mass = total[:, last + 1] - total[:, first]
            sums = product[:, last + 1] - product[:, first]
            block = np.divide(sums, mass, out=np.full_like(mass, np.inf), where=used[:, last])
            np.minimum(least, block, out=least)
            np.maximum(fitted[:, last], np.where(used[:, first], least, -np.inf), out=fitted[:, last])
    return fitted


def select_rows(
    n: IntArray, y: IntArray, admissible: IntArray, target: float, prior: float, highest: float | None = None
) -> IntArray:
    """`select` for many tallies at once: the dose numbered from 1, 0 where there is none.

    n, y: shape (tallies, doses); admissible: number of open doses from the lowest, shape (tallies,).
    """
    doses = n.shape[1]
    used = (n > 0) & (np.arange(doses) < admissible[:, None])
    mean, weight = posterior_mean(n.astype(np.float64), y.astype(np.float64), prior)
    fitted = _isotonic_rows(mean, weight, used) + np.cumsum(used, axis=1) * TIE_STEP
    allowed = used if highest is None else used & (fitted <= highest)
    distance = np.where(allowed, np.abs(fitted - target), np.inf)
    best = distance.argmin(axis=1)
    return np.where(allowed.any(axis=1), best + 1, 0).astype(np.int64)
