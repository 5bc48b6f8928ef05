import datetime as dt
from decimal import Decimal

import pytest
from django.db import IntegrityError
from django.db.utils import DatabaseError
from django.test import Client

from accounts.canonical import canonical_json, sha256_of
from accounts.errors import CannotSign, WeakPassword
from accounts.models import Signature, User
from accounts.operations import change_password, create_person, deactivate_person, sign_record
from accounts.queries import signature_covers
from audit.context import acting
from tests.cast import PASSWORD, person
from trials.models import Role, Study
from trials.operations import grant_role

RECORD = {"dose": "15 mg", "tally": [1, 2]}


def sign(
    study: Study, by: User, at: dt.datetime, password: str = PASSWORD, role: str = "principal_investigator"
) -> Signature:
    return sign_record(
        study_id=study.pk,
        record_kind="test.record",
        record_key="1",
        record=RECORD,
        password=password,
        role=role,
        meaning=Signature.Meaning.APPROVAL,
        by=by,
        at=at,
    )


@pytest.mark.req("P11-50", "P11-70", "EMA-4.8")
@pytest.mark.django_db
def test_a_signature_is_bound_to_what_was_shown(study: Study, pi: User, at: dt.datetime) -> None:
    signature = sign(study, pi, at)
    assert signature.record_json == '{"dose":"15 mg","tally":[1,2]}'
    assert (signature.printed_name, signature.components_checked) == ("Dr Ana Rivera", ["password"])
    assert signature_covers(signature, RECORD)
    assert not signature_covers(signature, {**RECORD, "dose": "25 mg"})


@pytest.mark.req("P11-200", "EMA-4.8")
@pytest.mark.django_db
def test_the_password_is_asked_again(study: Study, pi: User, at: dt.datetime) -> None:
    with pytest.raises(CannotSign, match="Nothing has been signed"):
        sign(study, pi, at, password="not it")
    assert not Signature.objects.exists()


@pytest.mark.django_db
def test_a_role_signs_a_record_once(study: Study, pi: User, at: dt.datetime) -> None:
    sign(study, pi, at)
    with pytest.raises(CannotSign, match="has signed already"):
        sign(study, pi, at)


@pytest.mark.req("P11-100")
@pytest.mark.django_db
def test_rung_itself_cannot_sign(study: Study, rung: User, at: dt.datetime) -> None:
    with pytest.raises(CannotSign, match="Only a person"):
        sign(study, rung, at)


@pytest.mark.req("P11-70")
@pytest.mark.django_db
def test_a_signature_is_never_changed_nor_deleted(study: Study, pi: User, at: dt.datetime) -> None:
    signature = sign(study, pi, at)
    with pytest.raises(DatabaseError, match="is refused"), acting(pi, "forging"):
        Signature.objects.filter(pk=signature.pk).update(printed_name="Somebody else")
    with pytest.raises(DatabaseError, match="permission denied"), acting(pi, "forging"):
        signature.delete()


@pytest.mark.req("P11-50", "EMA-5.5")
@pytest.mark.django_db
def test_the_time_of_a_signature_is_the_databases(study: Study, pi: User, at: dt.datetime) -> None:
    signature = sign(study, pi, at)
    signature.refresh_from_db()
    assert abs(signature.signed_at - dt.datetime.now(dt.UTC)) < dt.timedelta(minutes=5)


@pytest.mark.req("P11-100", "P11-300", "EMA-A3.6")
@pytest.mark.django_db
def test_a_user_name_is_never_used_twice(rung: User, at: dt.datetime) -> None:
    first = person("mia", "Mia Castellano")
    deactivate_person(person=first, reason="left", by=rung, at=at)
    with pytest.raises(IntegrityError):
        person("mia", "Another Mia")


