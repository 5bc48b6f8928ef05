"""Reads about people and signatures."""

import datetime as dt
from dataclasses import dataclass
from typing import Any

from allauth.mfa.models import Authenticator
from django.conf import settings
from django.db.models import Max, QuerySet
from django.db.models.functions import Coalesce, Greatest

from accounts.canonical import sha256_of
from accounts.models import DatabaseClock, Invitation, Lockout, Signature, User


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


def dormant_people(since: dt.datetime) -> QuerySet[User]:
    """People with open accounts who have neither signed in, nor been added or sent a link, after that moment."""
    people = User.objects.people().filter(is_active=True)
    last = Greatest(
        "created_at", Coalesce("last_login", "created_at"), Coalesce(Max("invitations__made_at"), "created_at")
    )
    return people.annotate(last_here=last).filter(last_here__lt=since)


def open_invitation(token_sha256: str, at: dt.datetime, *, for_update: bool = False) -> Invitation | None:
    """The link of this digest, where it can still be used."""
    found = Invitation.objects.select_related("user")
    if for_update:
        found = found.select_for_update(of=("self",))
    return found.filter(
        token_sha256=token_sha256, used_at=None, withdrawn_at=None, expires_at__gt=at, user__is_active=True
    ).first()


@dataclass(frozen=True)
class Listed:
    """A person as the administrators' list shows them."""

    person: User
    has_app: bool
    locked_out: bool
    invited_until: dt.datetime | None

    @property
    def state(self) -> tuple[str, str]:
        """Words, and the kind of chip they stand in."""
        if not self.person.is_active:
            return "closed", "out"
        if self.locked_out:
            return "locked out", "down"
        if not self.person.has_usable_password():
            return ("invited", "pending") if self.invited_until else ("no password", "down")
        return "open", "up"


def people_listed() -> list[Listed]:
    """All people, open accounts first (three queries)."""
    apps = set(Authenticator.objects.filter(type=Authenticator.Type.TOTP).values_list("user_id", flat=True))
    out = set(Lockout.objects.in_force().exclude(user=None).values_list("user_id", flat=True))
    invited = dict(
        Invitation.objects.filter(used_at=None, withdrawn_at=None, expires_at__gt=DatabaseClock()).values_list(
            "user_id", "expires_at"
        )
    )
    return [
        Listed(person=p, has_app=p.pk in apps, locked_out=p.pk in out, invited_until=invited.get(p.pk))
        for p in User.objects.people().order_by("-is_active", "full_name")
    ]
