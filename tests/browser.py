"""A real browser for tests, and what must not be heard from it.

`browser` is taken into the conftest.py of the folders that use it. It lives as long as a module: its event loop runs in
the main thread, where Django would otherwise refuse the database to the tests of other modules too.
"""

import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, ConsoleMessage, Page, Response, sync_playwright

SYSTEM_CHROMIUM = Path("/usr/bin/chromium")
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
# A refused form is answered with one of these; Chromium reports each as an error of its console.
REFUSAL = re.compile(r"Failed to load resource: the server responded with a status of (403|409|422)\b")
# htmx gave up a question because a newer one made it needless: it says so as an error, in two messages.
GIVEN_UP = re.compile(r"htmx:(afterRequest|sendAbort)\b")
WIDER_THAN_THE_SCREEN = "document.documentElement.scrollWidth > document.documentElement.clientWidth"


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Chromium of the system, where there is one, else Playwright's own."""
    chromium = SYSTEM_CHROMIUM if SYSTEM_CHROMIUM.exists() else None
    args = ["--no-sandbox"] if os.geteuid() == 0 else []  # root has no sandbox
    with pytest.MonkeyPatch.context() as patch, sync_playwright() as playwright:
        patch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "true")
        opened = playwright.chromium.launch(executable_path=chromium, args=args)
        yield opened
        opened.close()


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
    # Only what is wrong is told: all that is right, element by element, takes longer than finding out.
    options = {"runOnly": list(rules), "rules": {"target-size": {"enabled": True}}, "resultTypes": ["violations"]}
    answer = Axe().run(page, options=options).response
    return [f"{fault['id']}: {node['html'][:160]}" for fault in answer["violations"] for node in fault["nodes"]]


def is_wider_than_the_screen(page: Page) -> bool:
    return bool(page.evaluate(WIDER_THAN_THE_SCREEN))
