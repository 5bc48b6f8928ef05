"""What a signature stands on: its record's version, its statement's, and the newest audit entry at that moment."""

import datetime as dt

import pytest
from django.db import IntegrityError
from django.db.utils import DatabaseError

from accounts.models import DeclinedSignature, Signature, User
from accounts.operations import sign_record
from audit.context import acting
from audit.models import Entry
from tests.cast import PASSWORD
from trials.models import Study

pytestmark = pytest.mark.django_db


def sign(study: Study, by: User, at: dt.datetime, **more: str) -> Signature:
    return sign_record(
        study_id=study.pk,
        record_kind="test.record",
        record_key="1",
        record={"dose": "15 mg"},
        password=PASSWORD,
        role="principal_investigator",
        meaning=Signature.Meaning.APPROVAL,
        by=by,
        at=at,
        **more,
    )


@pytest.mark.req("P11-70")
def test_a_signature_stands_on_the_newest_audit_entry_of_its_study(study: Study, pi: User, at: dt.datetime) -> None:
    newest = Entry.objects.of_study(study.pk).order_by("-position")[0]
    signature = sign(study, pi, at)
    assert (signature.stands_on_position, signature.stands_on_hash) == (newest.position, newest.hash)


@pytest.mark.req("P11-70")
def test_nobody_can_say_what_a_signature_stands_on(study: Study, pi: User, at: dt.datetime) -> None:
    given = sign(study, pi, at)
    copied = {f.attname: getattr(given, f.attname) for f in Signature._meta.concrete_fields if f.name != "id"}
    with acting(pi, "by hand"):
        forged = Signature.objects.create(**copied | {"record_key": "2", "stands_on_position": 1})
    forged.refresh_from_db()
    assert forged.stands_on_position > given.stands_on_position


def test_the_versions_of_the_record_and_of_the_statement_are_kept(study: Study, pi: User, at: dt.datetime) -> None:
    signature = sign(study, pi, at, record_version="2", statement_version="test/1")
    assert (signature.record_version, signature.statement_version) == ("2", "test/1")


def declined(study: Study, by: User, reason: str) -> DeclinedSignature:
    with acting(by, "decline"):
        return DeclinedSignature.objects.create(
            study_id=study.pk,
            record_kind="test.record",
            record_key="1",
            record_sha256="0" * 64,
            person=by,
            printed_name=by.full_name,
            role="statistician",
            reason=reason,
        )


def test_a_declined_signature_is_never_changed_nor_deleted(study: Study, pi: User) -> None:
    row = declined(study, pi, "the counts are wrong")
    with pytest.raises(DatabaseError, match="is refused"), acting(pi, "forging"):
        DeclinedSignature.objects.filter(pk=row.pk).update(reason="none")


def test_the_database_asks_for_a_reason(study: Study, pi: User) -> None:
    with pytest.raises(IntegrityError, match="declined_with_a_reason"):
        declined(study, pi, "")
