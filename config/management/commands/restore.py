from argparse import ArgumentParser
from pathlib import Path
from typing import Any

import psycopg
from django.core.management.base import BaseCommand, CommandError
from django.db import DatabaseError

from config.backups.folder import BackupFault
from config.backups.restoring import restore_backup
from config.backups.verifying import must_be_the_same_database, not_beyond_the_end, verify_database
from config.environment import admin_url
from reminders.management.commands.verify_audit import all_published

UNUSABLE = "Do not let anybody work on this database."


class Command(BaseCommand):
    help = "Restore a backup into an empty database, then verify the audit trail and the signatures."
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--from", required=True, type=Path, metavar="DIR", help="the folder that `backup` made")
        parser.add_argument("--published", type=Path, help="a file of published hashes that was kept elsewhere")

    def handle(self, *args: Any, **options: Any) -> None:
        url = admin_url()
        if not url:
            raise CommandError(
                "A restore is done as the server's administrator: set DATABASE_ADMIN_URL for this one command, such as"
                " postgresql://postgres:PASSWORD@HOST:5432/rung."
            )
        try:
            must_be_the_same_database(url)
            manifest = restore_backup(admin_url=url, source=options["from"])
        except (BackupFault, OSError, psycopg.Error, DatabaseError) as fault:
            raise CommandError(str(fault)) from fault
        self.stdout.write(
            f"The checksums are right. The backup of {manifest.made_at} by Rung {manifest.versions['Rung']} is"
            f" restored: {len(manifest.contents.rows)} tables with as many rows as then, and each object as it was."
        )
        self._verify(options["published"])

    def _verify(self, kept: Path | None) -> None:
        published = all_published(kept)
        within = not_beyond_the_end(published)
        verified = verify_database(within)
        if verified.faults:
            raise CommandError("\n".join([*verified.faults, UNUSABLE]))
        self.stdout.write(
            f"The audit trail is whole, and the rows agree with it: {verified.entries} entries in"
            f" {verified.chains} chains."
        )
        self.stdout.write(
            f"{verified.published} published hashes agree;"
            f" {len(published) - len(within)} were published after the backup."
        )
        self.stdout.write(f"The signatures are as they were given: {verified.signatures}.")
