"""How long a session lasts."""

import datetime as dt

import pytest
import time_machine
from django.test import Client
from django.utils import timezone

from accounts.models import User
from tests.cast import PASSWORD

pytestmark = [pytest.mark.django_db, pytest.mark.req("EMA-A4.15")]
NOW = dt.datetime(2026, 3, 2, 8, 0, tzinfo=dt.UTC)


def sign_in(client: Client) -> None:
    client.post("/sign-in/", {"username": "otto", "password": PASSWORD})


def is_in(client: Client, **headers: str) -> bool:
    return client.get("/studies/", headers=headers).status_code == 200


@pytest.mark.parametrize(("minutes", "expected"), [(14, True), (15, False)])
def test_after_a_quarter_of_an_hour_of_nobody_it_has_ended(
    client: Client, otto: User, minutes: int, expected: bool
) -> None:
    with time_machine.travel(NOW, tick=False) as clock:
        sign_in(client)
        clock.shift(dt.timedelta(minutes=minutes))
        assert is_in(client) is expected


def test_being_there_keeps_it_open_for_twelve_hours_and_no_longer(client: Client, otto: User) -> None:
    with time_machine.travel(NOW, tick=False) as clock:
        sign_in(client)
        for _ in range(71):
            clock.shift(dt.timedelta(minutes=10))
            assert is_in(client)
        clock.shift(dt.timedelta(minutes=10))
        assert not is_in(client)


def test_what_a_page_asks_by_itself_keeps_nothing_open(client: Client, otto: User) -> None:
    with time_machine.travel(NOW, tick=False) as clock:
        sign_in(client)
        clock.shift(dt.timedelta(minutes=10))
        assert is_in(client, x_nobody_there="1")
        clock.shift(dt.timedelta(minutes=5))
        assert not is_in(client)


def test_typing_keeps_it_open_and_is_told_for_how_long(client: Client, otto: User) -> None:
    assert client.post("/still-here/").json() == {"seconds": 0}
    with time_machine.travel(NOW, tick=False) as clock:
        sign_in(client)
        clock.shift(dt.timedelta(minutes=10))
        assert client.post("/still-here/", headers={"x-nobody-there": "1"}).json() == {"seconds": 300}
        assert client.post("/still-here/").json() == {"seconds": 900}
        clock.shift(dt.timedelta(minutes=10))
        assert is_in(client)


def test_reading_pages_writes_at_most_once_a_minute(client: Client, otto: User) -> None:
    with time_machine.travel(NOW, tick=False) as clock:
        sign_in(client)
        before = client.session["rung_seen"]
        clock.shift(dt.timedelta(seconds=59))
        is_in(client)
        assert client.session["rung_seen"] == before
        clock.shift(dt.timedelta(seconds=1))
        is_in(client)
        assert client.session["rung_seen"] == timezone.now().timestamp()
