"""The cast: one anti-MAG study that is live, two sites, and people in every role. All invented."""

import copy
import datetime as dt
import functools
import secrets
from pathlib import Path
from typing import Any

import pytest
from oauth2_provider.models import AccessToken, Application
from rest_framework.test import APIClient

from accounts.models import User
from accounts.operations import appoint_administrator, create_person
from dosing.engine import BoinDesign
from trials.models import Cohort, Role, Site, Study
from trials.operations import BoundaryRow, add_site, adopt_protocol, go_live, grant_role, sign_set_up
from trials.protocol_checks import read_study_file

ANTI_MAG = Path(__file__).parent.parent / "trials" / "protocols" / "anti-mag-lenalidomide.yaml"
PASSWORD = "a long enough phrase"
DAY_ONE = dt.date(2026, 1, 5)  # a Monday


def moment(day: dt.date, hour: int = 15) -> dt.datetime:
    """A moment of that day which is the same calendar day at both sites."""
    return dt.datetime.combine(day, dt.time(hour), tzinfo=dt.UTC)


def signed_set_up(study: Study) -> Study:
    """The study with the people that it needs to go live, and its set-up signed by those who must."""
    at, by = moment(DAY_ONE), User.objects.system()
    for role in (Role.PRINCIPAL_INVESTIGATOR, Role.MEDICAL_MONITOR, Role.STATISTICIAN):
        if not study.memberships.filter(role=role, site=None).exists():
            someone = person(f"{role.value}-{study.key.lower()}", f"Dr {role.label.title()}")
            grant_role(study=study, person=someone, role=role, by=by, at=at)
    version = study.versions.get()
    for needed in version.protocol.signatures.set_up:
        signer = study.memberships.in_force().filter(role=needed, site=None)[0].user
        sign_set_up(study=study, role=needed, seen_sha256=version.sha256, password=PASSWORD, by=signer, at=at)
    return study


def person(username: str, full_name: str) -> User:
    return create_person(
        username=username,
        full_name=full_name,
        email=f"{username}@example.org",
        password=PASSWORD,
        by=User.objects.system(),
        at=moment(DAY_ONE),
    )


@functools.cache
def _read(file: Path) -> dict[str, Any]:
    return read_study_file(file.read_text())[0]


def definition_in(file: Path) -> dict[str, Any]:
    """What a study file says. A copy: it may be changed."""
    return copy.deepcopy(_read(file))


@pytest.fixture
def rung(db: None) -> User:
    """Rung itself, the actor of what happens without a person."""
    return User.objects.system()


@pytest.fixture
def at() -> dt.datetime:
    return moment(DAY_ONE)


@pytest.fixture
def draft_study(rung: User, at: dt.datetime) -> Study:
    """The anti-MAG study as loaded, a rehearsal on DAY_ONE, with its two sites, not started."""
    version = adopt_protocol(definition=definition_in(ANTI_MAG), rehearsal_day=DAY_ONE, by=rung, at=at)
    add_site(study=version.study, code="A", name="Northfield", time_zone="America/New_York", by=rung, at=at)
    add_site(study=version.study, code="B", name="Lindby", time_zone="Europe/Stockholm", by=rung, at=at)
    return version.study


def table_of(*, max_n: int) -> list[BoundaryRow]:
    """The decision table of the anti-MAG study's design."""
    table = BoinDesign(target=0.30, max_patients=12, cohort_size=1).boundaries(max_n=max_n)
    return [BoundaryRow(r.n, r.escalate_if_at_most, r.de_escalate_if_at_least, r.eliminate_if_at_least) for r in table]


@pytest.fixture
def boundaries() -> list[BoundaryRow]:
    return table_of(max_n=20)


@pytest.fixture
def study(draft_study: Study, boundaries: list[BoundaryRow], rung: User, at: dt.datetime) -> Study:
    """The study, live, with cohort 1 open at 10 mg."""
    go_live(study=draft_study, boundaries=boundaries, by=rung, at=at)
    return Study.objects.get(pk=draft_study.pk)


