import getpass
import os
import platform
import tempfile
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.db import connection
from django.utils import timezone

from config.environment import VAR_DIR
from config.oq import report
from config.oq.run import Qualified, qualify
from config.oq.step import Installation
from config.versions import program_versions


class Command(BaseCommand):
    help = (
        "Qualify this installation: carry out each step of the operational qualification and write its record as PDF."
        " Nothing remains of it in the database. Ends with 1 where a step failed."
    )
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--by", required=True, help="who carries it out, by their printed name")
        parser.add_argument("--to", type=Path, default=VAR_DIR / "oq", metavar="DIR", help="where the record goes")
        parser.add_argument("--web", default=settings.PUBLIC_URL, help="the web server, if not at PUBLIC_URL")
        parser.add_argument("--mail-to", default="", help="who gets the test message")

    def handle(self, *args: Any, **options: Any) -> None:
        if settings.RUNG_DATABASE_ROLE != "application":
            raise CommandError("An installation is qualified as the application uses it: unset RUNG_DATABASE_ROLE.")
        if not options["by"].strip():
            raise CommandError("Say who carries it out: --by 'Dana Petrov'.")
        refuse_unwritable(options["to"])
        done = qualify(
            of=Installation(web=options["web"].rstrip("/"), mail_to=options["mail_to"]),
            by=f"{options['by'].strip()} (signed in to {platform.node()} as {account()})",
            versions={**program_versions(), "PostgreSQL": _postgresql(), "Installation": settings.PUBLIC_URL},
            clock=timezone.now,
        )
        path = report.write(done, options["to"])
        self._tell(done, path)

    def _tell(self, done: Qualified, path: Path) -> None:
        for outcome in done.deviations:
            self.stdout.write(f"failed: {outcome.step.title}. {outcome.observed}")
        answer = report.report_of(done)["answer"]
        if done.deviations:
            raise CommandError(f"{answer} The record is {path}.", returncode=1)
        self.stdout.write(f"{answer} The record is {path}.")


def account() -> str:
    """The name of the account it runs under, or the number where a container has no name for it."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return f"user {os.getuid()}"


def refuse_unwritable(folder: Path) -> None:
    """Before anything is tried, so that no qualification ends without its record."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise CommandError(
            f"The record cannot be written to {folder}: {error.strerror}. Name a folder: --to DIR."
        ) from error


def _postgresql() -> str:
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_setting('server_version')")
        return str(cursor.fetchone()[0])
