"""Signing a decision. The last signature that the protocol asks for makes it take effect."""

import datetime as dt

from accounts.canonical import sha256_of
from accounts.errors import CannotSign
from accounts.models import Signature, User
from accounts.operations import sign_record
from audit.context import operation
from dosing.errors import ChangedSinceShown, DataChanged
from dosing.models import Decision, Recommendation
from dosing.operations.decide import propose_decision, refuse_if_changed, waiting_decision, withdraw_decision
from dosing.operations.effects import take_effect
from dosing.operations.recommend import renew_recommendation
from dosing.queries.record import RECORD_KIND, decision_record, roles_waiting, signatures_of
from dosing.queries.tally import tally_now
from dosing.words import STATEMENT_VERSION, role_words, statement
from trials.errors import Forbidden, Refused
from trials.models import DoseLevel, Study
from trials.permissions import Permission, require, role_in_force
from trials.queries import lock_study


def sign_decision(
    *,
    decision: Decision,
    role: str,
    password: str,
    by: User,
    at: dt.datetime,
    code: str = "",
    shown_sha256: str | None = None,
) -> Decision:
    """Sign a decision in a role that the protocol names; with the last of them it takes effect in the same transaction.

    code: the one-time code of the signer's authenticator app, where there is one.
    shown_sha256: SHA-256 of the decision's record as the signer saw it; refused (ChangedSinceShown) where the decision
    has another one. None: the caller has shown nothing.
    Where the data changed since the recommendation, nothing is signed: the refusal (DataChanged) ends its transaction,
    and then, in a second one, the decision is withdrawn and a new recommendation issued where the data allow one.
    """
    try:
        return _sign(
            decision=decision, role=role, password=password, code=code, shown_sha256=shown_sha256, by=by, at=at
        )
    except DataChanged as refused:
        raise _renewed(refused, decision.study, by, at) from refused


def propose_and_sign(
    *,
    recommendation: Recommendation,
    choice: Decision.Choice,
    level: DoseLevel | None,
    cohort_size: int | None,
    comment: str,
    role: str,
    password: str,
    by: User,
    at: dt.datetime,
    code: str = "",
    shown_sha256: str | None = None,
) -> Decision:
    """What the first signer does in one form: both, or neither. Refused like the two by themselves.

    shown_sha256: of the inputs of the recommendation that the signer saw; None: the caller has shown nothing.
    """
    if shown_sha256 is not None and shown_sha256 != recommendation.inputs_sha256:
        require(by, Permission.PROPOSE_DECISION, recommendation.study)
        raise ChangedSinceShown("recommendation")
    try:
        return _propose_and_sign(
            recommendation=recommendation,
            choice=choice,
            level=level,
            cohort_size=cohort_size,
            comment=comment,
            role=role,
            password=password,
            code=code,
            by=by,
            at=at,
        )
    except DataChanged as refused:
        raise _renewed(refused, recommendation.study, by, at) from refused


@operation
def _propose_and_sign(
    *,
    recommendation: Recommendation,
    choice: Decision.Choice,
    level: DoseLevel | None,
    cohort_size: int | None,
    comment: str,
    role: str,
    password: str,
    code: str,
    by: User,
    at: dt.datetime,
) -> Decision:
    decision = propose_decision(
        recommendation=recommendation,
        choice=choice,
        level=level,
        cohort_size=cohort_size,
        comment=comment,
        by=by,
        at=at,
    )
    return _sign(decision=decision, role=role, password=password, code=code, shown_sha256=None, by=by, at=at)


@operation
def withdraw_shown_decision(
    *, decision: Decision, shown_sha256: str, reason: str, by: User, at: dt.datetime
) -> Decision:
    """Withdraw a decision, if it is the one that was shown. What was proposed never changes, so this needs no lock."""
    require(by, Permission.PROPOSE_DECISION, decision.study)
    _refuse_unless_shown(decision, shown_sha256)
    return withdraw_decision(decision=decision, reason=reason, by=by, at=at)


@operation
def _sign(
    *, decision: Decision, role: str, password: str, code: str, shown_sha256: str | None, by: User, at: dt.datetime
) -> Decision:
    require(by, Permission.SIGN_DECISION, decision.study)
    study = lock_study(decision.study)
    decision = waiting_decision(decision)
    if shown_sha256 is not None:
        _refuse_unless_shown(decision, shown_sha256)
    _refuse_role(decision, study, role, by)
    refuse_if_changed(decision.recommendation, tally_now(study, at))
    _sign_record(decision, role, (password, code), by, at)
    if not roles_waiting(decision, signatures_of(decision)):
        decision.opened_cohort = take_effect(decision=decision, by=by, at=at)
        decision.status, decision.signed_at = Decision.Status.SIGNED, at
        decision.save(update_fields=["status", "signed_at", "opened_cohort"])
    return decision


def _refuse_unless_shown(decision: Decision, shown_sha256: str) -> None:
    if sha256_of(decision_record(decision)) != shown_sha256:
        raise ChangedSinceShown


def _refuse_role(decision: Decision, study: Study, role: str, by: User) -> None:
    if role not in decision.roles_required:
        wanted = " and ".join(role_words(r) for r in decision.roles_required)
        raise Refused(
            "role-not-asked", f"The protocol asks the {wanted} to sign, not the {role_words(role)}.", field="role"
        )
    if not role_in_force(by, study, role):
        raise Forbidden(f"You are not the {role_words(role)} of {study.key}.")


def _sign_record(decision: Decision, role: str, secrets: tuple[str, str], by: User, at: dt.datetime) -> Signature:
    password, code = secrets
    try:
        return sign_record(
            study_id=decision.study_id,
            record_kind=RECORD_KIND,
            record_key=str(decision.pk),
            record=decision_record(decision),
            password=password,
            code=code,
            role=role,
            meaning=Signature.Meaning.APPROVAL,
            statement=statement(decision.recommendation.kind, decision.choice, decision.level),
            statement_version=STATEMENT_VERSION,
            record_version=f"recommendation {decision.recommendation.number}",
            by=by,
            at=at,
        )
    except CannotSign as refused:
        raise Refused(refused.code, refused.sentence, field=refused.field) from refused


def _renewed(refused: DataChanged, study: Study, by: User, at: dt.datetime) -> DataChanged:
    """The refusal, saying what stands now instead."""
    issued = renew_recommendation(study=study, by=by, at=at)
    now = (
        f"Recommendation {issued.number} has been issued on the data of now; read it and decide on it."
        if issued
        else "A new recommendation has to wait for data; the page says which."
    )
    return DataChanged(f"{refused.sentence} {now}")
