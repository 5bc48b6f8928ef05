"""The history in words, as a file: CSV, JSON and PDF/A, with the same lines as the page."""

import csv
import datetime as dt
import io
import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from audit.models import EntryQuerySet
from dosing.dossier.paper import set_on_paper
from reminders.history import story
from trials.errors import Refused
from trials.models import Study

AT_ONCE = 500
PRINTED_AT_MOST = 5_000
LAYOUT = Path(__file__).with_suffix(".typ")


@dataclass(frozen=True)
class Row:
    """One line of the history. entry, position, hash: the audit entry in which it stands."""

    time: str
    who: str
    patient: str
    what: str
    facts: str
    changes: str
    because: str
    entry: int
    position: int
    hash: str


def rows_of(study: Study, entries: EntryQuerySet, zone: str, site_ids: frozenset[int] | None) -> Iterator[Row]:
    """The lines of these entries, newest first, read some hundreds at a time."""
    newest: int | None = None
    while chunk := list(entries.filter(id__lt=newest)[:AT_ONCE] if newest else entries[:AT_ONCE]):
        newest = chunk[-1].pk
        places = {entry.pk: entry for entry in chunk}
        for day in story(study, chunk, zone, site_ids):
            for deed in day.deeds:
                for line in deed.lines:
                    entry = places[line.entry_id]
                    yield Row(
                        time=entry.at.astimezone(deed.at.tzinfo).isoformat(timespec="seconds"),
                        who=deed.who, patient=deed.patient, what=line.title, facts=line.facts,
                        changes="; ".join(line.changes), because=deed.why,
                        entry=entry.pk, position=entry.position, hash=entry.hash,
                    )  # fmt: skip


def as_csv(rows: Iterator[Row]) -> bytes:
    """With a heading; a value that a spreadsheet would take for a formula is given as text."""
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(Row.__dataclass_fields__)
    for row in rows:
        writer.writerow([_as_text(value) for value in asdict(row).values()])
    return out.getvalue().encode("utf-8-sig")


def as_json(rows: Iterator[Row], study: Study, zone: str, narrowed: str) -> bytes:
    told = {"study": study.key, "zone": zone, "narrowed_to": narrowed, "entries": [asdict(row) for row in rows]}
    return json.dumps(told, ensure_ascii=False, indent=1).encode()


def as_pdf(rows: Iterator[Row], study: Study, zone: str, narrowed: str, at: dt.datetime) -> bytes:
    """PDF/A-2a. Refused where it would have more lines than anybody prints."""
    lines: list[list[str]] = []
    for row in rows:
        lines.append(_printed(row))
        if len(lines) > PRINTED_AT_MOST:
            sentence = f"The PDF holds at most {PRINTED_AT_MOST} lines. Narrow the history, or take CSV or JSON."
            raise Refused("too-long-to-print", sentence)
    printed: dict[str, Any] = {
        "title": f"History of {study.key}",
        "running": f"{narrowed}. Newest first; times in {zone}.",
        "foot": f"Rung, {at.astimezone(dt.UTC):%Y-%m-%d %H:%M} UTC",
        "study": study.title,
        "rows": lines,
    }
    return set_on_paper(LAYOUT, printed, at)


def _printed(row: Row) -> list[str]:
    said = ". ".join(part for part in (f"{row.patient} {row.what}".strip(), row.facts, row.changes) if part)
    by = f"{row.who}, because: “{row.because}”" if row.because else row.who
    return [row.time[:16].replace("T", " "), said, by, str(row.position)]


def _as_text(value: object) -> str:
    text = str(value)
    return f"'{text}" if text[:1] in ("=", "+", "-", "@", "\t", "\r") else text
