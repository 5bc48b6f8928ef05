import datetime as dt

import pytest

from accounts.models import User
from reminders.models import Reminder
from trials.models import Study

NOW = dt.datetime.now(dt.UTC)


def later(**span: int) -> dt.datetime:
    """A moment so long after now."""
    return dt.datetime.now(dt.UTC) + dt.timedelta(**span)


def make_reminder(study: Study, person: User, item: str = "digest:1", **fields: object) -> Reminder:
    return Reminder.objects.create(
        study=study,
        person=person,
        item=item,
        occasion="2026-01-05",
        urgency=Reminder.Urgency.DIGEST,
        subject=f"{study.key}: 1 overdue",
        body="One thing is overdue.",
        **fields,
    )


@pytest.fixture
def reminder(study: Study, pi: User) -> Reminder:
    return make_reminder(study, pi)
