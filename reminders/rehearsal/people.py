"""The people who do everything in a rehearsal that is played: invented, one for each role that is needed.

They sign with a password that follows from the server's secret and that nobody is told; nobody can sign in as them.
"""

import datetime as dt

from django.conf import settings
from django.utils.crypto import salted_hmac

from accounts.models import User
from accounts.operations import change_password, create_person
from reminders.rehearsal.player import Cast
from trials.models import Role, Study
from trials.operations import grant_role
from trials.protocol import Protocol

SALT = "reminders.rehearsal"


def password_of(person: User) -> str:
    """An earlier secret's where that is the person's; `renew_keys` puts everybody under the present one."""
    earlier = (new_password(person.username, str(secret)) for secret in settings.SECRET_KEY_FALLBACKS)
    return next(filter(person.check_password, earlier), new_password(person.username))


def new_password(username: str, secret: str | None = None) -> str:
    """secret: the server's own where none is given."""
    return salted_hmac(SALT, username, secret=secret, algorithm="sha256").hexdigest()


def renew_passwords(*, by: User, at: dt.datetime) -> int:
    """Put the invented people's passwords under the present secret. How many were not."""
    people = User.objects.filter(username__startswith=User.INVENTED).order_by("pk")
    old = [person for person in people if not person.check_password(new_password(person.username))]
    for person in old:
        change_password(person=person, password=new_password(person.username), by=by, at=at)
    return len(old)


def give_roles(study: Study, *, by: User, at: dt.datetime) -> None:
    """The roles of a rehearsal with one site: everybody who enters, judges and signs."""
    site = study.sites.get()
    for role in (Role.COORDINATOR, Role.INVESTIGATOR):
        grant_role(study=study, person=_person(role, by, at), role=role, site=site, by=by, at=at)
    for role in signing_roles(study.protocol):
        grant_role(study=study, person=_person(role, by, at), role=role, by=by, at=at)


def signing_roles(protocol: Protocol) -> list[Role]:
    return [Role(role) for role in dict.fromkeys((*protocol.signatures.dose_decision, *protocol.signatures.mtd))]


def cast_of(study: Study) -> Cast:
    """The invented people of a rehearsal."""
    site = study.sites.get().code
    held = study.memberships.in_force().filter(user__username__startswith=User.INVENTED).select_related("user")
    by_role = {member.role: member.user for member in held}
    return Cast(
        coordinators={site: by_role[Role.COORDINATOR]},
        investigators={site: by_role[Role.INVESTIGATOR]},
        signers=by_role,
        password_of=password_of,
    )


def _person(role: Role, by: User, at: dt.datetime) -> User:
    username = f"{User.INVENTED}{role.value.replace('_', '-')}"
    found = User.objects.filter(username=username).first()
    if found is not None:
        return found
    return create_person(
        username=username,
        full_name=f"Invented {role.label}",
        email="",
        password=new_password(username),
        by=by,
        at=at,
    )
