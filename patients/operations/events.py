"""Adverse events: recorded, corrected with a reason, resolved."""

import datetime as dt
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from accounts.models import User
from audit.context import operation
from patients import ctcae
from patients.evaluability import named
from patients.models import AdverseEvent, Attribution, Patient
from patients.operations.assessments import assess_dlt, loaded_event, loaded_patient
from patients.operations.safety import stop_at_level_of
from patients.schedule import protocol_on, versions_of
from trials.clock import day_of
from trials.days import day_words
from trials.errors import Refused
from trials.permissions import Permission, require
from trials.queries import lock_study

CORRECTABLE = ("term", "detail", "grade", "onset_on", "resolved_on", "serious")


@dataclass(frozen=True)
class EventFacts:
    """What is recorded about an event. relations: agent code → `Attribution.Relation`."""

    term: str
    grade: int
    onset_on: dt.date
    relations: Mapping[str, str]
    detail: str = ""
    resolved_on: dt.date | None = None
    serious: bool = False

    @classmethod
    def of(cls, event: AdverseEvent) -> "EventFacts":
        relations = {a.agent: a.relation for a in event.attributions.all()}
        return cls(relations=relations, **{name: getattr(event, name) for name in CORRECTABLE})

    @property
    def digest(self) -> str:
        """Some characters that are others as soon as any of the facts is another."""
        facts = [*(str(getattr(self, name)) for name in CORRECTABLE), *sorted(map(str, self.relations.items()))]
        return hashlib.sha256(repr(facts).encode()).hexdigest()[:16]


@operation
def record_adverse_event(
    *,
    patient: Patient,
    term: str,
    grade: int,
    onset_on: dt.date,
    relations: Mapping[str, str],
    by: User,
    at: dt.datetime,
    detail: str = "",
    resolved_on: dt.date | None = None,
    serious: bool = False,
    is_dlt: bool | None = None,
    rationale: str = "",
) -> AdverseEvent:
    """Record an adverse event of a registered patient, and where `is_dlt` is given judge it in the same transaction.

    term, grade: CTCAE v5.0. relations: agent code → `Attribution.Relation`, one for each agent of the protocol.
    Raises Refused: not-registered, term-unknown, detail-needed, grade-not-in-ctcae, date-in-future,
    onset-before-screening, resolved-before-onset, serious-needed, relation-needed, already-recorded, and what
    `assess_dlt` refuses.
    """
    require(by, Permission.RECORD_CLINICAL, patient.study, patient.site)
    study = lock_study(patient.study)
    patient = loaded_patient(patient)
    facts = EventFacts(ctcae.spelled(term), grade, onset_on, dict(relations), detail.strip(), resolved_on, serious)
    _require_possible(patient, facts, day_of(at, patient.site.time_zone))
    if any(EventFacts.of(event) == facts for event in patient.adverse_events.all()):
        raise Refused(
            "already-recorded", f"{facts.term}, grade {grade}, from {day_words(onset_on)} is recorded already."
        )
    event = AdverseEvent.objects.create(study=study, patient=patient, recorded_at=at, recorded_by=by, **_columns(facts))
    Attribution.objects.bulk_create(
        Attribution(event=event, patient=patient, study=study, agent=agent, relation=relation)
        for agent, relation in facts.relations.items()
    )
    if is_dlt is not None:
        assess_dlt(event=event, is_dlt=is_dlt, rationale=rationale, by=by, at=at)
    return event


@operation
def correct_adverse_event(
    *, event: AdverseEvent, changes: Mapping[str, Any], reason: str, by: User, at: dt.datetime, shown: str = ""
) -> AdverseEvent:
    """Correct what is recorded about an event; the audit trail keeps the old values with who, when and why.

    changes: any of term, detail, grade, onset_on, resolved_on, serious, relations (of the agents that change).
    shown: the digest of the facts that were looked at, where the caller wants to be sure that they are still so.
    A judgement stays what it was, about the facts of then; where the corrected facts need a new one, the patient
    waits for it. Raises Refused: reason-needed, changed-since-shown, nothing-changed, and what `record_adverse_event`
    refuses about the facts.
    """
    require(by, Permission.RECORD_CLINICAL, event.study, event.patient.site)
    if not reason.strip():
        raise Refused("reason-needed", "Say why this is corrected.", field="reason")
    lock_study(event.study)
    event = loaded_event(event)
    patient = event.patient
    before, after = EventFacts.of(event), _changed(EventFacts.of(event), changes)
    if shown and shown != before.digest:
        raise Refused(
            "changed-since-shown",
            f"Somebody has corrected this event since the page was opened; it is {named(event)} now. Nothing is "
            "saved: go back, look at it, and correct it again.",
        )
    if before == after:
        raise Refused("nothing-changed", "Nothing is different from what is recorded. Change a value, or go back.")
    _require_possible(patient, after, day_of(at, patient.site.time_zone))
    for name, value in _columns(after).items():
        setattr(event, name, value)
    event.save(update_fields=list(_columns(after)))
    for attribution in event.attributions.all():
        if attribution.relation != after.relations[attribution.agent]:
            attribution.relation = after.relations[attribution.agent]
            attribution.save(update_fields=["relation"])
    stop_at_level_of(patient, by=by, at=at)
    return loaded_event(event)


