"""Asking an address as somebody, undoing what came of it, and what was to be expected."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.db import connection, transaction
from django.http import HttpResponseBase
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver, reverse

from tests.authority.permissions_table import Rule, Scope
from tests.authority.world import ANYBODY, OUTSIDER, PLANTED, Someone, World
from trials.models import Role, Study
from trials.permissions import TABLE, Permission

CODE_OF_B = re.compile(rb"B-00\d*")
# Also with everything allowed, a request may be faulty, about what is not there, or refused by the state of things.
ANSWERED = {200, 201, 302, 400, 404, 409, 410, 422}
CAREFUL = {
    "Cache-Control": "no-store, private",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Cross-Origin-Opener-Policy": "same-origin",
}
INLINE = re.compile(
    rb"""<script(?![^>]*\bsrc=)|<[^>]+\sstyle=|<[^>]+\son[a-z]+=|href=["']?javascript:""", re.IGNORECASE
)
STUDY_WIDE_FROM_A_SITE = {
    Permission.VIEW_STUDY,
    Permission.MOVE_REHEARSAL_DAY,
    Permission.ISSUE_RECOMMENDATION,
    Permission.MANAGE_REMINDERS,
}


@dataclass(frozen=True)
class Answer:
    status: int
    body: bytes
    where: str
    headers: dict[str, str]
    wrote: bool


def names_of_addresses() -> tuple[set[str], set[str]]:
    """Every address that the installation has: (pages, API), by name."""
    pages: set[str] = set()
    api: set[str] = set()
    for pattern, namespace, is_api in _patterns(get_resolver().url_patterns):
        name = f"{namespace}:{pattern.name}" if namespace else str(pattern.name)
        (api if is_api else pages).add(name)
    return pages, api


def _patterns(entries: Any, namespace: str = "", is_api: bool = False) -> Iterator[tuple[URLPattern, str, bool]]:
    for entry in entries:
        if isinstance(entry, URLResolver):
            yield from _patterns(entry.url_patterns, entry.namespace or namespace, is_api)
        else:
            yield entry, namespace, hasattr(entry.callback, "actions")


def address(world: World, name: str, study: Study, site: str = "A") -> str:
    """The address with an example in it: only the arguments that it takes."""
    wanted = _arguments_of(name)
    known = world.arguments(name, study, site)
    return reverse(name, kwargs={argument: known[argument] for argument in wanted})


def _arguments_of(name: str) -> list[str]:
    resolver: Any = get_resolver()
    *spaces, last = name.split(":")
    for space in spaces:
        _, resolver = resolver.namespace_dict[space]
    [(possibilities, *_), *_] = list(resolver.reverse_dict.getlist(last))
    return list(possibilities[0][1])


def ask(client: Any, method: str, path: str, **more: Any) -> Answer:
    """One request, whose effects are undone: what it would have written, sent or started never happens."""
    with transaction.atomic():
        before = _entries()
        answer: HttpResponseBase = getattr(client, method.lower())(path, **more)
        body = b"".join(answer.streaming_content) if answer.streaming else answer.content  # type: ignore[attr-defined]
        wrote = _entries() != before
        transaction.set_rollback(True)
    where = answer.headers.get("Location", "")
    # A part of a page, asked for again and again, leads somebody who is signed out to the whole page: a redirect.
    leads_on = answer.status_code == 200 and not body and "HX-Refresh" in answer.headers
    return Answer(302 if leads_on else answer.status_code, body, where, dict(answer.headers), wrote)


def _entries() -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT coalesce(max(id), 0) FROM audit_entry WHERE study_id > 0")
        return int(cursor.fetchone()[0])


def browser(world: World, someone: Someone) -> Client:
    client = Client(raise_request_exception=False)
    if someone is not ANYBODY:
        client.force_login(world.users[someone])
    return client


def expected(rule: Rule, method: str, someone: Someone, site: str, *, other_study: bool = False) -> set[int]:
    """The statuses that are right, from the table of permissions."""
    wanted = rule.get if method == "GET" else rule.post
    if wanted is None:  # a page that only shows something may answer a POST with itself; nothing is written
        return {405, 404, 403} | ({302} if someone is ANYBODY else set()) | ({200} if method == "POST" else set())
    if rule.scope is Scope.EVERYBODY or rule.scope is Scope.FEED:
        return ANSWERED | {401, 405}
    if someone is ANYBODY:
        return {302, 405}
    if rule.scope is Scope.ADMINISTRATOR:
        return {403, 405}
    if rule.scope is Scope.SIGNED_IN:
        return ANSWERED | {405}
    if someone is OUTSIDER or other_study:
        return {404, 400} if rule.later and method == "POST" else {404}
    if rule.scope is Scope.PATIENT and not _holds(someone, Permission.VIEW_PATIENTS, site):
        return {404, 400} if rule.later and method == "POST" else {404}
    if _may(rule, wanted, someone, site):
        return ANSWERED
    return {403} | ({200, 302, 400, 404, 409, 422} if rule.later and method == "POST" else set())


def _may(rule: Rule, wanted: Permission, someone: Someone, site: str) -> bool:
    if rule.scope is Scope.PATIENT:
        return _holds(someone, wanted, site)
    if rule.scope is Scope.ANY_SITE:
        return someone.role is not None and wanted in TABLE[someone.role]
    return _holds(someone, wanted, "")


def _holds(someone: Someone, wanted: Permission, site: str) -> bool:
    """What a role at a site, or in the whole study, allows at a site or (site empty) for the study."""
    if someone.role is None or wanted not in TABLE[Role(someone.role)]:
        return False
    return not someone.site or someone.site == site or (not site and wanted in STUDY_WIDE_FROM_A_SITE)


def may_write(rule: Rule, method: str, someone: Someone, site: str, *, other_study: bool = False) -> bool:
    """Whether a request of this person may leave an entry in the trail. Reading never does."""
    return (
        method == "POST"
        and 302 in expected(rule, method, someone, site, other_study=other_study)
        and not (rule.later and not _may(rule, rule.post or Permission.VIEW_STUDY, someone, site))
    )


def careless(answer: Answer) -> Iterator[str]:
    """What an answer does not say, or does, that a browser or a proxy could make use of."""
    policy = answer.headers.get("Content-Security-Policy", "")
    if "script-src 'self';" not in f"{policy};" or "unsafe" in policy or "default-src 'self'" not in policy:
        yield f"has the content security policy {policy!r}"
    for name, wanted in CAREFUL.items():
        if answer.headers.get(name) != wanted:
            yield f"has {name} {answer.headers.get(name)!r}"
    if "text/html" in answer.headers.get("Content-Type", "") and INLINE.search(answer.body):
        yield "has a script, a style or a handler inside the page"


def leaks(answer: Answer, someone: Someone, typed: str = "") -> list[str]:
    """Words of another study or site that stand in an answer to somebody who must not see them.

    typed: what was sent; a patient's code that stands in it is no news.
    """
    words = [PLANTED["other study"]]
    if someone.site or someone.role is None:
        words.append(PLANTED["B"])
    if someone.role is None:
        words.append(PLANTED["A"])
    found = [word for word in words if word.encode() in answer.body.lower()]
    codes = {code.decode() for code in CODE_OF_B.findall(answer.body)} if someone.site else set()
    return found + [f"the code {code}" for code in sorted(codes) if code not in typed]
