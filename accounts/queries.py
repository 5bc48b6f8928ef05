"""Reads about people and signatures."""

from typing import Any

from allauth.mfa.models import Authenticator
from django.conf import settings
from django.db.models import QuerySet

from accounts.canonical import sha256_of
from accounts.models import Signature, User


def signatures_on(record_kind: str, record_key: str) -> QuerySet[Signature]:
    """The signatures on a record, oldest first, with their signers."""
    return Signature.objects.filter(record_kind=record_kind, record_key=record_key).select_related("signer")


def signature_covers(signature: Signature, record: dict[str, Any]) -> bool:
    """Whether the signature still covers the record as it is now."""
    return signature.record_sha256 == sha256_of(record)


def asks_for_code(person: User) -> bool:
    """Whether a signature of this person needs a code: they have an authenticator app."""
    return _has(person, Authenticator.Type.TOTP)


def has_second_factor(person: User) -> bool:
    """Whether signing in asks for more than the password: a code, or a passkey."""
    return _has(person, Authenticator.Type.TOTP, Authenticator.Type.WEBAUTHN)


def needs_second_factor_to_sign(person: User) -> bool:
    """Whether this installation takes no signature on a password alone. Invented people have no telephone."""
    return settings.SECOND_FACTOR == "required" and not person.is_invented


def _has(person: User, *types: str) -> bool:
    return bool(Authenticator.objects.filter(user=person, type__in=types).exists())
