"""The second factor: set up at the pages, asked at sign-in and at each signature, each code taken once."""

import re

import pytest
from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from django.core import mail
from django.db import connection
from django.db.utils import DatabaseError
from django.test import Client
from pytest_django import DjangoCaptureOnCommitCallbacks
from pytest_django.fixtures import Settings

from accounts.adapters import SecondFactorAdapter
from accounts.errors import NotAllowed
from accounts.models import FailedAttempt, UsedCode, User
from accounts.operations import reset_second_factor, take_code
from audit.context import acting
from audit.models import Entry
from tests.accounts.second_factor import Telephone, telephone_of
from tests.cast import DAY_ONE, PASSWORD, moment, person

pytestmark = pytest.mark.django_db
AT = moment(DAY_ONE)


def signed_in(client: Client) -> bool:
    return "_auth_user_id" in client.session


def give_password(client: Client, username: str = "ana", password: str = PASSWORD) -> str:
    """Where the page leads."""
    answer = client.post("/sign-in/", {"username": username, "password": password, "next": "/studies/"})
    return answer.headers.get("Location", "")


# --- signing in ---


@pytest.mark.req("P11-200", "EMA-A4.12")
def test_the_password_alone_opens_nothing_where_there_is_a_second_factor(client: Client, telephone: Telephone) -> None:
    assert give_password(client) == "/sign-in/code/"
    assert not signed_in(client)
    assert client.get("/studies/").status_code == 302
    answer = client.post("/sign-in/code/", {"code": telephone.code()})
    assert (answer.status_code, answer["Location"]) == (302, "/studies/")
    assert signed_in(client)


def test_without_a_second_factor_the_password_is_enough_where_it_is_only_offered(client: Client, ana: User) -> None:
    assert give_password(client) == "/studies/"
    assert signed_in(client)


def test_a_wrong_code_is_refused_and_kept_as_a_failure(client: Client, telephone: Telephone, ana: User) -> None:
    give_password(client)
    answer = client.post("/sign-in/code/", {"code": telephone.wrong_code()})
    assert "The code is not right" in answer.content.decode()
    assert not signed_in(client)
    assert [(f.user, f.what) for f in FailedAttempt.objects.all()] == [(ana, FailedAttempt.What.CODE)]


def test_a_used_code_opens_nothing(client: Client, telephone: Telephone) -> None:
    code = telephone.code()
    give_password(client)
    client.post("/sign-in/code/", {"code": code})
    assert signed_in(client)
    other = Client()
    give_password(other)
    assert "used already" in other.post("/sign-in/code/", {"code": code}).content.decode()
    assert not signed_in(other)
    other.post("/sign-in/code/", {"code": telephone.code(steps_ahead=1)})
    assert signed_in(other)


def test_a_recovery_code_opens_once(client: Client, telephone: Telephone, ana: User) -> None:
    for expected in (True, False):
        other = Client()
        give_password(other)
        other.post("/sign-in/code/", {"code": telephone.recovery_codes[3]})
        assert signed_in(other) is expected
    entry = Entry.objects.of_record("mfa_authenticator", Authenticator.objects.get(type="recovery_codes").pk)
    assert [e.actor_name for e in entry.filter(operation="UPDATE")] == ["ana"]


def test_whoever_has_given_the_password_only_can_go_back(client: Client, telephone: Telephone) -> None:
    give_password(client)
    client.post("/sign-out/")
    assert "Username" in client.get("/sign-in/").content.decode()


def test_nobody_signs_up(client: Client) -> None:
    for address in ("/accounts/signup/", "/signup/", "/sign-up/", "/account/signup/"):
        assert client.get(address).status_code == 404
    assert not client.post("/sign-in/", {"username": "new", "password": PASSWORD}).headers.get("Location")


# --- setting it up ---


@pytest.fixture
def secret(client: Client, ana: User) -> str:
    """On the page that sets an app up, the password given again."""
    client.force_login(ana)
    first = client.get("/account/second-factor/app/")
    assert first["Location"].startswith("/account/password-again/")
    client.post(first["Location"], {"password": PASSWORD})
    page = client.get("/account/second-factor/app/").content.decode()
    found = re.search(r"<code>([A-Z2-7]{32})</code>", page)
    assert found is not None
    return found[1]


def test_an_app_is_set_up_and_the_codes_are_shown_once(
    client: Client, ana: User, secret: str, django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks
) -> None:
    telephone = Telephone(secret, [])
    with django_capture_on_commit_callbacks(execute=True):
        answer = client.post("/account/second-factor/app/", {"code": telephone.code()}, follow=True)
    page = answer.content.decode()
    assert "Keep these codes in a safe place" in page
    assert len(re.findall(r"<li><code>\d{8}</code>", page)) == 10
    assert "shown already" in client.get("/account/second-factor/recovery-codes/").content.decode()
    assert "An authenticator app was set up" in mail.outbox[0].body
    assert mail.outbox[0].to == ["ana@example.org"]
    assert UsedCode.objects.get().use == UsedCode.Use.SET_UP


