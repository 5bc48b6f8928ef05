"""Claim, then send: at most once, and never lost."""

import datetime as dt
import smtplib
from collections.abc import Iterator
from typing import Any

import pytest
from django.core import mail
from django.core.mail import EmailMessage
from django.core.mail.backends.base import BaseEmailBackend
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.models import User
from reminders.models import CLAIM_LASTS, GIVE_UP_AFTER, RETRY_AFTER, SENDING_LASTS, Reminder
from reminders.operations import mark_abandoned, send_reminder
from reminders.operations.sending import begin_sending, claim_reminder, note_outcome
from tests.reminders.conftest import later
from trials.models import Membership, Study
from trials.operations import end_role

Status = Reminder.Status
pytestmark = pytest.mark.django_db


class Troubled(BaseEmailBackend):
    """A mail server in trouble: raises what the test says, when opened or when a message is handed over."""

    on_open: Exception | None = None
    on_send: Exception | None = None
    taken = 1

    def open(self) -> bool:
        if self.on_open:
            raise self.on_open
        return True

    def send_messages(self, email_messages: Any) -> int:
        if self.on_send:
            raise self.on_send
        return self.taken


@pytest.fixture
def trouble(settings: Any) -> Iterator[type[Troubled]]:
    settings.EMAIL_BACKEND = "tests.reminders.test_sending.Troubled"
    yield Troubled
    Troubled.on_open = Troubled.on_send = None
    Troubled.taken = 1


def send(reminder: Reminder, at: dt.datetime | None = None) -> str | None:
    outcome = send_reminder(reminder_id=reminder.pk, by=User.objects.system(), at=at or later())
    reminder.refresh_from_db()
    return outcome


def claim(reminder: Reminder, at: dt.datetime) -> str | None:
    return claim_reminder(reminder_id=reminder.pk, by=User.objects.system(), at=at)


# --- works ---


def test_a_reminder_goes_out_and_is_marked_sent(reminder: Reminder) -> None:
    assert send(reminder) == Status.SENT
    assert [(m.to, m.subject) for m in mail.outbox] == [([reminder.person.email], reminder.subject)]
    assert reminder.sent_at is not None


def test_a_claim_is_one_conditional_update(reminder: Reminder) -> None:
    with CaptureQueriesContext(connection) as queries:
        claim(reminder, later())
    updates = [q["sql"] for q in queries if q["sql"].startswith("UPDATE")]
    assert len(updates) == 1
    assert "WHERE" in updates[0]


# --- at most once ---


def test_what_is_sent_is_not_sent_again(reminder: Reminder) -> None:
    send(reminder)
    assert send(reminder, later(days=30)) is None
    assert len(mail.outbox) == 1


def test_a_claimed_reminder_is_nobody_elses_while_the_claim_lasts(reminder: Reminder) -> None:
    at = later()
    assert claim(reminder, at) is not None
    assert claim(reminder, at + CLAIM_LASTS - dt.timedelta(seconds=1)) is None
    assert send(reminder, at) is None
    assert mail.outbox == []


def test_a_claim_that_ran_out_is_taken_by_another_and_the_first_cannot_go_on(reminder: Reminder) -> None:
    at, rung = later(), User.objects.system()
    first = claim(reminder, at)
    second = claim(reminder, at + CLAIM_LASTS)
    assert first
    assert second
    assert not begin_sending(reminder_id=reminder.pk, claim=first, by=rung, at=at)
    assert begin_sending(reminder_id=reminder.pk, claim=second, by=rung, at=at)


def test_one_found_sending_becomes_uncertain_and_is_never_sent_by_itself(reminder: Reminder, study: Study) -> None:
    at, rung = later(), User.objects.system()
    taken = claim(reminder, at)
    assert taken
    begin_sending(reminder_id=reminder.pk, claim=taken, by=rung, at=at)
    assert mark_abandoned(study=study, by=rung, at=at + SENDING_LASTS - dt.timedelta(seconds=1)) == 0
    assert mark_abandoned(study=study, by=rung, at=at + SENDING_LASTS) == 1
    assert send(reminder, at + dt.timedelta(days=1)) is None
    assert reminder.status == Status.UNCERTAIN
    assert mail.outbox == []


