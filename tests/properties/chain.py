"""The audit chain of a study, verified entry by entry as it grows, with the hash recomputed here."""

from __future__ import annotations

import hashlib

from django.db import connection

COLUMNS = """id, study_id, position, to_char(at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'), operation,
    table_name, row_id, coalesce(patient_id::text, ''), coalesce(old::text, ''), coalesce(new::text, ''), actor_id,
    actor_name, reason, request_id, client_address, session_role, previous_hash, hash"""


class Chain:
    """How far a study's chain has been verified. `head` and `length` are of the last verified entry."""

    def __init__(self, study_id: int) -> None:
        self.study_id = study_id
        self.length, self.head = 0, "0" * 64

    def grown(self) -> set[str]:
        """Verify what has come since: its place, the hash before it, its own hash, actor and reason.

        Returns the tables that were changed; empty where nothing was.
        """
        with connection.cursor() as cursor:
            cursor.execute(
                f"SELECT {COLUMNS} FROM audit_entry WHERE study_id = %s AND position > %s ORDER BY position",
                [self.study_id, self.length],
            )
            entries = cursor.fetchall()
        changed = set()
        for entry in entries:
            _id, study, position, at, verb, table, row, patient, old, new, actor, name, reason, *rest = entry
            *origin, previous, own = rest
            assert position == self.length + 1, f"entry {position} follows entry {self.length}"
            assert previous == self.head, f"entry {position} names another hash before it"
            told = [previous, str(study), str(position), at, verb, table, row, patient, old, new]
            told += [actor, name, reason, *origin]
            assert own == hashlib.sha256("\x1f".join(told).encode()).hexdigest(), f"entry {position} has another hash"
            assert actor, f"entry {position} has no actor"
            assert name, f"entry {position} has no actor's name"
            assert reason.strip(), f"entry {position} has no reason"
            assert verb != "DELETE", f"entry {position} deletes a row of {table}"
            self.length, self.head = position, own
            changed.add(table)
        return changed


def newest_hashes(study_id: int) -> tuple[str | None, ...]:
    """The newest hash of the study's chain, and of the one of people: nothing has been written while they stay."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT DISTINCT ON (study_id) study_id, hash FROM audit_entry WHERE study_id IN (0, %s)"
            " ORDER BY study_id, position DESC",
            [study_id],
        )
        return tuple(row[1] for row in cursor.fetchall())
