"""CRM, the continual reassessment method.

O'Quigley J, Pepe M, Fisher L. Continual reassessment method: a practical design for phase 1 clinical trials in
cancer. Biometrics 1990;46:33-48. Numbers compared with the R package dfcrm (Cheung YK. Dose Finding by the Continual
Reassessment Method. Chapman & Hall 2011).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from itertools import pairwise
from typing import ClassVar

import numpy as np

from dosing.engine import wording
from dosing.engine.advice import Action, Advice, StopReason, action_between
from dosing.engine.crm_model import CrmModel, Curve, Posterior, calibrated_skeleton, crm_model, posterior
from dosing.engine.isotonic import MtdSelection
from dosing.engine.moves import Moves
from dosing.engine.posterior import BoolArray, FloatArray, IntArray
from dosing.engine.tally import DoseTally
from dosing.engine.validation import (
    MOST_PATIENTS,
    dose_labels,
    flag,
    probabilities,
    real_number,
    refuse,
    whole_number,
)

NORMAL_975 = 1.959963984540054


@dataclass(frozen=True, kw_only=True)
class CrmDesign:
    """The continual reassessment method with a one-parameter model and a normal prior.

    skeleton: prior guess of each dose's toxicity, rising; `CrmDesign.calibrated` makes one from a half-width.
    model: "empiric" or "logistic" with a fixed intercept. scale: prior standard deviation of the parameter.
    no_skipping: never more than one dose up. stop_cutoff: stop when the posterior probability that the lowest
    dose is more toxic than the target exceeds it; None: never. early_stop_n: stop when the current dose has
    that many patients and is recommended again. mtd_tried_only: the MTD is a dose at which somebody has been
    treated; with False any dose, as in the R package dfcrm. The other parameters are those of the interval designs.
    """

    name: ClassVar[str] = "crm"
    dear: ClassVar[bool] = True  # a state costs an integration, so simulations ask for each different one once

    target: float
    max_patients: int
    skeleton: tuple[float, ...]
    cohort_size: int = 3
    model: CrmModel = CrmModel.EMPIRIC
    intercept: float = 3.0
    scale: float = math.sqrt(1.34)
    no_skipping: bool = True
    stop_cutoff: float | None = 0.95
    early_stop_n: int | None = None
    start_dose: int = 1
    mtd_tried_only: bool = True

    def __post_init__(self) -> None:
        self._store("target", real_number("target", self.target, 0.05, 0.6))
        self._store("max_patients", whole_number("max_patients", self.max_patients, 1, MOST_PATIENTS))
        self._store("cohort_size", whole_number("cohort_size", self.cohort_size, 1))
        self._store("model", crm_model(self.model))
        self._store("intercept", real_number("intercept", self.intercept, -20.0, 20.0))
        self._store("scale", real_number("scale", self.scale, 0.01, 10.0))
        self._store("skeleton", self._checked_skeleton())
        flag("no_skipping", self.no_skipping)
        flag("mtd_tried_only", self.mtd_tried_only)
        if self.stop_cutoff is not None:
            self._store("stop_cutoff", real_number("stop_cutoff", self.stop_cutoff, 0.5, 1.0, open_ends=True))
        if self.early_stop_n is not None:
            self._store("early_stop_n", whole_number("early_stop_n", self.early_stop_n, 1))
        self._store("start_dose", whole_number("start_dose", self.start_dose, 1, len(self.skeleton)))

    def _store(self, name: str, value: object) -> None:
        object.__setattr__(self, name, value)

    def _checked_skeleton(self) -> tuple[float, ...]:
        skeleton = probabilities("skeleton", self.skeleton)
        rising = all(low < high for low, high in pairwise(skeleton))
        if not rising or not 0.0 < skeleton[0] <= skeleton[-1] < 1.0:
            raise refuse("skeleton", self.skeleton, "rising probabilities greater than 0 and less than 1")
        if self.model is CrmModel.LOGISTIC and math.log(skeleton[-1] / (1 - skeleton[-1])) >= self.intercept:
            highest = 1 / (1 + math.exp(-self.intercept))
            raise refuse("skeleton", self.skeleton, f"below {highest:g}, where the intercept puts the curve's end")
        return skeleton

    @classmethod
    def calibrated(
        cls,
        *,
        target: float,
        doses: int,
        halfwidth: float,
        prior_mtd: int,
        max_patients: int,
        model: CrmModel | str = CrmModel.EMPIRIC,
        intercept: float = 3.0,
        cohort_size: int = 3,
        scale: float = math.sqrt(1.34),
    ) -> CrmDesign:
        """A design with the skeleton of Lee and Cheung (2009) for a half-width of indifference."""
        return cls(
            target=target,
            max_patients=max_patients,
            skeleton=calibrated_skeleton(target, halfwidth, prior_mtd, doses, model, intercept),
            model=crm_model(model),
            intercept=intercept,
            cohort_size=cohort_size,
            scale=scale,
        )

    def parameters(self) -> dict[str, object]:
        """All parameters in full, ready for JSON; `design_from_parameters` makes an equal design of them."""
        return asdict(self) | {"skeleton": list(self.skeleton), "model": self.model.value}

    @property
    def curve(self) -> Curve:
        """The model with its skeleton."""
        return Curve(self.model, self.skeleton, self.intercept, self.scale)

    @property
    def planned_patients(self) -> int | None:
        """max_patients."""
        return self.max_patients

    def most_patients(self, doses: int) -> int:
        """max_patients, however many doses."""
        return self.max_patients

    def check_ladder(self, doses: int) -> None:
        """Raises ValueError where the ladder is not as long as the skeleton."""
        if doses != len(self.skeleton):
            raise refuse("skeleton", self.skeleton, f"one probability for each of the {doses} doses")

    def posterior(self, n: IntArray, y: IntArray) -> Posterior:
        """The parameter's posterior for tallies of shape (tallies, doses); `below` is Pr(p_j > target)."""
        return posterior(self.curve, n, y, tuple(self.curve.crossing(self.target).tolist()))

    def _nearest(self, estimates: FloatArray) -> IntArray:
        """The dose whose estimate is nearest to the target, the lower of two; estimates (tallies, doses)."""
        return np.asarray(np.abs(estimates - self.target).argmin(axis=1) + 1, dtype=np.int64)

    def _unsafe(self, fitted: Posterior, n: IntArray) -> BoolArray:
        """Where the lowest dose is too toxic; somebody must have been treated."""
        if self.stop_cutoff is None:
            return np.zeros(len(n), dtype=bool)
        return np.asarray((fitted.below[:, 0] > self.stop_cutoff) & (n.sum(axis=1) > 0))

    def advise(self, tally: DoseTally, current_dose: int, labels: Sequence[str] | None = None) -> Advice:
        """The next dose after `tally`, with the last cohort treated at `current_dose`.

        The toxicity of each dose is estimated at the posterior mean of the parameter; the dose nearest to the
        target is recommended, at most one above the current. labels: names of the doses for the reason. Raises
        ValueError for a dose that is not on the ladder, or a tally that is not as long as the skeleton.
        """
        self.check_ladder(tally.doses)
        current = whole_number("current_dose", current_dose, 1, tally.doses)
        names = dose_labels(labels, tally.doses)
        n, y = np.array([tally.treated]), np.array([tally.dlts])
        fitted = self.posterior(n, y)
        if self._unsafe(fitted, n)[0]:
            cutoff = self.stop_cutoff or 1.0
            chance = wording.probability(float(fitted.below[0, 0]), cutoff)
            target = wording.probability_as_given(self.target)
            reason = (
                f"The probability that the toxicity of {names[0]}, the lowest dose, is above {target} "
                f"is {chance}, more than {cutoff:g}, so the trial stops"
            )
            closed = tuple(range(1, tally.doses + 1))
            return Advice(Action.STOP, None, closed, reason, StopReason.LOWEST_TOO_TOXIC)
        left = self.max_patients - tally.total_treated
        if left <= 0:
            done = wording.patients(tally.total_treated)
            reason = f"{done} of at most {self.max_patients} have been evaluated, so the MTD is selected"
            return Advice(Action.STOP, None, (), reason, StopReason.MAX_PATIENTS)
        if tally.at(current)[0] == 0:
            name = names[current - 1]
            reason = f"Nobody has been evaluated at {name} yet, so treat at {name}"
            return Advice(Action.STAY, current, (), reason, None, min(self.cohort_size, left))
        estimates = self.curve.toxicity(fitted.mean)
        return self._by_model(tally, current, int(self._nearest(estimates)[0]), estimates[0], names)

    def _by_model(
        self, tally: DoseTally, current: int, nearest: int, estimates: FloatArray, names: tuple[str, ...]
    ) -> Advice:
        following = min(nearest, current + 1) if self.no_skipping else nearest
        name, enough = names[following - 1], self.early_stop_n
        reason = (
            f"{names[nearest - 1]} has the estimated toxicity nearest to {wording.probability_as_given(self.target)}, "
            f"{estimates[nearest - 1]:.2f}"
        )
        if following < nearest:
            reason += ", but no dose is skipped"
        if enough is not None and following == current and tally.at(current)[0] >= enough:
            reason += f", and the trial stops because {enough} patients at {name} are enough"
            return Advice(Action.STOP, None, (), reason, StopReason.EARLY_STOP_N)
        action = action_between(current, following)
        size = min(self.cohort_size, self.max_patients - tally.total_treated)
        return Advice(action, following, (), f"{reason}, so {wording.MOVES[action]} {name}", None, size)

    def moves(self, n: IntArray, y: IntArray, current: IntArray) -> Moves:
        """`advise` for many tallies, shape (tallies, doses), at their current doses, shape (tallies,)."""
        fitted = self.posterior(n, y)
        here_n, total = n[np.arange(len(n)), current - 1], n.sum(axis=1)
        following = self._nearest(self.curve.toxicity(fitted.mean))
        if self.no_skipping:
            following = np.minimum(following, current + 1)
        following = np.where(here_n == 0, current, following)
        unsafe = self._unsafe(fitted, n)
        stops = unsafe | (total >= self.max_patients)
        if self.early_stop_n is not None:
            stops |= (here_n >= self.early_stop_n) & (following == current)
        return Moves(
            next_dose=np.where(stops, 0, following),
            size=np.minimum(self.cohort_size, self.max_patients - total),
            early=stops & (total < self.max_patients),
            unsafe=unsafe,
        )

    def select_rows(self, n: IntArray, y: IntArray) -> IntArray:
        """`select_mtd` for many tallies of shape (tallies, doses): the dose, 0 where none is selected."""
        fitted = self.posterior(n, y)
        estimates = self.curve.toxicity(fitted.mean)
        if self.mtd_tried_only:
            estimates = np.where(n > 0, estimates, np.inf)
        return np.where(self._unsafe(fitted, n) | (n.sum(axis=1) == 0), 0, self._nearest(estimates))

    def select_mtd(self, tally: DoseTally, labels: Sequence[str] | None = None) -> MtdSelection:
        """The MTD after `tally`: the (tried) dose whose estimated toxicity is nearest to the target.

        None where the lowest dose is too toxic or nobody has been treated. The intervals are the model's
        toxicities at the parameter's posterior mean -/+ 1.96 standard deviations.
        """
        self.check_ladder(tally.doses)
        names = dose_labels(labels, tally.doses)
        n, y = np.array([tally.treated]), np.array([tally.dlts])
        fitted = self.posterior(n, y)
        spread = NORMAL_975 * np.sqrt(fitted.variance)
        at = self.curve.toxicity(np.concatenate([fitted.mean, fitted.mean + spread, fitted.mean - spread]))
        dose = int(self.select_rows(n, y)[0]) or None
        tried = [count > 0 for count in tally.treated]
        return MtdSelection(
            dose=dose,
            estimates=tuple(float(p) if t else None for p, t in zip(at[0], tried, strict=True)),
            intervals=tuple((float(a), float(b)) if t else None for a, b, t in zip(at[1], at[2], tried, strict=True)),
            prob_above_target=tuple(float(p) if t else None for p, t in zip(fitted.below[0], tried, strict=True)),
            eliminated=tuple(range(1, tally.doses + 1)) if self._unsafe(fitted, n)[0] else (),
            reason=self._reason_for_mtd(tally, dose, at[0], names),
        )

    def _reason_for_mtd(self, tally: DoseTally, dose: int | None, estimates: FloatArray, names: tuple[str, ...]) -> str:
        if dose is not None:
            shown, target = f"{estimates[dose - 1]:.2f}", wording.probability_as_given(self.target)
            return f"{names[dose - 1]} is the MTD: its estimated toxicity, {shown}, is nearest to {target}"
        if tally.total_treated == 0:
            return "No MTD: nobody has been evaluated"
        return f"No MTD: {names[0]}, the lowest dose, is too toxic"
