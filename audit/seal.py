"""The seal, looked at in the database: are the chains of the audit trail whole, and are the rows what the trail says?

The expressions stand here and not in the database, whose functions and views its owner could have replaced. A chain is
walked in the database itself; only one that is at fault is read out, entry by entry, for `audit.verifier` to say what
was done to it. Memory does not grow with the number of entries.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from django.db import connection, transaction

from audit.checks import every_regulated_table_is_audited
from audit.rows import rows_against_the_trail
from audit.verifier import BEGINNING, HASHED, Chain, Diagnosis, Entry, Fault, Published, against_published

_AS_TEXT = {
    "at": "to_char(e.at AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"')",
    "study_id": "e.study_id::text",
    "position": "e.position::text",
    "patient_id": "coalesce(e.patient_id::text, '')",
    "old": "coalesce(e.old::text, '')",
    "new": "coalesce(e.new::text, '')",
}
# Each column as it is hashed, by its name.
TEXTS = {name: _AS_TEXT.get(name, f"e.{name}") for name in HASHED}
_TOGETHER = f"concat_ws(chr(31), {', '.join(TEXTS.values())})"
IN_ORDER = "FROM audit.entry e WHERE e.study_id = %s ORDER BY e.position, e.id"

_WALK = f"""
    WITH walked AS (
        SELECT e.id, e.position, e.hash, e.previous_hash, {_TOGETHER} AS whole, row_number() OVER chain AS number,
               lag(e.hash, 1, '{BEGINNING}') OVER chain AS hash_before, lag(e.id, 1, 0::bigint) OVER chain AS id_before
        FROM audit.entry e WHERE e.study_id = %s WINDOW chain AS (ORDER BY e.position, e.id)
    )
    SELECT count(*), count(*) FILTER (WHERE position <> number OR previous_hash <> hash_before OR id <= id_before
        OR length(whole) - length(replace(whole, chr(31), '')) <> {len(HASHED) - 1}
        OR encode(sha256(convert_to(whole, 'UTF8')), 'hex') <> hash)
    FROM walked
"""  # noqa: S608  our own column names
_STUDIES = "SELECT study_id FROM audit_chain UNION SELECT DISTINCT study_id FROM audit.entry ORDER BY 1"
_READ = f"SELECT e.id::text, {', '.join(TEXTS.values())}, e.hash {IN_ORDER}"
_NEWEST = "SELECT hash FROM audit.entry e WHERE e.study_id = %s ORDER BY e.position DESC, e.id DESC LIMIT 1"
_AT_POSITIONS = "SELECT position, hash FROM audit.entry WHERE study_id = %s AND position = ANY(%s)"


@contextmanager
def one_moment() -> Iterator[None]:
    """Everything inside is read as it was at one moment, while others go on writing."""
    outermost = not connection.in_atomic_block
    with transaction.atomic(), connection.cursor() as cursor:
        if outermost:
            cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        # The walk reads in the order of the chain's index; planning one worker more gains nothing.
        cursor.execute("SET LOCAL max_parallel_workers_per_gather = 0")
        yield


def chains(published: Sequence[Published] = ()) -> list[int]:
    """The study of every chain there is, or was when something was published: 0 for people, -1 for the access log."""
    with connection.cursor() as cursor:
        cursor.execute(_STUDIES)
        return sorted({row[0] for row in cursor.fetchall()} | {p.study_id for p in published})


def chain(study_id: int, published: Sequence[Published] = ()) -> Chain:
    """A study's chain as the verifier reads it."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT entries, head FROM audit_chain WHERE study_id = %s", [study_id])
        entries, head = cursor.fetchone() or (0, BEGINNING)
    own = [p for p in published if p.study_id == study_id]
    return Chain(study_id, lambda: read_entries(study_id), entries, head, own, _locate)


def read_entries(study_id: int) -> Iterator[Entry]:
    """The entries of a chain as texts, from a cursor of the server's."""
    names = ("id", *HASHED, "hash")
    with connection.chunked_cursor() as cursor:
        cursor.execute(_READ, [study_id])
        while rows := cursor.fetchmany(2000):
            for row in rows:
                yield dict(zip(names, row, strict=True))


def faults_of_chain(study_id: int, published: Sequence[Published] = ()) -> list[Fault]:
    """Each entry of a study's chain that is at fault; nothing where it is whole and agrees with what was published."""
    looked_at = chain(study_id, published)
    with connection.cursor() as cursor:
        cursor.execute(_WALK, [study_id])
        stored, wrong = cursor.fetchone()
        cursor.execute(_NEWEST, [study_id])
        newest = (cursor.fetchone() or (BEGINNING,))[0]
        cursor.execute(_AT_POSITIONS, [study_id, [p.position for p in looked_at.published]])
        hashes = dict(cursor.fetchall())
    whole = wrong == 0 and stored == looked_at.entries and newest == looked_at.head
    told = [] if whole else Diagnosis(looked_at).faults()
    return [*told, *against_published(looked_at, hashes, stored)]


def faults_of_rows(studies: Sequence[int]) -> list[Fault]:
    """Rows that are not what the trail says of them: changed, removed or made while the trigger was switched off."""
    return [fault for fault in rows_against_the_trail() if fault.study_id in studies]


def disarmed() -> list[str]:
    """Sentences about guards that are switched off now."""
    return [error.msg for error in every_regulated_table_is_audited(None, databases=["default"])]


def _locate(hash_: str) -> tuple[int, int] | None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT study_id, position FROM audit.entry WHERE hash = %s ORDER BY id LIMIT 1", [hash_])
        found = cursor.fetchone()
    return (found[0], found[1]) if found else None
