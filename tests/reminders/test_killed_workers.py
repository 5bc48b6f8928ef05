"""A real worker, killed with signal 9 while it sends.

Nothing goes out twice, nothing is lost, and the page says what is uncertain.
"""

import datetime as dt
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.test import Client

from accounts.models import User
from reminders.models import CLAIM_LASTS, SENDING_LASTS, Reminder
from tests.databases import Database
from tests.reminders.conftest import make_reminder
from tests.workers import Workers
from trials.models import Study

Status = Reminder.Status
pytestmark = [pytest.mark.slow, pytest.mark.django_db(transaction=True)]


class MailWorkers(Workers):
    """Their mail goes to a file, and `block` says at which step of sending they stop."""

    @property
    def mail(self) -> Path:
        return self.folder / "mail.log"

    def start_with(self, block: str = "") -> subprocess.Popen[bytes]:
        return self.start(
            DJANGO_SETTINGS_MODULE="tests.reminders.worker_settings",
            RUNG_TEST_MAIL=str(self.mail),
            RUNG_TEST_BLOCK=block,
        )

    def sweep(self) -> None:
        self.ask("reminders.tasks.sweep")

    @property
    def sent(self) -> list[str]:
        return self.mail.read_text().splitlines() if self.mail.exists() else []

    @property
    def has_stopped(self) -> bool:
        return self.mail.with_suffix(".stopped").exists()


@pytest.fixture
def workers(own_database: Database, own_redis: str, tmp_path: Path) -> Iterator[MailWorkers]:
    workers = MailWorkers(own_database, own_redis, tmp_path)
    yield workers
    workers.kill_all()


@pytest.fixture
def waiting(study: Study, pi: User, medical_monitor: User) -> list[Reminder]:
    """Two reminders that nobody has claimed."""
    return [make_reminder(study, person, item=f"dlt:{person.pk}") for person in (pi, medical_monitor)]


def time_passes(span: dt.timedelta) -> None:
    """Make what was claimed so long ago as if the span had gone by."""
    for reminder in Reminder.objects.exclude(claimed_at=None):
        Reminder.objects.filter(pk=reminder.pk).update(claimed_at=reminder.claimed_at - span)


def statuses() -> list[str]:
    return sorted(Reminder.objects.filter(item__startswith="dlt:").values_list("status", flat=True))


def killed_at(workers: MailWorkers, place: str) -> None:
    """A worker has been killed exactly there."""
    worker = workers.start_with(block=place)
    workers.sweep()
    workers.until(lambda: workers.has_stopped)
    workers.kill(worker)


def test_a_worker_sends_what_waits(workers: MailWorkers, waiting: list[Reminder]) -> None:
    workers.start_with()
    workers.sweep()
    workers.until(lambda: statuses() == [Status.SENT, Status.SENT])
    workers.sweep()
    time.sleep(1)
    assert len(workers.sent) == 2


@pytest.mark.req("R3-4.3.6")
def test_killed_between_claim_and_send_nothing_is_lost(workers: MailWorkers, waiting: list[Reminder]) -> None:
    killed_at(workers, "open")
    assert statuses() == [Status.CLAIMED, Status.WAITING]
    assert workers.sent == []

    time_passes(CLAIM_LASTS)
    workers.start_with()
    workers.sweep()
    workers.until(lambda: statuses() == [Status.SENT, Status.SENT])
    assert sorted(line.split()[0] for line in workers.sent) == ["medical-monitor@example.org", "pi@example.org"]


@pytest.mark.parametrize(("place", "went_out"), [("before-write", 0), ("after-write", 1)])
def test_killed_while_sending_it_is_never_sent_again_and_the_page_names_it(
    workers: MailWorkers, waiting: list[Reminder], pi: User, study: Study, place: str, went_out: int
) -> None:
    killed_at(workers, place)
    assert statuses() == [Status.SENDING, Status.WAITING]
    assert len(workers.sent) == went_out

    time_passes(SENDING_LASTS)
    workers.start_with()
    workers.sweep()
    workers.until(lambda: statuses() == [Status.SENT, Status.UNCERTAIN])
    workers.sweep()
    time.sleep(1)
    assert statuses() == [Status.SENT, Status.UNCERTAIN]
    assert len(workers.sent) == 1 + went_out
    assert len(set(workers.sent)) == len(workers.sent)

    reader = Client()
    reader.force_login(pi)
    page = reader.get(f"/studies/{study.key}/reminders/").content.decode()
    doubtful = Reminder.objects.get(status=Status.UNCERTAIN)
    assert "1 message may or may not have gone out" in page
    assert f"/reminders/{doubtful.pk}/again/" in page
    assert f"/reminders/{doubtful.pk}/leave/" in page
