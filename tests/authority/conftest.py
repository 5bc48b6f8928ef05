"""A database for a file of tests: the world is built in it once, and each request is undone."""

from collections.abc import Iterator

import pytest
from pytest_django import DjangoDbBlocker

from tests import databases
from tests.authority.world import World, build
from tests.conftest import used_by_django
from tests.settings import addresses


@pytest.fixture(scope="module")
def world(migrated_template: str, django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[World]:
    clone = databases.clone(addresses, migrated_template)
    with clone as database, used_by_django(database), django_db_blocker.unblock():
        yield build()
