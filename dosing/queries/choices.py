"""What signers can choose on a recommendation, and why the rest cannot be chosen (design rule 6)."""

from __future__ import annotations

from dataclasses import dataclass

from dosing.conclusion import design_of, known_tally, tally_of
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
    elif recommendation.kind == Kind.DOSE and _is_full(recommendation, level):
        n, _ = known_tally(recommendation.inputs).at(level.ordinal)
        why, code = f"it has {n} patients, as many as the design treats at a dose", "dose-full"
    return Option(choice, level, label, refused=why, code=code)


def _is_full(recommendation: Recommendation, level: DoseLevel) -> bool:
    inputs = recommendation.inputs
    treated, _ = known_tally(inputs).at(level.ordinal)
    return bool(treated >= design_of(inputs).most_at_a_dose)


def most_in_next_cohort(recommendation: Recommendation, study: Study, level: DoseLevel | None) -> int:
    """The largest next cohort at a dose: the protocol's largest, and never more than the design has room for there.

    At least 1. Those who are pending have their places already.
    """
    if recommendation.kind != Kind.DOSE:
        return expansion_places_left(study)
    inputs, largest = recommendation.inputs, study.protocol.escalation.maximum_cohort_size
    if level is None:
        return largest
    return max(1, min(largest, design_of(inputs).room_at(known_tally(inputs), level.ordinal)))


@dataclass(frozen=True)
class Sizes:
    """How large the next cohort can be: usually, at most at any dose that can be chosen, and why in words."""

    usual: int
    most: int
    words: str


def sizes_of_next_cohort(recommendation: Recommendation, study: Study, offered: list[Option]) -> Sizes | None:
    """None where no size is asked for: an expansion takes the places that are left."""
    if recommendation.kind != Kind.DOSE:
        return None
    doses = [option.level for option in offered if option.level is not None and not option.refused]
    rooms = [most_in_next_cohort(recommendation, study, level) for level in doses]
    most = max(rooms, default=1)
    usual = min(study.protocol.escalation.cohort_size, *rooms[:1], most)
    if design_of(recommendation.inputs).fixed_cohort is not None:
        words = f"1 to {most}: no more than complete three or six at the dose." if most > 1 else "One is missing there."
        return Sizes(usual, most, words)
    words = f"1 to {most}, by the protocol and what is left of its maximum." if most > 1 else "One place is left."
    return Sizes(usual, most, words)


def expansion_places_left(study: Study) -> int:
    """Places of the expansion part that nobody has taken."""
    expansion = study.parts.filter(kind=Part.Kind.EXPANSION).first()
    if expansion is None:
        return 0
    return max(0, expansion.planned_patients - expansion.patients.count())
