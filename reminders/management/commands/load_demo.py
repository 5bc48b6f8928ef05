import subprocess
import sys
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from accounts.models import User
from reminders.demo import people
from reminders.demo.load import make_study
from reminders.demo.script import COMBINING, ESCALATING, EXPANDING, Plot
from trials.models import Study

STUDY_FILES = settings.BASE_DIR / "trials" / "protocols"
PLOTS = {plot.key: plot for plot in (ESCALATING, EXPANDING, COMBINING)}


class Command(BaseCommand):
    help = "Make the demonstration's studies, with invented people, by calling the operations day by day."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--study", choices=PLOTS, help="make this one only, beside others that are there")

    def handle(self, *args: Any, **options: Any) -> None:
        if settings.PRODUCTION:
            raise CommandError("This is a production installation; a demonstration belongs into one of its own.")
        if options["study"]:
            self._make(PLOTS[options["study"]])
            return
        if Study.objects.exists():
            raise CommandError("There are studies already; start over with `make demo-reset`.")
        people.cast(by=User.objects.system(), at=timezone.now())
        self._all_at_once()
        people.tell_the_sign_in_page()

    def _all_at_once(self) -> None:
        """Each study in a process of its own: they share nothing but the people."""
        manage = [sys.executable, str(settings.BASE_DIR / "manage.py"), "load_demo", "--study"]
        running = {key: subprocess.Popen([*manage, key]) for key in PLOTS}
        failed = [key for key, process in running.items() if process.wait() != 0]
        if failed:
            raise CommandError(f"Making {' and '.join(failed)} failed; what stands above says why.")

    def _make(self, plot: Plot) -> None:
        make_study(plot, (STUDY_FILES / f"{plot.study_file}.yaml").read_text(), self._say)

    def _say(self, line: str) -> None:
        self.stdout.write(line)
        self.stdout.flush()
