"""A live study is set up from the command line: protocol, sites, people, roles, start."""

import io

import pytest
from django.core.management import CommandError, call_command
from django.test import Client

from accounts.models import User
from tests.cast import ANTI_MAG, signed_set_up
from trials.models import Study
from trials.permissions import Permission, allowed

pytestmark = pytest.mark.django_db


def run(command: str, *arguments: str) -> str:
    out = io.StringIO()
    call_command(command, *arguments, stdout=out)
    return out.getvalue()


def add_person(monkeypatch: pytest.MonkeyPatch, password: str = "a long enough phrase") -> str:
    monkeypatch.setattr("sys.stdin", io.StringIO(f"{password}\n"))
    return run("create_person", "rivera", "Dr Ana Rivera", "rivera@example.org")


def test_a_live_study_is_set_up_from_the_command_line(monkeypatch: pytest.MonkeyPatch, client: Client) -> None:
    run("load_protocol", str(ANTI_MAG))
    run("add_site", "LEN-MAG-01", "A", "Northfield", "America/New_York")
    add_person(monkeypatch)
    run("grant_role", "LEN-MAG-01", "rivera", "principal_investigator")
    with pytest.raises(CommandError, match="The principal investigator has to sign the set-up"):
        run("go_live", "LEN-MAG-01")
    signed_set_up(Study.objects.get(key="LEN-MAG-01"))
    assert "cohort 1 at 10 mg" in run("go_live", "LEN-MAG-01")
    study = Study.objects.get(key="LEN-MAG-01")
    assert not study.is_rehearsal
    assert allowed(User.objects.get(username="rivera"), Permission.SIGN_DECISION, study)
    assert client.login(username="rivera", password="a long enough phrase")
    with pytest.raises(CommandError, match="is live already"):
        run("go_live", "LEN-MAG-01")


@pytest.mark.parametrize(
    ("command", "arguments", "sentence"),
    [
        ("add_site", ["NOPE", "A", "Northfield", "UTC"], "There is no study"),
        ("add_site", ["LEN-MAG-01", "C", "Northfield", "Mars/Olympus"], "is no time zone"),
        ("add_site", ["LEN-MAG-01", "A", "Northfield", "UTC"], "has a site 'A' already"),
        ("grant_role", ["NOPE", "pi", "monitor"], "There is no study"),
        ("grant_role", ["LEN-MAG-01", "nobody", "monitor"], "There is no person"),
        ("grant_role", ["LEN-MAG-01", "pi", "monitor", "--site", "Z"], "its sites: A, B"),
        ("grant_role", ["LEN-MAG-01", "pi", "king"], "invalid choice"),
        ("go_live", ["NOPE"], "There is no study"),
        ("create_client", ["NOPE", "EDC"], "There is no study"),
        ("create_client", ["LEN-MAG-01", "EDC", "--site", "Z"], "it has A, B"),
    ],
)
def test_a_mistake_is_told_with_what_is_possible(
    study: Study, pi: User, command: str, arguments: list[str], sentence: str
) -> None:
    with pytest.raises(CommandError, match=sentence):
        run(command, *arguments)


def test_a_user_name_that_is_taken_or_a_weak_password_is_refused(monkeypatch: pytest.MonkeyPatch, pi: User) -> None:
    with pytest.raises(CommandError, match="not allowed"):
        add_person(monkeypatch, password="short")
    add_person(monkeypatch)
    with pytest.raises(CommandError, match="is taken"):
        add_person(monkeypatch)


def test_a_client_system_gets_its_id_and_secret_once(study: Study, client: Client) -> None:
    words = run("create_client", "LEN-MAG-01", "EDC of site A", "--site", "A").split()
    client_id, secret = words[2], words[5]
    body = {"grant_type": "client_credentials", "client_id": client_id, "client_secret": secret, "scope": "read"}
    token = client.post("/api/v1/token/", body).json()["access_token"]
    answer = client.get("/api/v1/studies/", HTTP_AUTHORIZATION=f"Bearer {token}")
    assert [found["key"] for found in answer.json()["results"]] == ["LEN-MAG-01"]
    assert client.post("/api/v1/token/", {**body, "client_secret": "wrong"}).status_code == 401
