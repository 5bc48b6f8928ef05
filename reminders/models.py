from __future__ import annotations

import datetime as dt
import secrets

from django.db import models
from django.db.models import Q

from accounts.models import DatabaseClock, User
from trials.models import Site, Study

# How long a claim holds before another worker may take it, and how long a worker may take to hand a message over.
# The second is far longer than the mail server's own time-out, so whoever is silent that long is gone.
CLAIM_LASTS = dt.timedelta(minutes=2)
SENDING_LASTS = dt.timedelta(minutes=5)
# A mail server that cannot be reached is tried again after a pause, and given up after a day.
RETRY_AFTER = dt.timedelta(minutes=5)
GIVE_UP_AFTER = dt.timedelta(days=1)
# A day of a rehearsal is played within seconds.
PLAY_ABANDONED_AFTER = dt.timedelta(seconds=60)


class ReminderQuerySet(models.QuerySet["Reminder"]):
    def ready(self, moment: dt.datetime) -> ReminderQuerySet:
        """Those that a worker may claim: new ones, failed tries after a pause, and claims that have run out."""
        fresh = Q(status=Reminder.Status.WAITING, claimed_at__isnull=True)
        tried = Q(status=Reminder.Status.WAITING, claimed_at__lte=moment - RETRY_AFTER)
        left = Q(status=Reminder.Status.CLAIMED, claimed_at__lte=moment - CLAIM_LASTS)
        return self.filter(fresh | tried | left)

    def abandoned(self, moment: dt.datetime) -> ReminderQuerySet:
        """Those whose worker began to send and has been silent for too long to be alive."""
        return self.filter(status=Reminder.Status.SENDING, claimed_at__lte=moment - SENDING_LASTS)

    def unsettled(self) -> ReminderQuerySet:
        """Uncertain ones about which nobody has decided yet."""
        return self.filter(status=Reminder.Status.UNCERTAIN, cancelled_by__isnull=True)

    def to_come(self) -> ReminderQuerySet:
        return self.filter(status__in=[Reminder.Status.WAITING, Reminder.Status.CLAIMED])

    def over(self) -> ReminderQuerySet:
        return self.exclude(status__in=[Reminder.Status.WAITING, Reminder.Status.CLAIMED])


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
    cancelled_by = models.ForeignKey(
        User,
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="+",
        help_text="who cancelled it, or let an uncertain one be",
    )
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


class DigestDay(models.Model):
    """The morning of a study's day, in one time zone, for which digests have been planned: each is planned once."""

    AUDIT_EXEMPT = "not clinical: a note of the sweep that it has planned a morning's digests"

    study = models.ForeignKey(Study, on_delete=models.PROTECT, related_name="+")
    time_zone = models.CharField(max_length=60)
    day = models.DateField()
    planned_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["study", "time_zone", "day"], name="digests_planned_once")]

    def __str__(self) -> str:
        return f"{self.study_id} {self.time_zone} {self.day}"


class Rehearsal(models.Model):
    """A rehearsal copy of a study that can be played through: what is true in it, and the seed of its chance.

    Only a study with such a row is ever played.
    """

    study = models.OneToOneField(Study, on_delete=models.PROTECT, related_name="rehearsal")
    source = models.ForeignKey(Study, on_delete=models.PROTECT, related_name="rehearsals")
    scenario = models.JSONField(help_text="reminders.rehearsal.fate.Scenario")
    seed = models.PositiveIntegerField()
    started_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    started_on = models.DateField(help_text="the rehearsal's first day")

    def __str__(self) -> str:
        return f"{self.study_id}, a rehearsal of {self.source_id}"


class PlayQuerySet(models.QuerySet["Play"]):
    def running(self) -> PlayQuerySet:
        return self.filter(status=Play.Status.RUNNING)

    def abandoned(self, moment: dt.datetime) -> PlayQuerySet:
        """Running, and no day has been played lately: the worker may be gone."""
        return self.running().filter(last_day_at__lte=moment - PLAY_ABANDONED_AFTER)


class Play(models.Model):
    """A rehearsal being played to its end by a worker, day by day: each day with its trace here is one transaction."""

    AUDIT_EXEMPT = "says how far a worker has come; what it did to the rehearsal stands in the trail"

    class Status(models.TextChoices):
        RUNNING = "running", "running"
        DONE = "done", "played to the end"
        STOPPED = "stopped", "stopped"
        FAILED = "failed", "could not go on"

    rehearsal = models.ForeignKey(Rehearsal, on_delete=models.PROTECT, related_name="plays")
    status = models.CharField(max_length=8, choices=Status.choices, default=Status.RUNNING)
    days = models.PositiveIntegerField(default=0, help_text="played so far")
    started_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    started_at = models.DateTimeField(db_default=DatabaseClock())
    last_day_at = models.DateTimeField(db_default=DatabaseClock())
    failure = models.TextField(blank=True)

    objects = PlayQuerySet.as_manager()

    class Meta:
        ordering = ["pk"]
        constraints = [
            models.UniqueConstraint(fields=["rehearsal"], condition=Q(status="running"), name="one_play_at_a_time"),
            models.CheckConstraint(
                condition=(Q(status="failed") & ~Q(failure="")) | (~Q(status="failed") & Q(failure="")),
                name="failed_play_says_why",
            ),
        ]

    def __str__(self) -> str:
        return f"play {self.pk} of {self.rehearsal_id}"


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
