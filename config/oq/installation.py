"""What is installed: packages, tables, roles, settings."""

import io
import re
from importlib.metadata import PackageNotFoundError, version

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import SystemCheckError
from django.db import connection
from django.db.migrations.executor import MigrationExecutor

from config.environment import BASE_DIR
from config.oq.step import Chapter, Deviation, Installation, Step

OLDEST_POSTGRESQL = 160_000
PINNED = re.compile(r"^([A-Za-z0-9_.-]+)==([^ ;\\]+)((?: ;)?)", re.MULTILINE)
_MORE_THAN_ROWS = """
    SELECT rolsuper OR rolcreaterole OR rolcreatedb OR rolbypassrls OR EXISTS (
        SELECT FROM pg_class c WHERE c.relowner = r.oid AND c.relkind = 'r')
    FROM pg_roles r WHERE rolname = current_user
"""


def chapter() -> Chapter:
    return Chapter("Installation", [
        Step("Packages", "EMA-A4.1", "Each Python package is of the release that requirements.lock pins.", packages),
        Step("PostgreSQL", "EMA-A2.1", "Release 16 or newer, with UTF-8 and checksums of its pages.", postgresql),
        Step("Tables", "EMA-A2.1", "Every migration of this release has been run, and no other.", migrations),
        Step("The application's role", "EMA-A3.3, EMA-A3.4",
             "Owns no table and may make none: it reads and writes rows.", application_role),
        Step("Settings", "EMA-A4.1, P11-30", "Django's check for deployment has nothing to say.", deployment),
    ])  # fmt: skip


def packages(_: Installation) -> str:
    pins = {name: pinned for name, pinned, marker in PINNED.findall(_lock()) if not marker}
    wrong = [
        f"{name} is {found or 'missing'}, not {pins[name]}"
        for name in pins
        if (found := _installed(name)) != pins[name]
    ]
    if wrong:
        raise Deviation("; ".join(wrong))
    return f"{len(pins)} packages as pinned."


def _lock() -> str:
    return (BASE_DIR / "requirements.lock").read_text()


def _installed(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return ""


def postgresql(_: Installation) -> str:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT current_setting('server_version_num')::int, current_setting('server_version'),"
            " current_setting('server_encoding'), current_setting('data_checksums')"
        )
        number, release, encoding, checksums = cursor.fetchone()
    said = f"PostgreSQL {release}, {encoding}, checksums {checksums}."
    if number < OLDEST_POSTGRESQL or encoding != "UTF8" or checksums != "on":
        raise Deviation(said)
    return said


def migrations(_: Installation) -> str:
    executor = MigrationExecutor(connection)
    known, done = set(executor.loader.disk_migrations), set(executor.loader.applied_migrations)
    differing = sorted(f"{app}.{name}" for app, name in known ^ done)
    if differing:
        raise Deviation(f"Not in step with this release: {', '.join(differing)}.")
    return f"{len(done)} migrations."


def application_role(_: Installation) -> str:
    with connection.cursor() as cursor:
        cursor.execute(_MORE_THAN_ROWS)
        (more,) = cursor.fetchone()
        cursor.execute("SELECT current_user")
        (role,) = cursor.fetchone()
    if more:
        raise Deviation(f"{role} may do more than read and write rows.")
    return f"{role} reads and writes rows."


def deployment(_: Installation) -> str:
    said = io.StringIO()
    try:
        call_command("check", deploy=settings.PRODUCTION, databases=["default"], fail_level="WARNING", stdout=said,
                     stderr=said)  # fmt: skip
    except SystemCheckError as error:
        raise Deviation(str(error)) from error
    return "Nothing to say." if settings.PRODUCTION else "Nothing to say; this is no production installation."
