"""Our scripts in a real browser: suggestions by keyboard, and nothing typed is lost."""

import json
from collections.abc import Callable
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import Page, expect

pytestmark = pytest.mark.browser

TERMS = ["Neutrophil count decreased", "Neuralgia", "Anemia"]
FRAME = """<!doctype html><html lang="en"><title>t</title><body {body}><main><div id="messages"></div>{content}</main>
<script src="/static/js/{script}.js"></script></body></html>"""
DATALIST = '<datalist id="terms"><option value="Neutrophil count decreased"><option value="Anemia"></datalist>'
FORM = """<form method="post" action="/{action}" data-keep="event">
<input name="term"><input name="secret" type="password">
<input type="radio" name="grade" value="3"><input type="radio" name="grade" value="4"><button>Save</button></form>"""

Show = Callable[..., Page]


def combobox(field: str) -> Callable[[str], str]:
    def answer(url: str) -> str:
        if "/terms" not in url:
            return FRAME.format(body="", content=f'<label for="t">Term</label>{field}', script="combobox")
        asked = parse_qs(urlsplit(url).query)["q"][0].lower()
        return json.dumps({"results": [{"value": t, "detail": "CTCAE"} for t in TERMS if asked in t.lower()]})

    return answer


def test_suggestions_from_the_server_are_chosen_by_keyboard(show: Show) -> None:
    page = show(combobox('<input id="t" name="t" data-combobox data-url="/terms">'))
    field = page.get_by_role("combobox", name="Term")
    with page.expect_response(lambda answer: answer.url.endswith("=neu")):  # not that for a part of it
        field.press_sequentially("neu")
    expect(page.get_by_role("option")).to_have_count(2)
    expect(field).to_have_attribute("aria-expanded", "true")
    field.press("ArrowDown")
    field.press("ArrowDown")
    expect(page.get_by_role("option", selected=True)).to_contain_text("Neuralgia")
    assert field.get_attribute("aria-activedescendant") == "t_options_1"
    field.press("Enter")
    expect(field).to_have_value("Neuralgia")
    expect(field).to_have_attribute("aria-expanded", "false")


def test_escape_closes_and_keeps_what_was_typed(show: Show) -> None:
    page = show(combobox('<input id="t" name="t" data-combobox data-url="/terms">'))
    field = page.get_by_role("combobox", name="Term")
    field.press_sequentially("neu")
    expect(page.get_by_role("option")).to_have_count(2)
    field.press("Escape")
    expect(page.get_by_role("listbox")).to_be_hidden()
    expect(field).to_have_value("neu")


def test_without_an_address_the_datalist_is_searched_and_a_tap_chooses(show: Show) -> None:
    page = show(combobox(f'<input id="t" name="t" list="terms" data-combobox>{DATALIST}'), size="phone")
    field = page.get_by_role("combobox", name="Term")
    field.press_sequentially("count neutro")
    page.get_by_role("option", name="Neutrophil count decreased").click()
    expect(field).to_have_value("Neutrophil count decreased")


def unsaved(form: str = FORM, body: str = 'data-person="7"') -> str:
    return FRAME.format(body=body, content=form.replace("{action}", "saved"), script="unsaved")


class Pages:
    """Answers with whatever page is set at the moment."""

    def __init__(self) -> None:
        self.html = unsaved()

    def __call__(self, url: str) -> str:
        return self.html


def fill(page: Page) -> None:
    page.locator("[name=term]").press_sequentially("Neuralgia")
    page.locator("[name=secret]").press_sequentially("hidden")
    page.locator("[value='4']").check()


def test_what_was_typed_comes_back_after_a_reload_but_no_password(show: Show) -> None:
    page = show(Pages())
    fill(page)
    page.reload()
    expect(page.locator("[name=term]")).to_have_value("Neuralgia")
    expect(page.locator("[value='4']")).to_be_checked()
    expect(page.locator("[name=secret]")).to_have_value("")
    assert "hidden" not in page.evaluate("JSON.stringify(sessionStorage)")


def test_it_can_be_discarded(show: Show) -> None:
    page = show(Pages())
    fill(page)
    page.reload()
    page.get_by_role("button", name="Discard it").click()
    expect(page.locator("[name=term]")).to_have_value("")
    page.reload()
    expect(page.locator("[name=term]")).to_have_value("")


def test_an_accepted_form_is_forgotten(show: Show) -> None:
    pages = Pages()
    page = show(pages)
    fill(page)
    pages.html = unsaved(form="<p>Recorded</p>")
    page.get_by_role("button", name="Save").click()
    page.get_by_text("Recorded").wait_for()
    page.wait_for_function("sessionStorage.length === 0")


def test_an_error_page_forgets_nothing(show: Show) -> None:
    pages = Pages()
    page = show(pages)
    fill(page)
    pages.html = unsaved(form="<p>Went wrong</p>", body="data-interrupted")
    page.get_by_role("button", name="Save").click()
    page.get_by_text("Went wrong").wait_for()
    page.wait_for_load_state()  # with its script
    pages.html = unsaved()
    page.goto("http://rung.test/")
    expect(page.locator("[name=term]")).to_have_value("Neuralgia")


def test_another_person_finds_nothing(show: Show) -> None:
    pages = Pages()
    page = show(pages)
    fill(page)
    pages.html = unsaved(body='data-person="8"')
    page.reload()
    expect(page.locator("[name=term]")).to_have_value("")
    page.wait_for_function("sessionStorage.length === 0")
