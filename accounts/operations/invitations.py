"""Links by which a person chooses a password: at the invitation, and when the password is forgotten."""

import datetime as dt
import hashlib
import re
import secrets

from accounts.errors import NotAllowed
from accounts.models import Invitation, Lockout, User
from accounts.operations.attempts import forget_failures, release, require_administrator
from accounts.operations.people import create_person, set_password, withdraw_links
from accounts.operations.sessions import end_all_sessions
from accounts.queries import open_invitation
from audit.context import operation

VALID_FOR = dt.timedelta(days=3)
Purpose = Invitation.Purpose


@operation
def invite_person(
    *, username: str, full_name: str, email: str, by: User, at: dt.datetime, is_administrator: bool = False
) -> tuple[User, str]:
    """Add a person who has no password yet. Answers with the person and the link's token, which is kept nowhere."""
    require_administrator(by)
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]{1,149}", username) or username.startswith(User.INVENTED):
        sentence = "Letters, digits, dots, hyphens and underscores, two or more, beginning with a letter or digit."
        raise NotAllowed("user-name-faulty", sentence, field="username")
    if User.objects.filter(username__iexact=username).exists():
        sentence = f"The user name {username} is somebody's, or was; it is never given to another person."
        raise NotAllowed("user-name-taken", sentence, field="username")
    person = create_person(
        username=username, full_name=full_name, email=email, is_administrator=is_administrator, by=by, at=at
    )
    return person, _new_link(person, Purpose.WELCOME, by, at)


@operation
def send_new_link(*, person: User, by: User, at: dt.datetime) -> str:
    """A new link for somebody who lost the first, or forgot the password. Earlier links open nothing any more."""
    require_administrator(by)
    if not person.is_active or not person.is_person or person.is_invented:
        raise NotAllowed("account-closed", "There is no open account of a person. Open it again first.")
    return _new_link(person, Purpose.NEW_PASSWORD if person.has_usable_password() else Purpose.WELCOME, by, at)


@operation
def accept_invitation(*, token: str, password: str, by: User, at: dt.datetime) -> User:
    """Choose the password by a link, once. Sessions end, and so does a lock-out. Raises WeakPassword, NotAllowed."""
    invitation = open_invitation(digest_of(token), at, for_update=True)
    if invitation is None or invitation.user_id != by.pk:
        raise NotAllowed("link-used-up", "This link has been used, or is too old. Ask an administrator for a new one.")
    person = invitation.user
    set_password(person, password)
    person.save(update_fields=["password"])
    end_all_sessions(person)
    invitation.used_at = at
    invitation.save(update_fields=["used_at"])
    release(Lockout.objects.filter(user=person), reason="a new password was set", by=by)
    forget_failures(person)
    return person


def digest_of(token: str) -> str:
    """Under which a link is kept."""
    return hashlib.sha256(token.encode()).hexdigest()


def _new_link(person: User, purpose: Invitation.Purpose, by: User, at: dt.datetime) -> str:
    withdraw_links(person, at)
    token = secrets.token_urlsafe(32)
    Invitation.objects.create(
        user=person, purpose=purpose, token_sha256=digest_of(token), made_by=by, expires_at=at + VALID_FOR
    )
    return token
