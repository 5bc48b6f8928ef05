"""After a restore: is the audit trail whole, do the rows agree with it, are the signatures as they were given?"""

from dataclasses import dataclass

import psycopg
from django.db import connection

from accounts.manifestation import State, verify_stored
from accounts.models import Signature
from audit import seal
from config.backups.folder import BackupFault

WHERE = "SELECT current_database(), pg_postmaster_start_time(), inet_server_port()"


@dataclass(frozen=True)
class Verified:
    """How much was looked at; a fault is a sentence that names the entry, the row or the signature."""

    chains: int
    entries: int
    signatures: int
    faults: list[str]


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


def verify_database() -> Verified:
    """Everything that Rung itself can find out about what it reads, as of one moment."""
    with seal.one_moment():
        studies = seal.chains()
        found = [fault for study_id in studies for fault in seal.faults_of_chain(study_id)]
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
    return Verified(len(studies), entries, len(signatures), faults)
