"""The harness itself: every test starts from the same database, as the application's role."""

import json
import threading
import urllib.request

import psycopg
import pytest
from django.db import connection, transaction
from pytest_django.live_server_helper import LiveServer

from tests.databases import Database


def user_and_database() -> tuple[str, str]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_user, current_database()")
        return cursor.fetchone()


@pytest.mark.django_db
def test_tests_run_as_the_application() -> None:
    user, _ = user_and_database()
    assert user == "rung_app"


@pytest.mark.django_db
def test_the_application_makes_no_tables() -> None:
    with pytest.raises(Exception, match="permission denied for schema public"), transaction.atomic():
        connection.cursor().execute("CREATE TABLE mine (id int)")


def test_a_database_of_its_own_is_seen_by_every_thread(own_database: Database) -> None:
    seen: list[tuple[str, str]] = []

    def look() -> None:
        seen.append(user_and_database())
        connection.close()

    thread = threading.Thread(target=look)
    thread.start()
    thread.join()
    assert seen == [("rung_app", own_database.name)] == [user_and_database()]


@pytest.mark.django_db(transaction=True)
def test_a_test_that_commits_gets_a_database_of_its_own(own_database: Database) -> None:
    assert user_and_database() == ("rung_app", own_database.name)
    assert not connection.in_atomic_block


def test_the_owner_is_at_hand(own_database: Database, owner_connection: psycopg.Connection) -> None:
    assert owner_connection.execute("SELECT current_user, current_database()").fetchone() == (
        "rung_owner",
        own_database.name,
    )


def test_a_live_server_serves_what_the_test_committed(live_server: LiveServer, own_database: Database) -> None:
    with urllib.request.urlopen(f"{live_server.url}/healthz") as answer:
        assert json.load(answer) == {"database": True, "redis": True}
    assert user_and_database() == ("rung_app", own_database.name)
