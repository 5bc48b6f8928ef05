"""After a restore: is the audit trail whole, do the rows agree with it, are the signatures as they were given?"""

from collections.abc import Sequence
from dataclasses import dataclass

import psycopg
from django.db import connection

from accounts.manifestation import State, verify_stored
from accounts.models import Signature
from audit import seal
from audit.verifier import Published
from config.backups.folder import BackupFault

WHERE = "SELECT current_database(), pg_postmaster_start_time(), inet_server_port()"


@dataclass(frozen=True)
class Verified:
    """How much was looked at; a fault is a sentence that names the entry, the row or the signature."""

    chains: int
    entries: int
    published: int
    signatures: int
    faults: list[str]


def not_beyond_the_end(published: Sequence[Published]) -> list[Published]:
    """Those that were published of entries which are there; what was published after a backup was made is not."""
    ends = {study_id: seal.chain(study_id).entries for study_id in {p.study_id for p in published}}
    return [p for p in published if p.position <= ends[p.study_id]]


def must_be_the_same_database(admin_url: str) -> None:
    """Raises BackupFault where Rung is not set to the database that is restored into."""
    with psycopg.connect(admin_url) as admin, connection.cursor() as cursor:
        theirs = admin.execute(WHERE).fetchone()
        cursor.execute(WHERE)
        if cursor.fetchone() != theirs:
            raise BackupFault(
                "DATABASE_URL and DATABASE_ADMIN_URL name different databases; both have to name the one that is"
                " restored into. Nothing was restored."
            )


def verify_database(published: Sequence[Published] = ()) -> Verified:
    """Everything that Rung itself can find out about what it reads, as of one moment; against what was published."""
    with seal.one_moment():
        studies = seal.chains(published)
        found = [fault for study_id in studies for fault in seal.faults_of_chain(study_id, published)]
        found += seal.faults_of_rows(studies)
        entries = sum(seal.chain(study_id).entries for study_id in studies)
        signatures = list(Signature.objects.order_by("pk"))
        verdicts = verify_stored(signatures)
    altered = [
        f"Signature {signature.pk} of {signature.printed_name}: {verdicts[signature.pk].sentence}"
        for signature in signatures
        if verdicts[signature.pk].state == State.ALTERED
    ]
    faults = [*seal.disarmed(), *(fault.sentence() for fault in found), *altered]
    return Verified(len(studies), entries, len(published), len(signatures), faults)
