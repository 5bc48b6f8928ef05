from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from accounts.manifestation import is_fault, verify_stored
from accounts.models import Signature
from trials.models import Study


class Command(BaseCommand):
    help = (
        "Verify every signature against the record as it is now and against the audit trail; ends with 1 and names each"
        " that does not verify."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--study", default="all", help="a study's key, or `all` (the default)")

    def handle(self, *args: Any, **options: Any) -> None:
        keys = dict(Study.objects.values_list("pk", "key"))
        given = Signature.objects.select_related("signer").order_by("pk")
        if options["study"] != "all":
            if options["study"] not in keys.values():
                known = ", ".join(sorted(keys.values())) or "none yet"
                raise CommandError(f"There is no study {options['study']}. Studies: {known}.")
            given = given.filter(study_id=next(pk for pk, key in keys.items() if key == options["study"]))
        signatures = list(given)
        verdicts = verify_stored(signatures)
        wrong = []
        for signature in signatures:
            verdict = verdicts[signature.pk]
            if is_fault(signature, verdict):
                wrong.append(f"{_named(signature, keys)}: {verdict.sentence}")
            elif not verdict.valid:
                self.stdout.write(
                    f"{_named(signature, keys)}: the record was changed since; it has to be signed again."
                )
        if wrong:
            raise CommandError("\n".join(wrong), returncode=1)
        count = len(signatures)
        self.stdout.write(f"{options['study']}: {count} signature{'' if count == 1 else 's'} verified.")


def _named(signature: Signature, keys: dict[int, str]) -> str:
    where = keys.get(signature.study_id, "no study")
    return (
        f"{where}: signature {signature.pk} of {signature.printed_name} ({signature.role}) on {signature.record_kind}"
        f" {signature.record_key} of {signature.signed_at:%Y-%m-%d %H:%M:%S %Z}"
    )
