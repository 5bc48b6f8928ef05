"""How soon numbers follow a slider: gunicorn as in the demo, Chromium, a keyboard. Figures to read, not a test.

A slider is moved one step, and the time runs from its input event until the answer's first cell has changed.
"""

import os
import socket
import statistics
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import closing, contextmanager

import django

os.environ["DJANGO_SETTINGS_MODULE"] = "tests.bench.settings"
django.setup()

from django.conf import settings  # noqa: E402
from django.db import connections  # noqa: E402
from django.test import Client  # noqa: E402
from playwright.sync_api import Page, sync_playwright  # noqa: E402

from accounts.models import User  # noqa: E402
from config.environment import BASE_DIR  # noqa: E402
from tests import databases  # noqa: E402
from tests.browser import launched  # noqa: E402
from tests.cast import person  # noqa: E402
from tests.settings import addresses, servers  # noqa: E402

MOVES, UNCOUNTED = 50, 5
FIVE = "&".join(f"dose=Dose {i}&p={p}" for i, p in enumerate((0.05, 0.15, 0.3, 0.45, 0.6), 1))
SIDE_BY_SIDE = {
    "BOIN, 3+3": "kind=boin&kind=three_plus_three",
    "BOIN, 3+3, keyboard, CRM": "kind=boin&kind=three_plus_three&kind=keyboard&kind=crm",
    "BOIN one at a time, 3+3": "kind=boin&1-cohort_size=1&kind=three_plus_three",
    "BOIN, TITE-BOIN (simulated)": "kind=boin&kind=tite_boin",
}
# Moves the slider by one step as a hand would, and waits for the frame in which the answer is another one.
MOVE = """(step) => new Promise((done) => {
    const slider = document.querySelector("[data-slides=p-3]"), answer = document.getElementById("answer");
    slider.value = Number(slider.value) + step;
    const began = performance.now();
    const seen = new MutationObserver(() => {
        seen.disconnect();
        requestAnimationFrame(() => done(performance.now() - began));
    });
    seen.observe(answer, {childList: true});
    slider.dispatchEvent(new InputEvent("input", {bubbles: true}));
})"""


def main() -> None:
    with databases.clone(addresses, databases.template(servers, addresses)) as database:
        connections.settings["default"]["NAME"] = database.name
        session = signed_in(person("bench", "Ben Bench"))
        connections.close_all()
        with served(database.environment) as url, opened(url, session) as page:
            print(f"{'a slider is moved':34}{'median ms':>10}{'p95 ms':>9}")
            for name, designs in SIDE_BY_SIDE.items():
                page.goto(f"{url}/designs/compare/?{FIVE}&target=0.3&{designs}")
                taken = moved(page)
                p95 = statistics.quantiles(taken, n=20)[-1]
                print(f"{name:34}{statistics.median(taken):10.0f}{p95:9.0f}", flush=True)


def moved(page: Page) -> list[float]:
    """Milliseconds of each move; no toxicity comes twice, so that no answer is known already."""
    page.wait_for_load_state("networkidle")
    times = []
    for number in range(UNCOUNTED + MOVES):
        times.append(page.evaluate(MOVE, 0.01 if number < (UNCOUNTED + MOVES) / 2 else -0.01))
        page.wait_for_timeout(30)
    return times[UNCOUNTED:]


@contextmanager
def served(environment: dict[str, str]) -> Iterator[str]:
    """The web server of the demo, with its two workers."""
    with closing(socket.socket()) as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "gunicorn", "--config=config/gunicorn.py", "--log-level=error", "config.wsgi"]
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    web = subprocess.Popen(command, cwd=BASE_DIR, env={**environment, "BIND": f"127.0.0.1:{port}"}, **quiet)
    try:
        _wait_for(f"http://127.0.0.1:{port}/healthz")
        yield f"http://127.0.0.1:{port}"
    finally:
        web.terminate()
        web.wait()


def _wait_for(url: str) -> None:
    for _ in range(300):
        try:
            urllib.request.urlopen(url, timeout=1)
            return
        except OSError:
            time.sleep(0.1)
    raise RuntimeError(f"{url} does not answer")


def signed_in(user: User) -> str:
    """The session of somebody who has signed in."""
    client = Client()
    client.force_login(user)
    return client.cookies[settings.SESSION_COOKIE_NAME].value


@contextmanager
def opened(url: str, session: str) -> Iterator[Page]:
    """A browser in which somebody is signed in."""
    with sync_playwright() as playwright:
        browser = launched(playwright)
        page = browser.new_page(viewport={"width": 1280, "height": 900})
        page.context.add_cookies([{"name": settings.SESSION_COOKIE_NAME, "value": session, "url": url}])
        yield page
        browser.close()


if __name__ == "__main__":
    main()
