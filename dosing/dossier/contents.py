"""The dossier of a decision: everything about one recommendation and what was decided on it, as plain data.

It is made of stored rows and of the audit trail alone: nothing is computed by the engine of the day, and nothing of
the moment at which it is made is in it. So it can be made again years later, and is the same.
"""

from __future__ import annotations

import datetime as dt
from typing import Any

from accounts.manifestation import role_name, told, verify
from accounts.models import DeclinedSignature, Signature
from audit.models import Entry
from dosing.dossier.checks import checks_of
from dosing.dossier.trail import Names, entries_of, names_at
from dosing.dossier.wording import entry_words
from dosing.models import Decision, Recommendation
from dosing.queries.record import RECORD_KIND, decision_record, roles_waiting
from dosing.words import answer, choice_words
from patients.evaluability import Standing
from trials.models import Study

FORMAT = "Rung decision dossier, format 1"
COUNTS = (Standing.EVALUABLE_DLT, Standing.EVALUABLE_NO_DLT)
Data = dict[str, Any]


def recommendation_for(study: Study, number: int) -> Recommendation | None:
    """With all that a dossier reads; None where the study has none of that number."""
    found = study.recommendations.select_related("study", "level", "cohort__level", "version", "issued_by")
    return found.filter(number=number).first()


def dossier_of(recommendation: Recommendation) -> Data:
    """All of it, JSON-able."""
    decisions, given, declined = _decided(recommendation)
    entries = entries_of(
        recommendation.study_id,
        [
            ("dosing_recommendation", [recommendation.pk]),
            ("dosing_decision", [d.pk for d in decisions]),
            ("accounts_signature", [s.pk for s in given]),
            ("accounts_declinedsignature", [s.pk for s in declined]),
        ],
    )
    newest = entries[-1]
    names = names_at(_people(recommendation, decisions, entries), newest.at)
    issued = next(e for e in entries if e.table_name == "dosing_recommendation")
    return {
        "format": FORMAT,
        "study": _study(recommendation),
        "recommendation": _recommendation(recommendation, names),
        "inputs": recommendation.inputs,
        "design": recommendation.inputs["design"],
        "people": [_person(p, recommendation) for p in recommendation.shown["people"]],
        "checks": checks_of(recommendation, issued.position),
        "shown": {name: value for name, value in recommendation.shown.items() if name != "people"},
        "decisions": _decisions(recommendation, decisions, given, declined, names),
        "audit": {
            "stands_on": {"position": newest.position, "hash": newest.hash},
            "inputs_as_of": {"position": issued.position, "hash": issued.hash},
            "entries": [_entry(entry, names) for entry in entries],
        },
        "commands": commands(recommendation),
    }


def _decided(recommendation: Recommendation) -> tuple[list[Decision], list[Signature], list[DeclinedSignature]]:
    related = "level", "proposed_by", "study", "recommendation__level", "recommendation__study", "opened_cohort__level"
    decisions = list(recommendation.decisions.select_related(*related).order_by("pk"))
    keys = [str(d.pk) for d in decisions]
    given = Signature.objects.filter(record_kind=RECORD_KIND, record_key__in=keys).select_related("signer")
    declined = DeclinedSignature.objects.filter(record_kind=RECORD_KIND, record_key__in=keys).select_related("person")
    return decisions, list(given.order_by("signed_at", "pk")), list(declined.order_by("declined_at", "pk"))


def _people(recommendation: Recommendation, decisions: list[Decision], entries: list[Entry]) -> set[object]:
    acted: set[object] = {entry.actor_id for entry in entries}
    return acted | {recommendation.issued_by_id, *(d.proposed_by_id for d in decisions)}


def _study(recommendation: Recommendation) -> Data:
    version = recommendation.version
    heading = version.definition["study"]
    return {
        "key": recommendation.study.key,
        "title": heading["title"],
        "time_zone": heading["time_zone"],
        "is_rehearsal": recommendation.study.is_rehearsal,
        "protocol_version": version.number,
        "protocol_sha256": version.sha256,
        "protocol_live_at": moment(version.live_at),
    }


