from argparse import ArgumentParser
from pathlib import Path
from typing import Any

import psycopg
from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.db import connection
from django.utils import timezone
from psycopg.conninfo import make_conninfo

from config.backups.folder import BackupFault
from config.backups.making import make_backup


class Command(BaseCommand):
    help = "Write a backup with checksums into a new folder below DIR, as the owner of the tables."
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--to", required=True, type=Path, metavar="DIR", help="where backups are kept")

    def handle(self, *args: Any, **options: Any) -> None:
        if settings.RUNG_DATABASE_ROLE != "owner":
            raise CommandError("A backup is made as the database's owner: set RUNG_DATABASE_ROLE=owner.")
        owner_url = _conninfo()
        try:
            folder = make_backup(owner_url=owner_url, to=options["to"], at=timezone.now())
        except (BackupFault, OSError, psycopg.Error) as fault:
            raise CommandError(f"No backup was made. {fault}") from fault
        size = sum(path.stat().st_size for path in folder.iterdir())
        self.stdout.write(
            f"{folder}: {size / 1_000_000:.1f} MB. Copy it to another place, and keep .env apart from it."
        )


def _conninfo() -> str:
    """Where Django goes, with everything that its settings say of it, for PostgreSQL's own programs."""
    given = connection.get_connection_params()
    ours = ("dbname", "user", "password", "host", "port", "sslmode", "sslrootcert", "sslcert", "sslkey")
    return make_conninfo("", **{name: given[name] for name in ours if given.get(name)})