@operation
def resolve_adverse_event(*, event: AdverseEvent, resolved_on: dt.date, by: User, at: dt.datetime) -> AdverseEvent:
    """Record the day on which an event had resolved.

    Raises Refused: already-resolved, resolved-before-onset, date-in-future.
    """
    require(by, Permission.RECORD_CLINICAL, event.study, event.patient.site)
    lock_study(event.study)
    event = loaded_event(event)
    if event.resolved_on is not None:
        raise Refused(
            "already-resolved",
            f"It is recorded as resolved on {day_words(event.resolved_on)}. To change the day, correct the event.",
            field="resolved_on",
        )
    facts = replace(EventFacts.of(event), resolved_on=resolved_on)
    _require_possible(event.patient, facts, day_of(at, event.patient.site.time_zone))
    event.resolved_on = resolved_on
    event.save(update_fields=["resolved_on"])
    return event


def _columns(facts: EventFacts) -> dict[str, Any]:
    return {name: getattr(facts, name) for name in CORRECTABLE}


def _changed(before: EventFacts, changes: Mapping[str, Any]) -> EventFacts:
    unknown = set(changes) - {*CORRECTABLE, "relations"}
    if unknown:
        raise ValueError(f"changes: {sorted(unknown)} cannot be corrected; allowed: {CORRECTABLE} and relations")
    given = dict(changes)
    if "term" in given:
        given["term"] = ctcae.spelled(given["term"])
    if "detail" in given:
        given["detail"] = given["detail"].strip()
    given["relations"] = {**before.relations, **dict(given.get("relations", {}))}
    return replace(before, **given)


def _require_possible(patient: Patient, facts: EventFacts, today: dt.date) -> None:
    if patient.version is None:
        raise Refused("not-registered", f"{patient.code} is not registered. Register the patient first.")
    _require_in_ctcae(facts)
    _require_dates(patient, facts, today)
    if facts.grade == 5 and not facts.serious:
        raise Refused("serious-needed", "An event of grade 5 is serious: mark it so.", field="serious")
    agents = {agent.code: agent.name for agent in protocol_on(patient, facts.onset_on).agents}
    for code, name in agents.items():
        if facts.relations.get(code) not in Attribution.Relation.values:
            raise Refused("relation-needed", f"Say how the event is related to {name}.", field=f"relation_{code}")
    known = {agent.code for _, version in versions_of(patient) for agent in version.protocol.agents}
    unknown = sorted(set(facts.relations) - known)
    if unknown:
        raise Refused("agent-unknown", f"{unknown[0]} is not an agent of this protocol. Allowed: {', '.join(agents)}.")


def _require_in_ctcae(facts: EventFacts) -> None:
    term = ctcae.find(facts.term)
    if term is None:
        raise Refused(
            "term-unknown",
            f"“{facts.term}” is not a CTCAE v5.0 term. Choose one from the list, or “Other, specify” of its class.",
            field="term",
        )
    if term.needs_detail and not facts.detail:
        raise Refused("detail-needed", "Say what it is: this term asks to specify.", field="detail")
    if facts.grade not in term.possible_grades:
        possible = ", ".join(map(str, term.possible_grades))
        raise Refused(
            "grade-not-in-ctcae",
            f"CTCAE has no grade {facts.grade} for {term.name}. Possible: {possible}.",
            field="grade",
        )


def _require_dates(patient: Patient, facts: EventFacts, today: dt.date) -> None:
    if facts.onset_on > today:
        raise Refused("date-in-future", f"It cannot have begun after today, {day_words(today)}.", field="onset_on")
    if facts.onset_on < patient.screened_on:
        raise Refused(
            "onset-before-screening",
            f"{patient.code} was screened on {day_words(patient.screened_on)}; what began earlier is medical history.",
            field="onset_on",
        )
    if facts.resolved_on is None:
        return
    if facts.resolved_on > today:
        raise Refused(
            "date-in-future", f"It cannot have resolved after today, {day_words(today)}.", field="resolved_on"
        )
    if facts.resolved_on < facts.onset_on:
        raise Refused(
            "resolved-before-onset",
            f"It began on {day_words(facts.onset_on)} and cannot have resolved before.",
            field="resolved_on",
        )
