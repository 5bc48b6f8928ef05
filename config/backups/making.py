"""Making a backup: everything in it is of one moment, while others go on writing."""

import datetime as dt
import shutil
from pathlib import Path

import psycopg

from config.backups.folder import DUMP, BackupFault, Manifest, name_of, write_proofs
from config.backups.programs import find_program, major_of, run_program
from config.backups.reading import NOT_KEPT, catalogue, contents
from config.versions import program_versions


def make_backup(*, owner_url: str, to: Path, at: dt.datetime) -> Path:
    """The folder that was made below `to`, named after `at`; whole or not there at all.

    owner_url: the role that owns the tables. Raises BackupFault.
    """
    folder = to / name_of(at)
    if folder.exists():
        raise BackupFault(f"{folder} is there already; a backup never takes another's place.")
    draft = to / f".{folder.name}-unfinished"
    shutil.rmtree(draft, ignore_errors=True)
    draft.mkdir(mode=0o700, parents=True)
    try:
        _fill(draft, owner_url, at)
        draft.rename(folder)
    finally:
        shutil.rmtree(draft, ignore_errors=True)
    return folder


def _fill(folder: Path, owner_url: str, at: dt.datetime) -> None:
    with psycopg.connect(owner_url) as connection:
        connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        found = contents(connection)
        if not found.migrations:
            raise BackupFault("There is nothing to back up: the database has no tables yet.")
        moment = connection.execute("SELECT pg_export_snapshot()").fetchone()
        assert moment is not None
        left_out = [f"--exclude-table-data=public.{name}" for name in NOT_KEPT]
        run_program(
            find_program("pg_dump", major_of(connection)), owner_url,
            "--format=custom", f"--snapshot={moment[0]}", f"--file={folder / DUMP}", *left_out,
        )  # fmt: skip
        (folder / DUMP).chmod(0o600)
        made_at = at.astimezone(dt.UTC).isoformat(timespec="seconds")
        write_proofs(folder, Manifest(made_at, program_versions(), found), catalogue(connection))
