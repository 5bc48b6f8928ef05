"""Adding people, their passwords, and closing their accounts."""

import datetime as dt

from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError

from accounts.errors import WeakPassword
from accounts.models import Lockout, User
from accounts.operations.attempts import forget_failures, release
from accounts.operations.sessions import end_all_sessions
from audit.context import operation


@operation
def create_person(
    *,
    username: str,
    full_name: str,
    email: str,
    by: User,
    at: dt.datetime,
    password: str | None = None,
    is_person: bool = True,
) -> User:
    """Add a person (or a client system, with is_person=False). Without a password nobody can sign in as them.

    Raises WeakPassword with what is wrong. A user name is never used a second time: the database refuses it.
    """
    person = User(username=username, full_name=full_name, email=email, is_person=is_person)
    _set_password(person, password)
    person.save()
    return person


@operation
def change_password(*, person: User, password: str, by: User, at: dt.datetime) -> None:
    """Set a person's password. Their sessions end, and so does a lock-out. Raises WeakPassword with what is wrong."""
    _set_password(person, password)
    person.save(update_fields=["password"])
    release(Lockout.objects.filter(user=person), reason="a new password was set", by=by)
    forget_failures(person)


@operation
def deactivate_person(*, person: User, reason: str, by: User, at: dt.datetime) -> None:
    """Close a person's account: sessions and tokens end at once, and what they did keeps their name."""
    person.is_active, person.closed_at, person.closed_reason = False, at, reason
    person.save(update_fields=["is_active", "closed_at", "closed_reason"])
    end_all_sessions(person)


def _set_password(person: User, password: str | None) -> None:
    if password is None:
        person.set_unusable_password()
        return
    try:
        validate_password(password, person)
    except ValidationError as error:
        raise WeakPassword(" ".join(error.messages)) from error
    person.set_password(password)