def _recommendation(recommendation: Recommendation, names: Names) -> Data:
    level = recommendation.level
    label = level.label if level else None
    return {
        "number": recommendation.number,
        "kind": recommendation.kind,
        "kind_words": Recommendation.Kind(recommendation.kind).label,
        "action": recommendation.action,
        "level": level.ordinal if level else None,
        "dose": label,
        "answer": answer(recommendation.kind, recommendation.action, label),
        "reason": recommendation.reason,
        "cohort": recommendation.cohort.number,
        "cohort_dose": recommendation.cohort.level.label,
        "engine_version": recommendation.engine_version,
        "inputs_sha256": recommendation.inputs_sha256,
        "issued_at": moment(recommendation.issued_at),
        "issued_by": names.person(recommendation.issued_by_id),
    }


def _person(person: Data, recommendation: Recommendation) -> Data:
    standing = Standing(person["standing"])
    return {
        **person,
        "dose": recommendation.inputs["doses"][person["level"] - 1],
        "standing_words": standing.label,
        "counts": standing in COUNTS,
    }


def _decisions(
    recommendation: Recommendation,
    decisions: list[Decision],
    given: list[Signature],
    declined: list[DeclinedSignature],
    names: Names,
) -> list[Data]:
    zone = recommendation.version.definition["study"]["time_zone"]
    records = {str(d.pk): decision_record(d) for d in decisions}
    verdicts = verify(given, {s.pk: records[s.record_key] for s in given})
    found = []
    for decision in decisions:
        mine = [s for s in given if s.record_key == str(decision.pk)]
        found.append(
            {
                **_decision(decision, names),
                "signatures": [told(s, verdicts[s.pk], zone) for s in mine],
                "roles_waiting": roles_waiting(decision, mine) if decision.status == Decision.Status.PROPOSED else [],
                "declined": [_declined(d) for d in declined if d.record_key == str(decision.pk)],
            }
        )
    return found


def _decision(decision: Decision, names: Names) -> Data:
    opened = decision.opened_cohort
    return {
        "id": decision.pk,
        "choice": decision.choice,
        "choice_words": choice_words(decision.recommendation.kind, decision.choice, decision.level),
        "level": decision.level.ordinal if decision.level else None,
        "dose": decision.level.label if decision.level else None,
        "cohort_size": decision.cohort_size,
        "comment": decision.comment,
        "status": decision.status,
        "status_words": Decision.Status(decision.status).label,
        "roles_required": list(decision.roles_required),
        "proposed_at": moment(decision.proposed_at),
        "proposed_by": names.person(decision.proposed_by_id),
        "signed_at": moment(decision.signed_at),
        "withdrawn_at": moment(decision.withdrawn_at),
        "withdrawn_reason": decision.withdrawn_reason,
        "opened_cohort": opened.number if opened else None,
        "opened_cohort_dose": opened.level.label if opened else None,
    }


def _declined(declined: DeclinedSignature) -> Data:
    return {
        "printed_name": declined.printed_name,
        "person": declined.person.username,
        "role": declined.role,
        "role_words": role_name(declined.role),
        "reason": declined.reason,
        "declined_at": moment(declined.declined_at),
        "record_sha256": declined.record_sha256,
    }


def _entry(entry: Entry, names: Names) -> Data:
    return {
        "position": entry.position,
        "at": moment(entry.at),
        "what": entry_words(entry.table_name, entry.operation, entry.new or {}),
        "table": entry.table_name,
        "row": entry.row_id,
        "actor": names.person(entry.actor_id) or entry.actor_name,
        "reason": entry.reason,
        "previous_hash": entry.previous_hash,
        "hash": entry.hash,
    }


def commands(recommendation: Recommendation) -> list[Data]:
    """What anybody with the database can type to see that all this still holds."""
    key, number = recommendation.study.key, recommendation.number
    return [
        {
            "command": f"manage.py replay {key} --number {number}",
            "says": "computes the recommendation again from the inputs printed here, and names any difference",
        },
        {
            "command": f"manage.py verify_signatures --study {key}",
            "says": "compares every signature of the study with the record as it is now and with the audit trail",
        },
        {
            "command": f"manage.py verify_audit --study {key}",
            "says": "recomputes the chain of hashes in which every entry listed here stands",
        },
        {
            "command": f"manage.py dossier {key} {number} --out .",
            "says": "makes this dossier again from the database, with the same bytes",
        },
    ]


def moment(at: dt.datetime | None) -> str | None:
    """ISO 8601 in UTC; None for none."""
    return at.astimezone(dt.UTC).isoformat() if at else None
