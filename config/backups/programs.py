"""PostgreSQL's own programs, found on the machine or in the wheel that brings a server along."""

import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from config.backups.folder import BackupFault
from config.embedded import CannotStart, postgres_program

DEBIANS = Path("/usr/lib/postgresql")


def find_program(name: str, at_least: int) -> Path:
    """pg_dump or pg_restore of a release that is not older than `at_least`. Raises BackupFault."""
    found = {path: major for path in _candidates(name) if (major := _major(path))}
    fit = [path for path, major in found.items() if major >= at_least]
    if not fit:
        seen = ", ".join(f"{path} is of {major}" for path, major in found.items()) or "none was found"
        raise BackupFault(f"{name} of PostgreSQL {at_least} or newer is needed ({seen}): install its client programs.")
    return fit[0]


def run_program(program: Path, url: str, *arguments: str) -> None:
    """Run it on the database at `url`, whose password is not shown to other users. Raises BackupFault."""
    parts: dict[str, Any] = conninfo_to_dict(url)
    environment = {**os.environ, "PGPASSWORD": str(parts.pop("password", "") or "")}
    command = [str(program), "--no-password", f"--dbname={make_conninfo('', **parts)}", *arguments]
    outcome = subprocess.run(command, env=environment, capture_output=True, text=True, stdin=subprocess.DEVNULL)
    if outcome.returncode:
        raise BackupFault(f"{program.name} ended with a fault: {outcome.stderr.strip() or outcome.returncode}")


def major_of(connection: psycopg.Connection) -> int:
    """The major version of the server: 18 for 18.4."""
    return connection.info.server_version // 10_000


def _candidates(name: str) -> Iterator[Path]:
    if on_path := shutil.which(name):
        yield Path(on_path)
    yield from sorted(DEBIANS.glob(f"*/bin/{name}"), reverse=True)
    try:
        brought_along = postgres_program(name)
    except CannotStart:
        return
    if brought_along.is_file():
        yield brought_along


def _major(program: Path) -> int:
    said = subprocess.run([str(program), "--version"], capture_output=True, text=True).stdout
    number = re.search(r"(\d+)(\.\d+|devel|beta|rc)", said)
    return int(number[1]) if number else 0
