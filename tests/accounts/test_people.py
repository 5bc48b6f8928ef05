"""People's accounts: invited, closed, opened again, locked out and released, reviewed."""

import datetime as dt
import re

import pytest
from django.core import mail
from django.db import connection
from django.db.utils import DatabaseError, IntegrityError
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from oauth2_provider.models import AccessToken
from pytest_django.fixtures import Settings

from accounts import operations
from accounts.errors import CannotSignIn, NotAllowed, WeakPassword
from accounts.models import FailedAttempt, Invitation, Lockout, Signature, User
from accounts.operations.attempts import ALLOWED_FROM_AN_ADDRESS, check_password_at_sign_in, keep_failure, key_of
from accounts.operations.invitations import digest_of
from accounts.tasks import tell_of_lockouts
from audit.context import Origin, acting, origin
from audit.models import Access, Entry
from tests.accounts.second_factor import telephone_of
from tests.cast import DAY_ONE, PASSWORD, ApiClient, moment, person
from trials.models import Study

pytestmark = pytest.mark.django_db
AT = moment(DAY_ONE)
NEW = "kettle harbour violin"


def browser_of(someone: User) -> Client:
    client = Client()
    client.force_login(someone)
    return client


# --- pages ---


@pytest.mark.req("P11-10d")
@pytest.mark.parametrize("path", ["", "invite/", "lockouts/", "sign-ins/", "person/otto/", "access/"])
def test_the_pages_are_for_administrators(ada: User, otto: User, path: str) -> None:
    assert browser_of(ada).get(f"/people/{path}").status_code == 200
    assert browser_of(otto).get(f"/people/{path}").status_code == 403
    assert Client().get(f"/people/{path}").status_code == 302


@pytest.mark.parametrize("act", ["close", "reset-second-factor", "appoint", "dismiss", "reopen"])
def test_others_change_nothing_by_sending_the_form_themselves(otto: User, ada: User, act: str) -> None:
    assert browser_of(otto).post(f"/people/person/ada/{act}/", {"reason": "because"}).status_code == 403
    assert User.objects.get(username="ada").is_administrator


def test_the_list_takes_as_many_queries_for_ten_people_as_for_two(ada: User, otto: User) -> None:
    counts = []
    for batch in range(2):
        client = browser_of(ada)
        with CaptureQueriesContext(connection) as captured:
            assert client.get("/people/").status_code == 200
        counts.append(len(captured))
        for number in range(8):
            person(f"p{batch}{number}", f"Person {batch}{number}")
    assert counts[0] == counts[1]


# --- invitation ---


def test_somebody_is_invited_by_a_link_that_opens_once(ada: User) -> None:
    given = {"full_name": "Mia Castellano", "username": "mia", "email": "mia@example.org"}
    page = browser_of(ada).post("/people/invite/", given, follow=True).content.decode()
    assert "A link was sent to mia@example.org" in page
    found = re.search(r"http://\S+(/invitation/\S+/)", mail.outbox[0].body)
    assert found is not None
    link, mia = found[1], User.objects.get(username="mia")
    assert not mia.has_usable_password()
    client = Client()
    assert "your user name is" in client.get(link).content.decode()
    assert client.post(link, {"password": NEW, "again": "something else"}).status_code == 409
    assert client.post(link, {"password": "sunshine2026", "again": "sunshine2026"}).status_code == 409
    assert client.post(link, {"password": NEW, "again": NEW}).status_code == 302
    assert (
        client.post(link, {"password": "another phrase of words", "again": "another phrase of words"}).status_code
        == 410
    )
    assert client.login(username="mia", password=NEW)


def test_the_link_is_kept_as_a_digest_and_the_trail_has_not_even_that(ada: User, otto: User) -> None:
    token = operations.send_new_link(person=otto, by=ada, at=AT)
    invitation = Invitation.objects.get()
    assert token not in str(invitation.__dict__)
    assert digest_of(token) not in str(Entry.objects.of_record("accounts_invitation", invitation.pk).get().new)


