"""The workbench in a real browser: moving a slider changes the numbers, and they are the engine's own."""

from collections.abc import Iterator

import pytest
from django.conf import settings
from django.http import QueryDict
from django.test import Client
from playwright.sync_api import Browser, Page, expect
from pytest_django.live_server_helper import LiveServer

from accounts.models import User
from dosing.engine import BoinDesign, ThreePlusThreeDesign, operating_characteristics
from dosing.operations import save_comparison
from dosing.operations.simulations import start_simulation
from dosing.workbench.address import question_from_query
from tests.browser import RULES, Complaints, browser, faults, is_wider_than_the_screen
from tests.cast import DAY_ONE, moment, person
from trials.models import Role, Study
from trials.operations import grant_role

__all__ = ["browser"]

pytestmark = [pytest.mark.browser, pytest.mark.slow]

PATIENCE = 30_000
LADDER = "dose=10 mg&p=0.1&dose=15 mg&p=0.3&dose=25 mg&p=0.5&target=0.3"
BOIN_AND_3 = f"/designs/compare/?{LADDER}&kind=boin&1-max_patients=12&1-cohort_size=1&kind=three_plus_three"
TYPED_UNSEEN = "field => { field.value = 9; field.dispatchEvent(new InputEvent('input', {bubbles: true})); }"
BOIN = BoinDesign(target=0.3, max_patients=12, cohort_size=1)


@pytest.fixture
def page(live_server: LiveServer, browser: Browser) -> Iterator[Page]:
    """A window of somebody who is signed in; anything that its console complains of fails the test."""
    heard, client = Complaints(), Client()
    client.force_login(person("visitor", "Vera Visitor"))
    session = client.cookies[settings.SESSION_COOKIE_NAME].value
    context = browser.new_context(reduced_motion="reduce", base_url=live_server.url)
    context.set_default_timeout(PATIENCE)
    expect.set_options(timeout=PATIENCE)
    context.add_cookies([{"name": settings.SESSION_COOKIE_NAME, "value": session, "url": live_server.url}])
    opened = context.new_page()
    heard.listen(opened)
    yield opened
    context.close()
    assert heard.heard == []


def selected(*toxicity: float) -> str:
    """How often BOIN selects the middle dose, as the table says it."""
    return f"{100 * operating_characteristics(BOIN, [toxicity]).selection[0, 1]:.1f}"


def shows(page: Page, words: str) -> None:
    expect(page.get_by_role("region", name="By dose").get_by_role("cell", name=words, exact=True).first).to_be_visible()


def test_a_slider_that_is_moved_by_keyboard_changes_the_numbers_to_the_engines_own(page: Page) -> None:
    page.goto(BOIN_AND_3)
    shows(page, selected(0.1, 0.3, 0.5))
    slider = page.get_by_role("slider", name="True toxicity of 25 mg")
    slider.focus()
    for _ in range(3):
        page.keyboard.press("ArrowRight")
    expect(page.get_by_role("spinbutton", name="True toxicity of 25 mg")).to_have_value("0.53")
    shows(page, selected(0.1, 0.3, 0.53))
    right = [
        operating_characteristics(d, [[0.1, 0.3, 0.53]]).correct_selection[0] for d in (BOIN, ThreePlusThreeDesign())
    ]
    said = f"BOIN selects the MTD, 15 mg, in {100 * right[0]:.1f} % of trials, 3+3 in {100 * right[1]:.1f} %"
    expect(page.get_by_role("heading", level=1)).to_contain_text(said)
    expect(slider).to_be_focused()
    page.wait_for_url(lambda url: "p=0.53" in url)
    page.reload()
    shows(page, selected(0.1, 0.3, 0.53))


def test_a_number_that_is_typed_moves_its_slider_and_the_numbers(page: Page) -> None:
    page.goto(BOIN_AND_3)
    page.get_by_role("spinbutton", name="True toxicity of 15 mg").fill("0.255")
    shows(page, selected(0.1, 0.255, 0.5))
    expect(page.get_by_role("slider", name="True toxicity of 15 mg")).to_have_value("0.26")


def test_what_is_not_allowed_stands_beside_its_field_and_the_last_answer_stays(page: Page) -> None:
    page.goto(BOIN_AND_3)
    field = page.locator("#p-2")
    field.fill("3")
    expect(page.locator("#fault-p-2")).to_have_text("“3” is not allowed: it must be a probability from 0 to 1.")
    expect(field).to_have_attribute("aria-invalid", "true")
    expect(page.get_by_text("The numbers below are those from before.")).to_be_visible()
    shows(page, selected(0.1, 0.3, 0.5))
    page.get_by_role("button", name="Add a design to compare").click()
    expect(page.get_by_role("group", name="Design 3, CRM")).to_be_visible()
    expect(field).to_have_value("3")
    shows(page, selected(0.1, 0.3, 0.5))
    field.fill("0.3")
    expect(page.locator("#fault-p-2")).to_be_empty()
    expect(page.get_by_text("The numbers below are those from before.")).to_be_hidden()
    expect(page.get_by_role("heading", level=1)).to_contain_text("CRM in")


