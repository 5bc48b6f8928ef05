"""The pages as a clinic sees them: at a desk and on a phone, light and dark, by keyboard, nothing that axe finds."""

import datetime as dt
from collections.abc import Callable, Iterator
from decimal import Decimal

import pytest
from django.conf import settings
from django.test import Client
from playwright.sync_api import Browser, Page
from pytest_django.live_server_helper import LiveServer

from accounts.models import User
from labs.operations import collect_sample, miss_sample
from patients.models import Patient
from patients.operations import assess_dlt, interrupt_dosing, record_adverse_event, record_doses, record_outcome
from tests.browser import DESK, Complaints, looked_at
from tests.browser import browser as chromium
from tests.cast import DAY_ONE, moment
from tests.labs.conftest import move_to, on_treatment
from trials.models import Site, Study

__all__ = ["chromium"]

pytestmark = pytest.mark.browser

STUDY = "/studies/LEN-MAG-01"
PATIENT = f"{STUDY}/patients/A-001"
PAGES = [
    f"{PATIENT}/",
    f"{STUDY}/samples/",
    f"{STUDY}/samples/labels/",
    f"{PATIENT}/samples/after-3/collect/",
    f"{PATIENT}/samples/after-3/miss/",
    f"{PATIENT}/samples/after-1/correct/",
]
FOCUSED = "document.activeElement.textContent.trim()"

Open = Callable[..., Page]


def on(day: int) -> dt.date:
    return DAY_ONE + dt.timedelta(days=day - 1)


@pytest.fixture
def full(own_database: object, study: Study, site_a: Site, coordinator_a: User) -> Patient:
    """A-001 in cycle 3 with some of everything."""
    by = coordinator_a
    patient = on_treatment(study, site_a, by, cycles=3)
    collect_sample(
        patient=patient, timepoint="after-1", collected_on=on(37), tubes=["edta"], by=by, at=moment(on(37)),
        out_of_window_reason="The clinic was closed",
    )  # fmt: skip
    miss_sample(patient=patient, timepoint="after-2", reason="No vein found", by=by, at=moment(on(60)))
    event = record_adverse_event(
        patient=patient, term="Diarrhea", grade=3, onset_on=on(17), by=by, at=moment(on(18)),
        relations={"lenalidomide": "probable", "dexamethasone": "unlikely"},
    )  # fmt: skip
    assess_dlt(event=event, is_dlt=True, by=by, at=moment(on(18)))
    first, third = patient.cycles.get(number=1), patient.cycles.get(number=3)
    record_doses(cycle=first, agent="lenalidomide", taken=18, by=by, at=moment(on(28)))
    interrupt_dosing(
        cycle=third, agent="lenalidomide", from_day=on(62), to_day=on(65), reason="rash", by=by, at=moment(on(66))
    )
    for timepoint, day, value in (("pre-treatment", 1, "5"), ("after-3", 82, "4")):
        record_outcome(
            patient=patient, measure="neurologic-function", timepoint=timepoint, measured_on=on(day),
            value=Decimal(value), by=by, at=moment(on(day)),
        )  # fmt: skip
    move_to(study, on(83), by)
    return patient


@pytest.fixture
def open_page(full: Patient, coordinator_a: User, live_server: LiveServer, chromium: Browser) -> Iterator[Open]:
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
    for path in PAGES:
        assert looked_at(open_page(path)) == [], path


def test_a_sample_is_collected_by_keyboard_alone(open_page: Open, full: Patient) -> None:
    page = open_page(f"{STUDY}/samples/")
    for _ in range(40):
        page.keyboard.press("Tab")
        if page.evaluate(FOCUSED) == "Collect A-001 sample after cycle 3":
            break
    page.keyboard.press("Enter")
    page.wait_for_url("**/collect/")
    page.get_by_label("10 ml purple EDTA").focus()
    page.keyboard.press("Space")  # unticked: the tube was not filled
    page.keyboard.press("Enter")
    page.wait_for_url("**/samples/")
    assert "A-001: sample after cycle 3 recorded as collected." in page.inner_text("#messages")
    tubes = full.collections.get(timepoint="after-3").tubes.all()
    assert {tube.kind: tube.collected for tube in tubes} == {"edta": False, "serum": True}


def test_on_paper_there_are_only_labels_of_50_by_25_millimetres(open_page: Open) -> None:
    page = open_page(f"{STUDY}/samples/labels/")
    page.emulate_media(media="print")
    seen = page.evaluate("[...document.body.children].filter(e => e.getClientRects().length).map(e => e.tagName)")
    assert seen == ["MAIN"]
    box = page.locator(".tube-label").first.bounding_box()
    assert box is not None
    millimetre = 96 / 25.4
    assert (round(box["width"] / millimetre, 1), round(box["height"] / millimetre, 1)) == (50.0, 25.0)
