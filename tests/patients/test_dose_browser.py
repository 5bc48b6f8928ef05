"""Height, weight and infusions in a browser: at a desk and on a phone, by keyboard, nothing that axe finds."""

from collections.abc import Callable, Iterator

import pytest
from django.conf import settings
from django.test import Client
from playwright.sync_api import Browser, Page
from pytest_django.live_server_helper import LiveServer

from accounts.models import User
from patients.models import Administration, BodyMeasurement, Patient
from tests.browser import DESK, Complaints, looked_at
from tests.browser import browser as chromium
from tests.patients.dosed import draft_study as draft_study
from tests.patients.dosed import give, measured, miss, ready
from tests.patients.steps import day
from tests.patients.test_pages import move_to
from trials.models import Site, Study

__all__ = ["chromium"]

pytestmark = pytest.mark.browser

PATIENT = "/studies/LEN-MAG-01/patients/A-001"
FOCUSED = "document.activeElement.textContent.trim()"
Open = Callable[..., Page]


@pytest.fixture
def treated_patient(own_database: object, study: Study, site_a: Site, coordinator_a: User) -> Patient:
    """A-001 on day 15 of cycle 1: the first infusion missed, the next one stopped early, the third one due."""
    patient = ready(site_a, coordinator_a)
    miss(patient, day(1), coordinator_a, "Fever of 38.9 °C in the morning")
    give(patient, day(1), "350", coordinator_a, agent="bevacizumab")
    give(patient, day(8), "410.5", coordinator_a, reason="Stopped after an infusion reaction of grade 2")
    measured(patient, coordinator_a, on=day(8), weight="69.4")
    move_to(study, day(15), coordinator_a)
    return patient


@pytest.fixture
def open_page(
    treated_patient: Patient, coordinator_a: User, live_server: LiveServer, chromium: Browser
) -> Iterator[Open]:
    """Opens a page as the coordinator of site A; whatever the console complains of fails the test."""
    session = Client()
    session.force_login(coordinator_a)
    key = session.cookies[settings.SESSION_COOKIE_NAME].value
    complaints, contexts = Complaints(), []

    def opened(path: str) -> Page:
        context = chromium.new_context(viewport=DESK, reduced_motion="reduce")
        contexts.append(context)
        context.add_cookies([{"name": settings.SESSION_COOKIE_NAME, "value": key, "url": live_server.url}])
        page = context.new_page()
        complaints.listen(page)
        page.goto(live_server.url + path)
        return page

    yield opened
    for context in contexts:
        context.close()
    assert complaints.heard == []


def test_axe_finds_nothing_and_nothing_is_wider_than_the_screen(open_page: Open) -> None:
    given = Administration.objects.get(day=8)
    weighed = BodyMeasurement.objects.latest("pk")
    pages = [
        "/",
        "/measurement/",
        f"/measurements/{weighed.pk}/correct/",
        f"/infusion/?agent=cetuximab&on={day(15)}",
        f"/infusions/{given.pk}/correct/",
    ]
    for path in pages:
        assert looked_at(open_page(PATIENT + path)) == [], path


def test_an_infusion_is_recorded_by_keyboard_alone(open_page: Open) -> None:
    page = open_page(f"{PATIENT}/")
    for _ in range(60):
        page.keyboard.press("Tab")
        if page.evaluate(FOCUSED) == "Record Cetuximab, cycle 1 day 15":
            break
    page.keyboard.press("Enter")
    page.wait_for_url("**/infusion/**")
    assert page.get_by_label("Amount given (mg)").input_value() == "465"
    page.get_by_label("Given", exact=True).focus()
    page.keyboard.press("Space")
    page.keyboard.press("Enter")
    page.wait_for_url("**/A-001/")
    assert "465 mg given on 19 Jan 2026, cycle 1 day 15." in page.inner_text("#messages")
    assert Administration.objects.get(agent="cetuximab", day=15).given_amount == 465
