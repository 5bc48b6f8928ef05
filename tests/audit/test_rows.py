"""The rows against the trail, on a study that has run for a while: nothing is told that is not so."""

import pytest

from accounts.access_log import Kind, note_access
from accounts.models import User
from accounts.operations import change_password
from reminders.demo.load import make_study
from reminders.operations import feed_of
from tests.audit.tampering import online
from tests.cast import ANTI_MAG, DAY_ONE, moment
from tests.databases import Database
from tests.journeys.story import SHORT
from trials import clock

pytestmark = [pytest.mark.django_db, pytest.mark.slow, pytest.mark.req("P11-10a")]


def test_a_study_that_has_run_is_whole_with_all_its_rows(own_database: Database) -> None:
    study = make_study(SHORT, ANTI_MAG.read_text(), lambda said: None)
    someone = study.memberships.in_force()[0].user
    feed_of(study=study, by=someone, at=clock.now())
    change_password(person=someone, password="another phrase of length", by=someone, at=moment(DAY_ONE))
    User.objects.filter(pk=someone.pk).update(last_login=clock.now())
    note_access(kind=Kind.SIGN_IN, by=someone, at=moment(DAY_ONE))
    code, output = online("all", rows=True)
    assert code == 0, output
    assert "The rows are what the trail says." in output