@pytest.mark.req("P11-300", "EMA-A4.13")
@pytest.mark.django_db
@pytest.mark.parametrize("password", ["short", "password1234", "mia-castellano"])
def test_a_weak_password_is_refused_with_what_is_wrong(rung: User, at: dt.datetime, password: str) -> None:
    with pytest.raises(WeakPassword):
        create_person(username="mia-castellano", full_name="Mia", email="", password=password, by=rung, at=at)
    assert not User.objects.filter(username="mia-castellano").exists()


@pytest.mark.django_db
def test_a_person_signs_in_and_out(client: Client, pi: User, study: Study) -> None:
    assert client.post("/sign-in/", {"username": "pi", "password": "wrong"}).status_code == 200
    assert client.post("/sign-in/", {"username": "pi", "password": PASSWORD}).status_code == 302
    assert client.session["_auth_user_id"] == str(pi.pk)
    client.post("/sign-out/")
    assert "_auth_user_id" not in client.session


@pytest.mark.req("P11-10d", "P11-300", "R3-4.3.8")
@pytest.mark.django_db
def test_nobody_signs_in_as_rung_or_with_a_closed_account(
    client: Client, rung: User, pi: User, at: dt.datetime
) -> None:
    assert not client.login(username="rung", password="!")
    change_password(person=pi, password="another long phrase", by=pi, at=at)
    assert client.login(username="pi", password="another long phrase")
    deactivate_person(person=pi, reason="left", by=rung, at=at)
    assert not client.login(username="pi", password="another long phrase")


def test_canonical_json_is_one_text_for_one_record() -> None:
    assert canonical_json({"b": Decimal("0.30"), "a": dt.date(2026, 1, 5)}) == '{"a":"2026-01-05","b":"0.30"}'
    berlin = dt.timezone(dt.timedelta(hours=1))
    one, two = dt.datetime(2026, 1, 5, 10, tzinfo=dt.UTC), dt.datetime(2026, 1, 5, 11, tzinfo=berlin)
    assert canonical_json(one) == canonical_json(two)
    assert sha256_of({"a": 1, "b": 2}) == sha256_of({"b": 2, "a": 1})


@pytest.mark.parametrize("record", [{"a": object()}, {"a": float("nan")}])
def test_what_has_no_canonical_form_is_loud(record: object) -> None:
    with pytest.raises((TypeError, ValueError)):
        canonical_json(record)


@pytest.mark.django_db
def test_a_person_signs_a_record_once_in_whatever_role(study: Study, pi: User, at: dt.datetime) -> None:
    sign(study, pi, at)
    with pytest.raises(CannotSign, match="another person has to sign too"):
        sign(study, pi, at, role="medical_monitor")
    rung = User.objects.system()
    grant_role(study=study, person=pi, role=Role.MEDICAL_MONITOR, by=rung, at=at)
    again = Signature.objects.get()
    again.pk, again.role = None, "medical_monitor"
    with pytest.raises(IntegrityError, match="one_signature_per_person_and_record"), acting(pi, "twice"):
        again.save(force_insert=True)


@pytest.mark.req("P11-300", "EMA-A4.13")
@pytest.mark.django_db
def test_after_five_wrong_passwords_even_the_right_one_waits(study: Study, pi: User, at: dt.datetime) -> None:
    for _ in range(5):
        with pytest.raises(CannotSign, match="is not right"):
            sign(study, pi, at, password="a guess")
    with pytest.raises(CannotSign, match="Wait half an hour"):
        sign(study, pi, at)
    change_password(person=pi, password="another long phrase", by=pi, at=at)
    assert sign(study, pi, at, password="another long phrase").signer == pi


@pytest.mark.django_db
def test_the_right_password_begins_the_count_anew(study: Study, pi: User, at: dt.datetime) -> None:
    for _ in range(4):
        with pytest.raises(CannotSign, match="is not right"):
            sign(study, pi, at, password="a guess")
    sign(study, pi, at)
    for _ in range(4):
        with pytest.raises(CannotSign, match="is not right"):
            sign(study, pi, at, password="a guess")
