"""A signer says no to a decision: it is withdrawn, and another one can be proposed."""

import datetime as dt

from accounts.canonical import sha256_of
from accounts.errors import CannotSign
from accounts.models import DeclinedSignature, User
from accounts.operations.declining import decline_signature
from audit.context import operation
from dosing.errors import ChangedSinceShown
from dosing.models import Decision
from dosing.operations.decide import waiting_decision
from dosing.queries.record import RECORD_KIND, decision_record
from dosing.words import role_words
from trials.errors import Forbidden, Refused
from trials.permissions import Permission, require, role_in_force
from trials.queries import lock_study


@operation
def decline_decision(
    *, decision: Decision, role: str, reason: str, shown_sha256: str, by: User, at: dt.datetime
) -> DeclinedSignature:
    """Decline to sign a decision in a role that the protocol asks for. With one of its signers against it, it cannot
    take effect: it is withdrawn in the same transaction. Signatures given on it stay on record.

    shown_sha256: SHA-256 of the decision's record as the person saw it.
    """
    require(by, Permission.SIGN_DECISION, decision.study)
    study = lock_study(decision.study)
    decision = waiting_decision(decision)
    record = decision_record(decision)
    if sha256_of(record) != shown_sha256:
        raise ChangedSinceShown
    if role not in decision.roles_required:
        raise Refused("role-not-asked", f"The protocol does not ask the {role_words(role)} to sign.", field="role")
    if not role_in_force(by, study, role):
        raise Forbidden(f"You are not the {role_words(role)} of {study.key}.")
    try:
        declined = decline_signature(
            study_id=study.pk,
            record_kind=RECORD_KIND,
            record_key=str(decision.pk),
            record=record,
            record_version=f"recommendation {decision.recommendation.number}",
            role=role,
            reason=reason,
            by=by,
            at=at,
        )
    except CannotSign as refused:
        raise Refused(refused.code, refused.sentence, field=refused.field) from refused
    decision.status, decision.withdrawn_at = Decision.Status.WITHDRAWN, at
    decision.withdrawn_reason = f"{by.full_name}, {role_words(role)}, declined to sign: {declined.reason}"
    decision.save(update_fields=["status", "withdrawn_at", "withdrawn_reason"])
    return declined
