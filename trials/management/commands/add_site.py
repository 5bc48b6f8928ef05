from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from accounts.models import User
from trials.models import Study
from trials.operations import add_site
from trials.time_zones import time_zones


class Command(BaseCommand):
    help = "Add a site to a study: add_site LEN-MAG-01 A 'Northfield University Hospital' America/New_York"

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("study", help="the study's key")
        parser.add_argument("code", help="stands before the number of each patient: A-001")
        parser.add_argument("name")
        parser.add_argument("time_zone", help="an IANA name, such as Europe/Stockholm")

    def handle(self, *args: Any, **options: Any) -> None:
        study = Study.objects.filter(key=options["study"]).first()
        if study is None:
            raise CommandError(
                f"There is no study {options['study']!r}. Load its protocol first: manage.py load_protocol"
            )
        if options["time_zone"] not in time_zones():
            raise CommandError(
                f"{options['time_zone']!r} is no time zone; give an IANA name, such as Europe/Stockholm."
            )
        if study.sites.filter(code=options["code"]).exists():
            raise CommandError(f"{study.key} has a site {options['code']!r} already.")
        site = add_site(
            study=study,
            code=options["code"],
            name=options["name"],
            time_zone=options["time_zone"],
            by=User.objects.system(),
            at=timezone.now(),
        )
        self.stdout.write(f"{study.key}: site {site.code}, {site.name}.")
