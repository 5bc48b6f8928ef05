"""The daily publication: the newest hash of each chain leaves the database, by a file and by e-mail."""

import datetime as dt
import fcntl
import os
from collections.abc import Mapping, Sequence
from pathlib import Path

import structlog
from django.core.mail import EmailMessage
from django.db import connection

from audit.context import Actor, operation
from audit.export import published_line
from audit.models import Publication
from audit.verifier import chain_name

log = structlog.get_logger(__name__)
FILE = "published-hashes.jsonl"
_HEADS = "SELECT study_id, entries, head FROM audit_chain ORDER BY study_id"


def publish_what_is_due(
    *, names: Mapping[int, str], folder: Path, addresses: Sequence[str], by: Actor, at: dt.datetime
) -> None:
    """Once a day (in UTC) the newest hash of each chain; and whatever of an earlier day did not get out.

    names: study → key. Running it again changes nothing, and two at once do the work of one.
    """
    take_newest_hashes(names=names, by=by, at=at)
    for publication in Publication.objects.filter(written_at=None):
        write_publication(publication_id=publication.pk, folder=folder, by=by, at=at)
    if addresses:
        for publication in Publication.objects.filter(mailed_at=None):
            mail_publication(publication_id=publication.pk, addresses=addresses, by=by, at=at)


@operation
def take_newest_hashes(*, names: Mapping[int, str], by: Actor, at: dt.datetime) -> Publication:
    """The day's publication, as it was made first: where each chain ended then."""
    with connection.cursor() as cursor:
        cursor.execute(_HEADS)
        heads = [
            {"study_id": study_id, "study": names.get(study_id) or chain_name(study_id), "position": end, "hash": head}
            for study_id, end, head in cursor.fetchall()
        ]
    publication, _ = Publication.objects.get_or_create(day=at.astimezone(dt.UTC).date(), defaults={"heads": heads})
    return publication


@operation
def write_publication(*, publication_id: int, folder: Path, by: Actor, at: dt.datetime) -> None:
    """Add the day's lines to the file, unless they are there. Where it cannot be written, a later sweep does it."""
    publication = Publication.objects.select_for_update().get(pk=publication_id)
    if publication.written_at is not None:
        return
    try:
        _add_once(folder / FILE, lines_of(publication))
    except OSError as error:
        log.error("audit_publication_not_written", day=str(publication.day), error=type(error).__name__)
        return
    publication.written_at = at
    publication.save(update_fields=["written_at"])


@operation
def mail_publication(*, publication_id: int, addresses: Sequence[str], by: Actor, at: dt.datetime) -> None:
    """Send the day's lines, once. Where the mail server takes nothing, a later sweep tries again."""
    publication = Publication.objects.select_for_update().get(pk=publication_id)
    if publication.mailed_at is not None:
        return
    text = "Keep this message: it shows later that the audit trail up to here was not rewritten.\n\n"
    message = EmailMessage(
        f"Rung: newest audit hashes, {publication.day}", text + lines_of(publication), to=list(addresses)
    )
    try:
        taken = message.send()
    except OSError as error:  # smtplib's errors are OSErrors
        log.warning("audit_publication_not_mailed", day=str(publication.day), error=type(error).__name__)
        return
    if taken:
        publication.mailed_at = at
        publication.save(update_fields=["mailed_at"])


def lines_of(publication: Publication) -> str:
    """The publication as it stands in the file: a JSON object a line, for each chain."""
    names = [head["study"] for head in publication.heads]
    return "".join(published_line(p, name) for p, name in zip(publication.published, names, strict=True))


def _add_once(file: Path, lines: str) -> None:
    """Add lines at the end, down to the disk; what is there is never written again."""
    file.parent.mkdir(parents=True, exist_ok=True)
    with file.open("a+", encoding="utf-8") as open_file:
        fcntl.flock(open_file, fcntl.LOCK_EX)
        open_file.seek(0)
        there = set(open_file)
        open_file.writelines(line for line in lines.splitlines(keepends=True) if line not in there)
        open_file.flush()
        os.fsync(open_file.fileno())
