"""The qualification passes on an installation as it should be, and names what was sabotaged."""

import datetime as dt
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from django.core.management import CommandError, call_command
from django.db import connection, transaction
from pytest_django.live_server_helper import LiveServer

from accounts.models import User
from audit.models import Entry
from config.environment import BASE_DIR
from config.oq import authority, engine, installation, surroundings, trail
from config.oq.run import chapters, left, qualify
from config.oq.step import Chapter, Deviation, Installation, Step, carry_out
from tests.databases import Database
from tests.dosing.engine.reference import records
from tests.validation.requirements import requirements
from tests.workers import Workers
from trials.models import Study

pytestmark = pytest.mark.django_db
NOW = dt.datetime(2026, 1, 5, 15, tzinfo=dt.UTC)
NOWHERE = Installation(web="http://127.0.0.1:9")


@pytest.fixture
def workers(own_database: Database, own_redis: str, tmp_path: Path) -> Iterator[Workers]:
    started = Workers(own_database, own_redis, tmp_path)
    yield started
    started.kill_all()


def step(title: str) -> Step:
    return next(step for chapter in chapters() for step in chapter.steps if step.title == title)


@pytest.mark.slow
@pytest.mark.req("EMA-A2.6", "EMA-A2.9", "EMA-A2.5", "R3-4.3.4", "P11-10a", "EMA-A4.8")
def test_an_installation_as_it_should_be_passes_and_nothing_remains(
    own_database: Database, study: Study, workers: Workers, live_server: LiveServer, tmp_path: Path
) -> None:
    workers.start()
    workers.until(lambda: workers.app.control.ping(timeout=1))
    before = counted()
    there = {**own_database.environment, "PUBLIC_URL": live_server.url, "RUNG_VAR_DIR": str(tmp_path)}
    there["REDIS_URL"] = workers.redis_url
    command = [sys.executable, "manage.py", "oq", "--by", "Dana Petrov", "--mail-to", "dana@example.org"]
    outcome = subprocess.run(command, cwd=BASE_DIR, env=there, capture_output=True, text=True)
    assert outcome.returncode == 0, outcome.stdout + outcome.stderr
    assert counted() == before
    (record,) = (tmp_path / "oq").glob("oq-*.json")
    told = json.loads(record.read_text())
    assert told["passed"]
    assert told["by"].startswith("Dana Petrov (signed in to ")
    assert {"Rung", "Dose-finding engine", "PostgreSQL"} <= {name for name, _ in told["versions"]}
    assert record.with_suffix(".pdf").read_bytes().startswith(b"%PDF")
    assert any("dana@example.org" in message.read_text() for message in (tmp_path / "mail").iterdir())


def counted() -> list[int]:
    return [Study.objects.count(), User.objects.count(), Entry.objects.count()]


