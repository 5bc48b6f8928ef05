"""Who is in the demonstration. All of them are invented, and so are the patients."""

import datetime as dt
import json
from dataclasses import dataclass

from django.conf import settings

from accounts.models import User
from accounts.operations import create_person
from trials.models import Role, Study
from trials.operations import grant_role

PASSWORD = "one rung at a time"  # noqa: S105 -- shown on the sign-in page of the demonstration


@dataclass(frozen=True)
class Person:
    """Somebody invented: a role at one site, or (site empty) in the whole study."""

    username: str
    name: str
    role: Role
    site: str = ""

    @property
    def place(self) -> str:
        return f"{self.role.label}, site {self.site}" if self.site else self.role.label


PEOPLE = (
    Person("rivera", "Dr Ana Rivera", Role.PRINCIPAL_INVESTIGATOR),
    Person("okafor", "Dr Laila Okafor", Role.MEDICAL_MONITOR),
    Person("whitfield", "Sam Whitfield", Role.STATISTICIAN),
    Person("castellano", "Mia Castellano", Role.COORDINATOR, "A"),
    Person("lindqvist", "Maja Lindqvist", Role.COORDINATOR, "B"),
    Person("baptiste", "Dr Tom Baptiste", Role.INVESTIGATOR, "A"),
    Person("holm", "Dr Ingrid Holm", Role.INVESTIGATOR, "B"),
    Person("petrov", "Dana Petrov", Role.DATA_MANAGER),
    Person("haddad", "Noor Haddad", Role.MONITOR),
)

ADMINISTRATOR = ("adair", "Robin Adair")  # looks after accounts, and has no role in a study


def cast(*, by: User, at: dt.datetime) -> dict[str, User]:
    """The people, made where they are not there yet, by user name."""
    found = {user.username: user for user in User.objects.filter(username__in=[p.username for p in PEOPLE])}
    for person in PEOPLE:
        if person.username not in found:
            found[person.username] = create_person(
                username=person.username,
                full_name=person.name,
                email=f"{person.username}@example.org",
                password=PASSWORD,
                by=by,
                at=at,
            )
    _administrator(by=by, at=at)
    return found


def _administrator(*, by: User, at: dt.datetime) -> None:
    username, name = ADMINISTRATOR
    if not User.objects.filter(username=username).exists():
        create_person(
            username=username, full_name=name, email=f"{username}@example.org", password=PASSWORD,
            is_administrator=True, by=by, at=at,
        )  # fmt: skip


def give_roles(study: Study, people: dict[str, User], *, by: User, at: dt.datetime) -> None:
    sites = {site.code: site for site in study.sites.all()}
    for person in PEOPLE:
        site = sites.get(person.site)
        grant_role(study=study, person=people[person.username], role=person.role, site=site, by=by, at=at)


def as_rows() -> list[dict[str, str]]:
    """Who can sign in, for the sign-in page and the terminal."""
    rows = [(p.username, p.name, p.place) for p in PEOPLE]
    everybody = [*rows, (*ADMINISTRATOR, "Administrator of accounts")]
    return [{"username": u, "name": name, "role": role, "password": PASSWORD} for u, name, role in everybody]


def tell_the_sign_in_page() -> None:
    """Leave the list where the sign-in page of a demonstration looks for it."""
    settings.DEMO_PEOPLE_FILE.parent.mkdir(parents=True, exist_ok=True)
    settings.DEMO_PEOPLE_FILE.write_text(json.dumps(as_rows(), indent=1))
