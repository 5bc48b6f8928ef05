"""The access log: added to only, sealed, and of no effect on what is remembered about a study."""

import pytest
from django.db import DatabaseError, connection, transaction

from accounts.access_log import Kind, note_access
from accounts.models import User
from audit.context import Origin, origin
from audit.models import Access, Entry
from tests.cast import DAY_ONE, moment
from trials.models import Study

pytestmark = [pytest.mark.django_db, pytest.mark.req("P11-10d", "EMA-A3.3")]


def test_who_did_what_from_where_is_kept(study: Study, pi: User) -> None:
    token = origin.set(Origin(request_id="one", client_address="192.0.2.7"))
    note_access(kind=Kind.EXPORT, study_id=study.pk, what="history as CSV", by=pi, at=moment(DAY_ONE))
    origin.reset(token)
    kept = Access.objects.get()
    assert (kept.kind, kept.person_id, kept.about_study_id, kept.what) == ("export", pi.pk, study.pk, "history as CSV")
    assert kept.client_address == "192.0.2.7"


def test_a_failure_is_of_the_person_whose_name_was_given(rung: User, pi: User) -> None:
    note_access(kind=Kind.FAILED, person=pi, by=rung, at=moment(DAY_ONE))
    note_access(kind=Kind.FAILED, by=rung, at=moment(DAY_ONE))
    assert list(Access.objects.order_by("pk").values_list("person_id", flat=True)) == [pi.pk, None]


def test_it_is_sealed_in_a_chain_of_its_own(study: Study, pi: User) -> None:
    before = [Entry.objects.newest_hash(n) for n in (study.pk, 0)]
    note_access(kind=Kind.PATIENT, study_id=study.pk, patient_id=7, by=pi, at=moment(DAY_ONE))
    assert [Entry.objects.newest_hash(n) for n in (study.pk, 0)] == before
    entry = Entry.objects.of_study(Access.CHAIN).get()
    assert (entry.table_name, entry.actor_id) == ("audit_access", str(pi.pk))


@pytest.mark.parametrize(
    ("sql", "refusal"),
    [
        ("UPDATE audit_access SET kind = 'export'", "is refused"),
        ("DELETE FROM audit_access", "permission denied"),
        ("TRUNCATE audit_access", "permission denied"),
        (
            "INSERT INTO audit_access (chain, kind, what, client_address) VALUES (0, 'export', '', '')",
            "own_chain|actor",
        ),
    ],
)
def test_it_is_added_to_only(pi: User, sql: str, refusal: str) -> None:
    note_access(kind=Kind.SIGN_IN, by=pi, at=moment(DAY_ONE))
    with pytest.raises(DatabaseError, match=refusal), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(sql)
