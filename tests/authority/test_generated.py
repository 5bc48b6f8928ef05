"""Requests that nobody thought of: the API by its own document, the forms by their own fields, asked by every role.

No answer is a fault of ours (5xx), and none shows a word of another study or of another site. `RUNG_GENERATED` says how
many requests each role makes (`make generated`: 2,000).
"""

from __future__ import annotations

import json
import os
from html.parser import HTMLParser
from typing import Any

import pytest
import schemathesis
from django.test import Client
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from tests.authority.asking import address, ask, browser, leaks
from tests.authority.permissions_table import PAGES, Scope
from tests.authority.world import CLIENTS, OUTSIDER, STAFF, Someone, World
from trials.models import Study

pytestmark = [pytest.mark.slow, pytest.mark.req("P11-10d", "EMA-5.4", "EMA-A3.4")]

REQUESTS = int(os.environ.get("RUNG_GENERATED", "40"))
AS_OFTEN = settings(
    max_examples=REQUESTS,
    deadline=None,
    database=None,
    derandomize="RUNG_GENERATED" not in os.environ,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)
# Ends the session that asks, takes seconds by itself, or is asked by programs alone and in the other test.
NOT_ASKED = {"accounts:sign-out", "account_logout", "dosing:compare-results", "dosing:simulation-start"}
WITH_A_FORM = [name for name, rule in PAGES.items() if rule.scope is not Scope.FEED and name not in NOT_ASKED]
NASTY = [
    "", " ", "0", "-1", "1", "2", "99999999999999999999", "1e309", "NaN", "on", "yes", "null", "A", "B", "A-001",
    "B-001", "OTHER-01", "2026-01-05", "2026-02-31", "0001-01-01", "9999-12-31", "\u0000", "\u0001", "\ufffe",
    "\U0001f600", "<script>alert(1)</script>",
    "'; DROP TABLE trials_study; --", "../../etc/passwd", "{{ 7 * 7 }}", "%s%n", "ı", "a" * 5000, "[]", "{}",
]  # fmt: skip


class Fields(HTMLParser):
    """The fields of a page's forms, with the values that they offer."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.offered: dict[str, list[str]] = {}
        self.select = ""
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        name, value = given.get("name") or "", given.get("value") or ""
        if tag == "select":
            self.select = name
        if tag == "option":
            name = self.select
        if tag in ("input", "select", "textarea", "button", "option") and name and name != "csrfmiddlewaretoken":
            self.offered.setdefault(name, []).append(value)


@pytest.mark.parametrize("someone", [*STAFF, OUTSIDER], ids=str)
def test_forms_withstand_what_nobody_thought_of(world: World, someone: Someone) -> None:
    client = browser(world, someone)
    seen: dict[str, dict[str, list[str]]] = {}

    @AS_OFTEN
    @given(data=st.data())
    def ask_anything(data: st.DataObject) -> None:
        name = data.draw(st.sampled_from(WITH_A_FORM))
        site = data.draw(st.sampled_from("AB"))
        path = address(world, name, _study(world, name, data), site if name != "dosing:setup" else "A")
        if path not in seen:
            seen[path] = Fields(ask(client, "GET", path).body.decode(errors="replace")).offered
        sent = {field: data.draw(_value(offered)) for field, offered in seen[path].items() if data.draw(st.booleans())}
        method = data.draw(st.sampled_from(["GET", "POST", "POST"]))
        _look(client, someone, method, path, data=sent)

    ask_anything()


def _study(world: World, name: str, data: st.DataObject) -> Study:
    if PAGES[name].scope is Scope.DRAFT:
        return world.draft
    return data.draw(st.sampled_from([world.live, world.live, world.live, world.other]))


def _value(offered: list[str]) -> st.SearchStrategy[str]:
    return st.one_of(st.sampled_from(offered), st.sampled_from(NASTY), st.text(max_size=40))


@pytest.mark.parametrize("someone", CLIENTS, ids=str)
def test_the_api_withstands_what_its_document_allows_and_what_it_does_not(world: World, someone: Someone) -> None:
    document = json.loads(Client().get("/api/v1/schema/", HTTP_ACCEPT="application/json").content)
    operations = [found.ok() for found in schemathesis.openapi.from_dict(document).get_all_operations()]
    http = world.api[someone].http

    @settings(AS_OFTEN, max_examples=5 * REQUESTS)
    @given(data=st.data())
    def ask_anything(data: st.DataObject) -> None:
        case = data.draw(data.draw(st.sampled_from(operations)).as_strategy())
        known = world.arguments(
            "", data.draw(st.sampled_from([world.live, world.other])), data.draw(st.sampled_from("AB"))
        )
        for argument in case.path_parameters or {}:
            if argument in known and data.draw(st.integers(0, 9)):
                case.path_parameters[argument] = known[argument]
        body = case.body if isinstance(case.body, dict | list | str | int) else {}
        more: dict[str, Any] = {} if case.method == "GET" else {"content_type": "application/json"}
        sent = dict(case.query or {}) if case.method == "GET" else json.dumps(body)
        key = f"generated-{data.draw(st.integers(0, 10**12))}"
        _look(http, someone, case.method, case.formatted_path, data=sent, HTTP_IDEMPOTENCY_KEY=key, **more)

    ask_anything()


def _look(asker: Any, someone: Someone, method: str, path: str, **more: Any) -> None:
    answer = ask(asker, method, path, **more)
    assert answer.status < 500, f"{method} {path} answered {answer.status} to {someone}: {more}"
    assert leaks(answer, someone, str(more)) == [], f"{method} {path} told {someone} too much: {more}"
