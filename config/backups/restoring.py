"""Restoring a backup: only a whole one, only into an empty database, all of it or nothing; then it is compared."""

from pathlib import Path

import psycopg
from django.db.migrations.loader import MigrationLoader

from config.backups.folder import DUMP, BackupFault, Manifest, read_proven
from config.backups.programs import find_program, major_of, run_program
from config.backups.reading import catalogue, contents, tables

ROLES = ("rung_owner", "rung_app", "rung_audit")
NAMED_AT_MOST = 10


def restore_backup(*, admin_url: str, source: Path) -> Manifest:
    """Put the backup in `source` into the empty database at `admin_url`, and say what it is.

    admin_url: the server's administrator, who alone may give objects to the three roles. Raises BackupFault; before
    the checksums, the versions and the emptiness of the database are right, nothing is written.
    """
    manifest, expected = read_proven(source)
    _refuse_other_migrations(manifest)
    with psycopg.connect(admin_url, autocommit=True) as admin:
        _refuse_unready(admin, manifest)
        program = find_program("pg_restore", _major(manifest))
        run_program(program, admin_url, "--exit-on-error", "--single-transaction", str(source / DUMP))
        _compare(admin, manifest, expected)
    return manifest


def _refuse_other_migrations(manifest: Manifest) -> None:
    """A release restores its own backups, so that what is verified afterwards is what it knows."""
    ours = {".".join(key) for key in MigrationLoader(None).disk_migrations}
    theirs = set(manifest.contents.migrations)
    if ours == theirs:
        return
    which = ", ".join(sorted(ours ^ theirs)[:NAMED_AT_MOST])
    raise BackupFault(
        f"The backup was made by Rung {manifest.versions['Rung']}, whose tables differ from this release's ({which})."
        " Install that release, restore, and upgrade afterwards. Nothing was restored."
    )


def _refuse_unready(admin: psycopg.Connection, manifest: Manifest) -> None:
    present = {row[0] for row in admin.execute("SELECT rolname FROM pg_roles WHERE rolname = ANY(%s)", [list(ROLES)])}
    if missing := [role for role in ROLES if role not in present]:
        raise BackupFault(f"The server has no role {', '.join(missing)}; run config/roles.sql on it first.")
    may = admin.execute("SELECT rolsuper FROM pg_roles WHERE rolname = current_user").fetchone()
    if not may or not may[0]:
        raise BackupFault("Only the server's administrator can restore; DATABASE_ADMIN_URL names somebody else.")
    if found := tables(admin):
        raise BackupFault(
            f"The database is not empty: it has {len(found)} tables. A backup never goes over what is there;"
            " restore into an empty database (CREATE DATABASE, then config/roles.sql). Nothing was restored."
        )
    if major_of(admin) < _major(manifest):
        raise BackupFault(
            f"The backup is of PostgreSQL {manifest.contents.postgresql}, the server is older"
            f" ({admin.info.parameter_status('server_version')}). Nothing was restored."
        )


def _major(manifest: Manifest) -> int:
    return int(manifest.contents.postgresql.split(".")[0])


def _compare(admin: psycopg.Connection, manifest: Manifest, expected: list[str]) -> None:
    """Every object, every row count and the end of every audit chain are as they were."""
    now, was = contents(admin), manifest.contents
    differing = [f"{table} has {now.rows.get(table)} rows, not {n}" for table, n in was.rows.items()
                 if now.rows.get(table) != n]  # fmt: skip
    differing += [f"the audit chain of study {study} ends otherwise" for study, end in was.chains.items()
                  if now.chains.get(study) != end]  # fmt: skip
    restored = set(catalogue(admin))
    differing += [f"missing: {line}" for line in expected if line not in restored]
    differing += [f"not in the backup: {line}" for line in sorted(restored - set(expected))]
    if differing:
        more = f"; and {len(differing) - NAMED_AT_MOST} more" if len(differing) > NAMED_AT_MOST else ""
        raise BackupFault(f"What was restored is not what was backed up: {'; '.join(differing[:NAMED_AT_MOST])}{more}.")
