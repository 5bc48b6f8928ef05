"""A real browser for tests, and what must not be heard from it.

`browser` is taken into the conftest.py of the folders that use it. It lives as long as a module: its event loop runs in
the main thread, where Django would otherwise refuse the database to the tests of other modules too.
"""

import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import pytest
from axe_playwright_python.base import AXE_SCRIPT
from playwright.sync_api import (
    Browser,
    ConsoleMessage,
    Page,
    Playwright,
    Response,
    ViewportSize,
    expect,
    sync_playwright,
)

from config.install import find_browser

RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
# A refused form is answered with one of these; Chromium reports each as an error of its console.
REFUSAL = re.compile(r"Failed to load resource: the server responded with a status of (403|409|422)\b")
# htmx gave up a question because a newer one made it needless: it says so as an error, in two messages.
GIVEN_UP = re.compile(r"htmx:(afterRequest|sendAbort)\b")
DESK: ViewportSize = {"width": 1280, "height": 900}
PHONE: ViewportSize = {"width": 390, "height": 844}
# Colours differ by theme and places by width, so both rule sets see both.
LOOKS: tuple[tuple[ViewportSize, Literal["light", "dark"], Sequence[str]], ...] = (
    (DESK, "light", RULES),
    (DESK, "dark", ["color-contrast"]),
    (PHONE, "dark", RULES),
    (PHONE, "light", ["color-contrast"]),
)
WIDER_THAN_THE_SCREEN = "document.documentElement.scrollWidth > document.documentElement.clientWidth"


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with pytest.MonkeyPatch.context() as patch, sync_playwright() as playwright:
        patch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "true")
        opened = launched(playwright)
        yield opened
        opened.close()


def launched(playwright: Playwright) -> Browser:
    """The browser that is installed for the tests, without a window."""
    args = ["--no-sandbox"] if os.geteuid() == 0 else []  # root has no sandbox
    return playwright.chromium.launch(executable_path=find_browser(), args=args)


@dataclass
class Complaints:
    """Errors and warnings of the consoles listened to, uncaught exceptions, and answers that say the server failed."""

    heard: list[str] = field(default_factory=list)

    def listen(self, page: Page) -> None:
        page.on("console", self._console)
        page.on("pageerror", lambda error: self.heard.append(f"uncaught: {error}"))
        page.on("response", self._response)

    def _console(self, message: ConsoleMessage) -> None:
        expected = REFUSAL.match(message.text) or GIVEN_UP.match(message.text)
        if message.type in ("error", "warning") and not expected:
            self.heard.append(f"{message.type}: {message.text} ({message.location.get('url', '')})")

    def _response(self, response: Response) -> None:
        if response.status >= 500:
            self.heard.append(f"{response.status}: {response.request.method} {response.url}")


def faults(page: Page, rules: Sequence[str] = RULES) -> list[str]:
    """What axe-core finds on the page as it is now: rule and the element. rules: names or tags of axe-core's rules."""
    if not page.evaluate("'axe' in window"):
        page.evaluate(AXE_SCRIPT)
    # Only what is wrong is told: all that is right, element by element, takes longer than finding out.
    options = {"runOnly": list(rules), "rules": {"target-size": {"enabled": True}}, "resultTypes": ["violations"]}
    violations = page.evaluate("options => axe.run(options).then(results => results.violations)", options)
    return [f"{fault['id']}: {node['html'][:160]}" for fault in violations for node in fault["nodes"]]


def is_wider_than_the_screen(page: Page) -> bool:
    return bool(page.evaluate(WIDER_THAN_THE_SCREEN))


def looked_at(page: Page, picture: str = "") -> list[str]:
    """What is wrong with the open page, light and dark, at a desk and on a phone, with all that is folded open.

    picture: the name that pictures of it get, where RUNG_PICTURES names a folder to keep them in.
    """
    page.wait_for_load_state()
    expect(page.locator("[hx-trigger=load]")).to_have_count(0)
    page.evaluate("document.querySelectorAll('main details').forEach(folded => { folded.open = true; })")
    wrong = []
    for size, scheme, rules in LOOKS:
        page.set_viewport_size(size)
        page.emulate_media(color_scheme=scheme)
        if picture and "RUNG_PICTURES" in os.environ:
            file = f"{picture}-{size['width']}-{scheme}.png"
            page.screenshot(path=Path(os.environ["RUNG_PICTURES"]) / file, full_page=True)
        seen = ["wider than the screen"] if is_wider_than_the_screen(page) else []
        wrong += [f"{size['width']} {scheme}: {fault}" for fault in seen + faults(page, rules)]
    page.set_viewport_size(DESK)
    return wrong
