from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from accounts.models import User
from accounts.operations import encrypt_anew
from reminders.rehearsal.people import renew_passwords
from trials import clock


class Command(BaseCommand):
    help = (
        "Put what an earlier DJANGO_SECRET_KEY protects under the present one, so that the earlier one can be taken out"
        " of DJANGO_SECRET_KEY_FALLBACKS. Exits with 1 where a secret can be read by no key, and says whose it is."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        rung, at = User.objects.system(), clock.now()
        outcome = encrypt_anew(by=rung, at=at)
        passwords = renew_passwords(by=rung, at=at)
        self.stdout.write(f"Earlier keys in DJANGO_SECRET_KEY_FALLBACKS: {len(settings.SECRET_KEY_FALLBACKS)}.")
        self.stdout.write(
            f"Second factors: {outcome.renewed} encrypted with the present key, {outcome.present} were already."
        )
        self.stdout.write(f"Invented people of rehearsals: {passwords} new passwords.")
        if outcome.unreadable:
            names = ", ".join(sorted({person.username for person in outcome.unreadable}))
            raise CommandError(f"No key reads the second factor of: {names}. Reset it under People.", returncode=1)
