"""A patient of the cetuximab trial through the lead-in and cycle 1: by keyboard, wide and narrow, light and dark."""

import datetime as dt
from collections.abc import Callable, Iterator

import pytest
from django.conf import settings
from django.test import Client
from playwright.sync_api import Browser, Page
from pytest_django.live_server_helper import LiveServer

from accounts.models import User
from patients.models import ActivityRecord, Cycle, Patient
from tests.browser import DESK, Complaints, browser, looked_at
from tests.labs.conftest import move_to
from tests.patients.cetuximab import CYCLE_1_ON, LEAD_IN_ON, begin, cet_registered, done
from trials.models import Site, Study

__all__ = ["browser"]

pytestmark = pytest.mark.browser

ONE = dt.timedelta(days=1)
STUDY = "/studies/LEN-CET-01"
PATIENT = f"{STUDY}/patients/Z-001"
FOCUSED = "document.activeElement.textContent.trim()"

Open = Callable[..., Page]


@pytest.fixture
def patient(own_database: object, cet_site: Site, cet_coordinator: User) -> Patient:
    return cet_registered(cet_site, cet_coordinator)


@pytest.fixture
def open_page(patient: Patient, cet_coordinator: User, live_server: LiveServer, browser: Browser) -> Iterator[Open]:
    """Opens a page as the coordinator; whatever the console complains of fails the test."""
    session = Client()
    session.force_login(cet_coordinator)
    cookie = {
        "name": settings.SESSION_COOKIE_NAME,
        "value": session.cookies[settings.SESSION_COOKIE_NAME].value,
        "url": live_server.url,
    }
    complaints, contexts = Complaints(), []

    def open_page(path: str) -> Page:
        context = browser.new_context(viewport=DESK, reduced_motion="reduce")
        context.add_cookies([cookie])
        contexts.append(context)
        page = context.new_page()
        complaints.listen(page)
        page.goto(live_server.url + path)
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert complaints.heard == []


def press_until(page: Page, key: str, words: str) -> None:
    for _ in range(80):
        page.keyboard.press(key)
        if words in page.evaluate(FOCUSED):
            return
    raise AssertionError(f"{words} cannot be reached by {key}")


def test_through_the_lead_in_by_keyboard(
    open_page: Open, patient: Patient, cet_study: Study, cet_coordinator: User
) -> None:
    move_to(cet_study, dt.date(2026, 1, 9), cet_coordinator)
    page = open_page(f"{PATIENT}/")
    assert page.get_by_text("Registered at 10 mg, not yet treated").first.is_visible()
    press_until(page, "Tab", "Record it")
    page.keyboard.press("Enter")
    page.wait_for_url("**/activities/**")
    assert looked_at(page, "biopsy") == []
    page.get_by_label("Done on").fill("2026-01-07")
    page.keyboard.press("Enter")
    page.get_by_text("lies outside the window").first.wait_for()
    assert looked_at(page, "biopsy-refused") == []
    assert page.get_by_label("Done on").input_value() == "2026-01-07"
    page.get_by_label("Why outside the window").fill("The theatre was free that day")
    page.get_by_role("button", name="Record as done").click()
    page.wait_for_url(f"**{PATIENT}/")
    assert ActivityRecord.objects.get().out_of_window_reason == "The theatre was free that day"
    assert page.get_by_text("outside its window (8 Jan – 11 Jan 2026): The theatre was free that day").is_visible()
    move_to(cet_study, LEAD_IN_ON + ONE, cet_coordinator)
    page.reload()
    page.get_by_role("link", name="Start the lead-in").first.click()
    page.get_by_label("Started on").fill((LEAD_IN_ON + ONE).isoformat())
    page.get_by_role("button", name="Start the lead-in").click()
    page.get_by_text("This moves what follows").wait_for()
    assert looked_at(page, "lead-in-moves") == []
    page.get_by_role("button", name="Start the lead-in").click()
    page.wait_for_url(f"**{PATIENT}/")
    assert page.get_by_role("heading", name="Lead-in, day −21 (1 of 21), at 10 mg").is_visible()
    assert Cycle.objects.get().number == 0


def test_every_stretch_wide_and_narrow_light_and_dark(
    open_page: Open, patient: Patient, cet_study: Study, cet_coordinator: User
) -> None:
    by = cet_coordinator
    done(patient, "biopsy.before-lead-in", dt.date(2026, 1, 9), by)
    begin(patient, LEAD_IN_ON, by)
    move_to(cet_study, LEAD_IN_ON + 8 * ONE, by)
    done(patient, "visits.lead-in-start", LEAD_IN_ON, by)
    pages = {"patient": f"{PATIENT}/", "today": f"{STUDY}/", "patients": f"{STUDY}/patients/"}
    for name, path in pages.items():
        assert looked_at(open_page(path), f"lead-in-{name}") == [], name
    done(patient, "biopsy.before-combination", CYCLE_1_ON - 2 * ONE, by)
    begin(patient, CYCLE_1_ON + 7 * ONE, by)
    move_to(cet_study, CYCLE_1_ON + 14 * ONE, by)
    pages = {
        "patient": f"{PATIENT}/",
        "visit": f"{PATIENT}/activities/visits.day-8.1/done/",
        "missed": f"{PATIENT}/activities/visits.day-8.1/missed/",
        "correct": f"{PATIENT}/activities/biopsy.before-combination/correct/",
        "protocol": f"{STUDY}/protocol/",
    }
    for name, path in pages.items():
        assert looked_at(open_page(path), f"cycle-1-{name}") == [], name
