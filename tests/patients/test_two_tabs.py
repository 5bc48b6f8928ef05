"""Two people correct one event at the same time: nobody's correction is undone without a word."""

import re

import pytest
from django.test import Client

from accounts.models import User
from audit.models import Entry
from patients.models import AdverseEvent
from tests.cast import DAY_ONE
from tests.patients.events import recorded
from tests.patients.steps import treated
from trials.models import Site


@pytest.fixture
def event(site_a: Site, coordinator_a: User) -> AdverseEvent:
    return recorded(treated(site_a, coordinator_a), coordinator_a, DAY_ONE, grade=1)


def url_of(event: AdverseEvent) -> str:
    return f"/studies/{event.study.key}/patients/{event.patient.code}/events/{event.pk}/correct/"


def opened(event: AdverseEvent, by: User) -> tuple[Client, dict[str, str]]:
    """The page as a person has it open: what would be sent without a change."""
    browser = Client()
    browser.force_login(by)
    page = browser.get(url_of(event)).content.decode()
    hidden = re.search(r'<input type="hidden" name="shown" value="([^"]+)"', page)
    assert hidden is not None
    typed = {"term": "Diarrhea", "grade": "1", "onset_on": str(DAY_ONE), "reason": "the source says so"}
    relations = {f"relation_{a.agent}": a.relation for a in event.attributions.all()}
    return browser, {**typed, **relations, "shown": hidden.group(1)}


def test_what_changed_since_the_page_was_opened_is_not_undone(
    event: AdverseEvent, coordinator_a: User, investigator_a: User
) -> None:
    one, first = opened(event, coordinator_a)
    two, second = opened(event, investigator_a)
    assert one.post(url_of(event), {**first, "grade": "3"}).status_code == 302
    answer = two.post(url_of(event), {**second, "serious": "on", "reason": "a hospital stay"})
    assert answer.status_code == 409
    assert "Somebody has corrected this event" in answer.content.decode()
    assert "a hospital stay" in answer.content.decode()
    event.refresh_from_db()
    assert (event.grade, event.serious) == (3, False)


def test_only_what_was_changed_is_recorded(event: AdverseEvent, coordinator_a: User) -> None:
    browser, typed = opened(event, coordinator_a)
    assert browser.post(url_of(event), {**typed, "relation_dexamethasone": "possible"}).status_code == 302
    assert event.attributions.get(agent="dexamethasone").relation == "possible"
    corrected = Entry.objects.filter(operation=Entry.Operation.UPDATE, table_name="patients_attribution")
    assert corrected.count() == 1
