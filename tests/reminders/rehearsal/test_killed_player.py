"""A real worker, killed with signal 9 while it plays: every day is whole, and another worker goes on."""

import datetime as dt
from collections.abc import Iterator
from pathlib import Path

import pytest

from accounts.models import DatabaseClock, Signature, User
from reminders.models import PLAY_ABANDONED_AFTER, Play, Rehearsal
from reminders.operations.rehearsal import start_play, stop_play
from tests.databases import Database
from tests.reminders.rehearsal.conftest import ANTI_MAG, TODAY, draft, small, tried
from tests.workers import Workers
from trials.models import Study

SETTINGS = {"DJANGO_SETTINGS_MODULE": "tests.reminders.worker_settings"}
pytestmark = [pytest.mark.slow, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def workers(own_database: Database, own_redis: str, tmp_path: Path) -> Iterator[Workers]:
    workers = Workers(own_database, own_redis, tmp_path)
    yield workers
    workers.kill_all()


@pytest.fixture
def rehearsal(planner: User) -> Rehearsal:
    return tried(draft(small(ANTI_MAG), planner), planner, (0.1, 0.3, 0.5))


def test_a_killed_worker_leaves_whole_days_and_another_goes_on(
    workers: Workers, rehearsal: Rehearsal, planner: User
) -> None:
    play = start_play(rehearsal=rehearsal, by=planner, at=TODAY)
    worker = workers.start(**SETTINGS)
    workers.ask("reminders.tasks.play_rehearsal", play.pk)
    workers.until(lambda: days_of(play) >= 4)
    workers.kill(worker)
    left = days_of(play)
    assert day_of(rehearsal) == rehearsal.started_on + left * dt.timedelta(days=1)
    Play.objects.filter(pk=play.pk).update(last_day_at=DatabaseClock() - PLAY_ABANDONED_AFTER)
    workers.start(**SETTINGS)
    workers.ask("reminders.tasks.look_for_abandoned_plays")
    workers.until(lambda: days_of(play) >= left + 2 and a_decision_was_signed())
    stop_play(rehearsal=rehearsal, by=planner, at=TODAY)
    assert day_of(rehearsal) == rehearsal.started_on + days_of(play) * dt.timedelta(days=1)


def days_of(play: Play) -> int:
    now = Play.objects.get(pk=play.pk)
    assert now.status != Play.Status.FAILED, now.failure
    return now.days


def a_decision_was_signed() -> bool:
    return Signature.objects.filter(signer__username__startswith=User.INVENTED).exists()


def day_of(rehearsal: Rehearsal) -> dt.date:
    found = Study.objects.get(pk=rehearsal.study_id).rehearsal_day
    assert found is not None
    return found
