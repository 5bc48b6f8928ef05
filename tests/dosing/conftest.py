import pytest

from accounts.models import User
from tests.dosing.steps import as_if_committed
from trials.models import Study


@pytest.fixture
def trial(study: Study, pi: User, medical_monitor: User, statistician: User, coordinator_a: User) -> Study:
    """The live study with everybody who signs, and a coordinator at site A."""
    as_if_committed()
    return study
