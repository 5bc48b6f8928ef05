"""What the engine answers: the next dose and why, in one sentence."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Action(StrEnum):
    """What to do with the next cohort, compared with the current dose."""

    ESCALATE = "escalate"
    STAY = "stay"
    DE_ESCALATE = "de_escalate"
    STOP = "stop"
    SUSPEND = "suspend"  # wait for pending patients; only designs for late toxicities say so


class StopReason(StrEnum):
    """Why treating further patients stops.

    After MAX_PATIENTS, EARLY_STOP_N, COMPLETE the MTD is selected from the final tally; after
    LOWEST_ELIMINATED, EXTRA_SAFE, LOWEST_TOO_TOXIC no dose is safe and `select_mtd` answers that there is none.
    """

    MAX_PATIENTS = "max_patients"
    LOWEST_ELIMINATED = "lowest_eliminated"
    EXTRA_SAFE = "extra_safe"
    EARLY_STOP_N = "early_stop_n"
    LOWEST_TOO_TOXIC = "lowest_too_toxic"
    COMPLETE = "complete"

    @property
    def no_dose_is_safe(self) -> bool:
        """True when the trial stops because even the lowest dose is too toxic."""
        return self in (StopReason.LOWEST_ELIMINATED, StopReason.EXTRA_SAFE, StopReason.LOWEST_TOO_TOXIC)


@dataclass(frozen=True)
class Advice:
    """The advice for the next cohort.

    action: compared with the current dose; next_dose: numbered from 1, None exactly when action is STOP or SUSPEND;
    eliminated: doses closed for good, lowest first (a dose is closed with all above it);
    reason: one sentence; stop_reason: set exactly when action is STOP;
    next_cohort_size: how many patients the design would treat next, never more than max_patients leaves
    (0 when stopping). A protocol may choose another size.
    """

    action: Action
    next_dose: int | None
    eliminated: tuple[int, ...]
    reason: str
    stop_reason: StopReason | None = None
    next_cohort_size: int = 0

    def __post_init__(self) -> None:
        treats_on = self.action not in (Action.STOP, Action.SUSPEND)
        stops = self.action is Action.STOP
        if treats_on != (self.next_dose is not None) or stops != (self.stop_reason is not None):
            raise ValueError(f"inconsistent advice: {self.action}, dose {self.next_dose}, {self.stop_reason}")


def action_between(current_dose: int, next_dose: int) -> Action:
    """ESCALATE, STAY or DE_ESCALATE, by comparing the doses."""
    if next_dose == current_dose:
        return Action.STAY
    return Action.ESCALATE if next_dose > current_dose else Action.DE_ESCALATE
