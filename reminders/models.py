from __future__ import annotations

import secrets

from django.db import models
from django.db.models import Q

from accounts.models import DatabaseClock, User
from trials.models import Site, Study


class ReminderQuerySet(models.QuerySet["Reminder"]):
    def waiting(self) -> ReminderQuerySet:
        return self.filter(status=Reminder.Status.WAITING)


class Reminder(models.Model):
    """One message to one person about one item on one occasion. Claimed by a worker, then sent: at most once.

    waiting → claimed → sending → sent. A worker that dies while `claimed` has sent nothing: the claim runs out and
    another takes it. One that dies while `sending` may have sent it: the reminder becomes `uncertain`, which the page
    says, and it is never sent again by itself.
    """

    AUDIT_EXEMPT = "not clinical: the table is itself a log of what was sent, written by workers row by row"

    class Status(models.TextChoices):
        WAITING = "waiting", "waiting"
        CLAIMED = "claimed", "being prepared"
        SENDING = "sending", "being sent"
        SENT = "sent", "sent"
        UNCERTAIN = "uncertain", "uncertain: it may have gone out"
        FAILED = "failed", "failed"
        CANCELLED = "cancelled", "cancelled"

    class Urgency(models.TextChoices):
        DIGEST = "digest", "morning digest"
        URGENT = "urgent", "at once"

    study = models.ForeignKey(Study, on_delete=models.PROTECT, related_name="reminders")
    site = models.ForeignKey(Site, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    person = models.ForeignKey(User, on_delete=models.PROTECT, related_name="reminders")
    item = models.CharField(max_length=120, help_text="what it is about, by ids only: digest, cycle:12:3, decision:4")
    occasion = models.CharField(max_length=40, help_text="the day or event that called for it")
    urgency = models.CharField(max_length=8, choices=Urgency.choices)
    subject = models.CharField(max_length=200)
    body = models.TextField()
    status = models.CharField(max_length=10, choices=Status.choices, default=Status.WAITING)
    claim = models.CharField(max_length=64, blank=True)
    claimed_at = models.DateTimeField(null=True, blank=True)
    sent_at = models.DateTimeField(null=True, blank=True)
    outcome = models.TextField(blank=True)
    cancelled_by = models.ForeignKey(User, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    created_at = models.DateTimeField(db_default=DatabaseClock())

    objects = ReminderQuerySet.as_manager()

    class Meta:
        ordering = ["-created_at", "-pk"]
        indexes = [models.Index(fields=["study", "-created_at"]), models.Index(fields=["status", "created_at"])]
        constraints = [
            models.UniqueConstraint(fields=["person", "item", "occasion"], name="reminder_once"),
            models.CheckConstraint(
                condition=Q(status__in=["waiting", "cancelled"]) | Q(claimed_at__isnull=False),
                name="claimed_reminder_has_its_time",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.item} {self.occasion} to {self.person_id}"


def new_feed_token() -> str:
    return secrets.token_urlsafe(32)


class Feed(models.Model):
    """A person's iCalendar feed of a study, with a private address."""

    study = models.ForeignKey(Study, on_delete=models.PROTECT, related_name="+")
    person = models.ForeignKey(User, on_delete=models.PROTECT, related_name="feeds")
    token = models.CharField(max_length=64, unique=True, default=new_feed_token)
    created_at = models.DateTimeField(db_default=DatabaseClock())

    class Meta:
        constraints = [models.UniqueConstraint(fields=["study", "person"], name="one_feed_per_person")]

    def __str__(self) -> str:
        return f"{self.person_id} {self.study}"
