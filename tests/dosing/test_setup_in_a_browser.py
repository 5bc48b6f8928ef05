"""The set-up as people see it: at a desk and on a phone, light and dark; and by keyboard, from nothing to signed."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from django.conf import settings
from django.test import Client
from playwright.sync_api import Browser, Page, expect
from pytest_django.live_server_helper import LiveServer

from accounts.models import User
from dosing.operations import import_study
from tests.browser import DESK, Complaints, looked_at
from tests.browser import browser as chromium
from tests.cast import ANTI_MAG, DAY_ONE, PASSWORD, moment, person
from trials.models import Role, Study
from trials.operations import add_site, edit_section, grant_role, sign_set_up, start_study

__all__ = ["chromium"]

pytestmark = pytest.mark.browser

FAULTY = ANTI_MAG.read_text().replace("to_day: 28", "to_day: 92").replace("limit_days: 28", "limit_days: soon")

Open = Callable[..., Page]


@pytest.fixture
def dana(own_database: object) -> User:
    return person("dana", "Dana Petrov")


@pytest.fixture
def beginning(dana: User) -> Study:
    heading = {
        "key": "NEW-01",
        "title": "A study of which hardly anything is known yet",
        "time_zone": "Europe/Stockholm",
    }
    definition = {"study": heading, "delay": {"limit_days": -3}, "cycle": {"length_days": 28, "assumed": True}}
    return start_study(definition=definition, by=dana, at=moment(DAY_ONE))


@pytest.fixture
def signed_by_one(dana: User) -> Study:
    """Complete, with people; the statistician signed, it was changed, and signed by the statistician again."""
    at = moment(DAY_ONE)
    study = import_study(text=ANTI_MAG.read_text(), by=dana, at=at)
    add_site(study=study, code="A", name="Northfield University Hospital", time_zone="America/New_York", by=dana, at=at)
    for role in (Role.PRINCIPAL_INVESTIGATOR, Role.STATISTICIAN, Role.MEDICAL_MONITOR):
        grant_role(study=study, person=person(role.value, f"Dr {role.label.title()}"), role=role, by=dana, at=at)
    for days in (21, 28):
        seen = study.versions.get().sha256
        statistician = User.objects.get(username="statistician")
        sign_set_up(study=study, role="statistician", seen_sha256=seen, password=PASSWORD, by=statistician, at=at)
        edit_section(study=study, section="delay", content={"limit_days": days}, by=dana, at=at, seen_sha256=seen)
    return study


@pytest.fixture
def open_page(live_server: LiveServer, chromium: Browser) -> Iterator[Open]:
    """Opens a page as somebody; whatever the console complains of fails the test."""
    complaints, contexts = Complaints(), []

    def open_page(user: User, path: str) -> Page:
        session = Client()
        session.force_login(user)
        value = session.cookies[settings.SESSION_COOKIE_NAME].value
        context = chromium.new_context(viewport=DESK, reduced_motion="reduce", base_url=live_server.url)
        context.add_cookies([{"name": settings.SESSION_COOKIE_NAME, "value": value, "url": live_server.url}])
        contexts.append(context)
        page = context.new_page()
        complaints.listen(page)
        page.goto(path)
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert complaints.heard == []


def test_every_page_of_the_set_up_is_accessible_and_as_wide_as_the_screen(
    beginning: Study, signed_by_one: Study, dana: User, open_page: Open
) -> None:
    investigator = User.objects.get(username="principal_investigator")
    for who, path in (
        (dana, "/studies/"),
        (dana, "/start-a-study/"),
        (dana, "/start-a-study/blank/"),
        (dana, "/start-a-study/copy/"),
        (dana, "/start-a-study/record/"),
        (dana, "/studies/NEW-01/setup/"),
        (dana, "/studies/NEW-01/setup/go-live/"),
        (dana, "/studies/NEW-01/study/"),
        (dana, "/studies/LEN-MAG-01/setup/"),
        (dana, "/studies/LEN-MAG-01/setup/people/"),
        (investigator, "/studies/LEN-MAG-01/setup/"),
        (investigator, "/studies/LEN-MAG-01/setup/sign/"),
    ):
        assert looked_at(open_page(who, path)) == [], f"{who.username}: {path}"
    page = open_page(dana, "/start-a-study/file/")
    page.get_by_label("Or its text").fill(FAULTY)
    page.get_by_role("button", name="Start the study").click()
    expect(page.get_by_role("alert")).to_contain_text("delay.limit_days")
    assert looked_at(page) == [], "a refused file"


def test_by_keyboard_from_a_file_to_signatures_and_live(dana: User, open_page: Open, tmp_path: Path) -> None:
    for role in (Role.PRINCIPAL_INVESTIGATOR, Role.STATISTICIAN, Role.MEDICAL_MONITOR):
        person(role.value, f"Dr {role.label.title()}")
    page = open_page(dana, "/studies/")
    follow(page, "Start a study")
    follow(page, "From a study file")
    page.get_by_label("File").set_input_files(ANTI_MAG)
    press(page, "Start the study")
    expect(page.get_by_role("heading", level=1)).to_have_text("6 things to do before the study goes live")
    follow(page, "Add a site")
    typed(page, {"Code": "A", "Name": "Northfield", "Time zone": "America/New_York"})
    press(page, "Add the site")
    for role in (Role.PRINCIPAL_INVESTIGATOR, Role.STATISTICIAN, Role.MEDICAL_MONITOR):
        typed(page, {"User name": role.value})
        page.get_by_label("Role").select_option(role.value)
        press(page, "Give the role")
        expect(page.locator("#messages")).to_contain_text(f"Dr {role.label.title()} is {role.label}")
    for role in (Role.PRINCIPAL_INVESTIGATOR, Role.STATISTICIAN):
        signer = open_page(User.objects.get(username=role.value), "/studies/LEN-MAG-01/setup/")
        follow(signer, "Read and sign")
        typed(signer, {"Password": PASSWORD})
        press(signer, "Sign as")
        expect(signer.locator("#messages")).to_contain_text("You have signed the set-up")
    follow(page, "Back to the set-up")
    expect(page.get_by_role("heading", level=1)).to_have_text("Ready to go live")
    follow(page, "Go live")
    press(page, "Go live")
    expect(page.locator("#messages")).to_contain_text("Cohort 1 is open at 10 mg with 1 place")


def follow(page: Page, name: str) -> None:
    link = page.get_by_role("main").get_by_role("link", name=name).first
    link.focus()
    with page.expect_navigation():
        page.keyboard.press("Enter")


def press(page: Page, name: str) -> None:
    button = page.get_by_role("main").get_by_role("button", name=name).first
    button.focus()
    with page.expect_navigation():
        page.keyboard.press("Enter")


def typed(page: Page, fields: dict[str, str]) -> None:
    for label, text in fields.items():
        page.get_by_label(label, exact=False).first.focus()
        page.keyboard.type(text)
        page.keyboard.press("Escape")