@pytest.fixture
def site_a(study: Study) -> Site:
    return study.sites.get(code="A")


@pytest.fixture
def site_b(study: Study) -> Site:
    return study.sites.get(code="B")


@pytest.fixture
def first_cohort(study: Study) -> Cohort:
    return study.cohorts.get(number=1)


def _member(study: Study, username: str, full_name: str, role: Role, site: Site | None = None) -> User:
    someone = person(username, full_name)
    grant_role(study=study, person=someone, role=role, site=site, by=User.objects.system(), at=moment(DAY_ONE))
    return someone


@pytest.fixture
def coordinator_a(study: Study, site_a: Site) -> User:
    return _member(study, "coordinator-a", "Mia Castellano", Role.COORDINATOR, site_a)


@pytest.fixture
def coordinator_b(study: Study, site_b: Site) -> User:
    return _member(study, "coordinator-b", "Maja Lindqvist", Role.COORDINATOR, site_b)


@pytest.fixture
def investigator_a(study: Study, site_a: Site) -> User:
    return _member(study, "investigator-a", "Dr Tom Baptiste", Role.INVESTIGATOR, site_a)


@pytest.fixture
def pi(study: Study) -> User:
    return _member(study, "pi", "Dr Ana Rivera", Role.PRINCIPAL_INVESTIGATOR)


@pytest.fixture
def medical_monitor(study: Study) -> User:
    return _member(study, "medical-monitor", "Dr Laila Okafor", Role.MEDICAL_MONITOR)


@pytest.fixture
def statistician(study: Study) -> User:
    return _member(study, "statistician", "Sam Whitfield", Role.STATISTICIAN)


@pytest.fixture
def data_manager(study: Study) -> User:
    return _member(study, "data-manager", "Dana Petrov", Role.DATA_MANAGER)


@pytest.fixture
def monitor(study: Study) -> User:
    return _member(study, "monitor", "Noor Haddad", Role.MONITOR)


@pytest.fixture
def outsider(db: None) -> User:
    """Somebody who can sign in and has no role in the study."""
    return person("outsider", "Otto Fremd")


@pytest.fixture
def ada(rung: User) -> User:
    """An administrator."""
    one = person("ada", "Ada Admin")
    appoint_administrator(person=one, appointed=True, reason="looks after accounts", by=rung, at=moment(DAY_ONE))
    return one


class ApiClient:
    """A client system at work: a token of its own, JSON in and out, a new Idempotency-Key for each write."""

    def __init__(self, user: User, scope: str = "read write") -> None:
        application = Application.objects.create(
            name=user.full_name,
            user=user,
            client_type=Application.CLIENT_CONFIDENTIAL,
            authorization_grant_type=Application.GRANT_CLIENT_CREDENTIALS,
        )
        expires = dt.datetime.now(dt.UTC) + dt.timedelta(days=3650)
        token = secrets.token_urlsafe(24)
        AccessToken.objects.create(application=application, token=token, scope=scope, expires=expires)
        self.http = APIClient()
        self.http.credentials(HTTP_AUTHORIZATION=f"Bearer {token}")

    def get(self, path: str, **query: Any) -> Any:
        return self.http.get(f"/api/v1/{path}", query)

    def post(self, path: str, body: dict[str, Any] | None = None, key: str = "") -> Any:
        return self.http.post(
            f"/api/v1/{path}", body or {}, format="json", HTTP_IDEMPOTENCY_KEY=key or secrets.token_hex(8)
        )


def _client_system(study: Study, name: str, site: Site | None) -> ApiClient:
    by = User.objects.system()
    user = create_person(username=name, full_name=f"EDC {name}", email="", is_person=False, by=by, at=moment(DAY_ONE))
    grant_role(study=study, person=user, role=Role.EDC, site=site, by=by, at=moment(DAY_ONE))
    return ApiClient(user)


@pytest.fixture
def edc_a(study: Study, site_a: Site) -> ApiClient:
    return _client_system(study, "edc-a", site_a)


@pytest.fixture
def edc_b(study: Study, site_b: Site) -> ApiClient:
    return _client_system(study, "edc-b", site_b)
