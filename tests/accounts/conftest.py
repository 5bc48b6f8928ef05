import pytest

from accounts.models import User
from tests.accounts.second_factor import Telephone, telephone_of
from tests.cast import person


@pytest.fixture
def otto(rung: User) -> User:
    return person("otto", "Otto Fremd")


@pytest.fixture
def ana(db: None) -> User:
    return person("ana", "Dr Ana Rivera")


@pytest.fixture
def telephone(ana: User) -> Telephone:
    """Dr Rivera's authenticator app, with recovery codes."""
    return telephone_of(ana)
