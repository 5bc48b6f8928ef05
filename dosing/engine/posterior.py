"""Posterior probabilities of a dose's toxicity under a beta prior, for whole tables at a time."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.special import betainc, betaincc, betaincinv

IntArray = NDArray[np.int64]
FloatArray = NDArray[np.float64]
BoolArray = NDArray[np.bool_]

NEVER = np.iinfo(np.int64).max  # a boundary that no number of DLTs reaches
FEWEST_TO_ELIMINATE = 3  # no dose is closed on fewer patients (Liu & Yuan 2015)


def prob_above(target: float, n: IntArray, y: IntArray, prior: float = 1.0) -> FloatArray:
    """Pr(toxicity > target | y of n) with a Beta(prior, prior) prior; shape of n and y."""
    return np.asarray(betaincc(prior + y, prior + n - y, target), dtype=np.float64)


def quantile(level: float, n: IntArray, y: IntArray, prior: float) -> FloatArray:
    """The `level` quantile of the posterior of the toxicity with a Beta(prior, prior) prior."""
    return np.asarray(betaincinv(prior + y, prior + n - y, level), dtype=np.float64)


def interval_mass(low: float, high: float, n: IntArray, y: IntArray) -> FloatArray:
    """Pr(low < toxicity < high | y of n) with a uniform prior; shape of n and y."""
    a, b = 1.0 + y, 1.0 + n - y
    return np.asarray(betainc(a, b, high) - betainc(a, b, low), dtype=np.float64)


def fewest_dlts_above(target: float, cutoff: float, max_n: int, *, from_n: int = FEWEST_TO_ELIMINATE) -> IntArray:
    """Entry n = 0..max_n: the fewest DLTs y >= 1 with Pr(toxicity > target | y of n) > cutoff.

    The prior is uniform. NEVER where even n DLTs are not enough, and below `from_n` patients.
    """
    n = np.arange(max_n + 1)[:, None]
    y = np.arange(1, max_n + 1)[None, :]
    reached = np.zeros((max_n + 1, max_n), dtype=bool)
    possible = (y <= n) & (n >= from_n)
    rows, columns = np.nonzero(possible)
    reached[possible] = prob_above(target, rows, columns + 1) > cutoff
    return np.where(reached.any(axis=1), reached.argmax(axis=1) + 1, NEVER).astype(np.int64)


def prob_above_one(target: float, n: int, y: int) -> float:
    """`prob_above` for one dose with a uniform prior."""
    return float(betaincc(1 + y, 1 + n - y, target))
