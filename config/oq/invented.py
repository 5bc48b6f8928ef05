"""An invented study with invented people, for a step to work on; gone when the step is undone."""

import secrets
from dataclasses import dataclass

from accounts.models import User
from accounts.operations import create_person
from config.environment import BASE_DIR
from trials import clock
from trials.models import Role, Site, Study
from trials.operations import add_site, adopt_protocol, grant_role
from trials.protocol_checks import read_study_file

FILE = BASE_DIR / "trials" / "protocols" / "anti-mag-lenalidomide.yaml"
KEY = "OQ-"
# Only these are tried with a password: making one takes its time on purpose.
SIGN_IN = (Role.PRINCIPAL_INVESTIGATOR, Role.DATA_MANAGER)
NAME = f"{User.INVENTED}oq-"


@dataclass(frozen=True)
class Invented:
    """The study (a rehearsal, not live) with two sites, and one person a role; a coordinator at site A only."""

    study: Study
    site_a: Site
    site_b: Site
    people: dict[Role, User]
    password: str


def invented_study() -> Invented:
    by, at, tag = User.objects.system(), clock.now(), secrets.token_hex(4)
    definition, _protocol = read_study_file(FILE.read_text())
    definition["study"]["key"] = f"{KEY}{tag}".upper()
    study = adopt_protocol(definition=definition, rehearsal_day=at.date(), by=by, at=at).study
    site_a = add_site(study=study, code="A", name="Invented site A", time_zone="Europe/Stockholm", by=by, at=at)
    site_b = add_site(study=study, code="B", name="Invented site B", time_zone="America/New_York", by=by, at=at)
    password = secrets.token_urlsafe(24)
    people: dict[Role, User] = {
        role: invented_person(f"{role.value}-{tag}", password if role in SIGN_IN else None)
        for role in Role
        if role != Role.EDC
    }
    for role, person in people.items():
        site = site_a if role == Role.COORDINATOR else None
        grant_role(study=study, person=person, role=role, site=site, by=by, at=at)
    return Invented(study, site_a, site_b, people, password)


def invented_person(name: str, password: str | None = None, prefix: str = NAME) -> User:
    return create_person(
        username=f"{prefix}{name}", full_name=f"Invented {name.partition('-')[0].replace('_', ' ')}",
        email="", password=password, by=User.objects.system(), at=clock.now(),
    )  # fmt: skip
