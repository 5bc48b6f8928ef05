"""Infusions in the calendar of what is due, and height and weight where a dose that follows from them is near."""

import datetime as dt
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from icalendar import Calendar as ICalendar

from accounts.models import User
from patients.models import Patient
from patients.operations import discontinue, interrupt_dosing
from reminders.calendar import Calendar, agenda, calendar_of
from reminders.candidates import Candidate
from reminders.feeds import as_ical
from reminders.items import Item, Kind, When
from reminders.models import Reminder
from reminders.operations import feed_of, plan_reminders
from reminders.patient_items import items_of_patient, with_schedule
from tests.cast import DAY_ONE, moment
from tests.dosing.steps import as_if_committed, decide, evaluated, on_treatment
from tests.patients.dosed import dosed_content, give, measured, miss, ready
from tests.patients.dosed import draft_study as draft_study
from tests.patients.steps import again, day, registered, start, treated
from tests.patients.test_pages import move_to
from trials.models import Site, Study
from trials.operations import add_site, adopt_protocol
from trials.permissions import memberships

pytestmark = pytest.mark.django_db
WEEK = dt.timedelta(days=7)
DOSES = (Kind.INFUSION, Kind.MEASUREMENT)


@pytest.fixture
def trial(study: Study) -> Study:
    as_if_committed()
    return study


@pytest.fixture
def patient(trial: Study, site_a: Site, coordinator_a: User) -> Patient:
    """In cycle 1 since day 1, measured on that day: cetuximab on days 1, 8, 15 and 22."""
    return ready(site_a, coordinator_a)


def at(study: Study, number: int, horizon: dt.timedelta = WEEK) -> Calendar:
    return calendar_of(study, moment(day(number)), horizon=horizon)


def infusions(calendar: Calendar, agent: str = "cetuximab") -> list[Item]:
    return [item for item in calendar.items if item.kind is Kind.INFUSION and f"-{agent}-" in item.key]


def only(calendar: Calendar, kind: Kind) -> Item:
    [item] = [item for item in calendar.items if item.kind is kind]
    return item


def measuring(calendar: Calendar) -> list[tuple[dt.date, When]]:
    return [(item.on, item.when) for item in calendar.items if item.kind is Kind.MEASUREMENT]


def given_until(patient: Patient, by: User, *days: int) -> None:
    """Cetuximab on these days of the trial, the first of which has the loading dose."""
    for count, number in enumerate(days):
        give(again(patient), day(number), "465" if count else "745", by)


# --- infusions ---


@pytest.mark.parametrize(("number", "when"), [(2, When.LATER), (8, When.TODAY), (11, When.TODAY), (12, When.OVERDUE)])
def test_an_infusion_is_due_on_its_day_and_overdue_after_its_window(
    trial: Study, patient: Patient, coordinator_a: User, number: int, when: When
) -> None:
    given_until(patient, coordinator_a, 1)
    item = infusions(at(trial, number))[0]
    assert (item.when, item.on, item.title) == (when, day(8), "cetuximab infusion, cycle 1 day 8")


def test_an_injection_is_called_one(trial: Study, patient: Patient) -> None:
    [item] = infusions(at(trial, 2), "pegfilgrastim")
    assert item.title == "pegfilgrastim injection, cycle 1 day 2"


def test_the_amount_is_told_for_the_next_infusion_alone(trial: Study, patient: Patient) -> None:
    first, second = infusions(at(trial, 1))
    assert first.detail == "window until Thu 8 Jan · 745 mg"
    assert "mg" not in second.detail  # how much depends on whether the first one is given


def test_what_is_recorded_is_not_due_given_or_not(trial: Study, patient: Patient, coordinator_a: User) -> None:
    given_until(patient, coordinator_a, 1)
    miss(again(patient), day(8), coordinator_a)
    assert [item.on for item in infusions(at(trial, 9))] == [day(15)]


def test_days_move_with_the_actual_start_of_the_cycle(trial: Study, patient: Patient, coordinator_a: User) -> None:
    given_until(patient, coordinator_a, 1, 8, 15, 22)
    assert infusions(at(trial, 30)) == []  # cycle 2 has not started
    start(patient, day(31), coordinator_a)
    assert [item.on for item in infusions(at(trial, 31))] == [day(31), day(38)]


def test_after_the_end_of_treatment_none_is_due(trial: Study, patient: Patient, coordinator_a: User) -> None:
    given_until(patient, coordinator_a, 1)
    discontinue(patient=patient, reason_code="patient-request", on=day(5), by=coordinator_a, at=moment(day(5)))
    assert infusions(at(trial, 8)) == []


def test_in_an_interruption_none_is_due(trial: Study, patient: Patient, coordinator_a: User) -> None:
    given_until(patient, coordinator_a, 1)
    interrupt_dosing(
        cycle=patient.cycles.get(), agent="cetuximab", from_day=day(6), to_day=day(12), reason="rash",
        by=coordinator_a, at=moment(day(12)),
    )  # fmt: skip
    assert [item.on for item in infusions(at(trial, 12))] == [day(15)]


