"""Signing with a password and a code, and what somebody cannot do who has only one of them."""

from typing import Any

import pytest
from django.db import IntegrityError
from django.test import Client
from pytest_django.fixtures import Settings

from accounts.errors import CannotSign, CannotSignIn
from accounts.models import FailedAttempt, Lockout, Signature, UsedCode, User
from accounts.operations import change_password, sign_record
from accounts.operations.attempts import check_password_at_sign_in
from accounts.queries import signature_covers
from audit.context import acting
from tests.accounts.second_factor import Telephone, telephone_of
from tests.cast import DAY_ONE, PASSWORD, moment, person

pytestmark = pytest.mark.django_db
AT = moment(DAY_ONE)
RECORD = {"dose": "15 mg"}


def sign(by: User, code: str = "", *, password: str = PASSWORD, key: str = "1", **more: Any) -> Signature:
    return sign_record(
        study_id=0, record_kind="test.record", record_key=key, record=RECORD, password=password, code=code,
        role="principal_investigator", meaning=Signature.Meaning.APPROVAL, by=by, at=AT, **more,
    )  # fmt: skip


@pytest.mark.req("P11-200", "P11-50")
def test_a_signature_says_that_password_and_code_were_checked(ana: User, telephone: Telephone) -> None:
    assert sign(ana, telephone.code()).components_checked == ["password", "totp"]
    assert UsedCode.objects.get().use == UsedCode.Use.SIGNATURE


def test_the_code_may_be_typed_with_a_space(ana: User, telephone: Telephone) -> None:
    code = telephone.code()
    assert sign(ana, f" {code[:3]} {code[3:]} ").components_checked == ["password", "totp"]


def test_without_the_code_nothing_is_signed_and_nothing_is_held_against_the_person(
    ana: User, telephone: Telephone
) -> None:
    with pytest.raises(CannotSign, match="Give the code") as refused:
        sign(ana)
    assert (refused.value.code, refused.value.field) == ("code-needed", "code")
    assert not Signature.objects.exists()
    assert not FailedAttempt.objects.exists()


@pytest.mark.req("P11-200")
def test_a_stolen_session_without_the_password_signs_nothing(ana: User, telephone: Telephone) -> None:
    with pytest.raises(CannotSign, match="password is not right"):
        sign(ana, telephone.code(), password="a guess")
    assert not Signature.objects.exists()
    assert not UsedCode.objects.exists()


@pytest.mark.req("P11-300")
def test_a_used_code_signs_nothing(ana: User, telephone: Telephone) -> None:
    code = telephone.code()
    sign(ana, code, key="1")
    with pytest.raises(CannotSign, match="used already") as refused:
        sign(ana, code, key="2")
    assert refused.value.field == "code"
    assert sign(ana, telephone.code(steps_ahead=1), key="2").components_checked == ["password", "totp"]


def test_the_code_of_the_sign_in_signs_nothing(client: Client, ana: User, telephone: Telephone) -> None:
    code = telephone.code()
    client.post("/sign-in/", {"username": "ana", "password": PASSWORD})
    client.post("/sign-in/code/", {"code": code})
    assert "_auth_user_id" in client.session
    with pytest.raises(CannotSign, match="used already"):
        sign(ana, code)


def test_a_recovery_code_signs_once_and_is_said(ana: User, telephone: Telephone) -> None:
    code = telephone.recovery_codes[0]
    assert sign(ana, code, key="1").components_checked == ["password", "recovery code"]
    with pytest.raises(CannotSign, match="used already"):
        sign(ana, code, key="2")


def test_another_persons_code_signs_nothing(ana: User, telephone: Telephone) -> None:
    other = telephone_of(person("otto", "Otto Fremd"))
    code = other.code()
    with pytest.raises(CannotSign, match="not right"):
        sign(ana, code if code != telephone.code() else other.code(steps_ahead=1))


@pytest.mark.req("P11-10g", "P11-70")
def test_an_administrator_does_not_sign_for_another_with_their_own_password_and_code(ana: User, ada: User) -> None:
    change_password(person=ada, password="kettle harbour violin", by=ada, at=AT)
    with pytest.raises(CannotSign):
        sign(ana, telephone_of(ada).code(), password="kettle harbour violin")
    assert not Signature.objects.exists()


@pytest.mark.req("P11-10g", "P11-70")
def test_the_database_takes_no_signature_of_anybody_but_who_acts(ana: User, ada: User) -> None:
    theirs = sign(ana)
    theirs.pk, theirs.record_key = None, "2"
    with pytest.raises(IntegrityError, match="nobody signs for another"), acting(ada, "signing for her"):
        theirs.save(force_insert=True)


@pytest.mark.req("P11-70")
def test_a_signature_copied_to_another_record_does_not_verify(ana: User, telephone: Telephone) -> None:
    signature = sign(ana, telephone.code())
    assert signature_covers(signature, RECORD)
    assert not signature_covers(signature, {"dose": "25 mg"})


# --- required or offered ---


def test_where_it_is_required_nobody_signs_without_an_app(ana: User, settings: Settings) -> None:
    settings.SECOND_FACTOR = "required"
    with pytest.raises(CannotSign, match="Set up an authenticator app first"):
        sign(ana)
    telephone = telephone_of(ana)
    assert sign(ana, telephone.code()).signer == ana


def test_where_it_is_offered_a_password_is_enough_for_who_has_none(ana: User) -> None:
    assert sign(ana).components_checked == ["password"]


def test_invented_people_of_rehearsals_have_no_telephone(settings: Settings, db: None) -> None:
    settings.SECOND_FACTOR = "required"
    assert sign(person("invented-statistician", "Invented")).components_checked == ["password"]


# --- failures ---


@pytest.mark.req("P11-300")
def test_wrong_codes_and_wrong_passwords_are_counted_together_and_kept(ana: User, telephone: Telephone) -> None:
    for _ in range(3):
        with pytest.raises(CannotSign):
            sign(ana, telephone.wrong_code())
    for _ in range(2):
        with pytest.raises(CannotSign):
            sign(ana, telephone.code(), password="a guess")
    assert FailedAttempt.objects.filter(user=ana).count() == 5
    assert Lockout.objects.in_force().get().user == ana
    with pytest.raises(CannotSign, match="Nothing has been signed") as refused:
        sign(ana, telephone.code())
    assert refused.value.code == "locked-out"
    with pytest.raises(CannotSignIn, match="half an hour"):
        check_password_at_sign_in(username="ana", password=PASSWORD, at=AT)
