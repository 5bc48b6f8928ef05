"""One thing that is due: what, for whom, from when and until when, and the page that does it."""

import datetime as dt
from dataclasses import dataclass
from typing import Any

from django.db import models
from django.urls import reverse

from trials.models import Site
from trials.permissions import Permission

# A window that is about to close belongs to today, even when the planned day is still to come.
CLOSES_SOON = dt.timedelta(days=2)


class Kind(models.TextChoices):
    """What can be due."""

    INPUTS_CHANGED = "inputs-changed", "data behind a signed decision changed"
    DECISION = "decision", "dose decision"
    PROPOSAL = "proposal", "dose decision to propose"
    RECOMMENDATION = "recommendation", "recommendation"
    JUDGEMENT = "judgement", "DLT judgement"
    CONFIRMATION = "confirmation", "DLT confirmation"
    WINDOW = "window", "DLT window"
    RESERVATION = "reservation", "reserved slot"
    CYCLE = "cycle", "cycle start"
    MEASUREMENT = "measurement", "height and weight"
    INFUSION = "infusion", "infusion or injection"
    ACTIVITY = "activity", "visit or activity"
    SAMPLE = "sample", "sample"
    OUTCOME = "outcome", "outcome measures"
    CONTINUATION = "continuation", "continuation review"
    FOLLOW_UP = "follow-up", "event monitoring"


class When(models.TextChoices):
    OVERDUE = "overdue", "overdue"
    TODAY = "today", "today"
    LATER = "later", "this week"


@dataclass(frozen=True)
class Doing:
    """How a kind is done: what the button says, the page, and the permission that it takes."""

    action: str
    page: str
    permission: Permission


DOING = {
    Kind.INPUTS_CHANGED: Doing("Look", "dosing:decision-detail", Permission.SIGN_DECISION),
    Kind.DECISION: Doing("Read and sign", "dosing:decision", Permission.SIGN_DECISION),
    Kind.PROPOSAL: Doing("Propose", "dosing:decision", Permission.PROPOSE_DECISION),
    Kind.RECOMMENDATION: Doing("Ask", "dosing:decision", Permission.ISSUE_RECOMMENDATION),
    Kind.JUDGEMENT: Doing("Judge", "patients:event-detail", Permission.ASSESS_DLT),
    Kind.CONFIRMATION: Doing("Confirm", "patients:event-detail", Permission.CONFIRM_DLT),
    Kind.WINDOW: Doing("Assess", "patients:window", Permission.RECORD_CLINICAL),
    Kind.RESERVATION: Doing("Register", "labs:patient", Permission.SCREEN_PATIENTS),
    Kind.CYCLE: Doing("Start", "patients:start-cycle", Permission.RECORD_CLINICAL),
    Kind.MEASUREMENT: Doing("Record", "patients:measure", Permission.RECORD_CLINICAL),
    Kind.INFUSION: Doing("Record", "patients:infusion", Permission.RECORD_CLINICAL),
    Kind.ACTIVITY: Doing("Record", "patients:activity", Permission.RECORD_CLINICAL),
    Kind.SAMPLE: Doing("Collect", "labs:collect", Permission.RECORD_SAMPLES),
    Kind.OUTCOME: Doing("Enter", "patients:outcome", Permission.RECORD_CLINICAL),
    Kind.CONTINUATION: Doing("Review", "patients:continuation", Permission.RECORD_CLINICAL),
    Kind.FOLLOW_UP: Doing("Enter", "patients:follow-up", Permission.RECORD_CLINICAL),
}
# What the study as a whole waits for; somebody who cannot do it is told that it waits for others.
HOLDS_THE_STUDY = frozenset(
    {Kind.INPUTS_CHANGED, Kind.DECISION, Kind.PROPOSAL, Kind.RECOMMENDATION}
    | {Kind.JUDGEMENT, Kind.CONFIRMATION, Kind.WINDOW}
)


@dataclass(frozen=True)
class Item:
    """One thing that is due.

    on: the planned day. opens, closes: the first and last day on which it is neither early nor late. today: the day at
    its site when this was worked out. where: what names it in an address, after the study's key. roles: for a
    decision, the roles whose signature is wanted; one of them, held for the whole study, is what it takes. page:
    where it is done, if that is not the page of its kind. query: what follows the address of the page.
    """

    kind: Kind
    key: str
    title: str
    on: dt.date
    opens: dt.date
    closes: dt.date
    today: dt.date
    patient: str = ""
    site: Site | None = None
    detail: str = ""
    where: tuple[Any, ...] = ()
    roles: frozenset[str] = frozenset()
    page: str = ""
    query: str = ""

    @property
    def when(self) -> When:
        if self.closes < self.today:
            return When.OVERDUE
        if self.on <= self.today or (self.opens <= self.today and self.closes - self.today <= CLOSES_SOON):
            return When.TODAY
        return When.LATER

    @property
    def doing(self) -> Doing:
        return DOING[self.kind]

    @property
    def can_start(self) -> bool:
        """Whether it can be done already: its window is open."""
        return self.opens <= self.today

    def url(self, study_key: str) -> str:
        address = reverse(self.page or self.doing.page, args=[study_key, *self.where])
        return f"{address}?{self.query}" if self.query else address

    @property
    def order(self) -> tuple[Any, ...]:
        """What holds the study first, then by the day it closes, then by patient."""
        return (self.kind not in HOLDS_THE_STUDY, self.closes, self.on, self.patient, self.key)
