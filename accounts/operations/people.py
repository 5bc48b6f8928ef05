"""Adding people, their passwords, and closing their accounts."""

import datetime as dt

from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError

from accounts.errors import NotAllowed, WeakPassword
from accounts.models import Invitation, Lockout, User
from accounts.operations.attempts import forget_failures, release, require_administrator
from accounts.operations.sessions import end_all_sessions
from accounts.queries import dormant_people
from audit.context import acting, operation

DORMANT_AFTER = dt.timedelta(days=90)


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
    is_administrator: bool = False,
) -> User:
    """Add a person (or a client system, with is_person=False). Without a password nobody can sign in as them.

    Raises WeakPassword with what is wrong. A user name is never used a second time: the database refuses it.
    """
    person = User(
        username=username, full_name=full_name, email=email, is_person=is_person, is_administrator=is_administrator
    )
    set_password(person, password)
    person.save()
    return person


@operation
def change_password(*, person: User, password: str, by: User, at: dt.datetime) -> None:
    """Set a person's password. Their sessions end, and so does a lock-out. Raises WeakPassword with what is wrong."""
    set_password(person, password)
    person.save(update_fields=["password"])
    release(Lockout.objects.filter(user=person), reason="a new password was set", by=by)
    forget_failures(person)


@operation
def deactivate_person(*, person: User, reason: str, by: User, at: dt.datetime) -> None:
    """Close a person's account: sessions and tokens end at once, and what they did keeps their name."""
    require_administrator(by)
    _refuse_without_reason(reason, "Say why the account is closed.")
    if person.pk == by.pk:
        raise NotAllowed("own-account", "Another administrator has to close yours.")
    if not person.is_active:
        raise NotAllowed("closed-already", f"The account of {person} is closed already.")
    _refuse_last_administrator(person)
    _close(person, reason, at)


@operation
def reopen_person(*, person: User, reason: str, by: User, at: dt.datetime) -> None:
    """Open a closed account again. The person needs a new link: what they had before opens nothing."""
    require_administrator(by)
    _refuse_without_reason(reason, "Say why the account is opened again.")
    if person.is_active or not person.is_person:
        raise NotAllowed("not-closed", "This account is not closed.")
    person.is_active, person.closed_at, person.closed_reason = True, None, ""
    person.set_unusable_password()
    person.save(update_fields=["is_active", "closed_at", "closed_reason", "password"])


@operation
def appoint_administrator(*, person: User, appointed: bool, reason: str, by: User, at: dt.datetime) -> None:
    """Make a person an administrator, or end that. Rung keeps one."""
    require_administrator(by)
    _refuse_without_reason(reason, "Say why.")
    if appointed and not (person.is_person and person.is_active and not person.is_invented):
        raise NotAllowed("not-a-person", "Only a person with an open account can be an administrator.")
    if not appointed:
        _refuse_last_administrator(person)
    person.is_administrator = appointed
    person.save(update_fields=["is_administrator"])
    if not appointed:
        end_all_sessions(person)


@operation
def close_dormant_accounts(*, by: User, at: dt.datetime) -> list[User]:
    """Close the accounts of people who have not been here for 90 days; an administrator is left. Answers whose."""
    closed = []
    for person in dormant_people(at - DORMANT_AFTER):
        try:
            _refuse_last_administrator(person)
        except NotAllowed:
            continue
        with acting(by, "not signed in for 90 days"):
            _close(person, "not signed in for 90 days", at)
        closed.append(person)
    return closed


def _close(person: User, reason: str, at: dt.datetime) -> None:
    person.is_active, person.closed_at, person.closed_reason = False, at, reason
    person.save(update_fields=["is_active", "closed_at", "closed_reason"])
    end_all_sessions(person)
    withdraw_links(person, at)


def withdraw_links(person: User, at: dt.datetime) -> None:
    """Links by which a password can be chosen open nothing any more."""
    for link in Invitation.objects.select_for_update().filter(user=person, used_at=None, withdrawn_at=None):
        link.withdrawn_at = at
        link.save(update_fields=["withdrawn_at"])


def _refuse_without_reason(reason: str, sentence: str) -> None:
    if not reason.strip():
        raise NotAllowed("reason-needed", sentence, field="reason")


def _refuse_last_administrator(person: User) -> None:
    administrators = User.objects.select_for_update().filter(is_administrator=True, is_active=True)
    if person.is_administrator and [one.pk for one in administrators] == [person.pk]:
        raise NotAllowed("last-administrator", "Rung keeps an administrator: appoint somebody else first.")


def set_password(person: User, password: str | None) -> None:
    """Raises WeakPassword with what is wrong. None: nobody can sign in with a password."""
    if password is None:
        person.set_unusable_password()
        return
    try:
        validate_password(password, person)
    except ValidationError as error:
        raise WeakPassword(" ".join(error.messages)) from error
    person.set_password(password)
