from typing import Any

from django.core.management.base import BaseCommand

from reminders.demo.people import as_rows


class Command(BaseCommand):
    help = "Say who can sign in to the demonstration."

    def handle(self, *args: Any, **options: Any) -> None:
        rows = as_rows()
        for row in rows:
            self.stdout.write(f"  {row['username']:<12} {row['name']:<18} {row['role']}")
        self.stdout.write(f"  Password of all of them: {rows[0]['password']}")
