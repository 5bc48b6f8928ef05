from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from audit.export import write_export
from audit.verifier import chain_name
from reminders.management.commands.verify_audit import all_published, chosen_chains
from trials import clock
from trials.models import Study


class Command(BaseCommand):
    help = "Export the audit trail as a zip that can be verified anywhere, with Python alone."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", type=Path, help="the zip to write")
        parser.add_argument("--study", default="all", help="a study's key, `people`, `access` or `all` (the default)")

    def handle(self, *args: Any, **options: Any) -> None:
        keys = dict(Study.objects.values_list("pk", "key"))
        published = all_published()
        names = {n: keys.get(n) or chain_name(n) for n in chosen_chains(options["study"], keys, published)}
        with options["file"].open("xb") as file:
            entries = write_export(file, names, published, clock.now(), everything=options["study"] == "all")
        self.stdout.write(f"{sum(entries.values())} entries of {len(entries)} chains are in {options['file']}.")