def test_another_sites_people_are_not_shown_them(
    trial: Study, patient: Patient, coordinator_a: User, coordinator_b: User
) -> None:
    def mine(person: User) -> list[Item]:
        return [i for i in agenda(at(trial, 8), memberships(person, trial)).mine if i.kind in DOSES]

    assert mine(coordinator_a)
    assert mine(coordinator_b) == []


# --- height and weight ---


def test_height_and_weight_are_needed_before_the_first_infusion(
    trial: Study, site_a: Site, coordinator_a: User
) -> None:
    patient = registered(site_a, coordinator_a, start=day(4))
    item = only(at(trial, 1), Kind.MEASUREMENT)
    assert (item.on, item.when, item.can_start) == (day(4), When.LATER, True)
    assert item.detail == "for cetuximab on Thu 8 Jan · none are recorded"
    measured(patient, coordinator_a)
    assert measuring(at(trial, 1)) == []


def test_missing_ones_are_overdue_when_the_infusion_is(trial: Study, site_a: Site, coordinator_a: User) -> None:
    treated(site_a, coordinator_a)
    assert measuring(at(trial, 4)) == [(day(1), When.TODAY)]
    assert measuring(at(trial, 5)) == [(day(1), When.OVERDUE)]


def test_those_that_will_be_out_of_date_are_needed_a_week_before(
    trial: Study, patient: Patient, coordinator_a: User
) -> None:
    given_until(patient, coordinator_a, 1, 8, 15, 22)
    assert measuring(at(trial, 28)) == []  # due on day 29: exactly 28 days old
    start(patient, day(29), coordinator_a)
    give(again(patient), day(29), "465", coordinator_a)
    for number in (1, 15, 29):
        give(again(patient), day(number), "350", coordinator_a, agent="bevacizumab", at=moment(day(29)))
    item = only(at(trial, 29), Kind.MEASUREMENT)
    assert (item.on, item.when) == (day(36), When.LATER)
    assert item.detail == "for cetuximab on Mon 9 Feb · the last of 5 Jan, more than 28 days before"
    measured(again(patient), coordinator_a, on=day(30))
    assert measuring(at(trial, 30)) == []


def test_a_calendar_that_looks_further_ahead_asks_no_earlier(trial: Study, site_a: Site, coordinator_a: User) -> None:
    registered(site_a, coordinator_a, start=day(10))
    assert measuring(at(trial, 2, dt.timedelta(days=60))) == []
    assert measuring(at(trial, 3, dt.timedelta(days=60))) == [(day(10), When.LATER)]


def test_without_a_dose_to_come_they_are_not_needed(trial: Study, site_a: Site, coordinator_a: User) -> None:
    patient = registered(site_a, coordinator_a, start=day(4))
    discontinue(patient=patient, reason_code="patient-request", on=day(2), by=coordinator_a, at=moment(day(2)))
    assert measuring(at(trial, 2)) == []


# --- where they are shown ---


def test_today_and_the_study_page_show_them_with_the_page_that_records_them(
    trial: Study, patient: Patient, coordinator_a: User, client: Client
) -> None:
    given_until(patient, coordinator_a, 1)
    move_to(trial, day(8), coordinator_a)
    client.force_login(coordinator_a)
    today = client.get(reverse("reminders:today", args=[trial.key])).content.decode()
    assert "cetuximab infusion, cycle 1 day 8" in today
    url = reverse("patients:infusion", args=[trial.key, patient.code]) + f"?agent=cetuximab&amp;on={day(8)}"
    assert url in today
    assert client.get(url.replace("&amp;", "&")).status_code == 200
    week = client.get(reverse("reminders:this-week", args=[trial.key])).content.decode()
    assert "cetuximab infusion, cycle 1 day 8" in week


def test_the_feed_has_the_day_and_no_amount(trial: Study, patient: Patient, coordinator_a: User) -> None:
    feed = feed_of(study=trial, by=coordinator_a, at=moment(DAY_ONE))
    calendar: Any = ICalendar.from_ical(as_ical(feed, moment(DAY_ONE)))
    found = {str(e["summary"]): e["dtstart"].dt for e in calendar.walk("vevent")}
    assert found["A-001 cetuximab infusion, cycle 1 day 22"] == day(22)
    assert b"745" not in calendar.to_ical()


def test_the_digest_counts_them_and_names_nothing(trial: Study, site_a: Site, coordinator_a: User) -> None:
    patient = treated(site_a, coordinator_a)
    due = [i for i in agenda(at(trial, 1), memberships(coordinator_a, trial)).today if i.kind in DOSES]
    assert len(due) == 3  # cetuximab, bevacizumab, and height and weight
    plan_reminders(study=trial, by=User.objects.system(), at=moment(DAY_ONE))
    digest = Reminder.objects.get(person=coordinator_a)
    assert "due today" in digest.subject
    for word in (patient.code, "cetuximab", "infusion", "weight", "mg"):
        assert word not in f"{digest.subject} {digest.body}".lower()


