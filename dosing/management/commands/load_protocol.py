import datetime as dt
from argparse import ArgumentParser, FileType
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from accounts.models import User
from dosing.operations import load_protocol
from trials.errors import InvalidProtocol, Refused


class Command(BaseCommand):
    help = "Load a study file: all of it, or nothing with every fault named. Loading it again changes nothing."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", type=FileType(encoding="utf-8"), help="the study file (YAML)")
        parser.add_argument(
            "--rehearsal", type=dt.date.fromisoformat, metavar="DAY", help="a rehearsal, on this day of its own"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        with options["file"] as file:
            text = file.read()
        try:
            version = load_protocol(
                text=text, rehearsal_day=options["rehearsal"], by=User.objects.system(), at=timezone.now()
            )
        except (InvalidProtocol, Refused) as error:
            raise CommandError(str(error)) from error
        self.stdout.write(f"{version.study.key}: protocol version {version.number}, {version.get_status_display()}.")
