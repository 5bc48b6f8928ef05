"""What a person can do about a reminder: cancel it before it goes, send it again, or leave an uncertain one be."""

import datetime as dt

from accounts.models import User
from audit.context import operation
from reminders.models import Reminder
from reminders.queries import may_manage
from trials.errors import Forbidden, Refused

Status = Reminder.Status


@operation
def cancel_reminder(*, reminder: Reminder, by: User, at: dt.datetime) -> None:
    """Stop a reminder that has not gone yet.

    Refused "too-late" when a worker has begun to send it. Forbidden for somebody else's reminder without the role.
    """
    _require_say(by, reminder)
    stopped = (
        Reminder.objects.to_come()
        .filter(pk=reminder.pk)
        .update(status=Status.CANCELLED, cancelled_by=by, outcome=f"Cancelled by {by}.")
    )
    if not stopped:
        raise Refused("too-late", "It is too late to cancel this message; the list says what became of it.")


@operation
def send_again(*, reminder: Reminder, by: User, at: dt.datetime) -> None:
    """Send once more what failed or is uncertain: the person accepts that it may arrive twice."""
    _require_say(by, reminder)
    again = Reminder.objects.filter(pk=reminder.pk, status__in=[Status.UNCERTAIN, Status.FAILED]).update(
        status=Status.WAITING, claim="", claimed_at=None, cancelled_by=None, outcome=f"To be sent again, as {by} asked."
    )
    if not again:
        raise Refused("not-in-doubt", "Only a message that failed or is uncertain can be sent again.")


@operation
def leave_uncertain(*, reminder: Reminder, by: User, at: dt.datetime) -> None:
    """Let an uncertain message be: it is not sent again, and the page asks no more."""
    _require_say(by, reminder)
    left = (
        Reminder.objects.unsettled()
        .filter(pk=reminder.pk)
        .update(cancelled_by=by, outcome=f"It may have gone out; {by} left it at that.")
    )
    if not left:
        raise Refused("not-in-doubt", "Only a message that is uncertain can be left as it is.")


def _require_say(by: User, reminder: Reminder) -> None:
    if not may_manage(by, reminder):
        raise Forbidden("Only the person it is for, or somebody who manages reminders there, can do this.")
