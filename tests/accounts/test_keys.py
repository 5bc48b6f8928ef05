"""A new secret key: nobody loses a second factor by it, and whoever has lost one is told what to do."""

from io import StringIO

import pytest
from allauth.mfa.models import Authenticator
from django.core.management import CommandError, call_command
from django.test import Client
from pytest_django.fixtures import Settings

from accounts.errors import CannotSign
from accounts.models import FailedAttempt, Signature, UsedCode, User
from accounts.operations import encrypt_anew, sign_record, take_code
from audit.models import Entry
from tests.accounts.second_factor import Telephone, telephone_of
from tests.answers import text_of
from tests.cast import DAY_ONE, PASSWORD, moment, person

pytestmark = pytest.mark.django_db
AT = moment(DAY_ONE)
NEW = "another one, as long as it has to be"
LOST = "was set up under a secret key that this server no longer has"


@pytest.fixture
def new_key(telephone: Telephone, settings: Settings) -> Settings:
    """The server's key is changed after the telephone was set up; the old one is still taken."""
    settings.SECRET_KEY_FALLBACKS = [settings.SECRET_KEY]
    settings.SECRET_KEY = NEW
    return settings


@pytest.fixture
def lost_key(new_key: Settings) -> None:
    new_key.SECRET_KEY_FALLBACKS = []


def renew_keys() -> str:
    said = StringIO()
    call_command("renew_keys", stdout=said)
    return said.getvalue()


def taken(ana: User, code: str) -> str | None:
    return take_code(person=ana, code=code, use=UsedCode.Use.SIGN_IN, by=ana, at=AT)


@pytest.mark.req("P11-300", "EMA-A4.12")
def test_once_renewed_the_old_key_can_be_given_up(new_key: Settings, ana: User, telephone: Telephone) -> None:
    assert "2 encrypted with the present key, 0 were already" in renew_keys()
    new_key.SECRET_KEY_FALLBACKS = []
    assert taken(ana, telephone.code()) == "totp"
    assert taken(ana, telephone.recovery_codes[0]) == "recovery code"
    assert taken(ana, telephone.recovery_codes[0]) is None
    assert "0 encrypted with the present key, 2 were already" in renew_keys()


def test_which_recovery_codes_were_used_stays(new_key: Settings, ana: User, telephone: Telephone) -> None:
    assert taken(ana, telephone.recovery_codes[4]) == "recovery code"
    renew_keys()
    assert taken(ana, telephone.recovery_codes[4]) is None


def test_the_trail_says_that_they_were_encrypted_anew(new_key: Settings, ana: User, rung: User) -> None:
    encrypt_anew(by=rung, at=AT)
    changes = Entry.objects.filter(table_name="mfa_authenticator", operation="UPDATE")
    assert [(entry.actor_name, entry.reason) for entry in changes] == [(User.SYSTEM, "encrypt anew")] * 2
    assert all(entry.new["data"].startswith("sha256:") for entry in changes)


@pytest.mark.usefixtures("lost_key")
def test_whose_key_is_lost_is_named_and_nothing_of_theirs_is_changed(ana: User) -> None:
    before = list(Authenticator.objects.values_list("pk", "data"))
    bela = person("bela", "Bela Okafor")
    readable = telephone_of(bela)
    with pytest.raises(CommandError, match=r"No key reads the second factor of: ana\. Reset it under People\."):
        renew_keys()
    assert list(Authenticator.objects.filter(user=ana).values_list("pk", "data")) == before
    assert taken(bela, readable.code()) == "totp"


@pytest.mark.usefixtures("lost_key")
def test_at_sign_in_it_is_said_and_is_no_failure_of_theirs(client: Client, telephone: Telephone) -> None:
    client.post("/sign-in/", {"username": "ana", "password": PASSWORD})
    for code in (telephone.code(), telephone.recovery_codes[0], "000000"):
        answer = client.post("/sign-in/code/", {"code": code})
        assert LOST in text_of(answer)
        assert "Ask an administrator to reset it" in text_of(answer)
    assert "_auth_user_id" not in client.session
    assert not FailedAttempt.objects.exists()


@pytest.mark.usefixtures("lost_key")
def test_nothing_is_signed_by_a_code_that_cannot_be_compared(ana: User, telephone: Telephone) -> None:
    with pytest.raises(CannotSign, match=f"{LOST}.*Nothing has been signed") as refused:
        sign_record(
            study_id=0, record_kind="test.record", record_key="1", record={}, password=PASSWORD, code=telephone.code(),
            role="principal_investigator", meaning=Signature.Meaning.APPROVAL, by=ana, at=AT,
        )  # fmt: skip
    assert refused.value.field == "code"
    assert not Signature.objects.exists()


@pytest.mark.usefixtures("lost_key")
def test_the_pages_of_the_second_factor_say_it(client: Client, ana: User) -> None:
    client.force_login(ana)
    assert "0 left" in text_of(client.get("/account/second-factor/"))
    client.post("/account/password-again/", {"password": PASSWORD})
    for address in ("recovery-codes/", "recovery-codes/new/"):
        answer = client.get(f"/account/second-factor/{address}", follow=True)
        assert answer.status_code == 200
    assert LOST in text_of(client.get("/account/second-factor/recovery-codes/", follow=True))
