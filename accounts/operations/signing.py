"""How somebody signs."""

import datetime as dt
from typing import Any

from accounts import guesses
from accounts.canonical import canonical_json, sha256_of
from accounts.errors import CannotSign
from accounts.models import Signature, User
from audit.context import operation


def _check_password(person: User, password: str) -> None:
    """Refused where it is wrong; after five wrong ones for a quarter of an hour, whatever is given."""
    if guesses.too_many(person):
        sentence = "Five wrong passwords were given. Wait a quarter of an hour. Nothing has been signed."
        raise CannotSign("too-many-wrong-passwords", sentence, field="password")
    if not person.check_password(password):
        guesses.count_wrong(person)
        raise CannotSign("wrong-password", "The password is not right. Nothing has been signed.", field="password")
    guesses.forget(person)


@operation
def sign_record(
    *,
    study_id: int,
    record_kind: str,
    record_key: str,
    record: dict[str, Any],
    password: str,
    role: str,
    meaning: Signature.Meaning,
    by: User,
    at: dt.datetime,
    statement: str = "",
    statement_version: str = "",
    record_version: str = "",
) -> Signature:
    """Sign a record as `by`, whose password is asked again. Bound to the canonical JSON of `record`, what was shown.

    statement: the sentence that stood above the button, where it says more than the meaning does; its version is that
    of the text it was made of. The time of the signature, and the audit entry it stands on, are the database's own.
    Raises CannotSign (code, sentence, field).
    """
    if not by.is_active or not by.is_person:
        raise CannotSign("not-a-person", "Only a person with an open account can sign.", field="password")
    _check_password(by, password)
    if Signature.objects.filter(record_kind=record_kind, record_key=record_key, role=role).exists():
        raise CannotSign("already-signed", "This role has signed already.")
    if Signature.objects.filter(record_kind=record_kind, record_key=record_key, signer=by).exists():
        raise CannotSign("signed-in-another-role", "You have signed this already; another person has to sign too.")
    return Signature.objects.create(
        study_id=study_id,
        record_kind=record_kind,
        record_key=record_key,
        record_version=record_version,
        record_json=canonical_json(record),
        record_sha256=sha256_of(record),
        signer=by,
        printed_name=by.full_name,
        role=role,
        meaning=meaning,
        statement=statement or meaning.label,
        statement_version=statement_version,
        components_checked=["password"],
    )
