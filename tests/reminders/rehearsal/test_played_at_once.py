"""Two who play one rehearsal at the same moment, over real connections: each day is played once, and whole."""

import datetime as dt
from unittest.mock import patch

import pytest

from accounts.models import DatabaseClock, User
from reminders import tasks
from reminders.models import PLAY_ABANDONED_AFTER, Play, Rehearsal
from reminders.operations.rehearsal import play_day, play_on, start_play, stop_play
from tests.databases import Database
from tests.dosing.test_signing_together import Together
from tests.reminders.rehearsal.conftest import ANTI_MAG, TODAY, draft, small, tried
from trials.models import Study


@pytest.fixture
def rehearsal(own_database: Database, planner: User) -> Rehearsal:
    return tried(draft(small(ANTI_MAG), planner), planner, (0.1, 0.3, 0.5))


def days_since_the_start(rehearsal: Rehearsal) -> int:
    day = Study.objects.get(pk=rehearsal.study_id).rehearsal_day
    assert day is not None
    return (day - rehearsal.started_on).days


def test_two_who_have_it_played_get_one_play(rehearsal: Rehearsal, planner: User) -> None:
    def start() -> object:
        return start_play(rehearsal=rehearsal, by=planner, at=TODAY)

    assert Together().run(*[start] * 4) == ["done"] * 4
    assert Play.objects.count() == 1


def test_workers_at_one_play_never_play_a_day_twice(rehearsal: Rehearsal, planner: User) -> None:
    play = start_play(rehearsal=rehearsal, by=planner, at=TODAY)

    def a_few_days() -> None:
        for _ in range(3):
            play_on(play_id=play.pk, by=User.objects.system(), at=TODAY)

    assert Together().run(*[a_few_days] * 3) == ["done"] * 3
    play.refresh_from_db()
    assert (play.status, play.failure) == (Play.Status.RUNNING, "")
    assert 3 <= play.days <= 9  # whoever finds another worker at it leaves it alone
    assert days_since_the_start(rehearsal) == play.days


def test_a_day_played_by_hand_meanwhile_is_one_more_day(rehearsal: Rehearsal, planner: User) -> None:
    play = start_play(rehearsal=rehearsal, by=planner, at=TODAY)
    answers = Together().run(
        lambda: play_on(play_id=play.pk, by=User.objects.system(), at=TODAY),
        lambda: play_day(rehearsal=rehearsal, by=planner, at=TODAY),
    )
    assert answers == ["done", "done"]
    play.refresh_from_db()
    assert (play.status, play.days) == (Play.Status.RUNNING, 1)
    assert days_since_the_start(rehearsal) == 2


def test_a_play_is_stopped_while_a_day_is_played(rehearsal: Rehearsal, planner: User) -> None:
    play = start_play(rehearsal=rehearsal, by=planner, at=TODAY)
    Together().run(
        lambda: play_on(play_id=play.pk, by=User.objects.system(), at=TODAY),
        lambda: stop_play(rehearsal=rehearsal, by=planner, at=TODAY),
    )
    play.refresh_from_db()
    assert play.status == Play.Status.STOPPED
    assert days_since_the_start(rehearsal) == play.days
    assert play_on(play_id=play.pk, by=User.objects.system(), at=TODAY) is None


def test_only_a_play_that_has_been_silent_is_handed_out_again(rehearsal: Rehearsal, planner: User) -> None:
    play = start_play(rehearsal=rehearsal, by=planner, at=TODAY)
    assert handed_out() == []
    silent = DatabaseClock() - PLAY_ABANDONED_AFTER - dt.timedelta(seconds=1)
    Play.objects.update(last_day_at=silent)
    assert handed_out() == [play.pk]
    stop_play(rehearsal=rehearsal, by=planner, at=TODAY)
    assert handed_out() == []


def handed_out() -> list[int]:
    with patch("reminders.tasks.hand_out_play") as hand_out:
        tasks.look_for_abandoned_plays()
    return [call.args[0] for call in hand_out.call_args_list]
