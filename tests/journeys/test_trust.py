"""A second factor is used to sign; a session ends in the middle of a form; a lock-out and a delegation end."""

from collections.abc import Callable

import pytest
from django.utils import timezone
from playwright.sync_api import Page, expect

from accounts.models import FailedAttempt, Lockout, Signature, User
from accounts.operations import deactivate_person, send_new_link
from accounts.operations.attempts import keep_failure
from dosing.models import Decision
from patients.models import Patient
from tests.accounts.second_factor import Telephone
from tests.browser import Complaints, looked_at
from tests.cast import DAY_ONE, PASSWORD, person
from tests.dosing.steps import on_treatment
from tests.journeys.conftest import SignIn
from tests.journeys.people import Someone
from tests.journeys.test_nothing_typed_is_lost import given_a_recommendation_to_escalate
from trials.models import Site, Study
from trials.operations.review import sign_access_review
from trials.who_has_access import seen_digest, who_has_access

pytestmark = pytest.mark.browser


@pytest.fixture
def patient(study: Study, coordinator_a: User) -> Patient:
    return on_treatment(study, coordinator_a, DAY_ONE)


@pytest.mark.req("P11-200", "EMA-A4.12")
def test_a_second_factor_is_set_up_and_used_to_sign(
    study: Study, coordinator_a: User, rung: User, pi: User, rivera: Someone
) -> None:
    given_a_recommendation_to_escalate(study, coordinator_a, pi, rung)
    telephone = set_up_app(rivera)
    rivera.page.locator(".who-menu summary").click()
    rivera.press("Sign out")
    of_the_sign_in = telephone.code()
    rivera.sign_in(pi.username, PASSWORD, of_the_sign_in)
    rivera.open("decision/")
    sign_with(rivera, of_the_sign_in)
    rivera.sees("used already")
    assert not Decision.objects.exists()
    sign_with(rivera, telephone.code(steps_ahead=1))
    rivera.sees("You have signed.")
    assert Signature.objects.latest("pk").components_checked == ["password", "totp"]


def sign_with(someone: Someone, code: str) -> None:
    someone.fill("Password", PASSWORD)
    someone.page.locator("input[name=code]").fill(code)
    someone.press(f"Sign as {someone.full_name}")


def set_up_app(someone: Someone) -> Telephone:
    """By the pages: password again, key, first code, recovery codes."""
    page = someone.page
    page.goto("/account/second-factor/")
    someone.follow("Set up an authenticator app")
    someone.fill("Password", PASSWORD)
    someone.press("Go on")
    telephone = Telephone(page.locator("form code").inner_text(), [])
    expect(page.get_by_role("img", name="The key as a QR code")).to_be_visible()
    someone.fill("The code it shows now", telephone.code(steps_ahead=-1))
    someone.press("Set it up")
    expect(page.get_by_role("heading", name="Keep these codes in a safe place")).to_be_visible()
    codes = page.locator(".codes code").all_inner_texts()
    assert len(codes) == 10
    return Telephone(telephone.secret, codes)


@pytest.mark.req("EMA-A4.15")
def test_the_session_ends_in_the_middle_of_a_form_and_nothing_is_lost(
    patient: Patient, mia: Someone, coordinator_a: User
) -> None:
    """The page's clock is wound on; the server's session is ended as a quarter of an hour would have ended it."""
    page = mia.page
    page.clock.install()
    mia.open(f"patients/{patient.code}/event/")
    mia.type_event("Fatigue", 2)
    mia.fill("More precisely", "Since the visit of the ninth")
    page.clock.fast_forward(13 * 60_000 + 10_000)
    expect(page.get_by_role("alert").filter(has_text="signed out within two minutes")).to_be_visible()
    page.get_by_role("button", name="Stay signed in").click()
    expect(page.get_by_role("button", name="Stay signed in")).to_be_hidden()
    page.context.clear_cookies(name="rung_session")
    with page.expect_navigation():
        page.clock.fast_forward(16 * 60_000)
    mia.sees("What you typed is kept in this browser")
    mia.fill("Username", coordinator_a.username)
    mia.fill("Password", PASSWORD)
    mia.press("Sign in")
    expect(page.get_by_role("combobox", name="What happened")).to_have_value("Fatigue")
    expect(page.get_by_label("More precisely")).to_have_value("Since the visit of the ninth")
    mia.sees("was kept. It is not saved yet.")


@pytest.mark.req("P11-300", "EMA-A4.13")
def test_a_lock_out_and_its_release(
    study: Study, coordinator_a: User, ada: User, mia: Someone, sign_in: SignIn
) -> None:
    mia.page.locator(".who-menu summary").click()
    mia.press("Sign out")
    for _ in range(5):
        mia.fill("Username", coordinator_a.username)
        mia.fill("Password", "not my password")
        mia.press("Sign in")
        mia.sees("do not belong together")
    mia.fill("Password", PASSWORD)
    mia.press("Sign in")
    mia.sees("Wait half an hour")
    robin = sign_in(ada, study)
    robin.page.goto("/people/lockouts/")
    robin.sees("Mia Castellano")
    robin.fill("Why it may be released", "She telephoned: caps lock")
    robin.press("Release")
    expect(robin.page.get_by_role("heading", name="Nobody is locked out")).to_be_visible()
    assert Lockout.objects.get().released_by == ada
    mia.sign_in(coordinator_a.username, PASSWORD)


