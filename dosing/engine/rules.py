"""The rules that decide the next dose, one function each, in the words of their reasons.

Each looks at a Standing and gives Advice, or None where it has nothing to say and the next rule decides.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from dosing.engine import wording
from dosing.engine.advice import Action, Advice, StopReason, action_between
from dosing.engine.boundaries import Limits
from dosing.engine.posterior import prob_above_one
from dosing.engine.tally import DoseTally


class Rules(Protocol):
    """What the rules read of a design."""

    @property
    def target(self) -> float: ...
    @property
    def max_patients(self) -> int: ...
    @property
    def cohort_size(self) -> int: ...
    @property
    def elimination_cutoff(self) -> float: ...
    @property
    def extra_safe_offset(self) -> float: ...
    @property
    def early_stop_n(self) -> int | None: ...
    @property
    def stops_early_only_to_remain(self) -> bool: ...
    def comparison(self, n: int, y: int) -> str: ...


@dataclass(frozen=True)
class Standing:
    """Where a trial stands when advice is asked for: everything checked, doses numbered from 1."""

    design: Rules
    tally: DoseTally
    current_dose: int
    limits: Limits
    labels: tuple[str, ...]

    @property
    def here(self) -> tuple[int, int]:
        """(n, y) at the current dose."""
        return self.tally.at(self.current_dose)

    @property
    def open_doses(self) -> int:
        """Number of doses, from the lowest, that are not eliminated."""
        return open_doses(self.limits, self.tally, extra_safe=False)

    @property
    def eliminated(self) -> tuple[int, ...]:
        """The closed doses."""
        return tuple(range(self.open_doses + 1, self.tally.doses + 1))

    @property
    def remaining(self) -> int:
        """Patients left before the maximum."""
        return max(0, self.design.max_patients - self.tally.total_treated)

    def label(self, dose: int) -> str:
        """The dose's name in a sentence."""
        return self.labels[dose - 1]

    def go(self, next_dose: int, reason: str, size: int | None = None) -> Advice:
        """Advice to treat the next cohort at `next_dose`."""
        wanted = self.design.cohort_size if size is None else size
        return Advice(
            action=action_between(self.current_dose, next_dose),
            next_dose=next_dose,
            eliminated=self.eliminated,
            reason=reason,
            next_cohort_size=min(wanted, self.remaining),
        )

    def stop(self, why: StopReason, reason: str) -> Advice:
        """Advice to stop."""
        return Advice(Action.STOP, None, self.eliminated, reason, why)


def open_doses(limits: Limits, tally: DoseTally, *, extra_safe: bool = True) -> int:
    """Number of doses below the lowest closed one; 0 too where extra_safe stops the trial."""
    for place, (n, y) in enumerate(zip(tally.treated, tally.dlts, strict=True)):
        stopped = extra_safe and place == 0 and y >= limits.stop[n]
        if stopped or y >= limits.eliminate[n]:
            return place
    return tally.doses


def _too_toxic(here: Standing, dose: int, cutoff: float) -> str:
    n, y = here.tally.at(dose)
    target = wording.probability_as_given(here.design.target)
    above = wording.probability(prob_above_one(here.design.target, n, y), cutoff)
    at = "" if dose == here.current_dose else f" at {here.label(dose)}"
    return (
        f"{wording.seen(n, y)}{at}: the probability that the toxicity of {here.label(dose)} is above "
        f"{target} is {above}, more than {cutoff:g}"
    )


def stop_if_lowest_too_toxic(here: Standing) -> Advice | None:
    """Stop where the lowest dose is eliminated, or above the earlier cut-off of extra_safe."""
    n, y = here.tally.at(1)
    cutoff = here.design.elimination_cutoff
    if y >= here.limits.eliminate[n]:
        reason = f"{_too_toxic(here, 1, cutoff)}, so the lowest dose is closed and the trial stops"
        return here.stop(StopReason.LOWEST_ELIMINATED, reason)
    if y >= here.limits.stop[n]:
        earlier = cutoff - here.design.extra_safe_offset
        reason = f"{_too_toxic(here, 1, earlier)}, the cut-off of the extra safety rule, so the trial stops"
        closed = tuple(range(1, here.tally.doses + 1))
        return Advice(Action.STOP, None, closed, reason, StopReason.EXTRA_SAFE)
    return None


