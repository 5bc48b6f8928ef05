from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from dosing.queries.replay import replay
from trials.models import Study


class Command(BaseCommand):
    help = "Recompute every stored recommendation of a study; ends with 1 and names each difference where there is one."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("study", help="the study's key")

    def handle(self, *args: Any, **options: Any) -> None:
        study = Study.objects.filter(key=options["study"]).first()
        if study is None:
            known = ", ".join(Study.objects.order_by("key").values_list("key", flat=True)) or "none yet"
            raise CommandError(f"There is no study {options['study']}. Studies: {known}.")
        differences = replay(study)
        if differences:
            raise CommandError("\n".join(str(d) for d in differences), returncode=1)
        count = study.recommendations.count()
        self.stdout.write(f"{study.key}: {count} recommendation{'' if count == 1 else 's'} recomputed, no difference.")