def test_a_wrong_first_code_sets_nothing_up(client: Client, secret: str) -> None:
    client.post("/account/second-factor/app/", {"code": Telephone(secret, []).wrong_code()})
    assert not Authenticator.objects.exists()


def test_the_password_is_asked_again_before_anything_changes(client: Client, ana: User, telephone: Telephone) -> None:
    client.force_login(ana)
    for address in ("app/remove", "passkey", "recovery-codes/new"):
        answer = client.post(f"/account/second-factor/{address}/")
        assert answer["Location"].startswith("/account/password-again/"), address
    assert client.post("/account/password-again/", {"password": "not it"}).status_code == 200
    assert Authenticator.objects.count() == 2
    assert FailedAttempt.objects.get().what == FailedAttempt.What.AGAIN


def test_the_trail_keeps_that_an_app_was_there(client: Client, ana: User, telephone: Telephone) -> None:
    client.force_login(ana)
    client.post("/account/password-again/?next=/account/second-factor/app/remove/", {"password": PASSWORD})
    client.post("/account/second-factor/app/remove/")
    assert not Authenticator.objects.exists()
    told = Entry.objects.filter(table_name="mfa_authenticator").order_by("id")
    assert [(e.operation, e.actor_name) for e in told] == [("INSERT", "ana")] * 2 + [("DELETE", "ana")] * 2
    assert "remove the authenticator app" in {e.reason for e in told}


def test_the_page_says_what_there_is(client: Client, ana: User) -> None:
    client.force_login(ana)
    assert "Only your password protects your account" in client.get("/account/second-factor/").content.decode()
    telephone_of(ana)
    assert "Signing in and signing ask for a code" in client.get("/account/second-factor/").content.decode()


def test_a_passkey_is_offered_with_a_challenge_in_a_data_block(client: Client, ana: User) -> None:
    client.force_login(ana)
    client.post("/account/password-again/?next=/account/second-factor/passkey/", {"password": PASSWORD})
    page = client.get("/account/second-factor/passkey/").content.decode()
    assert '"challenge"' in page
    assert set(re.findall(r"<script(?! src)([^>]*)>", page)) == {' id="passkey-options" type="application/json"'}


# --- what is stored ---


def test_secrets_are_encrypted_and_the_trail_has_a_digest_only(telephone: Telephone, ana: User) -> None:
    stored = Authenticator.objects.get(user=ana, type="totp")
    assert telephone.secret not in str(stored.data)
    entry = Entry.objects.of_record("mfa_authenticator", stored.pk).get()
    assert entry.new["data"].startswith("sha256:")
    assert stored.data["secret"] not in str(entry.new)


def test_secrets_can_be_read_after_the_key_was_changed(settings: Settings) -> None:
    kept = SecondFactorAdapter().encrypt("the secret")
    settings.SECRET_KEY_FALLBACKS = [settings.SECRET_KEY]
    settings.SECRET_KEY = "another one, as long as it has to be"
    assert SecondFactorAdapter().decrypt(kept) == "the secret"


def test_e_mail_addresses_are_the_users_and_nowhere_else(ana: User) -> None:
    with pytest.raises(DatabaseError, match="permission denied"):
        EmailAddress.objects.create(user=ana, email="other@example.org")


@pytest.mark.parametrize("table", ["accounts_usedcode", "accounts_failedattempt"])
@pytest.mark.parametrize("attack", ["DELETE FROM {}", "UPDATE {} SET user_id = NULL", "TRUNCATE {}"])
def test_what_was_used_and_what_failed_stays(table: str, attack: str) -> None:
    with pytest.raises(DatabaseError, match="permission denied"), connection.cursor() as cursor:
        cursor.execute(attack.format(table))


def test_the_database_takes_no_code_twice(ana: User, telephone: Telephone) -> None:
    code = telephone.code()
    for expected in ("totp", None):
        assert take_code(person=ana, code=code, use=UsedCode.Use.SIGN_IN, by=ana, at=AT) == expected


# --- reset ---


def test_an_administrator_resets_it_for_somebody_else_only(ana: User, telephone: Telephone, rung: User) -> None:
    admin = person("admin", "Ada Admin")
    with acting(rung, "test"):
        User.objects.filter(pk=admin.pk).update(is_administrator=True)
    admin.refresh_from_db()
    with pytest.raises(NotAllowed, match="Only an administrator"):
        reset_second_factor(person=ana, reason="lost", by=ana, at=AT)
    with pytest.raises(NotAllowed, match="Another administrator"):
        reset_second_factor(person=admin, reason="lost", by=admin, at=AT)
    with pytest.raises(NotAllowed, match="Say how you know"):
        reset_second_factor(person=ana, reason=" ", by=admin, at=AT)
    browser = Client()
    browser.force_login(ana)
    reset_second_factor(person=ana, reason="telephone lost, seen in person", by=admin, at=AT)
    assert not Authenticator.objects.filter(user=ana).exists()
    assert browser.get("/studies/").status_code == 302
