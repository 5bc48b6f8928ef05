"""What rows said at a place of the study's audit chain: read from the trail, so that later changes change nothing."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from typing import Any

from audit.models import Entry


@dataclass
class Kept:
    """A row as it was. entries: of it, oldest first, up to the place that was asked for."""

    table: str
    entries: list[Entry] = field(default_factory=list)

    @property
    def row(self) -> dict[str, Any]:
        return self.entries[-1].new or {}

    @property
    def newest(self) -> Entry:
        return self.entries[-1]

    @property
    def corrections(self) -> list[Entry]:
        return [entry for entry in self.entries if entry.operation == Entry.Operation.UPDATE]


def rows_at(study_id: int, position: int, patient_ids: Collection[int], tables: Collection[str]) -> list[Kept]:
    """The patients' rows in these tables as they were when the chain ended at `position`, in the order of recording."""
    entries = Entry.objects.of_study(study_id).filter(
        position__lte=position, patient_id__in=patient_ids, table_name__in=tables
    )
    found: dict[tuple[str, str], Kept] = {}
    for entry in entries.order_by("position"):
        found.setdefault((entry.table_name, entry.row_id), Kept(entry.table_name)).entries.append(entry)
    return [kept for kept in found.values() if kept.newest.operation != Entry.Operation.DELETE]


def entries_of(study_id: int, rows: Iterable[tuple[str, Collection[object]]]) -> list[Entry]:
    """All entries of these rows (table, keys), in the order of the chain."""
    found: list[Entry] = []
    for table, keys in rows:
        if keys:
            wanted = [str(key) for key in keys]
            found += Entry.objects.of_study(study_id).filter(table_name=table, row_id__in=wanted)
    return sorted(found, key=lambda entry: entry.position)


@dataclass(frozen=True)
class Names:
    """People as they were called at a moment: a name that is changed later changes no file."""

    by_id: dict[str, tuple[str, str]]

    def user_name(self, key: object) -> str:
        return self.by_id.get(str(key), ("", ""))[0]

    def person(self, key: object) -> str:
        """'Dr Ana Rivera (pi)'."""
        username, full_name = self.by_id.get(str(key), ("", ""))
        return f"{full_name} ({username})" if full_name else username


def names_at(user_ids: Iterable[object], moment: dt.datetime) -> Names:
    wanted = {str(key) for key in user_ids if key is not None}
    entries = Entry.objects.filter(table_name="accounts_user", row_id__in=wanted, at__lte=moment).order_by("id")
    told = entries.values_list("row_id", "new__username", "new__full_name")
    return Names({row_id: (username, full_name) for row_id, username, full_name in told})
