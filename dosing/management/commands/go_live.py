from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from accounts.models import User
from dosing.operations import go_live
from trials.errors import Refused
from trials.models import Study


class Command(BaseCommand):
    help = "Start a study: its protocol version becomes live and the first cohort opens."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("study", help="the study's key")

    def handle(self, *args: Any, **options: Any) -> None:
        study = Study.objects.filter(key=options["study"]).first()
        if study is None:
            raise CommandError(f"There is no study {options['study']!r}.")
        try:
            cohort = go_live(study=study, by=User.objects.system(), at=timezone.now())
        except Refused as refused:
            raise CommandError(refused.sentence) from refused
        self.stdout.write(
            f"{study.key} is live: cohort {cohort.number} at {cohort.level.label}, {cohort.size} place(s) open."
        )
