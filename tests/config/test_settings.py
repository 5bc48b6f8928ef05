"""Production says everything itself, or does not start."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from django.core.exceptions import ImproperlyConfigured

from config import environment
from config.environment import BASE_DIR, kept_secret
from config.required import REQUIRED, required_in_production

COMPLETE = {
    "DJANGO_SECRET_KEY": "only-for-this-test-0123456789-abcdefghijklmnopqrstuvwxyz",
    "DATABASE_URL": "postgresql://rung_app:secret@database.invalid:5432/rung",
    "REDIS_URL": "redis://:secret@redis.invalid:6379/0",
    "ALLOWED_HOSTS": "rung.example.org",
    "PUBLIC_URL": "https://rung.example.org",
    "EMAIL_URL": "smtp+tls://rung:secret@mail.example.org:587",
    "DEFAULT_FROM_EMAIL": "Rung <rung@example.org>",
}
READ_BY_PYTHON = re.compile(
    r"""(?:env\.\w+\(|environ(?:ment)?\.get\(|environ\[|environ\.setdefault\()\s*"([A-Z][A-Z_]+)\""""
)
SET_BY_OTHERS = {"DJANGO_SETTINGS_MODULE", "RUNG_OWNER_PASSWORD", "RUNG_APP_PASSWORD"}


def test_a_complete_production_starts() -> None:
    required_in_production("production", COMPLETE)


@pytest.mark.parametrize("name", REQUIRED)
def test_each_missing_setting_is_named_with_a_hint(name: str) -> None:
    rest = {**COMPLETE, name: ""}
    with pytest.raises(ImproperlyConfigured) as refused:
        required_in_production("production", rest)
    sentence = str(refused.value)
    assert name in sentence
    assert REQUIRED[name] in sentence
    assert all(other not in sentence for other in set(REQUIRED) - {name})


def test_the_owners_address_is_asked_for_only_where_tables_are_made() -> None:
    with pytest.raises(ImproperlyConfigured, match="DATABASE_OWNER_URL"):
        required_in_production("production", {**COMPLETE, "RUNG_DATABASE_ROLE": "owner"})


@pytest.mark.req("EMA-A3.3", "EMA-A3.4")
def test_the_application_does_not_start_with_the_owners_address() -> None:
    owners = {**COMPLETE, "DATABASE_OWNER_URL": "postgresql://rung_owner:secret@database.invalid:5432/rung"}
    with pytest.raises(ImproperlyConfigured, match=r"switch the audit trail off\. Keep it in \.env\.owner"):
        required_in_production("production", owners)
    required_in_production("production", {**owners, "RUNG_DATABASE_ROLE": "owner"})


@pytest.mark.parametrize(("role", "read"), [("application", []), ("owner", ["owners", "of .env"])])
def test_the_owners_file_is_read_for_the_owner_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, role: str, read: list[str]
) -> None:
    (tmp_path / ".env").write_text("RUNG_TEST_ONE=of .env\nRUNG_TEST_TWO=of .env\n")
    (tmp_path / ".env.owner").write_text("RUNG_TEST_ONE=owners\n")
    monkeypatch.setattr(environment, "BASE_DIR", tmp_path)
    monkeypatch.setenv("RUNG_DATABASE_ROLE", role)
    for name in ("RUNG_TEST_ONE", "RUNG_TEST_TWO"):
        monkeypatch.setenv(name, "")  # so that it is as before when the test is over
        monkeypatch.delenv(name)
    environment.load_dot_env()
    assert [os.environ["RUNG_TEST_ONE"], os.environ["RUNG_TEST_TWO"]] == (read or ["of .env", "of .env"])


def test_an_unknown_environment_is_refused() -> None:
    with pytest.raises(ImproperlyConfigured, match="set it to local or to production"):
        required_in_production("prodution", {})


def test_the_command_line_shows_one_sentence() -> None:
    """As an installer meets it: `manage.py check` in production with nothing set."""
    kept = {name: value for name, value in os.environ.items() if name not in COMPLETE}
    outcome = subprocess.run(
        [sys.executable, "manage.py", "check"],
        cwd=BASE_DIR,
        env={**kept, "RUNG_ENV": "production", "DJANGO_SETTINGS_MODULE": "config.settings"},
        capture_output=True,
        text=True,
    )
    assert outcome.returncode != 0
    assert "RUNG_ENV is production, so set DJANGO_SECRET_KEY" in outcome.stderr
    assert "Traceback" not in outcome.stderr


def test_migrating_as_the_application_is_refused_in_one_sentence() -> None:
    outcome = subprocess.run([sys.executable, "manage.py", "migrate"], cwd=BASE_DIR, capture_output=True, text=True)
    assert (outcome.returncode, outcome.stderr.strip()) == (
        1,
        "Tables are made as the database's owner: `make migrate`, or set RUNG_DATABASE_ROLE=owner.",
    )


@pytest.mark.req("P11-30", "EMA-A4.1", "EMA-A4.16")
def test_production_passes_djangos_own_check_for_deployment() -> None:
    without_owner = {name: value for name, value in os.environ.items() if name != "DATABASE_OWNER_URL"}
    outcome = subprocess.run(
        [sys.executable, "manage.py", "check", "--deploy", "--fail-level", "WARNING"],
        cwd=BASE_DIR,
        env={**without_owner, **COMPLETE, "RUNG_ENV": "production", "DJANGO_SETTINGS_MODULE": "config.settings"},
        capture_output=True,
        text=True,
    )
    assert outcome.returncode == 0, outcome.stderr


def test_env_example_names_every_setting_that_is_read_and_no_other() -> None:
    example = (BASE_DIR / ".env.example").read_text()
    named = set(re.findall(r"^(?:# )?([A-Z][A-Z_]+)=", example, flags=re.MULTILINE))
    python = "".join(path.read_text() for path in (BASE_DIR / "config").glob("*.py"))
    others = "".join((BASE_DIR / name).read_text() for name in ("docker-compose.yml", "config/roles.sql"))
    read = set(READ_BY_PYTHON.findall(python)) | set(REQUIRED)
    read |= set(re.findall(r"\$\{([A-Z_]+)", others)) | set(re.findall(r"\\getenv \w+ ([A-Z_]+)", others))
    assert "DATABASE_OWNER_URL" in named
    assert named - {"DATABASE_OWNER_URL"} == read - {"DJANGO_SETTINGS_MODULE", "DATABASE_OWNER_URL"}


def test_a_kept_secret_stays_the_same_and_is_the_owners_alone(tmp_path) -> None:
    path = tmp_path / "new" / "secret"
    first = kept_secret(path)
    assert len(first) > 40
    assert kept_secret(path) == first
    assert path.stat().st_mode & 0o777 == 0o600
    assert [each.name for each in path.parent.iterdir()] == ["secret"]
