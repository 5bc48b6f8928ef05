"""A backup is a folder of four files, of which SHA256SUMS proves the others: `sha256sum -c SHA256SUMS` does it by hand.

database.dump    all of the database, in PostgreSQL's own format (pg_restore --list reads what is in it)
catalogue.txt    each table, trigger, function and privilege, one line each
manifest.json    when and by what it was made, the newest hash of each audit chain, how many rows each table has
SHA256SUMS       the checksums of the three
"""

import datetime as dt
import hashlib
import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from config.backups.reading import Contents

FORMAT = 1
DUMP, CATALOGUE, MANIFEST, SUMS = "database.dump", "catalogue.txt", "manifest.json", "SHA256SUMS"
PROVEN = (DUMP, CATALOGUE, MANIFEST)


class BackupFault(Exception):
    """Why a backup is not made, or not restored. The message is a sentence that says what to do."""


@dataclass(frozen=True)
class Manifest:
    """What a backup says of itself. made_at: ISO 8601, UTC; versions by the name of the program."""

    made_at: str
    versions: dict[str, str]
    contents: Contents
    format: int = FORMAT


def name_of(at: dt.datetime) -> str:
    return f"rung-{at.astimezone(dt.UTC):%Y%m%dT%H%M%SZ}"


def write_proofs(folder: Path, manifest: Manifest, catalogue: list[str]) -> None:
    """Write everything beside the dump that is there already, the checksums last."""
    (folder / CATALOGUE).write_text("".join(f"{line}\n" for line in catalogue))
    (folder / MANIFEST).write_text(json.dumps(asdict(manifest), indent=1) + "\n")
    (folder / SUMS).write_text("".join(f"{checksum(folder / name)}  {name}\n" for name in PROVEN))


def read_proven(folder: Path) -> tuple[Manifest, list[str]]:
    """The manifest and the catalogue of a whole backup. Raises BackupFault, which names the file that is at fault."""
    if not folder.is_dir():
        raise BackupFault(f"There is no backup at {folder}: name the folder that `backup` made, such as rung-2026….")
    expected = _sums(folder)
    for name in PROVEN:
        if not (folder / name).is_file():
            raise BackupFault(f"{name} is missing from {folder}. Nothing was restored; take another backup.")
        if expected.get(name) != checksum(folder / name):
            raise BackupFault(
                f"{name} is not as it was when the backup was made: its SHA-256 differs. Nothing was restored;"
                " take another backup."
            )
    return _manifest(folder), (folder / CATALOGUE).read_text().splitlines()


def checksum(path: Path) -> str:
    """SHA-256 in hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _sums(folder: Path) -> dict[str, str]:
    if not (folder / SUMS).is_file():
        raise BackupFault(f"{SUMS} is missing from {folder}: this is no whole backup. Nothing was restored.")
    lines = (line.split("  ", 1) for line in (folder / SUMS).read_text().splitlines() if "  " in line)
    return {name: sum_ for sum_, name in lines}


def _manifest(folder: Path) -> Manifest:
    said: dict[str, Any] = json.loads((folder / MANIFEST).read_text())
    if said.get("format") != FORMAT:
        raise BackupFault(f"{MANIFEST} is of format {said.get('format')}, and this Rung reads format {FORMAT}.")
    return Manifest(said["made_at"], said["versions"], Contents(**said["contents"]))
