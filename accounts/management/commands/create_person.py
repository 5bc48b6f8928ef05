import getpass
import sys
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from accounts.errors import WeakPassword
from accounts.models import User
from accounts.operations import create_person


class Command(BaseCommand):
    help = "Add a person who can sign in. The password is asked for, or read from standard input."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("username")
        parser.add_argument("full_name", help="the printed name on signatures")
        parser.add_argument("email")
        parser.add_argument("--administrator", action="store_true", help="looks after everybody's accounts")

    def handle(self, *args: Any, **options: Any) -> None:
        if User.objects.filter(username__iexact=options["username"]).exists():
            raise CommandError(f"The user name {options['username']!r} is taken; it is never used a second time.")
        password = getpass.getpass("Password: ") if sys.stdin.isatty() else sys.stdin.readline().rstrip("\n")
        try:
            person = create_person(
                username=options["username"],
                full_name=options["full_name"],
                email=options["email"],
                password=password,
                is_administrator=options["administrator"],
                by=User.objects.system(),
                at=timezone.now(),
            )
        except WeakPassword as weak:
            raise CommandError(f"This password is not allowed: {weak}") from weak
        self.stdout.write(f"{person.full_name} can sign in as {person.username}.")
