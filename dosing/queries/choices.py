"""What signers can choose on a recommendation, and why the rest cannot be chosen (design rule 6)."""

from __future__ import annotations

from dataclasses import dataclass

from dosing.conclusion import tally_of
from dosing.models import Decision, Recommendation
from dosing.words import answer
from trials.models import DoseLevel, Part, Study

Kind = Recommendation.Kind


CLOSED = "it is closed by the safety stop", "level-closed"


@dataclass(frozen=True)
class Option:
    """One choice. refused: why it cannot be chosen; empty where it can. code: the refusal's."""

    choice: Decision.Choice
    level: DoseLevel | None
    label: str
    detail: str = ""
    refused: str = ""
    code: str = ""

    @property
    def value(self) -> str:
        """How a form names it: 'accept', 'hold', 'lower:1'."""
        return (
            f"{self.choice.value}:{self.level.ordinal}"
            if self.choice == Decision.Choice.LOWER and self.level
            else self.choice.value
        )


def options(recommendation: Recommendation, levels: list[DoseLevel]) -> list[Option]:
    """All choices on a recommendation: as recommended first, then the other doses from the top, then hold and stop."""
    kind, recommended = recommendation.kind, recommendation.level
    named = answer(kind, recommendation.action, recommended.label if recommended else None)
    gone = CLOSED if recommended is not None and recommended.closed_at is not None else ("", "")
    found = [Option(Decision.Choice.ACCEPT, recommended, named, "as recommended", *gone)]
    found += [
        _dose_option(recommendation, level)
        for level in sorted(levels, key=lambda lv: -lv.ordinal)
        if recommended is None or level.ordinal != recommended.ordinal
    ]
    found.append(
        Option(Decision.Choice.HOLD, None, "Hold registration", "nobody is registered until a new decision is signed")
    )
    if kind == Kind.DOSE:
        found.append(Option(Decision.Choice.STOP, None, "Stop the escalation", "the MTD is selected next"))
    elif recommended is not None:
        what = "End without an expansion" if kind == Kind.MTD else "Stop the expansion"
        found.append(Option(Decision.Choice.STOP, None, what))
    return found


def _dose_option(recommendation: Recommendation, level: DoseLevel) -> Option:
    recommended, current = recommendation.level, recommendation.inputs["current_dose"]
    label = f"{level.label} instead"
    stays = recommendation.kind == Kind.DOSE and level.ordinal == current
    choice = Decision.Choice.STAY if stays else Decision.Choice.LOWER
    if stays:
        label = f"Stay at {level.label}"
    why, code = "", ""
    if level.closed_at is not None:
        why, code = CLOSED
    elif recommended is None:
        why, code = "no dose is recommended", "higher-than-recommended"
    elif level.ordinal > recommended.ordinal:
        why, code = "it is above the recommendation", "higher-than-recommended"
    elif recommendation.kind == Kind.MTD and tally_of(recommendation.inputs).at(level.ordinal)[0] == 0:
        why, code = "nobody has been evaluated there", "not-tried"
    return Option(choice, level, label, refused=why, code=code)


def most_in_next_cohort(recommendation: Recommendation, study: Study) -> int:
    """The largest next cohort: the protocol's largest, and never more than the part has places left (at least 1)."""
    protocol = study.protocol
    if recommendation.kind == Kind.DOSE:
        known: int = tally_of(recommendation.inputs).total_treated + sum(recommendation.inputs["pending"])
        return max(1, min(protocol.escalation.maximum_cohort_size, protocol.escalation.maximum_patients - known))
    return expansion_places_left(study)


def expansion_places_left(study: Study) -> int:
    """Places of the expansion part that nobody has taken."""
    expansion = study.parts.filter(kind=Part.Kind.EXPANSION).first()
    if expansion is None:
        return 0
    return max(0, expansion.planned_patients - expansion.patients.count())
