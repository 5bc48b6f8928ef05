"""What the messages say: the study's key, counts and links. No patient's data ever, not even a code."""

import datetime as dt
from dataclasses import dataclass

from django.conf import settings
from django.urls import reverse

from accounts.models import User
from trials.models import Study


@dataclass(frozen=True)
class Message:
    """An e-mail's subject and body."""

    subject: str
    body: str


@dataclass(frozen=True)
class Counts:
    """How many items a person has: past their window, due on the day, later in the week."""

    overdue: int = 0
    today: int = 0
    this_week: int = 0


def digest(study: Study, person: User, day: dt.date, counts: Counts) -> Message:
    lines = [
        f"{counts.overdue} overdue" if counts.overdue else "",
        f"{counts.today} due today" if counts.today else "",
        f"{counts.this_week} later this week" if counts.this_week else "",
    ]
    listed = "\n".join(f"  {line}" for line in lines if line)
    now = ", ".join(line for line in lines[:2] if line)
    return _message(
        study,
        person,
        subject=now,
        text=f"{_day(day)} in {study.key}:\n\n{listed}",
        link=("What is due", reverse("reminders:today", args=[study.key])),
    )


def dlt_recorded(study: Study, person: User) -> Message:
    return _message(
        study,
        person,
        subject="a DLT has been recorded",
        text=f"A dose-limiting toxicity has been recorded in {study.key}. It counts from now on.",
        link=("Where the study stands", reverse("dosing:study", args=[study.key])),
    )


def safety_stop(study: Study, person: User, level: str) -> Message:
    return _message(
        study,
        person,
        subject=f"{level} is closed by the safety stop",
        text=f"The DLTs recorded in {study.key} have reached the elimination boundary. {level} and every dose level"
        " above it are closed for registration. Nobody can be registered there.",
        link=("Where the study stands", reverse("dosing:study", args=[study.key])),
    )


def decision_waits(study: Study, person: User, number: int) -> Message:
    return _message(
        study,
        person,
        subject=f"dose decision {number} waits for your signature",
        text=f"Dose decision {number} of {study.key} has been proposed. The next cohort opens when every role that the"
        " protocol names has signed it.",
        link=("Read and sign", reverse("dosing:decision", args=[study.key])),
    )


def inputs_changed(study: Study, person: User, number: int) -> Message:
    return _message(
        study,
        person,
        subject=f"data behind dose decision {number} have changed",
        text=f"Data that dose decision {number} of {study.key} rests on have changed since it was signed. The decision"
        " stands as signed; please look at what changed and ask for a new recommendation.",
        link=("What changed", reverse("dosing:decision-detail", args=[study.key, number])),
    )


def _message(study: Study, person: User, *, subject: str, text: str, link: tuple[str, str]) -> Message:
    label, path = link
    rehearsal = "[Rehearsal] " if study.is_rehearsal else ""
    messages = reverse("reminders:messages", args=[study.key])
    return Message(
        subject=f"{rehearsal}{study.key}: {subject}"[:200],
        body=(
            f"Dear {person.full_name},\n\n{text}\n\n{label}: {settings.PUBLIC_URL}{path}\n\n"
            f"You get this because of your role in {study.key}."
            f" What was sent and what will be: {settings.PUBLIC_URL}{messages}\n"
        ),
    )


def _day(day: dt.date) -> str:
    return f"{day:%A} {day.day} {day:%B %Y}"
