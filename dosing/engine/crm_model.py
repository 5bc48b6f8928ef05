"""The one-parameter models of the CRM and their posterior, for many tallies at a time, by quadrature.

Empiric: p_j(b) = s_j ** exp(b). Logistic: logit p_j(b) = a + exp(b) x_j, where x_j = logit(s_j) - a. The skeleton s
holds the prior guesses, p_j(0) = s_j, and b has a normal prior with mean 0 (O'Quigley & Shen 1996; R package dfcrm).
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from itertools import pairwise

import numpy as np

from dosing.engine.blocks import rows_at_a_time
from dosing.engine.posterior import FloatArray, IntArray
from dosing.engine.validation import real_number, refuse, whole_number

REACH = 10.0  # the posterior is integrated over this many prior standard deviations on each side
PANEL, NODES = 0.75, 16  # longest panel, and Gauss-Legendre nodes on each


class CrmModel(StrEnum):
    """The dose-toxicity model."""

    EMPIRIC = "empiric"
    LOGISTIC = "logistic"


@dataclass(frozen=True)
class Curve:
    """A model with its skeleton, intercept (of the logistic model) and prior standard deviation."""

    model: CrmModel
    skeleton: tuple[float, ...]
    intercept: float
    scale: float

    @property
    def slopes(self) -> FloatArray:
        """log s_j (empiric) or x_j (logistic): what exp(b) multiplies."""
        s = np.asarray(self.skeleton)
        return np.log(s) if self.model is CrmModel.EMPIRIC else _logit(s) - self.intercept

    def log_toxicity(self, b: FloatArray) -> FloatArray:
        """log p_j(b), shape (doses, len(b))."""
        product = self.slopes[:, None] * np.exp(b)
        return product if self.model is CrmModel.EMPIRIC else -np.logaddexp(0.0, -self.intercept - product)

    def log_no_toxicity(self, b: FloatArray) -> FloatArray:
        """log(1 - p_j(b)), shape (doses, len(b))."""
        product = self.slopes[:, None] * np.exp(b)
        if self.model is CrmModel.EMPIRIC:
            return np.asarray(np.log(-np.expm1(product)))
        return -np.logaddexp(0.0, self.intercept + product)

    def toxicity(self, b: FloatArray) -> FloatArray:
        """p_j(b), shape (len(b), doses)."""
        return np.exp(self.log_toxicity(b)).T

    def crossing(self, toxicity: float) -> FloatArray:
        """The b at which each dose has that toxicity; it is more toxic below."""
        aim = np.log(toxicity) if self.model is CrmModel.EMPIRIC else _logit(toxicity) - self.intercept
        with np.errstate(invalid="ignore", divide="ignore"):
            crossing = np.log(aim / self.slopes)
        # Where slope and aim differ in sign no b gives that toxicity: all of b lies on one side of it.
        return np.where(np.isnan(crossing), np.where(self.slopes < aim, -np.inf, np.inf), crossing)


def _logit(p: FloatArray | float) -> FloatArray:
    return np.asarray(np.log(p) - np.log1p(-np.asarray(p)))


@lru_cache(maxsize=64)
def _rule(reach: float, breaks: tuple[float, ...]) -> tuple[FloatArray, FloatArray]:
    """Nodes and weights of composite Gauss-Legendre quadrature on |b| <= reach with panels ending at `breaks`."""
    fixed = sorted({-reach, reach, *(b for b in breaks if -reach < b < reach)})
    nodes, weights = np.polynomial.legendre.leggauss(NODES)
    all_nodes, all_weights = [], []
    for low, high in pairwise(fixed):
        ends = np.linspace(low, high, max(1, int(np.ceil((high - low) / PANEL))) + 1)
        half = np.diff(ends)[:, None] / 2
        all_nodes.append(((ends[:-1] + ends[1:])[:, None] / 2 + half * nodes).ravel())
        all_weights.append((half * weights).ravel())
    return np.concatenate(all_nodes), np.concatenate(all_weights)


@dataclass(frozen=True, eq=False)
class Posterior:
    """mean, variance of b, shape (tallies,); below: Pr(b < break | data), shape (tallies, breaks)."""

    mean: FloatArray
    variance: FloatArray
    below: FloatArray


def posterior(curve: Curve, n: IntArray, y: IntArray, breaks: tuple[float, ...] = ()) -> Posterior:
    """The posterior of b for tallies of shape (tallies, doses)."""
    logs, _, moments = _matrices(curve, breaks)
    rows = rows_at_a_time(logs.shape[1] * max(len(logs), moments.shape[1]))
    parts = [_posterior(curve, n[i : i + rows], y[i : i + rows], breaks) for i in range(0, max(1, len(n)), rows)]
    return Posterior(
        np.concatenate([part.mean for part in parts]),
        np.concatenate([part.variance for part in parts]),
        np.concatenate([part.below for part in parts]),
    )


@lru_cache(maxsize=64)
def _matrices(curve: Curve, breaks: tuple[float, ...]) -> tuple[FloatArray, FloatArray, FloatArray]:
    """At the nodes b: log p and log(1 - p) of each dose; the prior's logarithm; and what is integrated, weighted."""
    b, weights = _rule(REACH * curve.scale, breaks)
    logs = np.concatenate([curve.log_toxicity(b), curve.log_no_toxicity(b)])
    below = b[:, None] < np.asarray(breaks)[None, :]
    moments = np.column_stack([np.ones_like(b), b, b**2, below]) * weights[:, None]
    return logs, -0.5 * (b / curve.scale) ** 2, moments


