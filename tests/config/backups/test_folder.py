"""What a backup says of itself, and what is refused before a server is asked."""

import datetime as dt
import json
import subprocess
import sys
from pathlib import Path

import psycopg
import pytest
from django.core.management import CommandError, call_command

from config.backups import folder, programs, restoring
from config.backups.folder import BackupFault, Manifest, read_proven, write_proofs
from config.backups.making import make_backup
from config.backups.reading import Contents
from config.environment import BASE_DIR
from tests.databases import Database

MADE_AT = dt.datetime(2026, 1, 5, 15, tzinfo=dt.UTC)
CONTENTS = Contents("18.4", ["accounts.0001_initial"], {"0": [1, "f" * 64]}, {"public.accounts_user": 1})


@pytest.fixture
def kept(tmp_path: Path) -> Path:
    """A whole backup, but for what is in the dump."""
    (tmp_path / "database.dump").write_bytes(b"a dump")
    write_proofs(
        tmp_path, Manifest("2026-01-05T15:00:00+00:00", {"Rung": "0.1.0"}, CONTENTS), ["table one", "table two"]
    )
    return tmp_path


@pytest.mark.req("EMA-6.11", "EMA-6.12")
def test_it_is_read_as_it_was_written(kept: Path) -> None:
    manifest, catalogue = read_proven(kept)
    assert manifest == Manifest("2026-01-05T15:00:00+00:00", {"Rung": "0.1.0"}, CONTENTS)
    assert catalogue == ["table one", "table two"]


def test_its_checksums_can_be_looked_at_without_rung(kept: Path) -> None:
    subprocess.run(["sha256sum", "--check", "--strict", "SHA256SUMS"], cwd=kept, check=True, capture_output=True)


@pytest.mark.parametrize("name", ["database.dump", "catalogue.txt", "manifest.json", "SHA256SUMS"])
def test_a_missing_file_is_named(kept: Path, name: str) -> None:
    (kept / name).unlink()
    with pytest.raises(BackupFault, match=rf"^{name} is missing from"):
        read_proven(kept)


def test_a_folder_that_is_not_there_is_said_to_be_so(tmp_path: Path) -> None:
    with pytest.raises(BackupFault, match="There is no backup at"):
        read_proven(tmp_path / "nowhere")


def test_a_format_to_come_is_refused(kept: Path) -> None:
    said = json.loads((kept / "manifest.json").read_text()) | {"format": 2}
    (kept / "manifest.json").write_text(json.dumps(said))
    sums = "".join(f"{folder.checksum(kept / name)}  {name}\n" for name in folder.PROVEN)
    (kept / "SHA256SUMS").write_text(sums)
    with pytest.raises(BackupFault, match="format 2, and this Rung reads format 1"):
        read_proven(kept)


def test_the_backup_of_another_release_is_refused_with_what_differs(kept: Path) -> None:
    with pytest.raises(BackupFault, match=r"made by Rung 0\.1\.0, whose tables differ.*accounts\.0002_audit"):
        restoring.restore_backup(admin_url="postgresql://nobody@127.0.0.1:1/none", source=kept)


@pytest.mark.django_db
def test_a_backup_that_fails_leaves_nothing_that_looks_like_one(
    own_database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_arguments: object) -> None:
        raise BackupFault("pg_dump ended with a fault: the disk is full")

    monkeypatch.setattr("config.backups.making.run_program", broken)
    with pytest.raises(BackupFault, match="the disk is full"):
        make_backup(owner_url=own_database.owner_url, to=tmp_path, at=MADE_AT)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.django_db
def test_a_backup_never_takes_anothers_place_and_is_its_owners_alone(own_database: Database, tmp_path: Path) -> None:
    made = make_backup(owner_url=own_database.owner_url, to=tmp_path, at=MADE_AT)
    assert made.name == "rung-20260105T150000Z"
    assert made.stat().st_mode & 0o777 == 0o700
    with pytest.raises(BackupFault, match="is there already"):
        make_backup(owner_url=own_database.owner_url, to=tmp_path, at=MADE_AT)


@pytest.mark.django_db
def test_the_command_says_what_it_made(own_database: Database, tmp_path: Path) -> None:
    command = [sys.executable, "manage.py", "backup", "--to", str(tmp_path)]
    environment = {**own_database.environment, "RUNG_DATABASE_ROLE": "owner"}
    outcome = subprocess.run(command, cwd=BASE_DIR, env=environment, capture_output=True, text=True)
    assert outcome.returncode == 0, outcome.stderr
    (made,) = tmp_path.iterdir()
    assert outcome.stdout.startswith(str(made))


def test_the_applications_role_makes_no_backup(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="set RUNG_DATABASE_ROLE=owner"):
        call_command("backup", to=tmp_path)


@pytest.mark.django_db
def test_an_empty_database_has_nothing_to_back_up(own_database: Database, tmp_path: Path) -> None:
    with psycopg.connect(own_database.admin_url, autocommit=True) as admin:
        admin.execute("DROP SCHEMA public CASCADE; DROP SCHEMA audit CASCADE; CREATE SCHEMA public")
    with pytest.raises(BackupFault, match="the database has no tables yet"):
        make_backup(owner_url=own_database.owner_url, to=tmp_path, at=MADE_AT)


def test_programs_older_than_the_server_are_not_used() -> None:
    with pytest.raises(BackupFault, match=r"pg_dump of PostgreSQL 99 or newer is needed \(.*is of \d+"):
        programs.find_program("pg_dump", 99)
    assert programs.find_program("pg_dump", 16).name == "pg_dump"