@pytest.mark.req("EMA-A2.6")
def test_a_fault_ends_with_1_and_stands_in_the_record(
    own_database: Database, owner_connection: psycopg.Connection, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    owner_connection.execute("ALTER TABLE labs_tube DISABLE TRIGGER audit_record")
    only = [Chapter("Audit trail", [step("Every regulated table has its trigger"), step("What is left behind")])]
    monkeypatch.setattr("config.oq.run.chapters", lambda: only)
    with pytest.raises(CommandError, match=r"^1 of 2 failed\. The record is .*oq-.*\.pdf\.$") as ended:
        call_command("oq", by="Dana Petrov", to=tmp_path)
    assert ended.value.returncode == 1
    (record,) = tmp_path.glob("oq-*.json")
    told = json.loads(record.read_text())
    assert told["deviations"] == [["1.1", "Every regulated table has its trigger"]]
    assert "The table labs_tube has no audit trigger" in told["chapters"][0]["steps"][0]["observed"]


@pytest.mark.parametrize(
    ("sabotage", "title", "observed"),
    [
        ("ALTER TABLE trials_site DISABLE TRIGGER audit_record", "A change is recorded", "0 entries instead of one."),
        ("ALTER TABLE trials_study DISABLE TRIGGER audit_record", "A change without an actor", "Not refused."),
        ("GRANT DELETE ON patients_adverseevent TO rung_app", "Remove records", "Not refused"),
        ("ALTER TABLE trials_study OWNER TO rung_app", "The application's role", "rung_app may do more than"),
        ("ALTER TABLE trials_study OWNER TO rung_app", "Drop a table's trigger", "Not refused."),
        ("DELETE FROM django_migrations WHERE app = 'labs'", "Tables", "Not in step with this release: labs."),
    ],
)
@pytest.mark.req("EMA-A2.6")
def test_each_sabotage_of_the_database_is_found(
    own_database: Database, sabotage: str, title: str, observed: str
) -> None:
    with psycopg.connect(own_database.admin_url, autocommit=True) as admin:
        admin.execute(sabotage)
    outcome = carry_out(step(title), NOWHERE, NOW)
    assert (outcome.passed, outcome.observed[: len(observed)]) == (False, observed)
    assert carry_out(step("What is left behind"), NOWHERE, NOW).passed


def test_the_trails_own_guards_that_are_gone_are_found(own_database: Database, study: Study) -> None:
    with psycopg.connect(own_database.admin_url, autocommit=True) as admin:
        admin.execute("GRANT UPDATE ON audit.entry TO rung_app; ALTER TABLE audit.entry DISABLE TRIGGER ALL")
    before = list(Entry.objects.values_list("actor_name", flat=True))
    assert carry_out(step("Change entries"), NOWHERE, NOW).observed == "Not refused."
    assert list(Entry.objects.values_list("actor_name", flat=True)) == before


def test_a_permission_that_was_widened_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(authority, "allowed", lambda *_: True)
    assert "May" in carry_out(step("The table of permissions holds"), NOWHERE, NOW).observed.title()
    assert not carry_out(step("Another site"), NOWHERE, NOW).passed
    assert not carry_out(step("Somebody without a role"), NOWHERE, NOW).passed


def test_a_password_that_is_not_asked_for_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(User, "check_password", lambda *_: True)
    assert carry_out(step("A wrong password"), NOWHERE, NOW).observed == "It was signed."
    assert carry_out(step("Signing"), NOWHERE, NOW).passed


def test_production_without_a_second_factor_is_found(settings) -> None:
    settings.PRODUCTION = True
    assert carry_out(step("The second factor"), NOWHERE, NOW).observed == "SECOND_FACTOR is offered."
    settings.SECOND_FACTOR = "required"
    assert carry_out(step("The second factor"), NOWHERE, NOW).passed


@pytest.mark.parametrize(
    "title",
    [
        "Decision tables of BOIN",
        "The MTD by isotonic regression",
        "Histories of the 3+3",
        "Exact operating characteristics",
    ],
)
def test_an_engine_that_gives_another_number_is_found(title: str, monkeypatch: pytest.MonkeyPatch) -> None:
    assert carry_out(step(title), NOWHERE, NOW).passed
    changed = json.loads(json.dumps(engine.REFERENCE))
    changed["boin_boundaries"]["records"][0]["escalate_le"][5] += 1
    changed["boin_select_mtd"]["records"][3]["MTD"] = 7
    changed["three_plus_three"]["records"][3]["recommended_dose"] = 7
    changed["exact_three_plus_three"]["records"][0]["prob_select"][0] += 1e-6
    monkeypatch.setattr(engine, "REFERENCE", changed)
    assert "and the reference says" in carry_out(step(title), NOWHERE, NOW).observed


@pytest.mark.parametrize(
    ("mine", "golden"),
    [("boin_boundaries", "boin_boundaries"), ("boin_select_mtd", "boin_select_mtd"),
     ("three_plus_three", "three_plus_three"), ("exact_three_plus_three", "exact_paths")],
)  # fmt: skip
def test_the_shipped_reference_is_that_of_the_tests(mine: str, golden: str) -> None:
    whole = {record["id"]: record for record in records(golden)}
    for record in engine.REFERENCE[mine]["records"]:
        for name, value in record.items():
            expected = whole[record["id"]][name]
            assert value == (expected[: len(value)] if isinstance(value, list) else expected), (record["id"], name)


def test_silent_surroundings_are_found(monkeypatch: pytest.MonkeyPatch, settings) -> None:
    monkeypatch.setattr(surroundings.app.control, "ping", lambda **_: [])
    assert carry_out(step("Worker"), NOWHERE, NOW).observed == "No worker answers."
    for title in ("The web server", "A page without signing in", "The API without a token", "Headers", "Static files"):
        assert "http://127.0.0.1:9 does not answer" in carry_out(step(title), NOWHERE, NOW).observed
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", 9
    assert not carry_out(step("E-mail"), NOWHERE, NOW).passed


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("Content-Security-Policy", "default-src 'self'; script-src 'unsafe-inline'; frame-ancestors 'none'"),
        ("Content-Security-Policy", ""),
        ("X-Frame-Options", "SAMEORIGIN"),
    ],
)
def test_a_header_that_is_missing_or_weaker_is_found(
    name: str, value: str, monkeypatch: pytest.MonkeyPatch, client
) -> None:
    right = client.get("/sign-in/").headers
    answers = {**dict(right.items())}
    monkeypatch.setattr(surroundings, "ask", lambda *_: surroundings.Answer(200, answers, ""))
    assert surroundings.headers(NOWHERE).startswith("Content-Security-Policy: ")
    answers[name] = value
    with pytest.raises(Deviation, match=name):
        surroundings.headers(NOWHERE)


