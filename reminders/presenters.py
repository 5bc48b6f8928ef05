"""Rows and sentences for the pages of reminders: formatting only."""

import datetime as dt
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from django.urls import reverse

from accounts.models import User
from patients.regimen import short_day
from reminders.calendar import Agenda
from reminders.items import HOLDS_THE_STUDY, Item, Kind, When
from reminders.models import Reminder
from trials.models import Study

ROWS_A_SECTION = 25
Status = Reminder.Status


@dataclass(frozen=True)
class Row:
    """One line of Today, as `components/due_row.html` wants it."""

    about: str
    title: str
    detail: str
    url: str
    action_label: str
    action_url: str
    chip: str
    chip_kind: str = "neutral"


@dataclass(frozen=True)
class Section:
    """A card of Today: its name on a chip with the count, and as many rows as a page bears."""

    title: str
    chip_kind: str
    count: int
    rows: list[Row]

    @property
    def hidden(self) -> int:
        return self.count - len(self.rows)


def sections(study: Study, mine: Agenda) -> list[Section]:
    """The cards that have something in them, the most pressing first."""
    cards = (
        ("Overdue", "out", mine.overdue, True),
        ("Today", "", mine.today, True),
        ("This week", "neutral", mine.this_week, True),
        ("Waiting for others", "stay", mine.waiting, False),
    )
    return [
        Section(title, kind, len(items), [row(study, item, can_act) for item in items[:ROWS_A_SECTION]])
        for title, kind, items, can_act in cards
        if items
    ]


def row(study: Study, item: Item, can_act: bool) -> Row:
    patient_url = reverse("labs:patient", args=[study.key, item.patient]) if item.patient else ""
    label, url = _action(study, item, patient_url) if can_act else ("", "")
    day = _day(item)
    return Row(
        about=item.patient,
        title=item.title,
        detail=" · ".join(part for part in ((day if url else ""), item.detail) if part),
        url=patient_url or item.url(study.key),
        action_label=label,
        action_url=url,
        chip="" if url else day,
    )


def _action(study: Study, item: Item, patient_url: str) -> tuple[str, str]:
    """What the button says and where it leads: to the page that does it, as soon as it can be done."""
    if item.can_start:
        return item.doing.action, item.url(study.key)
    return ("Open", patient_url) if item.when is When.TODAY else ("", "")


def short_row(study: Study, item: Item) -> Row:
    """A line without its button, for a list that stands beside something else."""
    day = "" if item.when is When.TODAY else f"{item.on:%a} {short_day(item.on)}"
    chip, kind = {When.OVERDUE: ("overdue", "out"), When.TODAY: ("today", "")}.get(item.when, (day, "neutral"))
    return Row(item.patient, item.title, "", item.url(study.key), "", "", chip, kind)


def _day(item: Item) -> str:
    """The day, where the card does not say it."""
    if item.when is When.LATER and item.kind is not Kind.RESERVATION:
        return f"{item.on:%a} {short_day(item.on)}"
    if item.when is When.OVERDUE and item.kind in HOLDS_THE_STUDY | {Kind.CYCLE}:
        days = (item.today - item.on).days
        return "since yesterday" if days == 1 else f"for {days} days"
    return ""


def next_step(mine: Agenda) -> str:
    """What to say when nothing is due now: what comes next, or how something comes to be due."""
    if mine.this_week:
        first = mine.this_week[0]
        return f"Next: {first.patient} {first.title}, {first.on:%A} {short_day(first.on)}.".replace("  ", " ")
    if mine.waiting:
        return "You have nothing to do now. What the study waits for is with others."
    return "Nothing is due within a week. Cycles, samples and DLT windows appear here when their days come."


@dataclass(frozen=True)
class MessageRow:
    """One reminder as the list of messages shows it, to `reader` in a time zone."""

    reminder: Reminder
    zone: str
    reader: User

    CHIPS = {
        Status.WAITING: "pending",
        Status.CLAIMED: "pending",
        Status.SENDING: "pending",
        Status.SENT: "up",
        Status.UNCERTAIN: "stay",
        Status.FAILED: "out",
        Status.CANCELLED: "neutral",
    }

    @property
    def subject(self) -> str:
        """Without the study's key, which the page says already."""
        _, found, rest = self.reminder.subject.partition(f"{self.reminder.study.key}: ")
        words = rest if found else self.reminder.subject
        return words[:1].upper() + words[1:]

    @property
    def to(self) -> str:
        return "to you" if self.reminder.person_id == self.reader.pk else f"to {self.reminder.person.full_name}"

    @property
    def when(self) -> str:
        at = self.reminder.sent_at or self.reminder.claimed_at or self.reminder.created_at
        local = at.astimezone(ZoneInfo(self.zone))
        return f"{local:%a} {short_day(local.date())}, {local:%H:%M}"

    @property
    def detail(self) -> str:
        parts = [self.to, self.reminder.get_urgency_display(), self.when]
        return " · ".join(parts)

    @property
    def outcome(self) -> str:
        return self.reminder.outcome

    @property
    def chip(self) -> str:
        return "uncertain" if self.reminder.status == Status.UNCERTAIN else self.reminder.get_status_display()

    @property
    def chip_kind(self) -> str:
        return self.CHIPS[Status(self.reminder.status)]

    @property
    def failed(self) -> bool:
        return self.reminder.status == Status.FAILED

    def url(self, what: str) -> str:
        return reverse("reminders:settle", args=[self.reminder.study.key, self.reminder.pk, what])

    @property
    def cancel_url(self) -> str:
        return self.url("cancel")

    @property
    def again_url(self) -> str:
        return self.url("again")

    @property
    def leave_url(self) -> str:
        return self.url("leave")


def day_words(day: dt.date) -> str:
    """'Saturday 21 November'."""
    return f"{day:%A} {day.day} {day:%B}"
