"""Databases for tests: each a clone of one migrated template, with the owner's and the application's roles.

The audit trail refuses TRUNCATE and the application's role cannot DELETE, so nothing can be flushed between tests.
A clone takes tens of milliseconds; a test that commits for real gets one for itself.
"""

import fcntl
import os
import subprocess
import sys
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from urllib.parse import urlsplit

import psycopg
from psycopg import sql

from config.embedded import Addresses, Servers, run_roles_sql
from config.environment import BASE_DIR, fingerprint_of_the_tables


@dataclass(frozen=True)
class Database:
    """One test database and the addresses of the roles that use it."""

    name: str
    url: str
    owner_url: str
    admin_url: str
    redis_url: str

    @property
    def environment(self) -> dict[str, str]:
        """The environment of a process of Rung that is to use this database: a worker, a command."""
        return {
            **os.environ,
            "DJANGO_SETTINGS_MODULE": "config.settings",
            "DATABASE_URL": self.url,
            "DATABASE_OWNER_URL": self.owner_url,
            "REDIS_URL": self.redis_url,
        }


def template(servers: Servers, addresses: Addresses) -> str:
    """The name of a database that all migrations have been run in; made where the migrations are new."""
    name = f"template_{fingerprint_of_the_tables()}"
    with open(servers.folder / "template-gate", "w") as gate:
        fcntl.flock(gate, fcntl.LOCK_EX)
        with _admin(addresses) as admin:
            ready = admin.execute("SELECT datistemplate FROM pg_database WHERE datname = %s", [name]).fetchone()
            if ready is None or not ready[0]:
                _drop(admin, name)
                _make_template(addresses, name)
                admin.execute(
                    sql.SQL("ALTER DATABASE {} WITH IS_TEMPLATE true ALLOW_CONNECTIONS false").format(
                        sql.Identifier(name)
                    )
                )
                _drop_what_was_left_behind(admin, keep=name)
    return name


@contextmanager
def clone(addresses: Addresses, template_name: str) -> Iterator[Database]:
    """A new database, dropped at the end whoever is still connected to it."""
    name = f"test_{os.getpid()}_{uuid.uuid4().hex[:8]}"
    with _admin(addresses) as admin:
        admin.execute(
            sql.SQL("CREATE DATABASE {} TEMPLATE {} OWNER rung_owner STRATEGY file_copy").format(
                sql.Identifier(name), sql.Identifier(template_name)
            )
        )
    try:
        yield Database(
            name=name,
            url=_in(addresses.database_url, name),
            owner_url=_in(addresses.database_owner_url, name),
            admin_url=_in(addresses.database_admin_url, name),
            redis_url=addresses.redis_url,
        )
    finally:
        with _admin(addresses) as admin:
            _drop(admin, name)


def _make_template(addresses: Addresses, name: str) -> None:
    run_roles_sql(addresses.database_admin_url, name, {"RUNG_OWNER_PASSWORD": "", "RUNG_APP_PASSWORD": ""})
    environment = {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": "config.settings",
        "RUNG_DATABASE_ROLE": "owner",
        "DATABASE_OWNER_URL": _in(addresses.database_owner_url, name),
    }
    command = [sys.executable, "manage.py", "migrate", "--verbosity=0"]
    outcome = subprocess.run(command, cwd=BASE_DIR, env=environment, capture_output=True, text=True)
    if outcome.returncode:
        raise RuntimeError(f"The migrations do not run on an empty database:\n{outcome.stdout}{outcome.stderr}")


@contextmanager
def _admin(addresses: Addresses) -> Iterator[psycopg.Connection]:
    connection = psycopg.connect(addresses.database_admin_url, autocommit=True)
    try:
        yield connection
    finally:
        connection.close()


def _drop(admin: psycopg.Connection, name: str) -> None:
    admin.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))


def _drop_what_was_left_behind(admin: psycopg.Connection, keep: str) -> None:
    """Clones whose process is gone, and templates of earlier migrations but for the last few."""
    for (name,) in admin.execute("SELECT datname FROM pg_database WHERE datname ~ '^test_'").fetchall():
        if not _alive(int(name.split("_")[1])):
            _drop(admin, name)
    templates = admin.execute(
        "SELECT datname FROM pg_database WHERE datname ~ '^template_' AND datname <> %s ORDER BY oid DESC OFFSET 3",
        [keep],
    )
    for (name,) in templates.fetchall():
        admin.execute(sql.SQL("ALTER DATABASE {} WITH IS_TEMPLATE false").format(sql.Identifier(name)))
        _drop(admin, name)


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _in(url: str, name: str) -> str:
    return urlsplit(url)._replace(path=f"/{name}").geturl()