def test_another_package_than_pinned_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    assert "packages as pinned" in installation.packages(NOWHERE)
    monkeypatch.setattr(installation, "_lock", lambda: "django==1.0 \\\n    --hash=sha256:0\nnowhere==2.0 \\\n")
    with pytest.raises(Deviation, match=r"^django is 5\S+, not 1\.0; nowhere is missing, not 2\.0$"):
        installation.packages(NOWHERE)


def test_a_step_that_breaks_is_a_deviation_and_the_next_ones_go_on() -> None:
    def broken(_: Installation) -> str:
        raise ZeroDivisionError("by nought")

    def fine(_: Installation) -> str:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
        return "Fine."

    steps = [Chapter("One", [Step("Breaks", "P11-10a", "x", broken), Step("Goes on", "P11-10a", "x", fine)])]
    done = qualify(of=NOWHERE, by="x", versions={}, clock=lambda: NOW, steps=steps)
    ((_, (first, second)),) = done.chapters
    assert (first.passed, second.passed) == (False, True)
    assert first.observed == "The step could not be carried out: ZeroDivisionError: by nought"
    assert done.deviations == [first]


def test_what_is_left_behind_is_found(study: Study) -> None:
    with transaction.atomic():
        trail.invented_study()
        with pytest.raises(Deviation, match=r"^1 studies, \d+ people, \d+ audit entries\.$"):
            left(NOWHERE)
        transaction.set_rollback(True)


def test_a_refusal_for_another_cause_is_no_refusal() -> None:
    with pytest.raises(Deviation, match="Not refused, but failed"), transaction.atomic():
        trail.refused("SELECT nonsense")


def test_only_the_applications_role_is_qualified(settings) -> None:
    settings.RUNG_DATABASE_ROLE = "owner"
    with pytest.raises(CommandError, match="unset RUNG_DATABASE_ROLE"):
        call_command("oq", by="Dana Petrov")


def test_where_the_record_cannot_be_written_nothing_is_tried(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(CommandError, match=r"The record cannot be written to .*/file: .* Name a folder: --to DIR"):
        call_command("oq", by="Dana Petrov", to=tmp_path / "file")


@pytest.mark.req("EMA-A2.4", "EMA-A2.5")
def test_each_step_names_requirements_that_are_there_and_what_is_expected() -> None:
    steps = [each for chapter in chapters() for each in chapter.steps]
    assert len(steps) > 40
    assert [s.title for s in steps if not s.expected or not set(s.shows.split(", ")) <= set(requirements())] == []
    assert len({s.title for s in steps}) == len(steps)