# --- bounded work, nothing left out ---


def slow(study: Study, now: dt.datetime, today: dt.date) -> list[Item]:
    found: list[Item] = []
    for patient in with_schedule(Patient.objects.registered().filter(study=study)):
        everything = Candidate(patient.pk, today, frozenset(DOSES))
        found += items_of_patient(patient, everything, today, today + WEEK)
    return sorted(found, key=lambda item: item.order)


def three_more(study: Study, by: User) -> tuple[Patient, dt.date]:
    """The first patient, evaluable by day 29, and the day on which three more can be registered."""
    patient, on = evaluated(study, by, DAY_ONE)
    measured(patient, by)
    decide(study, on, size=3)
    return again(patient), on + dt.timedelta(days=1)


def test_the_fast_way_leaves_no_dose_out(
    trial: Study, site_a: Site, coordinator_a: User, pi: User, medical_monitor: User, statistician: User
) -> None:
    first, on = three_more(trial, coordinator_a)
    give(first, day(1), "745", coordinator_a, at=moment(on))
    give(again(first), day(8), "465", coordinator_a, at=moment(on))
    interrupt_dosing(
        cycle=first.cycles.get(), agent="cetuximab", from_day=day(14), to_day=day(16), reason="rash",
        by=coordinator_a, at=moment(on),
    )  # fmt: skip
    registered(site_a, coordinator_a, on, start=on + WEEK)
    other = on_treatment(trial, coordinator_a, on)
    measured(other, coordinator_a, on=on)
    start(first, on + dt.timedelta(days=2), coordinator_a)
    end = on + dt.timedelta(days=16)
    discontinue(patient=first, reason_code="patient-request", on=end, by=coordinator_a, at=moment(end))
    seen: set[Kind] = set()
    for number in range(1, 80, 2):
        now = moment(day(number))
        fast = [item for item in calendar_of(trial, now).items if item.kind in DOSES]
        assert fast == slow(trial, now, day(number)), f"day {number}"
        seen |= {item.kind for item in fast}
    assert seen == set(DOSES)


def test_queries_do_not_grow_with_patients_and_infusions(
    trial: Study, coordinator_a: User, pi: User, medical_monitor: User, statistician: User
) -> None:
    first, on = three_more(trial, coordinator_a)
    few = queries_of(trial)
    give(first, day(1), "745", coordinator_a, at=moment(on))
    give(again(first), day(8), "465", coordinator_a, at=moment(on))
    measured(on_treatment(trial, coordinator_a, on), coordinator_a, on=on)
    on_treatment(trial, coordinator_a, on)
    assert queries_of(trial) == few


def queries_of(study: Study) -> int:
    """Of a calendar that is not remembered; what the decisions wait for is, from the first look."""
    at(study, 32)
    with CaptureQueriesContext(connection) as queries:
        assert infusions(at(study, 32, dt.timedelta(days=8)))
    return len(queries)


class TestTabletsByBodySurface:
    @pytest.fixture
    def draft_study(self, rung: User, at: dt.datetime) -> Study:
        """Lenalidomide in mg/m², by mouth on days 1 to 21, and nothing else."""
        content = dosed_content()
        for part in [*content["levels"], *content["reductions"]["ladder"]]:
            if "doses" in part:
                part["doses"] = [{**part["doses"][0], "unit": "mg/m2"}]
        content["agents"] = content["agents"][:1]
        content["calculation"] |= {"rounding": [{"agent": "lenalidomide", "to": "2.5"}]}
        version = adopt_protocol(definition=content, rehearsal_day=DAY_ONE, by=rung, at=at)
        add_site(study=version.study, code="A", name="Northfield", time_zone="America/New_York", by=rung, at=at)
        return version.study

    def test_they_are_needed_by_the_first_day_of_a_course_and_while_it_lasts(
        self, trial: Study, site_a: Site, coordinator_a: User
    ) -> None:
        treated(site_a, coordinator_a)
        assert measuring(at(trial, 1)) == [(day(1), When.TODAY)]
        assert measuring(at(trial, 21)) == [(day(1), When.OVERDUE)]
        assert measuring(at(trial, 22)) == [(day(29), When.LATER)]  # the next cycle's course

    def test_a_course_that_has_begun_asks_for_no_newer_ones(
        self, trial: Study, site_a: Site, coordinator_a: User
    ) -> None:
        patient = treated(site_a, coordinator_a, cycles=1)
        measured(patient, coordinator_a)
        start(patient, day(29), coordinator_a)
        assert measuring(at(trial, 40)) == []
        assert measuring(at(trial, 50)) == [(day(57), When.LATER)]