def test_a_worker_that_was_slow_rather_than_dead_says_what_became_of_it(reminder: Reminder, study: Study) -> None:
    at, rung = later(), User.objects.system()
    taken = claim(reminder, at)
    assert taken
    begin_sending(reminder_id=reminder.pk, claim=taken, by=rung, at=at)
    mark_abandoned(study=study, by=rung, at=at + SENDING_LASTS)
    note_outcome(reminder_id=reminder.pk, claim=taken, status=Status.SENT, outcome="", by=rung, at=at)
    reminder.refresh_from_db()
    assert reminder.status == Status.SENT


# --- never lost ---


def test_a_server_that_cannot_be_reached_is_tried_again_after_a_pause(
    reminder: Reminder, trouble: type[Troubled], settings: Any
) -> None:
    trouble.on_open, at = ConnectionRefusedError(), later()
    assert send(reminder, at) == Status.WAITING
    assert "could not be reached" in reminder.outcome
    trouble.on_open = None
    assert send(reminder, at + RETRY_AFTER - dt.timedelta(seconds=1)) is None
    assert send(reminder, at + RETRY_AFTER) == Status.SENT


def test_after_a_day_of_trying_it_has_failed(reminder: Reminder, trouble: type[Troubled]) -> None:
    trouble.on_open = ConnectionRefusedError()
    assert send(reminder, reminder.created_at + GIVE_UP_AFTER) == Status.FAILED
    assert "given up" in reminder.outcome


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (smtplib.SMTPRecipientsRefused({"pi@example.org": (550, b"no such person")}), Status.FAILED),
        (smtplib.SMTPRecipientsRefused({"pi@example.org": (451, b"later, please")}), Status.WAITING),
        (smtplib.SMTPDataError(554, b"spam"), Status.FAILED),
        (smtplib.SMTPDataError(452, b"full"), Status.WAITING),
        (TimeoutError(), Status.UNCERTAIN),
        (smtplib.SMTPServerDisconnected("gone"), Status.UNCERTAIN),
    ],
)
def test_what_the_server_answers_decides(
    reminder: Reminder, trouble: type[Troubled], error: Exception, status: Status
) -> None:
    trouble.on_send = error
    assert send(reminder) == status
    assert reminder.outcome


def test_a_server_that_takes_nothing_is_tried_again(reminder: Reminder, trouble: type[Troubled]) -> None:
    trouble.taken = 0
    assert send(reminder) == Status.WAITING


# --- refused by state ---


def test_a_cancelled_reminder_does_not_go(reminder: Reminder) -> None:
    Reminder.objects.update(status=Status.CANCELLED)
    assert send(reminder) is None
    assert mail.outbox == []


def test_one_cancelled_while_it_is_prepared_does_not_go(reminder: Reminder) -> None:
    at = later()
    taken = claim(reminder, at)
    Reminder.objects.update(status=Status.CANCELLED)
    assert taken
    assert not begin_sending(reminder_id=reminder.pk, claim=taken, by=User.objects.system(), at=at)


def test_somebody_who_has_left_the_study_is_not_written_to(reminder: Reminder, rung: User) -> None:
    membership = Membership.objects.get(user=reminder.person)
    end_role(membership=membership, reason="left", by=rung, at=later())
    assert send(reminder) == Status.CANCELLED
    assert mail.outbox == []


def test_somebody_without_an_address_is_named_as_failed(reminder: Reminder, rung: User) -> None:
    reminder.person.email = ""
    from audit.context import acting

    with acting(rung, "no address any more"):
        reminder.person.save(update_fields=["email"])
    assert send(reminder) == Status.FAILED
    assert "No e-mail address" in reminder.outcome


def test_the_message_holds_no_more_than_was_stored(reminder: Reminder) -> None:
    send(reminder)
    message: EmailMessage = mail.outbox[0]
    assert message.body == reminder.body
    assert message.cc == message.bcc == []