def _posterior(curve: Curve, n: IntArray, y: IntArray, breaks: tuple[float, ...]) -> Posterior:
    logs, prior, moments = _matrices(curve, breaks)
    density = np.concatenate([y, n - y], axis=1).astype(np.float64) @ logs
    density += prior
    density -= density.max(axis=1, keepdims=True)
    sums = np.exp(density, out=density) @ moments
    sums /= sums[:, :1]
    return Posterior(sums[:, 1], sums[:, 2] - sums[:, 1] ** 2, sums[:, 3:])


def calibrated_skeleton(
    target: float,
    halfwidth: float,
    prior_mtd: int,
    doses: int,
    model: CrmModel | str = CrmModel.EMPIRIC,
    intercept: float = 3.0,
) -> tuple[float, ...]:
    """The skeleton whose indifference intervals are target -/+ halfwidth, with prior_mtd as the prior guess.

    Lee SM, Cheung YK. Model calibration in the continual reassessment method. Clin Trials 2009;6:227-238 (`getprior`
    of the R package dfcrm). Neighbouring doses meet where the lower has toxicity target + halfwidth and the
    higher target - halfwidth.
    """
    kind = crm_model(model)
    aim = real_number("target", target, 0.0, 1.0, open_ends=True)
    half = real_number("halfwidth", halfwidth, 0.0, min(aim, 1 - aim), open_ends=True)
    start, count = whole_number("prior_mtd", prior_mtd, 1, doses), whole_number("doses", doses, 1)

    def scaled(p: float) -> float:
        return float(np.log(p)) if kind is CrmModel.EMPIRIC else float(_logit(p)) - intercept

    ratio = scaled(aim - half) / scaled(aim + half)
    steps = np.arange(1, count + 1) - start
    slopes = scaled(aim) * ratio ** (-steps.astype(np.float64))
    if kind is CrmModel.EMPIRIC:
        return tuple(np.exp(slopes).tolist())
    return tuple((1.0 / (1.0 + np.exp(-intercept - slopes))).tolist())


def crm_model(value: object) -> CrmModel:
    """The model of that name."""
    try:
        return CrmModel(str(value))
    except ValueError:
        raise refuse("model", value, "one of " + ", ".join(CrmModel)) from None
