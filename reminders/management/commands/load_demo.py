from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from reminders.demo import people
from reminders.demo.load import make_study
from reminders.demo.script import ESCALATING, EXPANDING
from trials.models import Study

STUDY_FILE = settings.BASE_DIR / "trials" / "protocols" / "anti-mag-lenalidomide.yaml"


class Command(BaseCommand):
    help = "Make the demonstration's studies, with invented people, by calling the operations day by day."

    def handle(self, *args: Any, **options: Any) -> None:
        if settings.PRODUCTION:
            raise CommandError("This is a production installation; a demonstration belongs into one of its own.")
        if Study.objects.exists():
            raise CommandError("There are studies already; start over with `make demo-reset`.")
        for plot in (ESCALATING, EXPANDING):
            make_study(plot, STUDY_FILE.read_text(), self._say)
        people.tell_the_sign_in_page()

    def _say(self, line: str) -> None:
        self.stdout.write(line)
        self.stdout.flush()
