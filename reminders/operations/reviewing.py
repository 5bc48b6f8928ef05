"""The audit trail of a study is reviewed, up to an entry, and that is signed."""

import datetime as dt

from accounts.errors import CannotSign
from accounts.models import Signature, User
from accounts.operations import sign_record
from audit.context import operation
from audit.models import Entry
from reminders.reviews import KIND, STATEMENT_VERSION, key_of, last_review, record_of, statement_on
from trials.errors import Refused
from trials.models import Study
from trials.permissions import Permission, require, role_in_force
from trials.queries import lock_study


@operation
def review_trail(
    *, study: Study, position: int, hash: str, role: str, password: str, by: User, at: dt.datetime, code: str = ""
) -> Signature:
    """Sign that the trail of a study was read from where the last review ended to the entry at `position`.

    Bound to both positions and to the hash of the last entry, so that it says which trail was read. Refused where the
    entry is not the one that was shown, was reviewed before, or the role is not held for the whole study.
    """
    study = lock_study(study)
    require(by, Permission.VIEW_HISTORY, study)
    if not role_in_force(by, study, role):
        sentence = "A review is signed in a role that you hold for the whole study."
        raise Refused("role-does-not-sign", sentence, field="role")
    if not Entry.objects.of_study(study.pk).filter(position=position, hash=hash).exists():
        raise Refused("trail-changed", "The trail is not the one that this page showed. Open the review again.")
    before = last_review(study)
    if before is not None and before.position >= position:
        raise Refused("reviewed-already", f"The trail was reviewed up to entry {before.position} already.")
    try:
        return sign_record(
            study_id=study.pk,
            record_kind=KIND,
            record_key=key_of(study, position),
            record=record_of(study, before.position + 1 if before else 1, position, hash),
            password=password,
            code=code,
            role=role,
            meaning=Signature.Meaning.REVIEW,
            statement=statement_on(before.position + 1 if before else 1, position),
            statement_version=STATEMENT_VERSION,
            record_version=f"entry {position}",
            by=by,
            at=at,
        )
    except CannotSign as refused:
        raise Refused(refused.code, refused.sentence, field=refused.field) from refused
