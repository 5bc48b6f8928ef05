"""Today, This week, Messages and the start page, as people see them."""

import datetime as dt
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from accounts.models import User
from patients.models import Patient
from reminders.models import Feed, Reminder
from tests.cast import DAY_ONE, moment
from tests.dosing.steps import as_if_committed, decide, evaluated, on_treatment
from tests.patients.steps import day
from tests.reminders.conftest import later, make_reminder
from trials.models import Role, Study
from trials.operations import grant_role, move_rehearsal_day

Status = Reminder.Status
pytestmark = pytest.mark.django_db


@pytest.fixture
def trial(study: Study, pi: User, medical_monitor: User, statistician: User, coordinator_a: User) -> Study:
    as_if_committed()
    return study


@pytest.fixture
def patient(trial: Study, coordinator_a: User) -> Patient:
    return on_treatment(trial, coordinator_a, DAY_ONE)


def read(person: User, page: str, study: Study, **query: Any) -> str:
    answer = signed_in(person).get(reverse(f"reminders:{page}", args=[study.key]), query)
    assert answer.status_code == 200, answer
    return answer.content.decode()


def signed_in(person: User) -> Client:
    client = Client()
    client.force_login(person)
    return client


def settle(person: User, reminder: Reminder, what: str) -> Any:
    address = reverse("reminders:settle", args=[reminder.study.key, reminder.pk, what])
    return signed_in(person).post(address, follow=True)


def move_to(study: Study, number: int, by: User) -> None:
    move_rehearsal_day(study=study, days=number - 1, by=by, at=moment(DAY_ONE))


# --- the start ---


def test_with_one_study_the_start_is_its_today(trial: Study, coordinator_a: User) -> None:
    answer = signed_in(coordinator_a).get("/")
    assert answer["Location"] == reverse("reminders:today", args=[trial.key])


def test_without_a_study_the_start_says_how_one_comes(outsider: User) -> None:
    assert "no role in a study yet" in signed_in(outsider).get("/").content.decode()


@pytest.mark.parametrize("page", ["today", "this-week", "messages", "history"])
def test_nobody_sees_a_page_without_signing_in_or_without_a_role(study: Study, outsider: User, page: str) -> None:
    address = reverse(f"reminders:{page}", args=[study.key])
    assert Client().get(address).status_code == 302
    assert signed_in(outsider).get(address).status_code == 404


# --- Today ---


def test_today_lists_what_is_due_with_the_page_that_does_it(
    trial: Study, patient: Patient, coordinator_a: User
) -> None:
    move_to(trial, 29, coordinator_a)
    page = read(coordinator_a, "today", trial)
    assert "Monday 2 February" in page
    assert "Overdue · 2" in page
    assert reverse("patients:start-cycle", args=[trial.key, patient.code]) in page
    assert reverse("labs:collect", args=[trial.key, patient.code, "after-1"]) in page
    assert reverse("patients:window", args=[trial.key, patient.code]) in page


def test_somebody_who_can_only_look_gets_no_buttons(trial: Study, patient: Patient, monitor: User, pi: User) -> None:
    move_to(trial, 29, pi)
    page = read(monitor, "today", trial)
    assert reverse("patients:start-cycle", args=[trial.key, patient.code]) not in page
    assert "Waiting for others" in page
    assert "Nothing is due now" in page


def test_another_sites_patients_are_not_on_it(trial: Study, patient: Patient, coordinator_b: User, pi: User) -> None:
    move_to(trial, 29, pi)
    assert patient.code not in read(coordinator_b, "today", trial)


def test_with_nothing_due_it_says_what_comes_next(trial: Study, coordinator_a: User) -> None:
    assert "Nothing is due within a week" in read(coordinator_a, "today", trial)


def test_the_number_of_queries_is_the_same_for_more_patients(
    trial: Study, coordinator_a: User, coordinator_b: User, pi: User
) -> None:
    _, on = evaluated(trial, coordinator_a, DAY_ONE)
    few = queries(pi, trial)
    decide(trial, on, size=3)
    for site, by in (("A", coordinator_a), ("B", coordinator_b)):
        on_treatment(trial, by, on + dt.timedelta(days=1), site=site)
    assert queries(pi, trial) == few


def queries(person: User, study: Study) -> int:
    if study.rehearsal_day == DAY_ONE:
        move_to(study, 58, person)
        study.refresh_from_db()
    client = signed_in(person)
    address = reverse("reminders:today", args=[study.key])
    client.get(address)
    with CaptureQueriesContext(connection) as captured:
        client.get(address)
    return len(captured)


def test_this_week_is_a_short_list_for_the_study_page(trial: Study, patient: Patient, coordinator_a: User) -> None:
    move_to(trial, 29, coordinator_a)
    page = read(coordinator_a, "this-week", trial)
    assert "<html" not in page
    assert "cycle 2 starts" in page
    assert "overdue" in page


