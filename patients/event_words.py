"""An adverse event in words: what is recorded, what was judged, what was corrected."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from accounts.models import User
from audit.models import Entry
from patients import ctcae
from patients.evaluability import Missing, MissingKind, newest_judgement
from patients.models import AdverseEvent
from trials.clock import day_of
from trials.days import day_words
from trials.protocol import Protocol

FIELD_WORDS = {
    "term": "term",
    "detail": "more precisely",
    "grade": "grade",
    "onset_on": "began on",
    "resolved_on": "resolved on",
    "serious": "serious",
    "relation": "relation",
}


@dataclass(frozen=True)
class Change:
    """A correction: 'grade: 2 → 3', by whom, when, why."""

    what: str
    by: str
    at: datetime
    reason: str


def facts_of(event: AdverseEvent, protocol: Protocol) -> list[dict[str, Any]]:
    """The event's facts, one a line."""
    term = ctcae.find(event.term)
    names = {agent.code: agent.name for agent in protocol.agents}
    recorded_on = day_of(event.recorded_at, event.patient.site.time_zone)
    facts: list[dict[str, Any]] = [
        {"label": "Grade", "value": event.grade, "note": term.meaning(event.grade) if term else ""},
        {"label": "Began", "value": day_words(event.onset_on)},
        {"label": "Resolved", "value": day_words(event.resolved_on) if event.resolved_on else "not yet"},
        *(
            {"label": f"Related to {names.get(a.agent, a.agent).lower()}", "value": a.get_relation_display()}
            for a in event.attributions.all()
        ),
        {"label": "Serious", "value": "yes" if event.serious else "no"},
        {"label": "Recorded", "value": f"{event.recorded_by}, {day_words(recorded_on)}"},
    ]
    if event.detail:
        facts.insert(0, {"label": "More precisely", "value": event.detail})
    return facts


def judgement_words(event: AdverseEvent, missing: Missing | None) -> dict[str, str]:
    """The judgement that stands: `words`, and the colour `kind` of its chip."""
    stands = newest_judgement(event)
    if missing is not None:
        return {"words": "to be judged" if missing.kind == MissingKind.JUDGEMENT else "to be confirmed", "kind": "stay"}
    if stands is None:
        return {"words": "no DLT rule applies", "kind": "neutral"}
    return {"words": "DLT", "kind": "out"} if stands.is_dlt else {"words": "not a DLT", "kind": "neutral"}


def said_of(event: AdverseEvent) -> str:
    """What the page says when an event has been recorded."""
    stands = newest_judgement(event)
    words = f"{event.term}, grade {event.grade}, is recorded."
    if stands is None:
        return words
    if stands.is_dlt:
        return f"{words} It counts as a DLT."
    return f"{words} Judged not a DLT." if stands.confirmed else f"{words} An investigator has yet to confirm it."


def changes_of(event: AdverseEvent) -> list[Change]:
    """Every correction of the event and of its relations, the newest first, from the audit trail."""
    relations = {str(a.pk): a.agent for a in event.attributions.all()}
    own = Entry.objects.of_record("patients_adverseevent", event.pk)
    of_relations = Entry.objects.filter(table_name="patients_attribution", row_id__in=relations)
    entries = list((own | of_relations).filter(operation=Entry.Operation.UPDATE).newest_first())
    people = {str(u.pk): u.full_name for u in User.objects.filter(pk__in={e.actor_id for e in entries})}
    return [
        Change(
            what=_change_words(entry, relations.get(entry.row_id, "")),
            by=people.get(entry.actor_id, entry.actor_name),
            at=entry.at,
            reason=entry.reason,
        )
        for entry in entries
    ]


def _change_words(entry: Entry, agent: str) -> str:
    about = f" to {agent}" if entry.table_name == "patients_attribution" else ""
    parts = [
        f"{FIELD_WORDS[name]}{about}: {_value(old)} → {_value(new)}"
        for name, (old, new) in entry.changed_fields.items()
        if name in FIELD_WORDS
    ]
    return "; ".join(parts)


def _value(value: object) -> str:
    if value is None or value == "":
        return "empty"
    return {True: "yes", False: "no"}[value] if isinstance(value, bool) else str(value)
