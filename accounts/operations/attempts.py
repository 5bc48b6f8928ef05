"""Failures at signing in and signing: kept, counted, and after five of them a name is locked out for a while.

Names that nobody has are counted and locked out in the same way, so that nobody learns from it who has an account.
The times here are the database's own: a rehearsal's day has nothing to do with them.
"""

import datetime as dt

from django.conf import settings
from django.contrib.auth import authenticate
from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils.crypto import salted_hmac

from accounts.access_log import note_access
from accounts.errors import CannotSignIn, NotAllowed
from accounts.mail import tell
from accounts.models import DatabaseClock, FailedAttempt, Lockout, User
from audit.context import afterwards, operation, origin
from audit.models import Access

ALLOWED = 5
ALLOWED_FROM_AN_ADDRESS = 50  # a hospital may be one address
COUNTED_FOR = dt.timedelta(minutes=15)
LOCKED_OUT_FOR = dt.timedelta(minutes=30)

_LOCKED_OUT = (
    "Too many wrong passwords or codes were given. Wait half an hour, or ask an administrator to release the account."
)
What = FailedAttempt.What


def key_of(name: str) -> str:
    """The digest under which failures of a name are kept, whoever it belongs to."""
    return salted_hmac("accounts.attempts", name.strip().casefold(), algorithm="sha256").hexdigest()


def refuse_if_locked_out(name: str) -> None:
    """Raises CannotSignIn where the name, or the address that asks, is locked out."""
    of_address = Q(address=origin.get().client_address) & ~Q(address="")
    if Lockout.objects.in_force().filter(Q(name_key=key_of(name)) | of_address).exists():
        raise CannotSignIn("locked-out", _LOCKED_OUT)


def check_password_at_sign_in(*, username: str, password: str, at: dt.datetime) -> User:
    """Whose name and password these are. Raises CannotSignIn, in the same words where there is no such name."""
    refuse_if_locked_out(username)
    person = authenticate(username=username, password=password)
    if not isinstance(person, User):
        note_failure(username, What.PASSWORD, at)
        raise CannotSignIn("not-right", "Name and password do not belong together. Check both, also capital letters.")
    return person


def check_password_again(*, person: User, password: str, at: dt.datetime) -> None:
    """The password of somebody who is signed in already. Raises CannotSignIn."""
    refuse_if_locked_out(person.username)
    if not person.check_password(password):
        note_failure(person.username, What.AGAIN, at)
        raise CannotSignIn("wrong-password", "The password is not right.", field="password")


def note_failure(name: str, what: FailedAttempt.What, at: dt.datetime) -> None:
    """Keep that something wrong was given, even though what was wanted is refused; lock out where it was too often."""
    afterwards(lambda: keep_failure(name=name, what=what, by=User.objects.system(), at=at))


@operation
def keep_failure(*, name: str, what: FailedAttempt.What, by: User, at: dt.datetime) -> None:
    """Keep a failure. The fifth in a quarter of an hour locks the name out, and the security address is told."""
    address, name_key = origin.get().client_address, key_of(name)
    person = User.objects.filter(username__iexact=name.strip()).first()
    FailedAttempt.objects.create(name_key=name_key, user=person, what=what, address=address)
    note_access(kind=Access.Kind.FAILED, person=person, what=what.label, by=by, at=at)
    if _failures(name_key, person).count() >= ALLOWED and not _is_locked_out(name_key=name_key):
        _lock_out(Lockout(name_key=name_key, user=person), at)
    from_address = FailedAttempt.objects.filter(address=address, at__gt=DatabaseClock() - COUNTED_FOR)
    if address and from_address.count() >= ALLOWED_FROM_AN_ADDRESS and not _is_locked_out(address=address):
        _lock_out(Lockout(address=address), at)


@operation
def note_sign_in(*, person: User, by: User, at: dt.datetime) -> None:
    """Somebody is in, with everything that was asked: earlier failures count no more."""
    note_access(kind=Access.Kind.SIGN_IN, by=person, at=at)
    forget_failures(person)