def test_a_fault_in_a_folded_parameter_unfolds_it(page: Page) -> None:
    page.goto(BOIN_AND_3)
    boin = page.get_by_role("group", name="Design 1, BOIN")
    expect(boin.get_by_label("Starting dose")).to_be_hidden()
    boin.get_by_label("Starting dose").evaluate(TYPED_UNSEEN)
    expect(boin.get_by_label("Starting dose")).to_be_visible()
    expect(boin.get_by_text("“9” is not allowed")).to_be_visible()


def test_designs_are_chosen_copied_and_removed_in_place(page: Page) -> None:
    page.goto(BOIN_AND_3)
    page.get_by_label("Design 2").select_option(label="TITE-BOIN")
    expect(page.get_by_label("DLT window, days")).to_have_value("28")
    expect(page.get_by_role("heading", level=1)).to_contain_text("TITE-BOIN in")
    page.get_by_role("button", name="Copy design 1, BOIN").click()
    copied = page.get_by_role("group", name="Design 2, BOIN")
    copied.get_by_label("Cohort size").fill("3")
    expect(page.get_by_role("heading", level=1)).to_contain_text("BOIN, cohort size 3 in")
    page.get_by_role("button", name="Remove design 3, TITE-BOIN").click()
    expect(page.get_by_role("group", name="Design 3, TITE-BOIN")).to_have_count(0)
    expect(page.get_by_label("DLT window, days")).to_have_count(0)
    expect(page.get_by_role("button", name="Add a design to compare")).to_be_focused()


def test_a_scenario_is_taken_over_by_the_sliders(page: Page) -> None:
    page.goto(BOIN_AND_3)
    page.get_by_role("button", name="All too toxic").click()
    expect(page.locator("#p-1")).to_have_value("0.5")
    expect(page.get_by_text("No dose is the MTD in this scenario")).to_be_visible()
    expect(page.get_by_role("button", name="All too toxic")).to_have_attribute("aria-current", "true")


def test_without_a_script_a_button_shows_the_same(live_server: LiveServer, browser: Browser, page: Page) -> None:
    cookies = page.context.cookies()
    context = browser.new_context(java_script_enabled=False, base_url=live_server.url)
    context.add_cookies(cookies)
    plain = context.new_page()
    plain.goto(BOIN_AND_3)
    expect(plain.get_by_role("slider")).to_have_count(0)
    plain.locator("#p-2").fill("0.25")
    plain.get_by_role("button", name="Show").click()
    shows(plain, selected(0.1, 0.25, 0.5))
    plain.get_by_role("button", name="Add a dose").click()
    expect(plain.locator("#p-4")).to_have_value("0.66")
    context.close()


@pytest.mark.parametrize("width", [1280, 390])
def test_home_with_what_was_saved_fits_the_screen_and_has_no_fault(page: Page, study: Study, width: int) -> None:
    me, question = User.objects.get(username="visitor"), question_from_query(QueryDict(LADDER))
    at, title = moment(DAY_ONE), "BOIN beside 3+3 for the anti-MAG trial"
    grant_role(study=study, person=me, role=Role.STATISTICIAN, by=User.objects.system(), at=at)
    save_comparison(question=question, title=title, note="", study=study, by=me, at=at)
    start_simulation(question=question, trials=100_000, seed=1, by=me, at=at)
    page.set_viewport_size({"width": width, "height": 900})
    page.goto("/designs/")
    for words in (title, "100,000 trials of BOIN and 3+3", "LEN-MAG-01"):
        expect(page.get_by_role("link", name=words)).to_be_visible()
    assert not is_wider_than_the_screen(page)
    assert faults(page, RULES) == []
    page.get_by_role("link", name="LEN-MAG-01").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("BOIN selects the MTD, 15 mg")


@pytest.mark.parametrize("width", [1280, 390])
def test_the_widest_question_fits_the_screen_and_has_no_fault(page: Page, width: int) -> None:
    page.set_viewport_size({"width": width, "height": 900})
    doses = "&".join(f"dose={i} mg/m² twice a day&p={i / 12:.2f}" for i in range(1, 11))
    page.goto(f"/designs/compare/?{doses}&kind=boin&kind=three_plus_three&kind=boin&kind=tite_boin")
    assert not is_wider_than_the_screen(page)
    page.evaluate("document.querySelectorAll('#content details').forEach(folded => { folded.open = true; })")
    assert faults(page, RULES) == []
    page.emulate_media(color_scheme="dark")
    assert faults(page, ["color-contrast"]) == []
