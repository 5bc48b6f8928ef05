"""How somebody signs."""

import datetime as dt
from typing import Any

from accounts.canonical import canonical_json, sha256_of
from accounts.errors import CannotSign, CannotSignIn
from accounts.keys import KeyIsGone
from accounts.models import FailedAttempt, Signature, UsedCode, User
from accounts.operations.attempts import forget_failures, note_failure, refuse_if_locked_out
from accounts.operations.second_factor import take_code
from accounts.queries import asks_for_code, needs_second_factor_to_sign
from audit.context import operation


def _check_components(person: User, password: str, code: str, at: dt.datetime) -> list[str]:
    """What was checked: the password, and the code where the person has an authenticator app. Failures are counted."""
    try:
        refuse_if_locked_out(person.username)
    except CannotSignIn as locked_out:
        sentence = f"{locked_out.sentence} Nothing has been signed."
        raise CannotSign(locked_out.code, sentence, field="password") from locked_out
    if not person.check_password(password):
        note_failure(person.username, FailedAttempt.What.SIGNATURE, at)
        raise CannotSign("wrong-password", "The password is not right. Nothing has been signed.", field="password")
    checked = ["password", *_check_code(person, code, at)]
    forget_failures(person)
    return checked


def _check_code(person: User, code: str, at: dt.datetime) -> list[str]:
    if not asks_for_code(person):
        if needs_second_factor_to_sign(person):
            sentence = "Set up an authenticator app first: a signature needs its code. Nothing has been signed."
            raise CannotSign("second-factor-needed", sentence, field="password")
        return []
    if not code.strip():
        raise CannotSign("code-needed", "Give the code that your authenticator app shows now.", field="code")
    try:
        kind = take_code(person=person, code=code, use=UsedCode.Use.SIGNATURE, by=person, at=at)
    except KeyIsGone as gone:
        raise CannotSign(gone.code, f"{gone.sentence} Nothing has been signed.", field="code") from gone
    if kind is None:
        note_failure(person.username, FailedAttempt.What.SIGNATURE_CODE, at)
        sentence = "The code is not right, or it was used already. Wait for the next one. Nothing has been signed."
        raise CannotSign("wrong-code", sentence, field="code")
    return [kind]


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
    code: str = "",
    statement: str = "",
    statement_version: str = "",
    record_version: str = "",
) -> Signature:
    """Sign a record as `by`, whose password is asked again. Bound to the canonical JSON of `record`, what was shown.

    code: the one-time code, asked of everybody who has an authenticator app; used once, and not the one of the sign-in.
    statement: the sentence that stood above the button, where it says more than the meaning does; its version is that
    of the text it was made of. The time of the signature, and the audit entry it stands on, are the database's own.
    Raises CannotSign (code, sentence, field).
    """
    if not by.is_active or not by.is_person:
        raise CannotSign("not-a-person", "Only a person with an open account can sign.", field="password")
    checked = _check_components(by, password, code, at)
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
        components_checked=checked,
    )
