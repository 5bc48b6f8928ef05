"""The rows against the trail, on a study that has run for a while: nothing is told that is not so."""

import psycopg
import pytest

from accounts.access_log import Kind, note_access
from accounts.models import User
from accounts.operations import change_password
from reminders.demo.load import make_study
from reminders.operations import feed_of
from tests.accounts.second_factor import telephone_of
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
    telephone_of(someone)
    change_password(person=someone, password="another phrase of length", by=someone, at=moment(DAY_ONE))
    User.objects.filter(pk=someone.pk).update(last_login=clock.now())
    note_access(kind=Kind.SIGN_IN, by=someone, at=moment(DAY_ONE))
    code, output = online("all", rows=True)
    assert code == 0, output
    assert "The rows are what the trail says." in output


@pytest.mark.req("P11-200")
def test_a_second_factor_that_was_put_in_anothers_place_is_found(
    own_database: Database, owner_connection: psycopg.Connection, pi: User, medical_monitor: User
) -> None:
    """As the tables' owner, with the trigger switched off: one's own app in the row of somebody who signs."""
    telephone_of(pi)
    telephone_of(medical_monitor)
    assert online("all", rows=True)[0] == 0
    owner_connection.execute("ALTER TABLE mfa_authenticator DISABLE TRIGGER audit_record")
    assert "mfa_authenticator has no audit trigger" in online("all", rows=True)[1]
    owner_connection.execute(
        "UPDATE mfa_authenticator mine SET data = theirs.data FROM mfa_authenticator theirs"
        " WHERE mine.type = 'totp' AND theirs.type = 'totp' AND mine.user_id = %s AND theirs.user_id = %s",
        [pi.pk, medical_monitor.pk],
    )
    owner_connection.execute("ALTER TABLE mfa_authenticator ENABLE ALWAYS TRIGGER audit_record")
    code, output = online("all", rows=True)
    assert code == 1
    assert "table mfa_authenticator" in output
    assert "changed since, without an entry: data" in output
