import secrets
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import transaction
from django.utils import timezone
from oauth2_provider.models import Application

from accounts.models import User
from accounts.operations import create_person
from trials.models import Role, Study
from trials.operations import grant_role


class Command(BaseCommand):
    help = "Let a client system (EDC) use the API for one study: at one site, or at all. Prints its id and secret once."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("study", help="the study's key")
        parser.add_argument("name", help="the client's name, as the audit trail will show it")
        parser.add_argument("--site", default="", help="the site's code; without it the client sees all sites")

    def handle(self, *args: Any, **options: Any) -> None:
        study = Study.objects.filter(key=options["study"]).first()
        if study is None:
            raise CommandError(f"There is no study {options['study']!r}.")
        site = study.sites.filter(code=options["site"]).first()
        if options["site"] and site is None:
            codes = ", ".join(study.sites.values_list("code", flat=True))
            raise CommandError(f"{study.key} has no site {options['site']!r}; it has {codes}.")
        by, at, secret = User.objects.system(), timezone.now(), secrets.token_urlsafe(32)
        with transaction.atomic():
            client = create_person(
                username=f"client-{secrets.token_hex(4)}",
                full_name=options["name"],
                email="",
                is_person=False,
                by=by,
                at=at,
            )
            grant_role(study=study, person=client, role=Role.EDC, site=site, by=by, at=at)
            application = Application.objects.create(
                name=options["name"],
                user=client,
                client_type=Application.CLIENT_CONFIDENTIAL,
                authorization_grant_type=Application.GRANT_CLIENT_CREDENTIALS,
                client_secret=secret,
            )
        self.stdout.write(f"client id      {application.client_id}\nclient secret  {secret}")
