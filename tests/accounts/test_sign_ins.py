"""The administrators' page of all sign-ins: whose, which of them, on which days."""

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils.html import strip_tags

from accounts.access_log import Kind, note_access
from accounts.models import User
from audit.context import Origin, origin
from tests.cast import DAY_ONE, PASSWORD, moment

pytestmark = [pytest.mark.django_db, pytest.mark.req("P11-10d", "EMA-A3.3")]
AT = moment(DAY_ONE)


def rows(ada: User, query: str = "") -> list[str]:
    """The page's lines, without their times."""
    client = Client()
    client.force_login(ada)
    page = client.get(f"/people/sign-ins/{query}").content.decode()
    kept = page.split('<ul class="rows">')[1].split("</ul>")[0] if '<ul class="rows">' in page else ""
    return [" ".join(strip_tags(row.split('<p class="detail">')[0]).split()) for row in kept.split("<li")[1:]]


def note(kind: Kind, who: User | None, rung: User) -> None:
    note_access(kind=kind, person=who, by=rung, at=AT)


def test_signing_in_and_failing_to_stand_there_newest_first(ada: User, otto: User) -> None:
    browser = Client()
    browser.post("/sign-in/", {"username": "otto", "password": "wrong"})
    browser.post("/sign-in/", {"username": "nobody here", "password": "wrong"})
    browser.post("/sign-in/", {"username": "otto", "password": PASSWORD})
    browser.post("/sign-out/")
    assert [row.partition(">")[2].strip() for row in rows(ada)] == [
        "Otto Fremd signed out",
        "Otto Fremd signed in",
        "A name that nobody has failed to sign in",
        "Otto Fremd failed to sign in",
    ]


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("", 3),
        ("?person=otto", 2),
        ("?kind=failed", 2),
        ("?person=otto&kind=failed", 1),
        ("?person=ada", 0),
        ("?since=2020-01-01", 3),
        ("?until=2020-01-01", 0),
        ("?person=mallory", 0),
        ("?kind=patient", 0),
        ("?since=9999-12-31", 0),
        ("?since=yesterday", 0),
    ],
)
def test_it_is_narrowed(ada: User, otto: User, rung: User, query: str, found: int) -> None:
    note(Kind.SIGN_IN, otto, rung)
    note(Kind.FAILED, otto, rung)
    note(Kind.FAILED, None, rung)
    note(Kind.PATIENT, otto, rung)
    assert len(rows(ada, query)) == found


@pytest.mark.parametrize("query", ["?person=mallory", "?kind=patient", "?since=9999-12-31", "?since=yesterday"])
def test_what_there_is_not_is_said(ada: User, query: str) -> None:
    client = Client()
    client.force_login(ada)
    assert "There is no such person, kind or day" in client.get(f"/people/sign-ins/{query}").content.decode()


def test_where_it_came_from_is_shown_and_no_study_is(ada: User, otto: User) -> None:
    token = origin.set(Origin(request_id="one", client_address="192.0.2.7"))
    note_access(kind=Kind.SIGN_IN, by=otto, at=AT)
    note_access(kind=Kind.EXPORT, study_id=1, what="history as CSV", by=otto, at=AT)
    origin.reset(token)
    client = Client()
    client.force_login(ada)
    page = client.get("/people/sign-ins/").content.decode()
    assert "from 192.0.2.7" in page
    assert "history as CSV" not in page
    assert "/people/sign-ins/?person=otto" in client.get("/people/person/otto/").content.decode()


def test_as_many_queries_for_a_hundred_as_for_one_and_a_second_page(ada: User, otto: User, rung: User) -> None:
    client, counts = Client(), []
    client.force_login(ada)
    for more in (1, 101):
        for _ in range(more):
            note(Kind.SIGN_IN, otto, rung)
        with CaptureQueriesContext(connection) as asked:
            page = client.get("/people/sign-ins/?person=otto").content.decode()
        counts.append(len(asked))
    assert counts[0] == counts[1]
    assert "Page 1 of 2" in page
    assert "?page=2&amp;person=otto" in page
