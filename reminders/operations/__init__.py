"""Planning what people are told, telling them at most once, their calendar addresses, and the trail's review."""

from reminders.operations.feeds import feed_of, renew_feed
from reminders.operations.planning import plan_reminders
from reminders.operations.reviewing import review_trail
from reminders.operations.sending import mark_abandoned, send_reminder
from reminders.operations.settling import cancel_reminder, leave_uncertain, send_again

__all__ = [
    "cancel_reminder",
    "feed_of",
    "leave_uncertain",
    "mark_abandoned",
    "plan_reminders",
    "renew_feed",
    "review_trail",
    "send_again",
    "send_reminder",
]
