"""Every component at both widths in both themes: no fault of accessibility, nothing wider than the screen.

Pictures are left in var/pictures to look at.
"""

from collections.abc import Callable
from pathlib import Path

import pytest
from django.conf import settings as django_settings
from playwright.sync_api import Page

from tests.browser import faults, is_wider_than_the_screen
from tests.components import samples

ERROR_PAGES = ["400", "403", "403_csrf", "404", "500", "503"]
PICTURES = Path(django_settings.BASE_DIR) / "var" / "pictures"

pytestmark = pytest.mark.browser


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", ["desk", "phone"])
def test_every_component(draw: Callable[..., str], show: Callable[..., Page], size: str, scheme: str) -> None:
    page = show(draw("components/_gallery.html", samples.context()), size=size, scheme=scheme)
    PICTURES.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=PICTURES / f"components-{size}-{scheme}.png", full_page=True)
    assert not is_wider_than_the_screen(page)
    assert page.locator("html").get_attribute("data-bs-theme") == scheme
    assert faults(page) == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("template", ["accounts/sign_in", *ERROR_PAGES])
def test_pages_outside_a_study(draw: Callable[..., str], show: Callable[..., Page], template: str, scheme: str) -> None:
    page = show(draw(f"{template}.html", samples.sign_in()), size="phone", scheme=scheme)
    page.screenshot(path=PICTURES / f"{template.rpartition('/')[2]}-{scheme}.png")
    assert page.locator("h1").count() == 1
    assert faults(page) == []


def test_text_in_the_drawings_is_never_smaller_than_12_px(draw: Callable[..., str], show: Callable[..., Page]) -> None:
    html = draw("components/_gallery.html", samples.context())
    for size in ("desk", "phone"):
        page = show(html, size=size)
        smallest = page.evaluate(
            """() => Math.min(...[...document.querySelectorAll('.drawing > svg text')]
                .filter(text => text.getClientRects().length)
                .map(text => parseFloat(getComputedStyle(text).fontSize) * text.getScreenCTM().a))"""
        )
        assert smallest >= 12


def test_the_keyboard_reaches_a_patient_on_the_ladder(draw: Callable[..., str], show: Callable[..., Page]) -> None:
    page = show(draw("components/_gallery.html", samples.context()))
    page.locator(".drawing > svg.wide a").first.focus()
    assert page.evaluate("document.activeElement.getAttribute('aria-label')") == "A-002: DLT"
    page.keyboard.press("Enter")
    page.wait_for_url("**#A-002")


def test_on_a_phone_the_menu_opens_by_keyboard_and_escape_closes_it(
    draw: Callable[..., str], show: Callable[..., Page]
) -> None:
    page = show(draw("components/_gallery.html", samples.context()), size="phone")
    more = page.locator("nav summary")
    more.focus()
    assert not page.get_by_role("link", name="Messages").is_visible()
    page.keyboard.press("Enter")
    assert page.get_by_role("link", name="Messages").is_visible()
    page.keyboard.press("Escape")
    assert not page.get_by_role("link", name="Messages").is_visible()


def test_the_first_tab_offers_to_skip_to_the_content(draw: Callable[..., str], show: Callable[..., Page]) -> None:
    page = show(draw("accounts/sign_in.html", samples.sign_in()))
    page.evaluate("document.activeElement.blur()")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
