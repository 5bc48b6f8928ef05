from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from audit import seal
from audit.models import Publication
from audit.operations import FILE
from audit.verifier import Published, chain_name, read_published
from trials.models import Study

WITHOUT_STUDY = {"people": 0, "access": -1}


class Command(BaseCommand):
    help = (
        "Verify the audit trail: every chain is recomputed and compared with the published hashes, and every row with"
        " its newest entry. Names each entry that was changed, removed, inserted or moved, and exits with 1."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--study", default="all", help="a study's key, `people`, `access` or `all` (the default)")
        parser.add_argument("--published", type=Path, help="a file of published hashes that was kept elsewhere")
        parser.add_argument("--chains-only", action="store_true", help="do not compare the rows with the trail")

    def handle(self, *args: Any, **options: Any) -> None:
        keys = dict(Study.objects.values_list("pk", "key"))
        with seal.one_moment():
            published = all_published(options["published"])
            chosen = chosen_chains(options["study"], keys, published)
            wrong = sum(self._chain(study_id, keys, published) for study_id in chosen)
            if not options["chains_only"]:
                wrong += self._rows(chosen, keys)
        for sentence in seal.disarmed():
            self.stdout.write(sentence)
            wrong += 1
        for sentence in what_did_not_leave(options["published"]):
            self.stderr.write(sentence)
        if wrong:
            raise CommandError(f"The audit trail is not whole: {wrong} faults.", returncode=1)

    def _chain(self, study_id: int, keys: dict[int, str], published: list[Published]) -> int:
        faults = seal.faults_of_chain(study_id, published)
        name = keys.get(study_id) or chain_name(study_id)
        for fault in faults:
            self.stdout.write(fault.sentence(name))
        if not faults:
            compared = sum(p.study_id == study_id for p in published)
            entries = seal.chain(study_id).entries
            self.stdout.write(f"{name}: whole. {entries} entries, {compared} published hashes agree.")
        return len(faults)

    def _rows(self, chosen: list[int], keys: dict[int, str]) -> int:
        faults = seal.faults_of_rows(chosen)
        for fault in faults:
            self.stdout.write(fault.sentence(keys.get(fault.study_id, "")))
        if not faults:
            self.stdout.write("The rows are what the trail says.")
        return len(faults)


def all_published(kept: Path | None = None) -> list[Published]:
    """What the database says was published, what stands in the file, and what is in a file that was kept elsewhere."""
    found = [line for publication in Publication.objects.all() for line in publication.published]
    for file in (settings.AUDIT_PUBLISHED_DIR / FILE, kept):
        if file is not None and (file == kept or file.is_file()):
            with file.open(encoding="utf-8") as lines:
                found += read_published(lines)
    return list(dict.fromkeys(found))


def what_did_not_leave(kept: Path | None) -> list[str]:
    """No faults of the trail; but what the database alone says was published proves nothing against its owner."""
    said = []
    inside = Publication.objects.filter(written_at=None, mailed_at=None).order_by("day")
    if inside:
        days = f"{inside[0].day}" if len(inside) == 1 else f"{len(inside)} days since {inside[0].day}"
        said.append(f"NOT PUBLISHED: the hashes of {days} were neither written to the file nor mailed.")
    if kept is None and not (settings.AUDIT_PUBLISHED_DIR / FILE).is_file():
        said.append("NOT COMPARED with a file: there is none in AUDIT_PUBLISHED_DIR, and --published named none.")
    return said


def chosen_chains(asked: str, keys: dict[int, str], published: list[Published]) -> list[int]:
    if asked == "all":
        return seal.chains(published)
    numbers = WITHOUT_STUDY | {key: study_id for study_id, key in keys.items()}
    if asked not in numbers:
        raise CommandError(f"There is no study {asked!r}. Name one of: {', '.join(sorted(numbers))}, all.")
    return [numbers[asked]]
