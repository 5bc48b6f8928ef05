"""The periodic review of who has access to what."""

import datetime as dt

from accounts.errors import CannotSign
from accounts.models import Signature, User
from accounts.operations import sign_record
from audit.context import operation
from trials.errors import Forbidden, Refused
from trials.who_has_access import RECORD_KIND, ROLE, STATEMENT, review_record, seen_digest, who_has_access


@operation
def sign_access_review(
    *, seen_sha256: str, remarks: str, password: str, by: User, at: dt.datetime, code: str = ""
) -> Signature:
    """Sign that an administrator has looked at all access there is, as it was shown. Refused where it has changed.

    seen_sha256: `seen_digest` of the lines that were shown.
    """
    if not by.is_administrator:
        raise Forbidden("Only administrators review who has access.")
    lines = who_has_access()
    if seen_digest(lines) != seen_sha256:
        sentence = "Access has changed since this page was opened. Nothing has been signed: read what it says now."
        raise Refused("access-changed", sentence)
    try:
        return sign_record(
            study_id=0,
            record_kind=RECORD_KIND,
            record_key=at.astimezone(dt.UTC).isoformat(timespec="microseconds"),
            record=review_record(lines, remarks),
            password=password,
            code=code,
            role=ROLE,
            meaning=Signature.Meaning.REVIEW,
            statement=STATEMENT,
            by=by,
            at=at,
        )
    except CannotSign as refused:
        raise Refused(refused.code, refused.sentence, field=refused.field) from refused