def test_a_link_expires_and_a_newer_one_takes_its_place(ada: User, otto: User) -> None:
    old = operations.send_new_link(person=otto, by=ada, at=AT)
    new = operations.send_new_link(person=otto, by=ada, at=AT)
    for token, at in ((old, AT), (new, AT + dt.timedelta(days=3))):
        with pytest.raises(NotAllowed, match="used, or is too old"):
            operations.accept_invitation(token=token, password=NEW, by=otto, at=at)
    with pytest.raises(WeakPassword):
        operations.accept_invitation(token=new, password="short", by=otto, at=AT)
    assert operations.accept_invitation(token=new, password=NEW, by=otto, at=AT).check_password(NEW)


@pytest.mark.req("P11-300", "EMA-A3.6")
def test_a_link_from_before_the_account_was_closed_opens_nothing_once_it_is_open_again(ada: User, otto: User) -> None:
    token = operations.send_new_link(person=otto, by=ada, at=AT)
    operations.deactivate_person(person=otto, reason="the mailbox is somebody else's", by=ada, at=AT)
    otto.refresh_from_db()
    operations.reopen_person(person=otto, reason="another mailbox", by=ada, at=AT)
    with pytest.raises(NotAllowed, match="used, or is too old"):
        operations.accept_invitation(token=token, password=NEW, by=otto, at=AT)


@pytest.mark.req("P11-100", "EMA-A3.6")
@pytest.mark.parametrize("username", ["otto", "OTTO", "x", "invented-otto", "two words"])
def test_a_user_name_is_one_persons_for_good(ada: User, otto: User, username: str) -> None:
    operations.deactivate_person(person=otto, reason="left", by=ada, at=AT)
    with pytest.raises(NotAllowed) as refused:
        operations.invite_person(username=username, full_name="Another", email="a@example.org", by=ada, at=AT)
    assert refused.value.field == "username"


@pytest.mark.req("P11-100")
def test_the_database_too_gives_no_name_twice_and_lets_nobody_go(otto: User) -> None:
    with pytest.raises(IntegrityError, match="user_name_in_any_case_once"):
        person("Otto", "Another")


def test_no_row_of_a_person_goes_away(otto: User) -> None:
    with pytest.raises(DatabaseError, match="permission denied"), acting(otto, "going"):
        otto.delete()


# --- closing ---


@pytest.mark.req("P11-300", "EMA-A3.1")
def test_sessions_and_tokens_of_a_closed_account_end_at_once_and_never_come_back(ada: User, otto: User) -> None:
    client, api = browser_of(otto), ApiClient(otto)
    assert client.get("/studies/").status_code == 200
    operations.deactivate_person(person=otto, reason="left", by=ada, at=AT)
    assert client.get("/studies/").status_code == 302
    assert api.get("studies/").status_code in (401, 403)
    assert not AccessToken.objects.filter(application__user=otto).exists()
    operations.reopen_person(person=otto, reason="came back", by=ada, at=AT)
    assert client.get("/studies/").status_code == 302
    assert not Client().login(username="otto", password=PASSWORD)


def test_closing_needs_a_reason_an_administrator_and_leaves_one(ada: User, otto: User, rung: User) -> None:
    for reason, by, words in (("", ada, "Say why"), ("left", otto, "Only an administrator")):
        with pytest.raises(NotAllowed, match=words):
            operations.deactivate_person(person=otto, reason=reason, by=by, at=AT)
    with pytest.raises(NotAllowed, match="Another administrator"):
        operations.deactivate_person(person=ada, reason="left", by=ada, at=AT)
    with pytest.raises(NotAllowed, match="Rung keeps an administrator"):
        operations.deactivate_person(person=ada, reason="left", by=rung, at=AT)
    operations.deactivate_person(person=otto, reason="left", by=ada, at=AT)
    with pytest.raises(NotAllowed, match="closed already"):
        operations.deactivate_person(person=otto, reason="left", by=ada, at=AT)


def test_the_page_closes_and_keeps_the_reason(ada: User, otto: User) -> None:
    client = browser_of(ada)
    assert client.post("/people/person/otto/close/", {"reason": ""}).status_code == 409
    client.post("/people/person/otto/close/", {"reason": "moved to another hospital"})
    assert "moved to another hospital" in client.get("/people/person/otto/").content.decode()


