"""A browser that is served components without a server: pages from memory, static files from where they lie."""

import mimetypes
from collections.abc import Callable, Iterator

import pytest
from django.contrib.staticfiles import finders
from django.template.loader import get_template
from django.test import RequestFactory
from playwright.sync_api import Browser, Page, Route
from pytest_django.fixtures import Settings

from tests.browser import browser

__all__ = ["browser"]

ADDRESS = "http://rung.test/"
POLICY = "default-src 'self'; script-src 'self'; style-src 'self'; img-src 'self' data:"
SIZES = {"desk": (1280, 900), "phone": (390, 844)}


@pytest.fixture
def draw(settings: Settings) -> Callable[..., str]:
    """Renders a template of ours with the frame's few addresses."""
    settings.ROOT_URLCONF = "tests.components.urls"

    def drawn(template: str, context: dict[str, object] | None = None) -> str:
        return get_template(template).render(context or {}, RequestFactory().get("/"))

    return drawn


@pytest.fixture
def show(browser: Browser) -> Iterator[Callable[..., Page]]:
    """Opens HTML in the browser under the strict policy; an error or a warning of its console fails the test."""
    said: list[str] = []
    contexts = []

    def shown(
        html: str | Callable[[str], str], *, size: str = "desk", scheme: str = "light", reduced: bool = True
    ) -> Page:
        width, height = SIZES[size]
        context = browser.new_context(
            viewport={"width": width, "height": height},
            color_scheme="dark" if scheme == "dark" else "light",
            reduced_motion="reduce" if reduced else "no-preference",
        )
        contexts.append(context)
        page = context.new_page()
        page.on("console", lambda message: said.append(message.text) if message.type in ("error", "warning") else None)
        page.on("pageerror", lambda error: said.append(str(error)))
        page.route(f"{ADDRESS}**", lambda route: _answer(route, html))
        page.goto(ADDRESS)
        return page

    yield shown
    for context in contexts:
        context.close()
    assert said == []


def _answer(route: Route, html: str | Callable[[str], str]) -> None:
    path = route.request.url.removeprefix(ADDRESS).partition("?")[0].partition("#")[0]
    if not path.startswith("static/"):
        body = html(route.request.url) if callable(html) else html
        kind = "application/json" if body.startswith("{") else "text/html; charset=utf-8"
        route.fulfill(body=body, content_type=kind, headers={"Content-Security-Policy": POLICY})
        return
    found = finders.find(path.removeprefix("static/"))
    if found is None:
        route.fulfill(status=404)
        return
    route.fulfill(path=str(found), content_type=mimetypes.guess_type(str(found))[0] or "font/woff2")
