"""Trying a study as people see it: at a desk and on a phone, light and dark; and by keyboard, from form to end."""

from collections.abc import Callable, Iterator

import pytest
from django.conf import settings as configured
from django.test import Client
from playwright.sync_api import Browser, Page, expect
from pytest_django.fixtures import Settings
from pytest_django.live_server_helper import LiveServer

from accounts.models import User
from reminders.models import Play
from reminders.operations.rehearsal import play_on, start_play
from tests.browser import DESK, Complaints, looked_at
from tests.browser import browser as chromium
from tests.reminders.rehearsal.conftest import ANTI_MAG, TODAY, draft, played, small, tried
from trials.models import Study

__all__ = ["chromium"]

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

COOKIE = configured.SESSION_COOKIE_NAME
FORM = "/studies/LEN-MAG-01/try/new/"
PAGE = "/studies/LEN-MAG-01-TRY1/try/"
Open = Callable[..., Page]


@pytest.fixture
def source(own_database: object, planner: User) -> Study:
    return draft(small(ANTI_MAG, patients=3), planner)


@pytest.fixture
def open_page(live_server: LiveServer, chromium: Browser, planner: User) -> Iterator[Open]:
    """Opens a page as the planner; whatever the console complains of fails the test."""
    complaints, contexts = Complaints(), []

    def open_page(path: str) -> Page:
        session = Client()
        session.force_login(planner)
        value = session.cookies[COOKIE].value
        context = chromium.new_context(viewport=DESK, reduced_motion="reduce", base_url=live_server.url)
        context.add_cookies([{"name": COOKIE, "value": value, "url": live_server.url}])
        contexts.append(context)
        page = context.new_page()
        complaints.listen(page)
        page.goto(path)
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert complaints.heard == []


def test_the_pages_are_accessible_and_as_wide_as_the_screen(source: Study, planner: User, open_page: Open) -> None:
    form = open_page(FORM)
    assert looked_at(form) == []
    form.get_by_label("Patients a week").fill("")
    form.locator("form[data-keep]").evaluate("form => form.noValidate = true")
    form.get_by_role("button", name="Make the rehearsal").click()
    expect(form.get_by_role("alert")).to_be_focused()
    assert looked_at(form) == [], "refused"
    rehearsal = tried(source, planner, (0.0, 0.0, 0.9), missed_doses=0, late_starts=0)
    page = open_page(PAGE)
    assert looked_at(page) == [], "on the first day"
    played(rehearsal, planner, most=40)
    start_play(rehearsal=rehearsal, by=planner, at=TODAY)
    page.reload()
    assert looked_at(page) == [], "while it is played"
    Play.objects.update(status=Play.Status.FAILED, failure="Registration is suspended. Resume accrual, then play on.")
    page.reload()
    expect(page.get_by_role("heading", name="The play stopped")).to_be_visible()
    assert looked_at(page) == [], "stopped by a fault"
    played(rehearsal, planner)
    page.reload()
    expect(page.get_by_role("heading", name="It has been played to its end")).to_be_visible()
    expect(page.get_by_role("heading", name="The play stopped")).to_have_count(0)
    assert looked_at(page) == [], "at its end"


def test_a_rehearsal_is_made_and_played_by_keyboard_alone(source: Study, open_page: Open, settings: Settings) -> None:
    settings.ZEAL_RAISE = False  # the operations of one request each ask the same
    page = open_page(FORM)
    slider, number = page.get_by_label("True toxicity of 10 mg, slider"), page.locator("#id_toxicity_1")
    slider.focus()
    page.keyboard.press("ArrowRight")
    expect(number).to_have_value("0.19")
    page.keyboard.press("Tab")
    expect(number).to_be_focused()
    page.keyboard.press("Control+A")
    page.keyboard.type("0")
    expect(slider).to_have_value("0")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("Day 1, at 10 mg")
    page.get_by_role("button", name="Play a day").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("Day 2, at 10 mg")


def test_the_page_moves_along_while_a_worker_plays(source: Study, planner: User, open_page: Open) -> None:
    rehearsal = tried(source, planner, (0.0, 0.0, 0.9), missed_doses=0)
    play = start_play(rehearsal=rehearsal, by=planner, at=TODAY)
    page = open_page(PAGE)
    for _ in range(3):
        play_on(play_id=play.pk, by=User.objects.system(), at=TODAY)
    expect(page.get_by_role("heading", level=1)).to_have_text("Day 4, at 10 mg")
    page.get_by_role("button", name="Stop").click()
    expect(page.get_by_role("button", name="Play to the end")).to_be_visible()
