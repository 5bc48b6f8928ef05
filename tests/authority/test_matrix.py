"""Every address × every role × own and other site × every method: who is answered, who is not, and what leaks."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from typing import Any

import pytest

from tests.authority.asking import (
    Answer,
    address,
    ask,
    browser,
    careless,
    expected,
    leaks,
    may_write,
    names_of_addresses,
)
from tests.authority.permissions_table import API, PAGES, Rule, Scope
from tests.authority.world import ANYBODY, CLIENTS, OUTSIDER, STAFF, Someone, World
from tests.cast import ApiClient
from trials.models import Role, Study

pytestmark = [pytest.mark.slow, pytest.mark.req("P11-10d", "P11-10g", "R3-4.3.8", "EMA-5.4", "EMA-A3.1", "EMA-A3.4")]

METHODS = ("GET", "POST")
# What belongs to no study, and a POST to a page that only shows something, is not asked by every role in turn.
ASK_EVERYTHING = (ANYBODY, OUTSIDER, STAFF[0], *CLIENTS)
SIGNS_OUT = {"accounts:sign-out", "account_logout"}
# Answered with something else than a page whoever asks: they only take what is sent, or lead on.
NO_PAGE_BY_ITSELF = {
    "account_logout", "accounts:sign-out", "accounts:still-here", "api-token", "mfa_authenticate", "mfa_list_webauthn",
    "reminders:home", "accounts:sign-in", "account_login", "reminders:amendment-approve",
    "reminders:amendment-withdraw", "dosing:simulation-progress", "dosing:simulation-cancel",
}  # fmt: skip
# There only in a state that this world is not in, or for administrators: the tests of their own look at them.
NOT_IN_THIS_WORLD = {
    "accounts:invitation", "reminders:rehearsal", "reminders:rehearsal-progress", "dosing:simulation", "dosing:decline",
    "patients:resume", "patients:activity", "patients:miss-activity", "patients:correct-activity",
    "patients:correct-measurement", "patients:correct-infusion", "patients:correct-follow-up", "mfa_add_webauthn",
    "mfa_activate_totp", "mfa_deactivate_totp", "mfa_remove_webauthn", "mfa_view_recovery_codes",
    "mfa_generate_recovery_codes", *(name for name, rule in PAGES.items() if rule.scope is Scope.ADMINISTRATOR),
}  # fmt: skip


def wrong(rule: Rule, method: str, someone: Someone, site: str, answer: Answer, other: bool = False) -> Iterator[str]:
    """What is wrong with an answer, in words."""
    right = expected(rule, method, someone, site, other_study=other)
    if answer.status not in right:
        yield f"answered {answer.status}, not one of {sorted(right)}"
    if answer.wrote and not may_write(rule, method, someone, site, other_study=other):
        yield "wrote something"
    yield from careless(answer)
    if rule.scope is not Scope.FEED:
        yield from (f"shows {word}" for word in leaks(answer, someone))


def cases(world: World, someone: Someone, rule: Rule) -> Iterator[tuple[Study, str]]:
    """The studies and sites about which somebody asks an address; what belongs to no study, three people ask."""
    if rule.scope in (Scope.EVERYBODY, Scope.SIGNED_IN, Scope.ADMINISTRATOR) and someone not in ASK_EVERYTHING:
        return
    if rule.scope is Scope.DRAFT:
        yield world.draft, "A"
        return
    yield world.live, "A" if someone.site else "B"
    if someone.site and rule.scope is Scope.PATIENT:
        yield world.live, "B"


def test_every_address_is_in_the_table() -> None:
    pages, api = names_of_addresses()
    assert (sorted(pages - set(PAGES)), sorted(api - set(API))) == ([], []), "addresses that the table does not know"
    assert (sorted(set(PAGES) - pages), sorted(set(API) - api)) == ([], []), "rows of addresses that are gone"


@pytest.mark.parametrize("someone", [*STAFF, OUTSIDER, ANYBODY], ids=str)
def test_pages_answer_each_role_as_the_table_says(world: World, someone: Someone) -> None:
    found = []
    client = browser(world, someone)
    for name, rule in PAGES.items():
        for study, site in cases(world, someone, rule):
            path = address(world, name, study, site)
            for method in METHODS:
                if method == "POST" and rule.post is None and someone not in ASK_EVERYTHING:
                    continue
                answer = ask(client, method, path)
                found += [f"{method} {name} {path} {fault}" for fault in wrong(rule, method, someone, site, answer)]
                if name in SIGNS_OUT:
                    client = browser(world, someone)
    assert not found, "\n".join(found)


@pytest.mark.parametrize("someone", CLIENTS, ids=str)
def test_the_api_answers_a_client_as_the_table_says(world: World, someone: Someone) -> None:
    found = []
    http = world.api[someone].http
    for name, rule in API.items():
        for study, site in cases(world, someone, rule):
            path = address(world, name, study, site)
            for method in METHODS:
                answer = ask(http, method, path, **sent_over_rest(method))
                found += [f"{method} {name} {path} {fault}" for fault in wrong(rule, method, someone, site, answer)]
    assert not found, "\n".join(found)


@pytest.mark.parametrize("someone", [STAFF[-1], CLIENTS[1]], ids=str)
def test_a_role_in_one_study_opens_nothing_of_another(world: World, someone: Someone) -> None:
    found = []
    is_client = someone in CLIENTS
    asker = world.api[someone].http if is_client else browser(world, someone)
    for name, rule in (API if is_client else PAGES).items():
        if rule.scope in (Scope.EVERYBODY, Scope.SIGNED_IN, Scope.FEED, Scope.ADMINISTRATOR):
            continue
        path = address(world, name, world.other)
        for method in METHODS:
            answer = ask(asker, method, path, **(sent_over_rest(method) if is_client else {}))
            faults = wrong(rule, method, someone, "A", answer, other=True)
            found += [f"{method} {name} {path} {fault}" for fault in faults]
    assert not found, "\n".join(found)


def test_the_api_answers_nobody_without_a_token_nor_with_a_persons_session(world: World) -> None:
    found = []
    for asker in (browser(world, ANYBODY), browser(world, STAFF[-1])):
        for name in API:
            path = address(world, name, world.live)
            sent = {"data": "{}", "content_type": "application/json"}
            statuses = {ask(asker, "GET", path).status, ask(asker, "POST", path, **sent).status}
            if statuses != {401}:
                found.append(f"{name} {statuses}")
    assert not found, "\n".join(found)


def test_a_token_for_reading_writes_nothing(world: World) -> None:
    reader = ApiClient(world.users[CLIENTS[1]], scope="read").http
    for name, rule in API.items():
        if rule.post:
            assert ask(reader, "POST", address(world, name, world.live), **sent_over_rest("POST")).status == 403, name


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE", "TRACE"])
def test_no_other_method_does_anything(world: World, method: str) -> None:
    """Nobody is served by one: not over the API, and not on a page by somebody who may do most."""
    found = []
    chief = next(s for s in STAFF if s.role is Role.PRINCIPAL_INVESTIGATOR and not s.site)
    for asker, rules in ((browser(world, chief), PAGES), (world.api[CLIENTS[1]].http, API)):
        for name, rule in rules.items():
            study = world.draft if rule.scope is Scope.DRAFT else world.live
            answer = ask(asker, method, address(world, name, study))
            if answer.wrote or answer.status not in (302, 400, 403, 404, 405):
                found.append(f"{method} {name} answered {answer.status}")
    assert not found, "\n".join(found)


def test_each_page_is_there_for_somebody(world: World) -> None:
    """So that no row of the table passes for want of an example: somebody gets every page, with 200."""
    seen: set[str] = set()
    readers = (Role.PRINCIPAL_INVESTIGATOR, Role.DATA_MANAGER)
    for someone in (s for s in STAFF if not s.site and s.role in readers):
        client = browser(world, someone)
        for name, rule in PAGES.items():
            if rule.get and name not in seen | NO_PAGE_BY_ITSELF | NOT_IN_THIS_WORLD:
                study = world.draft if rule.scope is Scope.DRAFT else world.live
                if ask(client, "GET", address(world, name, study)).status == 200:
                    seen.add(name)
    never = sorted({n for n, r in PAGES.items() if r.get} - seen - NO_PAGE_BY_ITSELF - NOT_IN_THIS_WORLD)
    assert not never, "\n".join(never)


def sent_over_rest(method: str) -> dict[str, Any]:
    return {} if method == "GET" else {"data": {}, "format": "json", "HTTP_IDEMPOTENCY_KEY": uuid.uuid4().hex}