@pytest.mark.req("P11-10d", "P11-10g", "R3-4.3.8")
def test_a_delegation_that_ended_yesterday_is_refused_today(
    study: Study, site_a: Site, rung: User, data_manager: User, sign_in: SignIn, complaints: Complaints
) -> None:
    """For one day, given on the page; on the next the form that is still open takes nothing more."""
    deputy = person("deputy", "Dee Deputy")
    dana = sign_in(data_manager, study)
    dana.open("setup/people/")
    dana.fill("User name", deputy.username)
    dana.page.get_by_label("Role").select_option(label="Coordinator")
    dana.page.get_by_label("Where").select_option(value=site_a.code)
    dana.fill("First day", DAY_ONE.isoformat())
    dana.fill("Last day", DAY_ONE.isoformat())
    dana.press("Give the role")
    dana.sees("Dee Deputy")
    dee = sign_in(deputy, study)
    code = dee.screen()
    dee.open("patients/new/")
    dana.open("delegation/")
    dana.wait(days=1)
    dana.sees(f"ended after {DAY_ONE.day}")
    dee.press("Start screening")
    expect(dee.page.get_by_role("heading", name="There is nothing at this address")).to_be_visible()
    assert [patient.code for patient in study.patients.all()] == [code]
    assert all("404" in said for said in complaints.heard)
    complaints.heard.clear()


PAGES = (
    *(f"/account/{page}/" for page in ("password", "second-factor", "password-again")),
    *(
        f"/people/{page}/"
        for page in ("invite", "lockouts", "sign-ins", "person/coordinator-a", "person/pi", "person/ada", "access")
    ),
    "/people/",
)


def test_pages_about_accounts_are_accessible_light_and_dark_at_a_desk_and_on_a_phone(
    study: Study, coordinator_a: User, pi: User, ada: User, rung: User, sign_in: SignIn, window: Callable[[], Page]
) -> None:
    now = timezone.now()
    review = sign_access_review(
        seen_sha256=seen_digest(who_has_access()), remarks="as it should be", password=PASSWORD, by=ada, at=now
    )
    for _ in range(5):
        keep_failure(name=coordinator_a.username, what=FailedAttempt.What.CODE, by=rung, at=now)
    deactivate_person(person=pi, reason="left", by=ada, at=now)
    robin = sign_in(ada, study).page
    wrong = {path: opened(robin, path) for path in (*PAGES, f"/people/access/{review.pk}/")}
    robin.goto("/account/second-factor/app/")
    robin.get_by_label("Password").fill(PASSWORD)
    robin.get_by_role("button", name="Go on").click()
    expect(robin.get_by_role("heading", name="Set up an authenticator app")).to_be_visible()
    wrong |= {path: opened(robin, path) for path in ("/account/second-factor/app/", "/account/second-factor/passkey/")}
    link = f"/invitation/{send_new_link(person=coordinator_a, by=ada, at=now)}/"
    wrong |= {path: opened(window(), path) for path in (link, "/sign-in/?ended")}
    assert not any(wrong.values()), wrong


def test_pages_of_a_second_factor_in_use_are_accessible(study: Study, pi: User, rivera: Someone) -> None:
    page = rivera.page
    set_up_app(rivera)
    of_the_factor = ("", "recovery-codes/", "recovery-codes/new/", "app/remove/")
    wrong = {path: opened(page, f"/account/second-factor/{path}") for path in of_the_factor}
    page.locator(".who-menu summary").click()
    rivera.press("Sign out")
    rivera.fill("Username", pi.username)
    rivera.fill("Password", PASSWORD)
    rivera.press("Sign in")
    expect(page.get_by_label("Code")).to_be_visible()
    wrong["the code at sign-in"] = looked_at(page)
    assert not any(wrong.values()), wrong


def opened(page: Page, path: str) -> list[str]:
    answer = page.goto(path)
    assert answer is not None
    assert answer.status == 200, path
    assert page.url.endswith(path), page.url
    return looked_at(page)


def test_a_passkey_stands_for_the_code_at_sign_in(study: Study, coordinator_a: User, mia: Someone) -> None:
    page = mia.page
    devtools = page.context.new_cdp_session(page)
    devtools.send("WebAuthn.enable")
    has = {"protocol": "ctap2", "transport": "internal", "hasResidentKey": True, "hasUserVerification": True}
    devtools.send(
        "WebAuthn.addVirtualAuthenticator",
        {"options": has | {"isUserVerified": True, "automaticPresenceSimulation": True}},
    )
    page.goto("/account/second-factor/passkey/")
    mia.fill("Password", PASSWORD)
    mia.press("Go on")
    mia.fill("Name", "My telephone")
    mia.press("Add it")
    expect(page.get_by_role("heading", name="Keep these codes in a safe place")).to_be_visible()
    page.locator(".who-menu summary").click()
    mia.press("Sign out")
    mia.fill("Username", coordinator_a.username)
    mia.fill("Password", PASSWORD)
    mia.press("Sign in")
    expect(page.get_by_role("heading", name="One more step")).to_be_visible()
    mia.press("Use a passkey")
    expect(page.locator(".who-menu")).to_contain_text("Mia Castellano")
    page.goto("/account/second-factor/")
    mia.sees("My telephone", "last used on")
