"""Claim, then send: each reminder goes out at most once, and none is lost when a worker dies.

    waiting --claim--> claimed --begin--> sending --note--> sent
                         |                   |
            claim runs out: claimed again    worker gone: uncertain, and never sent again by itself

Each arrow is one conditional UPDATE that commits by itself, so that whoever looks finds the truth. The connection to
the mail server is opened while `claimed`: a server that cannot be reached has certainly sent nothing.
"""

import contextlib
import datetime as dt
import secrets
import smtplib
from typing import Any

import structlog
from django.core.mail import EmailMessage, get_connection

from accounts.models import DatabaseClock, User
from audit.context import operation
from reminders.models import GIVE_UP_AFTER, Reminder
from trials.models import Membership, Study

log = structlog.get_logger(__name__)
Status = Reminder.Status


def send_reminder(*, reminder_id: int, by: User, at: dt.datetime) -> str | None:
    """Send one reminder, if it can be claimed. Returns its status afterwards; None when somebody else has it.

    Not one transaction on purpose: claim, begin and outcome are each committed before the next step.
    """
    claim = claim_reminder(reminder_id=reminder_id, by=by, at=at)
    if claim is None:
        return None
    reminder = Reminder.objects.select_related("person", "study").get(pk=reminder_id)
    if obstacle := _obstacle(reminder):
        status, sentence = obstacle
        return note_outcome(reminder_id=reminder_id, claim=claim, status=status, outcome=sentence, by=by, at=at)
    mail = get_connection()
    try:
        mail.open()
    except Exception as error:  # whatever it is, nothing has gone out
        return _try_later(reminder, claim, f"The mail server could not be reached ({type(error).__name__})", by, at)
    try:
        if not begin_sending(reminder_id=reminder_id, claim=claim, by=by, at=at):
            return None
        return _hand_over(mail, reminder, claim, by, at)
    finally:
        with contextlib.suppress(OSError, smtplib.SMTPException):
            mail.close()


@operation
def claim_reminder(*, reminder_id: int, by: User, at: dt.datetime) -> str | None:
    """Take a reminder that is ready, by one conditional UPDATE; returns the claim, or None when it is not to be had."""
    claim = secrets.token_hex(16)
    taken = (
        Reminder.objects.ready(at)
        .filter(pk=reminder_id)
        .update(status=Status.CLAIMED, claim=claim, claimed_at=at, outcome="")
    )
    return claim if taken else None


@operation
def begin_sending(*, reminder_id: int, claim: str, by: User, at: dt.datetime) -> bool:
    """Say that the message is about to be handed over; False when it was cancelled or taken by another worker."""
    mine = Reminder.objects.filter(pk=reminder_id, status=Status.CLAIMED, claim=claim)
    return bool(mine.update(status=Status.SENDING))


@operation
def note_outcome(
    *, reminder_id: int, claim: str, status: Status, outcome: str, by: User, at: dt.datetime
) -> str | None:
    """Write down what became of a claim; None when the claim is no longer this worker's.

    A worker that was slow rather than dead may find its reminder marked uncertain: it knows better and says so.
    """
    held = [Status.CLAIMED, Status.SENDING, Status.UNCERTAIN]
    changes: dict[str, Any] = {"status": status, "outcome": outcome}
    if status == Status.SENT:
        changes["sent_at"] = DatabaseClock()
    mine = Reminder.objects.filter(pk=reminder_id, status__in=held, claim=claim).update(**changes)
    log.info("reminder_outcome", reminder=reminder_id, status=str(status), noted=bool(mine))
    return str(status) if mine else None


@operation
def mark_abandoned(*, study: Study, by: User, at: dt.datetime) -> int:
    """Mark as uncertain what a worker began to send before it was gone; returns how many."""
    abandoned = Reminder.objects.filter(study=study).abandoned(at)
    count = abandoned.update(
        status=Status.UNCERTAIN,
        outcome="The program that was sending it stopped before it could say whether the message went out.",
    )
    if count:
        log.warning("reminders_uncertain", study=study.pk, count=count)
    return count


def _obstacle(reminder: Reminder) -> tuple[Status, str] | None:
    """Why this message cannot or must not be sent at all, with the status that says so."""
    if not Membership.objects.in_force().filter(user=reminder.person, study=reminder.study).exists():
        return Status.CANCELLED, "The person has no role in the study any more."
    if not reminder.person.email:
        return Status.FAILED, "No e-mail address is known for this person."
    return None


def _hand_over(mail: Any, reminder: Reminder, claim: str, by: User, at: dt.datetime) -> str | None:
    """Give the message to the mail server and write down its answer; no answer means uncertain."""
    message = EmailMessage(
        subject=reminder.subject,
        body=reminder.body,
        to=[reminder.person.email],
        headers={"Message-ID": f"<reminder-{reminder.pk}-{claim}@rung>"},
        connection=mail,
    )
    try:
        accepted = mail.send_messages([message])
    except (smtplib.SMTPResponseException, smtplib.SMTPRecipientsRefused) as error:
        code = _answer_of(error)
        sentence = f"The mail server refused it (answer {code})"
        if 400 <= code < 500:
            return _try_later(reminder, claim, sentence, by, at)
        status, outcome = Status.FAILED, f"{sentence}."
    except Exception as error:  # the connection broke, or time ran out, while the message was on its way
        log.warning("reminder_uncertain", reminder=reminder.pk, error=type(error).__name__)
        status, outcome = Status.UNCERTAIN, "The mail server did not say whether it took the message."
    else:
        if not accepted:
            return _try_later(reminder, claim, "The mail server took nothing", by, at)
        status, outcome = Status.SENT, ""
    return note_outcome(reminder_id=reminder.pk, claim=claim, status=status, outcome=outcome, by=by, at=at)


def _answer_of(error: smtplib.SMTPResponseException | smtplib.SMTPRecipientsRefused) -> int:
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        return max((code for code, _ in error.recipients.values()), default=550)
    return error.smtp_code


def _try_later(reminder: Reminder, claim: str, sentence: str, by: User, at: dt.datetime) -> str | None:
    """Nothing has gone out: put the reminder back for a later try, or give it up when it has waited for a day."""
    if at - reminder.created_at >= GIVE_UP_AFTER:
        status, outcome = Status.FAILED, f"{sentence}; given up after a day of trying."
    else:
        status, outcome = Status.WAITING, f"{sentence}; it is tried again every few minutes."
    return note_outcome(reminder_id=reminder.pk, claim=claim, status=status, outcome=outcome, by=by, at=at)
