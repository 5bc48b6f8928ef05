"""People at browsers of their own, in one rehearsal study that a real server serves."""

from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser, Page, expect
from pytest_django.fixtures import Settings
from pytest_django.live_server_helper import LiveServer

from accounts.models import User
from tests.browser import Complaints, browser
from tests.cast import PASSWORD
from tests.journeys.people import Someone
from trials.models import Study

__all__ = ["browser"]

SignIn = Callable[..., Someone]

# On a busy machine an answer takes its time; nothing here measures speed.
PATIENCE = 45_000
expect.set_options(timeout=PATIENCE)


@pytest.fixture(autouse=True)
def _at_no_sites_night(in_the_middle_of_the_day: None) -> None:
    """Journeys read the time of day at several sites."""


@pytest.fixture(autouse=True)
def _operations_may_read_again(settings: Settings) -> None:
    """An operation reads afresh what its page has read already: one patient read twice is not a query per row."""
    settings.ZEAL_RAISE = False


@pytest.fixture
def complaints() -> Iterator[Complaints]:
    """What browsers complain of; anything heard fails the test."""
    heard = Complaints()
    yield heard
    assert heard.heard == []


@pytest.fixture
def window(live_server: LiveServer, browser: Browser, complaints: Complaints) -> Iterator[Callable[[], Page]]:
    """Opens a browser window that shares nothing with the others."""
    opened = []

    def window() -> Page:
        context = browser.new_context(reduced_motion="reduce", base_url=live_server.url)
        context.set_default_timeout(PATIENCE)
        opened.append(context)
        page = context.new_page()
        complaints.listen(page)
        return page

    yield window
    for context in opened:
        context.close()


@pytest.fixture
def sign_in(window: Callable[[], Page]) -> SignIn:
    """Opens a window for somebody in a study and signs in by the page."""

    def signed_in(user: User, study: Study, password: str = PASSWORD) -> Someone:
        someone = Someone(window(), user.full_name, study.key)
        someone.sign_in(user.username, password)
        return someone

    return signed_in


@pytest.fixture
def mia(sign_in: SignIn, study: Study, coordinator_a: User) -> Someone:
    """Coordinator at site A."""
    return sign_in(coordinator_a, study)


@pytest.fixture
def maja(sign_in: SignIn, study: Study, coordinator_b: User) -> Someone:
    """Coordinator at site B."""
    return sign_in(coordinator_b, study)


@pytest.fixture
def rivera(sign_in: SignIn, study: Study, pi: User) -> Someone:
    """The principal investigator."""
    return sign_in(pi, study)


@pytest.fixture
def okafor(sign_in: SignIn, study: Study, medical_monitor: User) -> Someone:
    """The medical monitor."""
    return sign_in(medical_monitor, study)


@pytest.fixture
def whitfield(sign_in: SignIn, study: Study, statistician: User) -> Someone:
    """The statistician."""
    return sign_in(statistician, study)
