"""Reads about people and signatures."""

from typing import Any

from django.db.models import QuerySet

from accounts.canonical import sha256_of
from accounts.models import Signature


def signatures_on(record_kind: str, record_key: str) -> QuerySet[Signature]:
    """The signatures on a record, oldest first, with their signers."""
    return Signature.objects.filter(record_kind=record_kind, record_key=record_key).select_related("signer")


def signature_covers(signature: Signature, record: dict[str, Any]) -> bool:
    """Whether the signature still covers the record as it is now."""
    return signature.record_sha256 == sha256_of(record)