def forget_failures(person: User) -> None:
    """What was wrong before counts no more. Nothing is written where nothing was wrong."""
    if _failures(key_of(person.username), person).exists():
        User.objects.filter(pk=person.pk).update(failures_forgotten_at=DatabaseClock())
        person.refresh_from_db(fields=["failures_forgotten_at"])


@operation
def release_lockout(*, lockout: Lockout, reason: str, by: User, at: dt.datetime) -> None:
    """An administrator lets a locked-out person, or address, try again at once."""
    require_administrator(by)
    if not reason.strip():
        raise NotAllowed("reason-needed", "Say how you know that it may be released.", field="reason")
    release(Lockout.objects.filter(pk=lockout.pk), reason=reason, by=by)


def release(lockouts: QuerySet[Lockout], *, reason: str, by: User) -> None:
    """End those lock-outs that are in force; the failures that led to them stay on record and count no more."""
    for lockout in lockouts.filter(released_at=None).select_for_update(of=("self",)):
        lockout.released_at, lockout.released_by, lockout.release_reason = _now(), by, reason
        lockout.save(update_fields=["released_at", "released_by", "release_reason"])
        if lockout.user_id is not None:
            User.objects.filter(pk=lockout.user_id).update(failures_forgotten_at=DatabaseClock())


def require_administrator(by: User) -> None:
    """Looking after accounts is for administrators (and for Rung itself)."""
    if not by.is_active or not (by.is_administrator or by.username == User.SYSTEM):
        raise NotAllowed("not-an-administrator", "Only an administrator can do this.")


def _failures(name_key: str, person: User | None) -> QuerySet[FailedAttempt]:
    """Those that still count."""
    found = FailedAttempt.objects.filter(name_key=name_key, at__gt=DatabaseClock() - COUNTED_FOR)
    if person is None or person.failures_forgotten_at is None:
        return found
    return found.filter(at__gt=person.failures_forgotten_at)


def _is_locked_out(**whom: str) -> bool:
    return Lockout.objects.in_force().filter(**whom).exists()


def _lock_out(lockout: Lockout, at: dt.datetime) -> None:
    lockout.until = _now() + LOCKED_OUT_FOR
    lockout.save()
    transaction.on_commit(lambda: tell_of_lockout(lockout_id=lockout.pk, by=User.objects.system(), at=at))


def _now() -> dt.datetime:
    """The database's clock, whatever day a rehearsal has."""
    return User.objects.annotate(now=DatabaseClock()).values_list("now", flat=True)[:1].get()


@operation
def tell_of_lockout(*, lockout_id: int, by: User, at: dt.datetime) -> None:
    """Write to the security address, once. Where the mail server takes nothing, the next sweep tries again."""
    lockout = Lockout.objects.select_for_update().get(pk=lockout_id)
    if lockout.told_at is None and tell(security_addresses(), "Rung: somebody was locked out", _words(lockout)):
        lockout.told_at = _now()
        lockout.save(update_fields=["told_at"])


def security_addresses() -> list[str]:
    """Who is told: the security address, or all administrators where there is none."""
    if settings.SECURITY_EMAIL:
        return [settings.SECURITY_EMAIL]
    found = User.objects.filter(is_administrator=True, is_active=True).exclude(email="")
    return list(found.values_list("email", flat=True))


def _words(lockout: Lockout) -> str:
    if lockout.address:
        whom = f"the address {lockout.address}"
    else:
        whom = f"the account {lockout.user.username}" if lockout.user else "a name that nobody has"
    return (
        f"Too many wrong passwords or codes were given. Nothing is accepted for {whom} until "
        f"{lockout.until:%-d %b %Y, %H:%M} UTC.\n\n"
        f"Ask the person whether it was them. {settings.PUBLIC_URL}/people/lockouts/ lists the failures, and an "
        "administrator can release the lock-out there.\n"
    )