# --- Messages ---


@pytest.fixture
def waiting(study: Study, coordinator_a: User) -> Reminder:
    return make_reminder(study, coordinator_a, site=study.sites.get(code="A"))


def test_messages_say_what_is_to_come_and_what_became_of_the_rest(
    study: Study, coordinator_a: User, waiting: Reminder
) -> None:
    make_reminder(study, coordinator_a, item="dlt:1", status=Status.SENT, claimed_at=later(), sent_at=later())
    why = "No e-mail address is known"
    make_reminder(study, coordinator_a, item="dlt:2", status=Status.FAILED, claimed_at=later(), outcome=why)
    page = read(coordinator_a, "messages", study)
    assert "No e-mail address is known" in page
    assert f"/reminders/{waiting.pk}/cancel/" in page
    assert page.count('<span class="chip chip-up">sent</span>') == 1


def test_a_message_can_be_cancelled_before_it_goes(coordinator_a: User, waiting: Reminder) -> None:
    settle(coordinator_a, waiting, "cancel")
    waiting.refresh_from_db()
    assert (waiting.status, waiting.cancelled_by) == (Status.CANCELLED, coordinator_a)


def test_it_is_too_late_once_a_worker_sends_it(coordinator_a: User, waiting: Reminder) -> None:
    Reminder.objects.update(status=Status.SENDING, claimed_at=later())
    assert "too late to cancel" in settle(coordinator_a, waiting, "cancel").content.decode()


def test_an_uncertain_one_is_sent_again_only_when_asked(coordinator_a: User, waiting: Reminder) -> None:
    Reminder.objects.update(status=Status.UNCERTAIN, claimed_at=later(), claim="x")
    settle(coordinator_a, waiting, "again")
    waiting.refresh_from_db()
    assert (waiting.status, waiting.claim, waiting.claimed_at) == (Status.WAITING, "", None)


def test_an_uncertain_one_can_be_left(coordinator_a: User, waiting: Reminder, study: Study) -> None:
    Reminder.objects.update(status=Status.UNCERTAIN, claimed_at=later())
    settle(coordinator_a, waiting, "leave")
    waiting.refresh_from_db()
    assert (waiting.status, waiting.cancelled_by) == (Status.UNCERTAIN, coordinator_a)
    page = read(coordinator_a, "messages", study)
    assert "may or may not have gone out" not in page
    assert "left it at that" in page


@pytest.mark.parametrize("what", ["again", "leave"])
def test_only_what_is_in_doubt_can_be_settled(coordinator_a: User, waiting: Reminder, what: str) -> None:
    assert "Only a message that" in settle(coordinator_a, waiting, what).content.decode()
    waiting.refresh_from_db()
    assert waiting.status == Status.WAITING


def test_other_peoples_messages_are_theirs(coordinator_b: User, monitor: User, waiting: Reminder) -> None:
    for person in (coordinator_b, monitor):
        assert settle(person, waiting, "cancel").status_code == 404
    waiting.refresh_from_db()
    assert waiting.status == Status.WAITING


def test_a_coordinator_cannot_cancel_what_goes_to_the_whole_study(study: Study, coordinator_a: User, pi: User) -> None:
    assert settle(coordinator_a, make_reminder(study, pi), "cancel").status_code == 404


def test_somebody_who_manages_reminders_sees_everybodys(study: Study, data_manager: User, waiting: Reminder) -> None:
    assert "to Mia Castellano" in read(data_manager, "messages", study)
    settle(data_manager, waiting, "cancel")
    waiting.refresh_from_db()
    assert waiting.cancelled_by == data_manager


# --- the calendar's address ---


def ask_address(person: User, study: Study, **fields: str) -> str:
    signed_in(person).post(reverse("reminders:calendar-address", args=[study.key]), fields)
    return Feed.objects.get(person=person).token


def test_a_calendar_address_is_made_when_asked_and_kept(study: Study, coordinator_a: User) -> None:
    assert "Make my calendar address" in read(coordinator_a, "messages", study)
    token = ask_address(coordinator_a, study)
    assert token == ask_address(coordinator_a, study)
    assert f"/calendar/{token}.ics" in read(coordinator_a, "messages", study)


def test_a_new_address_ends_the_old_one(study: Study, coordinator_a: User) -> None:
    old = ask_address(coordinator_a, study)
    new = ask_address(coordinator_a, study, renew="yes")
    assert old != new
    assert Client().get(f"/calendar/{old}.ics").status_code == 404
    assert Client().get(f"/calendar/{new}.ics").status_code == 200


def test_the_page_says_in_which_roles_one_is_there(study: Study, pi: User, rung: User) -> None:
    grant_role(study=study, person=pi, role=Role.STATISTICIAN, site=None, by=rung, at=moment(day(2)))
    assert "principal investigator, statistician" in read(pi, "today", study)
