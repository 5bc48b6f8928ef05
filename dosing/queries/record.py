"""What a signature on a decision is bound to: exactly what was shown."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from accounts.models import Signature
from accounts.queries import signatures_on
from dosing.models import Decision, Recommendation

RECORD_KIND = "dosing.decision"


def decision_record(decision: Decision) -> dict[str, Any]:
    """The record of a decision: the recommendation with all its inputs, what it showed, and what was chosen."""
    recommendation = decision.recommendation
    return {
        "study": decision.study.key,
        "recommendation": recommendation_record(recommendation),
        "decision": {
            "choice": decision.choice,
            "level": decision.level.ordinal if decision.level else None,
            "dose": decision.level.label if decision.level else None,
            "cohort_size": decision.cohort_size,
            "comment": decision.comment,
            "proposed_at": decision.proposed_at,
            "proposed_by": decision.proposed_by.username,
        },
    }


def decision_records(keys: Collection[str]) -> dict[str, dict[str, Any]]:
    """The records of the decisions with these keys, as they are now; for verifying signatures."""
    related = "study", "level", "proposed_by", "recommendation__level"
    decisions = Decision.objects.select_related(*related).filter(pk__in=[int(k) for k in keys if k.isdecimal()])
    return {str(decision.pk): decision_record(decision) for decision in decisions}


def recommendation_record(recommendation: Recommendation) -> dict[str, Any]:
    return {
        "number": recommendation.number,
        "kind": recommendation.kind,
        "action": recommendation.action,
        "dose": recommendation.level.label if recommendation.level else None,
        "reason": recommendation.reason,
        "inputs": recommendation.inputs,
        "inputs_sha256": recommendation.inputs_sha256,
        "shown": recommendation.shown,
        "engine_version": recommendation.engine_version,
        "issued_at": recommendation.issued_at,
    }


def signatures_of(decision: Decision) -> list[Signature]:
    """The signatures given on a decision, oldest first."""
    return list(signatures_on(RECORD_KIND, str(decision.pk)))


def roles_waiting(decision: Decision, given: list[Signature]) -> list[str]:
    """The roles that the protocol names and that have not signed yet."""
    signed = {s.role for s in given}
    return [role for role in decision.roles_required if role not in signed]
