"""What a database says of itself, for a backup to keep and for a restore to compare."""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql

CATALOGUE = Path(__file__).with_name("catalogue.sql")
# Left behind by a backup: after a restore everybody signs in again.
NOT_KEPT = ("django_session",)
_CASTS_AND_BRACKETS = re.compile(r"::(?:character varying|timestamp with time zone|double precision|\w+)(?:\[\])?|[()]")
_TABLES = """
    SELECT n.nspname, c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE c.relkind IN ('r', 'p') AND n.nspname IN ('public', 'audit') ORDER BY 1, 2
"""


@dataclass(frozen=True)
class Contents:
    """What is in a database. chains: study → [entries, newest hash]; migrations: each as app.name; rows by table."""

    postgresql: str
    migrations: list[str]
    chains: dict[str, list[Any]]
    rows: dict[str, int]


def catalogue(connection: psycopg.Connection) -> list[str]:
    """Every object with its owner, privileges and definition, one line each, in order.

    Without casts and brackets, which PostgreSQL puts elsewhere when it reads its own definition again.
    """
    lines = (row[0] for row in connection.execute(CATALOGUE.read_bytes()))
    return sorted(" ".join(_CASTS_AND_BRACKETS.sub("", line).split()) for line in lines)


def contents(connection: psycopg.Connection) -> Contents:
    found = tables(connection)
    return Contents(
        postgresql=str(connection.info.parameter_status("server_version")),
        migrations=_migrations(connection) if ("public", "django_migrations") in found else [],
        chains=_chains(connection) if ("audit", "chain") in found else {},
        rows={f"{schema}.{name}": _rows(connection, schema, name) for schema, name in found if name not in NOT_KEPT},
    )


def tables(connection: psycopg.Connection) -> list[tuple[str, str]]:
    """(schema, table) of all tables of Rung's; none in an empty database."""
    return [(schema, name) for schema, name in connection.execute(_TABLES)]


def _migrations(connection: psycopg.Connection) -> list[str]:
    done = connection.execute("SELECT app || '.' || name FROM public.django_migrations ORDER BY 1")
    return sorted(row[0] for row in done)


def _chains(connection: psycopg.Connection) -> dict[str, list[Any]]:
    ends = connection.execute("SELECT study_id, entries, head FROM audit.chain ORDER BY study_id")
    return {str(study_id): [entries, head] for study_id, entries, head in ends}


def _rows(connection: psycopg.Connection, schema: str, name: str) -> int:
    counted = connection.execute(sql.SQL("SELECT count(*) FROM {}").format(sql.Identifier(schema, name))).fetchone()
    assert counted is not None
    return int(counted[0])
