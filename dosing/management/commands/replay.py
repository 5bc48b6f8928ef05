from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from dosing.queries.replay import replay_one
from trials.models import Study


class Command(BaseCommand):
    help = "Recompute every stored recommendation of a study; ends with 1 and names each difference where there is one."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("study", help="the study's key")
        parser.add_argument("--number", type=int, help="of the one recommendation to recompute; all without it")

    def handle(self, *args: Any, **options: Any) -> None:
        study = Study.objects.filter(key=options["study"]).first()
        if study is None:
            known = ", ".join(Study.objects.order_by("key").values_list("key", flat=True)) or "none yet"
            raise CommandError(f"There is no study {options['study']}. Studies: {known}.")
        stored = study.recommendations.select_related("level").order_by("number")
        if options["number"] is not None:
            stored = stored.filter(number=options["number"])
            if not stored:
                raise CommandError(f"{study.key} has no recommendation {options['number']}.")
        differences = [difference for one in stored for difference in replay_one(one)]
        if differences:
            raise CommandError("\n".join(str(d) for d in differences), returncode=1)
        count = len(stored)
        self.stdout.write(f"{study.key}: {count} recommendation{'' if count == 1 else 's'} recomputed, no difference.")
