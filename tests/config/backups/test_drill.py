"""The drill: a backup is restored into an empty server, and everything is as it was; a damaged one is refused."""

import datetime as dt
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from accounts.models import Signature
from audit.models import Entry
from config.backups import reading
from config.backups.folder import BackupFault, read_proven
from config.backups.making import make_backup
from config.embedded import Addresses, Servers
from config.environment import BASE_DIR
from tests.cast import signed_set_up
from tests.databases import Database
from trials.models import Study

pytestmark = [pytest.mark.django_db, pytest.mark.slow]
MADE_AT = dt.datetime(2026, 1, 5, 15, tzinfo=dt.UTC)


@pytest.fixture
def backup(own_database: Database, draft_study: Study, tmp_path: Path) -> Path:
    """Of a database with a study, its people and signatures."""
    signed_set_up(draft_study)
    return make_backup(owner_url=own_database.owner_url, to=tmp_path / "backups", at=MADE_AT)


@pytest.fixture
def empty_server(tmp_path: Path) -> Iterator[Addresses]:
    """A server of its own with the three roles and an empty database, as config/roles.sql makes it."""
    servers = Servers(tmp_path / "another-server", durable=False)
    yield servers.start()
    servers.leave()


def environment(server: Addresses, **more: str) -> dict[str, str]:
    admin = server.database_admin_url.rsplit("/", 1)[0] + "/rung"
    return {
        **os.environ, **server.environment(), "DJANGO_SETTINGS_MODULE": "config.settings", "DATABASE_ADMIN_URL": admin,
        **more,
    }  # fmt: skip


def restore(source: Path, environment: dict[str, str], *more: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "manage.py", "restore", "--from", str(source), *more]
    return subprocess.run(command, cwd=BASE_DIR, env=environment, capture_output=True, text=True)


@pytest.mark.req("EMA-6.8", "EMA-6.10", "EMA-6.4", "R3-4.3.3", "R3-4.3.6", "R3-4.2.7", "P11-10c", "R3-4.2.5")
@pytest.mark.parametrize("role", ["application", "owner"])
def test_restored_into_an_empty_server_everything_is_as_before(
    backup: Path, own_database: Database, empty_server: Addresses, role: str
) -> None:
    there = environment(empty_server, RUNG_DATABASE_ROLE=role)
    outcome = restore(backup, there)
    assert outcome.returncode == 0, outcome.stderr
    assert "The audit trail is whole" in outcome.stdout
    assert f"The signatures are as they were given: {Signature.objects.count()}." in outcome.stdout
    with psycopg.connect(own_database.admin_url) as was, psycopg.connect(there["DATABASE_ADMIN_URL"]) as now:
        assert reading.catalogue(now) == reading.catalogue(was)
        assert reading.contents(now).rows == reading.contents(was).rows
        assert reading.contents(now).chains == reading.contents(was).chains
    with psycopg.connect(empty_server.database_url) as application:
        assert application.execute("SELECT count(*) FROM trials_study").fetchone() == (1,)
        with pytest.raises(psycopg.errors.InsufficientPrivilege, match="needs an actor"):
            application.execute("UPDATE trials_study SET title = 'changed'")
        application.rollback()
        with pytest.raises(psycopg.errors.InsufficientPrivilege, match="permission denied"):
            application.execute("DELETE FROM audit.entry")


@pytest.mark.req("EMA-6.8", "P11-10a")
@pytest.mark.parametrize("name", ["database.dump", "catalogue.txt", "manifest.json"])
def test_a_damaged_backup_is_refused_by_the_name_of_the_file(backup: Path, empty_server: Addresses, name: str) -> None:
    whole = (backup / name).read_bytes()
    middle = len(whole) // 2
    (backup / name).write_bytes(whole[:middle] + bytes([whole[middle] ^ 1]) + whole[middle + 1 :])
    with pytest.raises(BackupFault, match=rf"^{name} is not as it was when the backup was made"):
        read_proven(backup)
    if name == "database.dump":  # once through the command, which leaves the database as it was
        outcome = restore(backup, environment(empty_server))
        assert outcome.returncode == 1
        assert outcome.stderr.startswith(f"CommandError: {name} is not as it was")
        with psycopg.connect(environment(empty_server)["DATABASE_ADMIN_URL"]) as admin:
            assert reading.tables(admin) == []


