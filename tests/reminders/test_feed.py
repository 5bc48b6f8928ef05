"""The iCalendar feed: what the person has to do, behind a private address, patients by code only."""

import datetime as dt

import pytest
from django.test import Client
from icalendar import Calendar

from accounts.models import User
from accounts.operations import deactivate_person
from patients.models import Patient
from patients.operations.events import record_adverse_event
from reminders.models import Feed
from reminders.operations import feed_of
from tests.cast import DAY_ONE, moment
from tests.dosing.steps import as_if_committed, on_treatment
from tests.patients.steps import day
from trials.models import Membership, Study
from trials.operations import end_role, move_rehearsal_day

pytestmark = pytest.mark.django_db


@pytest.fixture
def trial(study: Study, pi: User, medical_monitor: User, coordinator_a: User) -> Study:
    as_if_committed()
    return study


@pytest.fixture
def patient(trial: Study, coordinator_a: User) -> Patient:
    return on_treatment(trial, coordinator_a, DAY_ONE)


@pytest.fixture
def own_feed(trial: Study, coordinator_a: User) -> Feed:
    return feed_of(study=trial, by=coordinator_a, at=moment(DAY_ONE))


def events(feed: Feed) -> dict[str, dt.date]:
    """Summary → day."""
    answer = Client().get(f"/calendar/{feed.token}.ics")
    assert answer["Content-Type"].startswith("text/calendar")
    assert "no-store" in answer["Cache-Control"]
    calendar = Calendar.from_ical(answer.content)
    return {str(event["summary"]): event["dtstart"].dt for event in calendar.walk("vevent")}


def test_dated_items_stand_on_their_days(patient: Patient, own_feed: Feed) -> None:
    found = events(own_feed)
    assert found["A-001 cycle 2 starts"] == day(29)
    assert found["A-001 sample after cycle 1"] == day(28)


def test_what_is_overdue_stands_on_today(patient: Patient, own_feed: Feed, coordinator_a: User, trial: Study) -> None:
    move_rehearsal_day(study=trial, days=39, by=coordinator_a, at=moment(DAY_ONE))
    assert events(own_feed)["Overdue: A-001 cycle 2 starts"] == day(40)


def test_it_names_patients_by_code_and_says_nothing_else_of_them(
    patient: Patient, own_feed: Feed, coordinator_a: User
) -> None:
    record_adverse_event(
        patient=patient,
        term="Neutrophil count decreased",
        grade=4,
        onset_on=DAY_ONE,
        relations={"lenalidomide": "probable", "dexamethasone": "unrelated"},
        by=coordinator_a,
        at=moment(DAY_ONE),
    )
    text = Client().get(f"/calendar/{own_feed.token}.ics").content.decode().lower()
    assert "a-001 needs a dlt judgement" in text
    assert "neutrophil" not in text
    assert "15 mg" not in text
    assert "10 mg" not in text


def test_the_same_item_keeps_its_name_so_that_programs_update_it(patient: Patient, own_feed: Feed) -> None:
    first, second = (Calendar.from_ical(Client().get(f"/calendar/{own_feed.token}.ics").content) for _ in range(2))
    names = [[str(event["uid"]) for event in calendar.walk("vevent")] for calendar in (first, second)]
    assert names[0] == names[1]
    assert len(set(names[0])) == len(names[0])


def test_an_unknown_address_is_not_found(db: None) -> None:
    assert Client().get("/calendar/nobody-has-this.ics").status_code == 404


def test_somebody_who_left_the_study_has_no_feed_any_more(own_feed: Feed, coordinator_a: User, rung: User) -> None:
    membership = Membership.objects.get(user=coordinator_a)
    end_role(membership=membership, reason="left", by=rung, at=moment(DAY_ONE))
    assert Client().get(f"/calendar/{own_feed.token}.ics").status_code == 404


def test_somebody_deactivated_has_no_feed_any_more(own_feed: Feed, coordinator_a: User, rung: User) -> None:
    deactivate_person(person=coordinator_a, reason="Left the hospital", by=rung, at=moment(DAY_ONE))
    assert Client().get(f"/calendar/{own_feed.token}.ics").status_code == 404
