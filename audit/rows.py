"""The rows of the regulated tables against the trail: what was changed while a trigger was switched off shows here.

The newest entry of a row says how the row is. Columns that came with a later migration are in no old entry, and are
looked at from the row's next change on.
"""

import datetime as dt
import hashlib
import json
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

from django.db import connection

from audit.checks import regulated_tables
from audit.verifier import Fault

ROWS_NAMED_AT_MOST = 50
_NEWEST = """
    SELECT e.id, e.study_id, e.position, e.operation, e.new::text FROM audit.entry e
    WHERE e.table_name = '{table}' AND e.row_id = {row} ORDER BY e.id DESC LIMIT 1
"""
_UNLIKE = """
    SELECT t.id::text, to_jsonb(t)::text, newest.* FROM public.{table} t
    LEFT JOIN LATERAL ({newest}) newest (id, study_id, position, operation, new) ON true
    WHERE newest.new::jsonb IS DISTINCT FROM to_jsonb(t) OR newest.operation = 'DELETE'
"""
_GONE = """
    SELECT gone.row_id, newest.* FROM (
        SELECT row_id FROM audit.entry WHERE table_name = '{table}' EXCEPT SELECT t.id::text FROM public.{table} t
    ) gone JOIN LATERAL ({newest}) newest (id, study_id, position, operation, new) ON newest.operation <> 'DELETE'
"""


def rows_against_the_trail() -> Iterator[Fault]:
    """A fault for each row that is not as its newest entry says, that no entry tells of, or that is gone; capped."""
    for table in sorted(regulated_tables()):
        found = [*_unlike(table), *_gone(table)]
        yield from found[:ROWS_NAMED_AT_MOST]


def _unlike(table: str) -> Iterator[Fault]:
    query = _UNLIKE.format(table=table, newest=_NEWEST.format(table=table, row="t.id::text"))
    for row_id, live, entry_id, study_id, position, operation, new in _rows(query):
        row = json.loads(live, parse_float=Decimal)
        if entry_id is None or operation == "DELETE":
            said = "there is such a row, and no entry of its making" if entry_id is None else "the row is there again"
            of = study_id if study_id is not None else int(row.get("study_id") or 0)
            yield Fault("missing", of, position or 0, said, str(entry_id or ""), table, row_id)
            continue
        differing = unlike(row, json.loads(new, parse_float=Decimal))
        if differing:
            said = f"the row was changed since, without an entry: {', '.join(differing)}"
            yield Fault("missing", study_id, position, said, str(entry_id), table, row_id)


def _gone(table: str) -> Iterator[Fault]:
    for row_id, entry_id, study_id, position, _, _ in _rows(
        _GONE.format(table=table, newest=_NEWEST.format(table=table, row="gone.row_id"))
    ):
        said = "the row was removed since, without an entry"
        yield Fault("missing", study_id, position, said, str(entry_id), table, row_id)


def _rows(query: str) -> Iterator[tuple[Any, ...]]:
    with connection.chunked_cursor() as cursor:
        cursor.execute(query)
        while rows := cursor.fetchmany(2000):
            yield from rows


def unlike(row: dict[str, Any], kept: dict[str, Any]) -> list[str]:
    """The columns, known to both, whose value is not the one in the trail."""
    return sorted(name for name in row.keys() & kept.keys() if not _same(row[name], kept[name]))


def _as_text(live: Any) -> str:
    """As PostgreSQL's `->>` gives it; an object has the order of its keys from there."""
    if isinstance(live, str):
        return live
    return "" if live is None else json.dumps(live, ensure_ascii=False, default=str)


def _same(live: Any, kept: Any) -> bool:
    """Alike, or alike but for the zone in which a time was written, or kept as a digest only."""
    if live == kept:
        return True
    if not isinstance(kept, str):
        return False
    if kept.startswith("sha256:"):
        return kept == "sha256:" + hashlib.sha256(_as_text(live).encode()).hexdigest()
    try:
        return dt.datetime.fromisoformat(str(live)) == dt.datetime.fromisoformat(kept)
    except (ValueError, TypeError):
        return False