def test_who_has_not_been_here_for_90_days_is_closed_but_never_the_last_administrator(ada: User, rung: User) -> None:
    now = timezone.now()
    people = {name: person(name, name.title()) for name in ("dormant", "recent", "asked-back")}
    with acting(rung, "test"):
        User.objects.filter(is_person=True).update(created_at=now - dt.timedelta(days=100))
        User.objects.filter(username="recent").update(last_login=now - dt.timedelta(days=89))
    operations.send_new_link(person=people["asked-back"], by=ada, at=now)
    client = browser_of(people["dormant"])
    with acting(rung, "test"):
        User.objects.filter(username="dormant").update(last_login=now - dt.timedelta(days=91))
    closed = operations.close_dormant_accounts(by=rung, at=now)
    assert [one.username for one in closed] == ["dormant"]
    assert client.get("/studies/").status_code == 302
    assert operations.close_dormant_accounts(by=rung, at=now) == []


def test_a_changed_password_ends_the_other_sessions_and_keeps_this_one(otto: User) -> None:
    here, there = browser_of(otto), browser_of(otto)
    wrong = {"present": "not it", "password": NEW, "again": NEW}
    assert here.post("/account/password/", wrong).status_code == 409
    assert here.post("/account/password/", {**wrong, "present": PASSWORD}).status_code == 302
    assert here.get("/studies/").status_code == 200
    assert there.get("/studies/").status_code == 302
    assert "Your password was changed" in mail.outbox[0].body


# --- lock-out ---


def fail(username: str, times: int) -> None:
    for _ in range(times):
        with pytest.raises(CannotSignIn, match="do not belong together"):
            check_password_at_sign_in(username=username, password="a guess", at=AT)


@pytest.mark.req("P11-300", "EMA-A4.13")
@pytest.mark.parametrize("username", ["otto", "OTTO", "nobody-has-this-name"])
def test_five_failures_lock_a_name_out_in_the_same_words_whoever_it_is(otto: User, username: str) -> None:
    fail(username, 5)
    with pytest.raises(CannotSignIn, match="Wait half an hour") as refused:
        check_password_at_sign_in(username=username, password=PASSWORD, at=AT)
    assert refused.value.code == "locked-out"
    assert FailedAttempt.objects.count() == 5
    assert Access.objects.filter(kind=Access.Kind.FAILED).count() == 5
    assert Lockout.objects.get().user == (otto if username.lower() == "otto" else None)


def test_four_failures_and_then_the_right_password_begin_the_count_anew(client: Client, otto: User) -> None:
    for _ in range(2):
        fail("otto", 4)
        client.post("/sign-in/", {"username": "otto", "password": PASSWORD})
        assert "_auth_user_id" in client.session
        client.post("/sign-out/")
    assert not Lockout.objects.exists()
    assert [a.kind for a in Access.objects.filter(person_id=otto.pk).exclude(kind="failed")] == [
        "sign-in", "sign-out", "sign-in", "sign-out",
    ]  # fmt: skip


def test_the_password_alone_does_not_begin_it_anew_where_a_code_is_asked(client: Client, otto: User) -> None:
    telephone = telephone_of(otto)
    for _ in range(5):
        client.post("/sign-in/", {"username": "otto", "password": PASSWORD})
        client.post("/sign-in/code/", {"code": telephone.wrong_code()})
    assert Lockout.objects.in_force().get().user == otto
    answer = client.post("/sign-in/code/", {"code": telephone.code()})
    assert "Wait half an hour" in answer.content.decode()
    assert "_auth_user_id" not in client.session


def test_the_security_address_is_told_once_and_by_the_sweep_if_need_be(otto: User, settings: Settings) -> None:
    settings.SECURITY_EMAIL = "security@example.org"
    fail("otto", 5)
    for _ in range(2):
        tell_of_lockouts()
    assert [m.to for m in mail.outbox] == [["security@example.org"]]
    assert "otto" in mail.outbox[0].body
    assert Lockout.objects.get().told_at is not None


def test_without_a_security_address_the_administrators_are_told(otto: User, ada: User) -> None:
    fail("otto", 5)
    tell_of_lockouts()
    assert [m.to for m in mail.outbox] == [["ada@example.org"]]