@pytest.mark.req("P11-10a")
def test_what_was_tampered_with_before_the_backup_is_named_after_the_restore(
    own_database: Database, draft_study: Study, empty_server: Addresses, tmp_path: Path
) -> None:
    signed_set_up(draft_study)
    with psycopg.connect(own_database.admin_url, autocommit=True) as admin:
        admin.execute("ALTER TABLE audit.entry DISABLE TRIGGER ALL")
        admin.execute("UPDATE audit.entry SET reason = 'x' WHERE study_id = %s AND position = 3", [draft_study.pk])
        for trigger in ("entry_is_final", "entry_no_truncate"):
            admin.execute(f"ALTER TABLE audit.entry ENABLE ALWAYS TRIGGER {trigger}")
    backup = make_backup(owner_url=own_database.owner_url, to=tmp_path / "backups", at=MADE_AT)
    outcome = restore(backup, environment(empty_server))
    assert outcome.returncode == 1
    assert f"study {draft_study.pk}: entry 3" in outcome.stderr
    assert "Do not let anybody work on this database." in outcome.stderr


@pytest.mark.req("P11-10a", "EMA-A4.17")
@pytest.mark.parametrize("agrees", [True, False])
def test_hashes_that_were_kept_elsewhere_tell_a_backup_that_somebody_made_up(
    backup: Path, draft_study: Study, empty_server: Addresses, tmp_path: Path, agrees: bool
) -> None:
    third = Entry.objects.get(study_id=draft_study.pk, position=3)
    line = {"day": "2026-01-05", "study_id": draft_study.pk, "position": 3, "hash": third.hash if agrees else "f" * 64}
    later = {**line, "day": "2026-01-06", "position": 9999}
    (tmp_path / "kept.jsonl").write_text(f"{json.dumps(line)}\n{json.dumps(later)}\n")
    outcome = restore(backup, environment(empty_server), "--published", str(tmp_path / "kept.jsonl"))
    if agrees:
        assert "1 published hashes agree; 1 were published after the backup." in outcome.stdout, outcome.stderr
    else:
        assert f"study {draft_study.pk}: entry 3" in outcome.stderr
        assert outcome.returncode == 1


def test_nothing_is_restored_over_what_is_there(backup: Path, own_database: Database) -> None:
    before = Signature.objects.count()
    outcome = restore(backup, {**own_database.environment, "DATABASE_ADMIN_URL": own_database.admin_url})
    assert outcome.returncode == 1
    assert outcome.stderr.startswith("CommandError: The database is not empty")
    assert Signature.objects.count() == before > 0


def test_the_database_that_rung_uses_is_the_one_that_is_restored_into(
    backup: Path, own_database: Database, empty_server: Addresses
) -> None:
    outcome = restore(backup, {**environment(empty_server), "DATABASE_URL": own_database.url})
    assert outcome.stderr.startswith("CommandError: DATABASE_URL and DATABASE_ADMIN_URL name different databases")


def test_only_the_administrator_restores(backup: Path, empty_server: Addresses) -> None:
    as_owner = {**environment(empty_server), "DATABASE_ADMIN_URL": empty_server.database_owner_url}
    assert "Only the server's administrator can restore" in restore(backup, as_owner).stderr
    assert (
        "set DATABASE_ADMIN_URL for this one command" in restore(backup, {**as_owner, "DATABASE_ADMIN_URL": ""}).stderr
    )


def test_sessions_stay_behind(backup: Path, own_database: Database) -> None:
    manifest, _catalogue = read_proven(backup)
    assert "public.django_session" not in manifest.contents.rows
    assert manifest.contents.rows["public.accounts_signature"] == Signature.objects.count()
