"""What every test stands on: the database, and ways to have one of one's own."""

import datetime as dt
import os
import uuid
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import hypothesis
import psycopg
import pytest
from django.conf import settings
from django.db import connections
from pytest_django import DjangoDbBlocker

from config.embedded import free_port, start_valkey
from tests import databases
from tests.databases import Database
from tests.settings import addresses, servers

pytest_plugins = ["tests.cast", "tests.patients.cetuximab"]

# No limit of time for an example: what a stalled machine does is no fault of the code under test.
hypothesis.settings.register_profile("tests", deadline=None)
hypothesis.settings.load_profile("tests")

COMMITS_FOR_REAL = ("own_database", "live_server", "transactional_db")


@pytest.fixture(scope="session")
def migrated_template() -> str:
    """The name of the database that clones are made of."""
    return databases.template(servers, addresses)


@pytest.fixture(scope="session")
def django_db_setup(migrated_template: str) -> Iterator[None]:
    """One clone for this process; most tests roll back what they did in it."""
    with databases.clone(addresses, migrated_template) as database, used_by_django(database):
        yield


@pytest.fixture
def own_database(
    migrated_template: str, django_db_setup: None, django_db_blocker: DjangoDbBlocker
) -> Iterator[Database]:
    """A database for this test alone, where everything commits: for threads, processes and killed workers.

    Django uses it as the application's role, in every thread; `.environment` lets another process use it.
    """
    clone = databases.clone(addresses, migrated_template)
    with clone as database, used_by_django(database), django_db_blocker.unblock():
        yield database


@pytest.fixture
def _django_db_helper(request: pytest.FixtureRequest) -> None:
    """pytest-django's own way, but for tests that commit: they get a clone, since nothing can be flushed."""
    marker = request.node.get_closest_marker("django_db")
    commits = marker and marker.kwargs.get("transaction", False)
    if commits or any(name in request.fixturenames for name in COMMITS_FOR_REAL):
        request.getfixturevalue("own_database")
    else:
        request.getfixturevalue("_django_db_helper")


@pytest.fixture
def in_the_middle_of_the_day(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whenever the test runs, it is the same day at every site: a clock that goes on from 15:00 UTC."""
    began = dt.datetime.now(dt.UTC)
    three = began.replace(hour=15, minute=0, second=0, microsecond=0)
    clock = SimpleNamespace(now=lambda: three + (dt.datetime.now(dt.UTC) - began))
    monkeypatch.setattr("trials.clock.timezone", clock)


@pytest.fixture
def owner_connection(own_database: Database) -> Iterator[psycopg.Connection]:
    """As the role that migrates: for what the application's role cannot do, such as tampering with the trail."""
    with psycopg.connect(own_database.owner_url, autocommit=True) as connection:
        yield connection


@pytest.fixture
def own_redis(tmp_path: Path) -> Iterator[str]:
    """The address of a Valkey for this test alone, so that no other test's worker takes its tasks."""
    import redis

    folder = tmp_path / "valkey"
    folder.mkdir()
    port, password = free_port(), uuid.uuid4().hex
    start_valkey(folder, port, password)
    url = f"redis://:{password}@127.0.0.1:{port}/0"
    before = os.environ["REDIS_URL"], settings.REDIS_URL, settings.CELERY_BROKER_URL
    os.environ["REDIS_URL"] = settings.REDIS_URL = settings.CELERY_BROKER_URL = url
    yield url
    os.environ["REDIS_URL"], settings.REDIS_URL, settings.CELERY_BROKER_URL = before
    redis.Redis.from_url(url).shutdown(nosave=True)


class used_by_django:  # noqa: N801 -- read as a sentence: `with used_by_django(database)`
    """Inside, Django's connections go to `database`, in all threads, and so do processes that are started."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.target = connections.settings["default"]

    def __enter__(self) -> None:
        connections.close_all()
        self.before = self.target["NAME"], os.environ["DATABASE_URL"], os.environ["DATABASE_OWNER_URL"]
        self._point(self.database.name, self.database.url, self.database.owner_url)

    def __exit__(self, *error: object) -> None:
        connections.close_all()
        self._point(*self.before)

    def _point(self, name: str, url: str, owner_url: str) -> None:
        self.target["NAME"] = name
        os.environ["DATABASE_URL"], os.environ["DATABASE_OWNER_URL"] = url, owner_url
