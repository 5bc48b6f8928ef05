"""The pages of a saved comparison in a real browser: accessible, as wide as the screen, usable by keyboard."""

import re
from collections.abc import Callable, Iterator

import pytest
from django.conf import settings
from django.test import Client
from playwright.sync_api import Browser, Page, expect
from pytest_django.live_server_helper import LiveServer

from accounts.models import User
from dosing.engine import KeyboardDesign, TiteBoinDesign
from dosing.models import Comparison
from dosing.workbench.address import question_to_query
from tests.browser import DESK, Complaints, looked_at
from tests.browser import browser as chromium
from tests.dosing.workbench.comparing import BOIN, THREE_PLUS_THREE, question, saved

__all__ = ["chromium"]

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
FOUR = question(
    BOIN, THREE_PLUS_THREE, KeyboardDesign(target=0.30, max_patients=12), TiteBoinDesign(target=0.30, max_patients=12)
)
FOCUSED = "document.activeElement.textContent.trim()"

Open = Callable[..., Page]


@pytest.fixture
def open_page(outsider: User, live_server: LiveServer, chromium: Browser) -> Iterator[Open]:
    """Opens a page as who saved the comparisons; whatever the console complains of fails the test."""
    session = Client()
    session.force_login(outsider)
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


@pytest.fixture
def kept(outsider: User) -> Comparison:
    return saved(outsider, FOUR, title="Four designs for the anti-MAG trial", note="The ladder is short.")


def test_axe_finds_nothing_and_nothing_is_wider_than_the_screen(
    open_page: Open, outsider: User, kept: Comparison
) -> None:
    two = saved(outsider)
    paths = {
        "comparison": f"/designs/comparisons/{two.pk}/",
        "comparison-of-four": f"/designs/comparisons/{kept.pk}/",
        "comparison-save": f"/designs/comparisons/save/?{question_to_query(FOUR)}",
        "comparison-use": f"/designs/comparisons/{kept.pk}/use/0/",
        "comparison-not-live": f"/designs/comparisons/{kept.pk}/use/3/",
    }
    for name, path in paths.items():
        assert looked_at(open_page(path), name) == [], name


def test_it_is_put_away_by_keyboard(open_page: Open, kept: Comparison) -> None:
    page = open_page(f"/designs/comparisons/{kept.pk}/")
    press(page, "Put away")
    expect(page.get_by_role("heading", level=1)).to_have_text("Put this comparison away?")
    press(page, "Put it away")
    expect(page.locator("#messages")).to_contain_text("is put away")
    assert Comparison.objects.get().put_away_at is not None


def test_opened_in_the_workbench_it_asks_the_same(open_page: Open, outsider: User) -> None:
    page = open_page(f"/designs/comparisons/{saved(outsider).pk}/")
    answer = page.locator(".say").inner_text()
    page.get_by_role("link", name="Open in the workbench").click()
    expect(page.get_by_role("heading", level=1)).to_have_text(answer)
    expect(page.get_by_role("link", name="Save this comparison")).to_have_attribute(
        "href", re.compile("1-cohort_size=1")
    )


def press(page: Page, words: str) -> None:
    """Go to a button by the Tab key, and press it by Enter."""
    for _ in range(60):
        page.keyboard.press("Tab")
        if page.evaluate(FOCUSED) == words:
            break
    with page.expect_navigation():
        page.keyboard.press("Enter")
