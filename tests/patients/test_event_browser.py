"""Recording an event in a real browser: by keyboard, with the rules beside it, and nothing lost by reloading."""

import pytest
from django.test import Client
from playwright.sync_api import Browser, Page
from pytest_django.live_server_helper import LiveServer

from accounts.models import User
from patients.models import AdverseEvent, DltAssessment, Patient
from tests.browser import Complaints, browser, faults
from tests.patients.steps import day, treated
from tests.patients.test_pages import move_to, url
from trials.models import Site, Study

__all__ = ["browser"]

pytestmark = pytest.mark.browser


@pytest.fixture
def patient(live_server: LiveServer, site_a: Site, coordinator_a: User, study: Study) -> Patient:
    """Treated from day 1; the day is 17."""
    patient = treated(site_a, coordinator_a)
    move_to(study, day(17), coordinator_a)
    return patient


@pytest.fixture
def phone(live_server: LiveServer, browser: Browser, coordinator_a: User) -> Page:
    """A coordinator's phone, signed in."""
    client = Client()
    client.force_login(coordinator_a)
    context = browser.new_context(viewport={"width": 390, "height": 844}, base_url=live_server.url)
    cookies = [{"name": name, "value": morsel.value, "url": live_server.url} for name, morsel in client.cookies.items()]
    context.add_cookies(cookies)  # type: ignore[arg-type]
    context.set_default_timeout(15_000)
    return context.new_page()


def choose_neutropenia(page: Page) -> None:
    with page.expect_response(lambda answer: answer.url.endswith("=neutro")):  # not that for a part of it
        page.locator("#id_term").press_sequentially("neutro")
    page.wait_for_selector(".combobox-list li")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    page.wait_for_selector("text=<500/mm³")


def test_a_dlt_is_recorded_and_what_was_typed_survives_a_reload(phone: Page, patient: Patient) -> None:
    heard = Complaints()
    heard.listen(phone)
    phone.goto(url("event", patient))
    choose_neutropenia(phone)
    phone.locator("#id_grade_0").focus()
    phone.keyboard.press("Space")
    for number in (1, 2, 3):
        with phone.expect_response(lambda answer: answer.request.method == "POST"):
            phone.keyboard.press("ArrowDown")
        phone.wait_for_function(f"document.activeElement.id === 'id_grade_{number}'")
    phone.select_option("#id_relation_lenalidomide", "probable")
    phone.select_option("#id_relation_dexamethasone", "unlikely")
    phone.wait_for_selector("text=This looks like a DLT")
    assert faults(phone) == []
    phone.check("#id_is_dlt_1")
    phone.fill("#id_rationale", "because")
    phone.reload()
    phone.wait_for_selector("text=This looks like a DLT")
    phone.wait_for_selector("text=<500/mm³")
    assert phone.input_value("#id_rationale") == "because"
    assert phone.is_checked("#id_is_dlt_1")
    phone.check("#id_is_dlt_0")
    phone.get_by_role("button", name="Save", exact=True).click()
    phone.wait_for_selector("text=It counts as a DLT.")
    assert faults(phone) == []
    assert AdverseEvent.objects.get().grade == 4
    assert DltAssessment.objects.get().is_dlt
    assert heard.heard == []


def test_a_grade_that_was_corrected_quickly_does_not_jump_back(phone: Page, patient: Patient) -> None:
    """The reply for the first grade arrives when the second one is chosen already, and before that is asked about."""
    phone.goto(url("event", patient))
    choose_neutropenia(phone)
    phone.evaluate(
        """() => {
          window.swapped = 0;
          document.addEventListener("htmx:beforeOnLoad", () => {
            document.getElementById("id_grade_3").click();
          }, { once: true });
          document.addEventListener("htmx:beforeSwap", (event) => { window.swapped += event.detail.shouldSwap; });
        }"""
    )
    with phone.expect_response(lambda answer: "grade=4" in (answer.request.post_data or "")):
        phone.evaluate("document.getElementById('id_grade_2').click()")
    phone.wait_for_function("window.swapped > 0")
    assert phone.is_checked("#id_grade_3")
    assert phone.evaluate("window.swapped") == 1
