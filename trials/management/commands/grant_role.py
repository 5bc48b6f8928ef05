from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from accounts.models import User
from trials.models import Role, Study
from trials.operations import grant_role


class Command(BaseCommand):
    help = "Give a person a role in a study, at one site (--site A) or at all. Giving it again changes nothing."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("study", help="the study's key")
        parser.add_argument("username")
        parser.add_argument("role", choices=Role.values)
        parser.add_argument("--site", default="", help="the site's code; without it the role holds for the whole study")

    def handle(self, *args: Any, **options: Any) -> None:
        study = Study.objects.filter(key=options["study"]).first()
        if study is None:
            raise CommandError(f"There is no study {options['study']!r}.")
        person = User.objects.filter(username=options["username"]).first()
        if person is None:
            raise CommandError(f"There is no person {options['username']!r}. Add them first: manage.py create_person")
        site = study.sites.filter(code=options["site"]).first()
        if options["site"] and site is None:
            codes = ", ".join(study.sites.values_list("code", flat=True)) or "none"
            raise CommandError(f"{study.key} has no site {options['site']!r}; its sites: {codes}.")
        by, role = User.objects.system(), Role(options["role"])
        membership = grant_role(study=study, person=person, role=role, site=site, by=by, at=timezone.now())
        self.stdout.write(f"{membership}{f', site {site.code}' if site else ''}.")