def test_an_administrator_releases_it_with_a_reason(otto: User, ada: User) -> None:
    fail("otto", 5)
    lockout, client = Lockout.objects.get(), browser_of(ada)
    assert "Otto Fremd" in client.get("/people/lockouts/").content.decode()
    assert client.post("/people/lockouts/", {"lockout": lockout.pk, "reason": ""}).status_code == 409
    client.post("/people/lockouts/", {"lockout": lockout.pk, "reason": "telephoned: a new keyboard"})
    assert check_password_at_sign_in(username="otto", password=PASSWORD, at=AT) == otto
    lockout.refresh_from_db()
    assert (lockout.released_by, lockout.release_reason) == (ada, "telephoned: a new keyboard")
    assert FailedAttempt.objects.count() == 5
    with pytest.raises(NotAllowed, match="Only an administrator"):
        operations.release_lockout(lockout=lockout, reason="me", by=otto, at=AT)


def test_it_ends_by_itself_after_half_an_hour(otto: User, rung: User) -> None:
    now = timezone.now()
    for ends, opens in ((now - dt.timedelta(seconds=1), True), (now + dt.timedelta(minutes=1), False)):
        with acting(rung, "test"):
            Lockout.objects.create(name_key=key_of("otto"), user=otto, until=ends)
        if opens:
            assert check_password_at_sign_in(username="otto", password=PASSWORD, at=AT) == otto
        else:
            with pytest.raises(CannotSignIn):
                check_password_at_sign_in(username="otto", password=PASSWORD, at=AT)


def test_an_address_that_tries_many_names_is_shut_out(otto: User, rung: User) -> None:
    token = origin.set(Origin(client_address="203.0.113.7"))
    try:
        for number in range(ALLOWED_FROM_AN_ADDRESS):
            keep_failure(name=f"name-{number}", what=FailedAttempt.What.PASSWORD, by=rung, at=AT)
        with pytest.raises(CannotSignIn, match="half an hour"):
            check_password_at_sign_in(username="otto", password=PASSWORD, at=AT)
    finally:
        origin.reset(token)
    assert check_password_at_sign_in(username="otto", password=PASSWORD, at=AT) == otto


# --- who has access ---


@pytest.mark.req("EMA-A3.2")
def test_access_is_reviewed_signed_and_kept(ada: User, study: Study, pi: User) -> None:
    client = browser_of(ada)
    page = client.get("/people/access/").content.decode()
    assert "The review of access is due" in page
    assert "Dr Ana Rivera" in page
    seen = re.search(r'name="seen_sha256" value="(\w+)"', page)
    assert seen is not None
    sent = {"seen_sha256": seen[1], "remarks": "all as it should be", "password": PASSWORD}
    assert client.post("/people/access/", {**sent, "password": "not it"}).status_code == 409
    assert client.post("/people/access/", {**sent, "seen_sha256": "0" * 64}).status_code == 409
    assert client.post("/people/access/", sent).status_code == 302
    signature = Signature.objects.get(record_kind="trials.access-review")
    assert (signature.signer, signature.role) == (ada, "administrator")
    assert "Access was reviewed; next by" in client.get("/people/access/").content.decode()
    operations.deactivate_person(person=pi, reason="left", by=ada, at=AT)
    kept = client.get(f"/people/access/{signature.pk}/").content.decode()
    assert "Dr Ana Rivera" in kept
    assert "all as it should be" in kept


# --- who must have a second factor ---


@pytest.mark.req("P11-200", "EMA-A4.12")
def test_signers_and_administrators_set_an_app_up_before_anything_else(
    settings: Settings, ada: User, pi: User, coordinator_a: User, study: Study
) -> None:
    settings.SECOND_FACTOR = "required"
    for someone in (ada, pi):
        client = browser_of(someone)
        assert client.get("/studies/")["Location"] == "/account/second-factor/?first"
        assert "before you go on" in client.get("/account/second-factor/?first").content.decode()
        telephone_of(someone)
        assert client.get("/studies/").status_code == 200
    assert browser_of(coordinator_a).get("/studies/").status_code == 200


def test_where_it_is_offered_nobody_is_led_anywhere(ada: User) -> None:
    assert browser_of(ada).get("/studies/").status_code == 200
