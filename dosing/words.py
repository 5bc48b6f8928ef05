"""What a recommendation and a decision say, in words; the kind beside them names their colour."""

from __future__ import annotations

from dosing.models import Decision, Recommendation
from trials.models import DoseLevel, Role

Kind, Action, Choice = Recommendation.Kind, Recommendation.Action, Decision.Choice

COLOURS = {Action.ESCALATE: "up", Action.STAY: "stay", Action.DE_ESCALATE: "down", Action.STOP: "out"}
_MOVES = {Action.ESCALATE: "Escalate to", Action.STAY: "Stay at", Action.DE_ESCALATE: "De-escalate to"}


def answer(kind: str, action: str, label: str | None) -> str:
    """'Stay at 15 mg', 'The MTD is 15 mg', 'Go on at 15 mg'."""
    if kind == Kind.MTD:
        return f"The MTD is {label}" if label else "There is no MTD"
    if label is None:
        return "Stop"
    if kind == Kind.MONITORING and action == Action.STAY:
        return f"Go on at {label}"
    return f"{_MOVES[Action(action)]} {label}"


def answer_of(recommendation: Recommendation) -> str:
    """The answer of a recommendation; reads its `level`."""
    level = recommendation.level
    return answer(recommendation.kind, recommendation.action, level.label if level else None)


def colour(kind: str, action: str, label: str | None) -> str:
    """The colour that repeats the answer: up, stay, down or out; an MTD that was found has the accent."""
    if kind == Kind.MTD:
        return "" if label else "out"
    return COLOURS[Action(action)]


def choice_words(kind: str, choice: str, level: DoseLevel | None) -> str:
    """What was chosen: '15 mg, as recommended', 'hold registration'."""
    named = f"{level.label} as the MTD" if kind == Kind.MTD and level else level.label if level else ""
    if choice == Choice.ACCEPT:
        return f"{named}, as recommended" if named else "as recommended"
    if choice in (Choice.LOWER, Choice.STAY):
        return f"{named}, lower than recommended"
    return str(Choice(choice).label) if kind != Kind.MTD else _MTD_WORDS[Choice(choice)]


_MTD_WORDS = {Choice.HOLD: "hold: the MTD is not settled yet", Choice.STOP: "end the study without an expansion"}


STATEMENT_VERSION = "dose decision 1"  # another one when a word of `statement` changes


def statement(kind: str, choice: str, level: DoseLevel | None) -> str:
    """The sentence above the button, which is stored with the signature."""
    reviewed = "I have reviewed the data shown here and"
    if choice == Choice.HOLD:
        return f"{reviewed} decide to hold registration."
    if choice == Choice.STOP:
        what = "to end the study without an expansion" if kind == Kind.MTD else "to stop the escalation"
        return f"{reviewed} decide {what}." if kind != Kind.MONITORING else f"{reviewed} decide to stop the expansion."
    if kind == Kind.MTD:
        named = (
            f"approve {level.label} as the maximum tolerated dose"
            if level
            else "agree that there is no maximum tolerated dose"
        )
        return f"{reviewed} {named}."
    if level is None:
        return f"{reviewed} agree to stop."
    patients = "the patients to come" if kind == Kind.MONITORING else "the next cohort"
    return f"{reviewed} approve {level.label} for {patients}."


def role_words(role: str) -> str:
    return str(Role(role).label) if role in Role.values else role
