"""Saying no to a signature that one was asked for."""

import datetime as dt
from collections.abc import Mapping
from typing import Any

from accounts.canonical import sha256_of
from accounts.errors import CannotSign
from accounts.models import DeclinedSignature, Signature, User
from audit.context import operation


@operation
def decline_signature(
    *,
    study_id: int,
    record_kind: str,
    record_key: str,
    record: Mapping[str, Any],
    role: str,
    reason: str,
    by: User,
    at: dt.datetime,
    record_version: str = "",
) -> DeclinedSignature:
    """Keep that `by` was asked to sign a record in a role and said no, with the reason. It stays on record.

    What follows from it is for the caller to say. Raises CannotSign (code, sentence, field).
    """
    if not by.is_active or not by.is_person:
        raise CannotSign("not-a-person", "Only a person with an open account can be asked for a signature.")
    if not reason.strip():
        raise CannotSign("reason-needed", "Say why you do not sign. Nothing has been declined.", field="reason")
    given = Signature.objects.filter(record_kind=record_kind, record_key=record_key)
    if given.filter(signer=by).exists() or given.filter(role=role).exists():
        raise CannotSign("already-signed", "This has been signed already in your role; it cannot be declined any more.")
    return DeclinedSignature.objects.create(
        study_id=study_id,
        record_kind=record_kind,
        record_key=record_key,
        record_version=record_version,
        record_sha256=sha256_of(record),
        person=by,
        printed_name=by.full_name,
        role=role,
        reason=reason.strip(),
    )