def stop_at_maximum(here: Standing) -> Advice | None:
    """Stop at the maximum number of patients; the MTD is selected next."""
    if here.remaining > 0:
        return None
    done, most = wording.patients(here.tally.total_treated), here.design.max_patients
    reason = f"{done} of at most {most} have been evaluated, so escalation ends and the MTD is selected"
    return here.stop(StopReason.MAX_PATIENTS, reason)


def leave_closed_dose(here: Standing) -> Advice | None:
    """From a closed dose go down to the highest open one."""
    if here.current_dose <= here.open_doses:
        return None
    closed, highest = here.open_doses + 1, here.open_doses
    above = " and all above are closed" if closed < here.tally.doses else " is closed"
    reason = (
        f"{_too_toxic(here, closed, here.design.elimination_cutoff)}, so {here.label(closed)}{above}: "
        f"de-escalate to {here.label(highest)}"
    )
    return here.go(highest, reason)


def treat_first_patients(here: Standing, size: int) -> Advice | None:
    """Stay at a dose at which nobody has been evaluated."""
    if here.here[0] > 0:
        return None
    name = here.label(here.current_dose)
    return here.go(here.current_dose, f"Nobody has been evaluated at {name} yet, so treat at {name}", size)


def decide_by_table(here: Standing) -> Advice:
    """Escalate, stay or de-escalate by the table at the current dose."""
    n, y = here.here
    return at_ends(here, step(here.limits, n, y), here.design.comparison(n, y))


def at_ends(here: Standing, step: int, comparison: str) -> Advice:
    """Go up (+1), stay or go down (-1); at the ends of what is open stay; stop at early_stop_n.

    comparison: the clause that says why.
    """
    n, y = here.here
    wish = here.current_dose + step
    next_dose = min(max(wish, 1), here.open_doses)
    name = here.label(next_dose)
    reason = f"{wording.seen(n, y)}: {comparison}"
    if wish < 1:
        reason += f", but {name} is the lowest dose"
    elif wish > here.tally.doses:
        reason += f", but {name} is the highest dose"
    elif wish > next_dose:
        reason += f", but {here.label(wish)} is closed"
    enough = here.design.early_stop_n
    remains = next_dose == here.current_dose or not here.design.stops_early_only_to_remain
    if enough is not None and n >= enough and remains:
        current = here.label(here.current_dose)
        reason += f", and the trial stops because {enough} patients at {current} are enough"
        return here.stop(StopReason.EARLY_STOP_N, reason)
    move = wording.MOVES[action_between(here.current_dose, next_dose)]
    return here.go(next_dose, f"{reason}, so {move} {name}")


def step(limits: Limits, n: int, y: int) -> int:
    """+1, 0 or -1: what the table says for y of n."""
    if y >= limits.de_escalate[n]:
        return -1
    return 1 if y <= limits.escalate[n] else 0


def reason_for_mtd(design: Rules, tally: DoseTally, dose: int | None, open_to: int, labels: tuple[str, ...]) -> str:
    """Why `dose` is the MTD, or why there is none."""
    if dose is not None:
        n, y = tally.at(dose)
        return (
            f"{labels[dose - 1]} is the MTD: of the open doses its estimated toxicity is nearest to the "
            f"target of {wording.probability_as_given(design.target)} ({wording.seen(n, y)})"
        )
    if open_to == 0:
        return f"No MTD: {labels[0]}, the lowest dose, is too toxic"
    if not any(tally.treated[:open_to]):
        return "No MTD: nobody has been evaluated at an open dose"
    return "No MTD: the estimated toxicity of every open dose is too far above the target"
