from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from dosing.dossier.archive import dossier_zip, name_of
from dosing.dossier.contents import dossier_of, recommendation_for
from dosing.dossier.printed import dossier_pdf
from trials.models import Study


class Command(BaseCommand):
    help = "Write the dossier of a decision, as PDF/A and as a zip with its data; the same bytes whenever it is made."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("study", help="the study's key")
        parser.add_argument("number", type=int, help="of the recommendation that was decided on")
        parser.add_argument("--out", type=Path, default=Path(), help="the folder to write to; this one without it")

    def handle(self, *args: Any, **options: Any) -> None:
        study = Study.objects.filter(key=options["study"]).first()
        if study is None:
            known = ", ".join(Study.objects.order_by("key").values_list("key", flat=True)) or "none yet"
            raise CommandError(f"There is no study {options['study']}. Studies: {known}.")
        recommendation = recommendation_for(study, options["number"])
        if recommendation is None:
            raise CommandError(f"{study.key} has no recommendation {options['number']}.")
        folder: Path = options["out"]
        folder.mkdir(parents=True, exist_ok=True)
        for ending, content in (
            ("pdf", dossier_pdf(dossier_of(recommendation))),
            ("zip", dossier_zip(recommendation)),
        ):
            path = folder / f"{name_of(recommendation)}.{ending}"
            path.write_bytes(content)
            self.stdout.write(str(path))
