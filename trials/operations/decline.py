"""Somebody who is asked to sign a set-up or an amendment says no."""

import datetime as dt

from accounts.errors import CannotSign
from accounts.models import DeclinedSignature, User
from accounts.operations.declining import decline_signature
from audit.context import operation
from trials.errors import Refused
from trials.models import Study
from trials.permissions import role_in_force
from trials.queries import draft_of, lock_study
from trials.readiness import SETUP, record_key, signature_rules


@operation
def decline_set_up(
    *, study: Study, role: str, seen_sha256: str, reason: str, by: User, at: dt.datetime
) -> DeclinedSignature:
    """Decline to sign the draft as it was shown, with the reason. The draft waits: it is changed, or signed after all.

    A changed draft is another record, for which everybody is asked anew.
    """
    study = lock_study(study)
    version = draft_of(study)
    if version is None:
        raise Refused("already-live", f"{study.key} is live already; there is no draft to sign or to decline.")
    if version.sha256 != seen_sha256:
        sentence = "The draft was changed since this page was opened. Nothing has been declined: read what it says now."
        raise Refused("draft-changed", sentence)
    rules = signature_rules(version)
    if rules is None or role not in rules.set_up or not role_in_force(by, study, role):
        raise Refused("role-does-not-sign", "You do not hold, for the whole study, a role that signs its set-up.")
    try:
        return decline_signature(
            study_id=study.pk,
            record_kind=SETUP,
            record_key=record_key(version),
            record=version.definition,
            record_version=f"version {version.number}",
            role=role,
            reason=reason,
            by=by,
            at=at,
        )
    except CannotSign as refused:
        raise Refused(refused.code, refused.sentence, field=refused.field) from refused
