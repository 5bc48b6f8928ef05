"""The page of a large simulation in a real browser: it moves by itself, and is cancelled by keyboard."""

import datetime as dt
import re
from collections.abc import Callable, Iterator

import pytest
from django.conf import settings
from django.test import Client
from playwright.sync_api import Browser, Page, expect
from pytest_django.live_server_helper import LiveServer

from accounts.models import User
from dosing.engine import BoinDesign, CrmDesign, ThreePlusThreeDesign
from dosing.models import Simulation
from dosing.operations.simulations import Left, start_simulation, work_on_simulation
from dosing.workbench.address import question_to_query
from dosing.workbench.question import Question
from tests.browser import DESK, Complaints, looked_at
from tests.browser import browser as chromium

__all__ = ["chromium"]

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
LABELS = ("5 mg", "10 mg", "15 mg", "20 mg", "25 mg")
QUESTION = Question(
    LABELS,
    (0.05, 0.15, 0.30, 0.45, 0.60),
    0.30,
    (
        BoinDesign(target=0.30, max_patients=30),
        ThreePlusThreeDesign(),
        CrmDesign(target=0.30, max_patients=30, skeleton=(0.05, 0.15, 0.30, 0.45, 0.60)),
    ),
)
FOCUSED = "document.activeElement.textContent.trim()"

Open = Callable[..., Page]


@pytest.fixture
def open_page(outsider: User, live_server: LiveServer, chromium: Browser) -> Iterator[Open]:
    """Opens a page as somebody without a role in a study; whatever the console complains of fails the test."""
    session = Client()
    session.force_login(outsider)
    key = session.cookies[settings.SESSION_COOKIE_NAME].value
    complaints, contexts = Complaints(), []

    def opened(path: str, *, script: bool = True) -> Page:
        context = chromium.new_context(viewport=DESK, reduced_motion="reduce", java_script_enabled=script)
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


@pytest.fixture
def simulation(outsider: User) -> Simulation:
    simulation = start_simulation(question=QUESTION, trials=60_000, seed=7, by=outsider, at=dt.datetime.now(dt.UTC))
    work(simulation)
    return simulation


def work(simulation: Simulation) -> Left:
    return work_on_simulation(simulation_id=simulation.pk, by=User.objects.system(), at=dt.datetime.now(dt.UTC))


def address(simulation: Simulation) -> str:
    return f"/designs/simulations/{simulation.pk}/"


def test_the_page_moves_by_itself_to_the_answer(open_page: Open, simulation: Simulation) -> None:
    page = open_page(address(simulation))
    heading = page.get_by_role("heading", level=1)
    expect(heading).to_have_text("Simulating: 27 %")
    work(simulation)
    expect(heading).to_have_text("Simulating: 55 %")
    expect(page.get_by_role("progressbar", name="Trials simulated")).to_have_attribute("value", "100000")
    while work(simulation) is Left.MORE:
        pass
    expect(heading).to_have_text(re.compile(r"BOIN selects the MTD, 15 mg, in \d\d\.\d % of trials, 3\+3 in "))
    expect(page.get_by_role("progressbar")).to_have_count(0)
    expect(page.get_by_role("button", name="Cancel")).to_have_count(0)


def test_it_is_cancelled_by_keyboard_while_it_moves(open_page: Open, simulation: Simulation) -> None:
    page = open_page(address(simulation))
    for _ in range(20):
        page.keyboard.press("Tab")
        if page.evaluate(FOCUSED) == "Cancel":
            break
    with page.expect_response(re.compile("/progress/$")):
        work(simulation)
    page.wait_for_timeout(100)
    assert page.evaluate(FOCUSED) == "Cancel"  # the page has moved, and the focus has not
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text(re.compile("Cancelled after .* of 180,000 trials"))
    simulation.refresh_from_db()
    assert simulation.status == Simulation.Status.CANCELLED


def test_without_script_a_link_looks_again(open_page: Open, simulation: Simulation) -> None:
    page = open_page(address(simulation), script=False)
    work(simulation)
    page.get_by_role("link", name="Look again how far it is").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Simulating: 55 %")


def test_axe_finds_nothing_and_nothing_is_wider_than_the_screen(open_page: Open, simulation: Simulation) -> None:
    start = f"/designs/simulations/?{question_to_query(QUESTION)}"
    for name, path in (("start", start), ("running", address(simulation)), ("done", address(simulation))):
        while name == "done" and work(simulation) is not Left.NOTHING:
            pass
        assert looked_at(open_page(path), f"simulation-{name}") == [], name
