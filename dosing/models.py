from __future__ import annotations

from django.db import models
from django.db.models import Q

from accounts.models import User
from trials.models import Cohort, DoseLevel, ProtocolVersion, Study


class Recommendation(models.Model):
    """The engine's advice, stored with all its inputs. Never changed."""

    class Kind(models.TextChoices):
        DOSE = "dose", "dose for the next cohort"
        MTD = "mtd", "maximum tolerated dose"
        MONITORING = "monitoring", "toxicity monitoring in expansion"

    class Action(models.TextChoices):
        ESCALATE = "escalate", "Escalate"
        STAY = "stay", "Stay"
        DE_ESCALATE = "de_escalate", "De-escalate"
        STOP = "stop", "Stop"

    study = models.ForeignKey(Study, on_delete=models.PROTECT, related_name="recommendations")
    version = models.ForeignKey(ProtocolVersion, on_delete=models.PROTECT, related_name="+")
    number = models.PositiveSmallIntegerField()
    kind = models.CharField(max_length=12, choices=Kind.choices)
    cohort = models.ForeignKey(Cohort, on_delete=models.PROTECT, related_name="recommendations")
    action = models.CharField(max_length=12, choices=Action.choices)
    level = models.ForeignKey(
        DoseLevel,
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="+",
        help_text="the dose recommended (or the MTD); NULL when none is",
    )
    reason = models.TextField(help_text="one sentence")
    inputs = models.JSONField(help_text="what decides: tally, pending, current dose, design with all parameters")
    inputs_sha256 = models.CharField(max_length=64)
    shown = models.JSONField(help_text="who counts, who does not and why, look-ahead, boundaries, estimates")
    engine_version = models.CharField(max_length=20)
    issued_at = models.DateTimeField()
    issued_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")

    class Meta:
        ordering = ["study", "number"]
        constraints = [
            models.UniqueConstraint(fields=["study", "number"], name="recommendation_number_once"),
        ]

    def __str__(self) -> str:
        return f"{self.study} recommendation {self.number}"


class Decision(models.Model):
    """What people sign: the recommendation accepted, or another choice with its reason."""

    class Choice(models.TextChoices):
        ACCEPT = "accept", "as recommended"
        LOWER = "lower", "a lower dose"
        STAY = "stay", "stay at the current dose"
        HOLD = "hold", "hold registration"
        STOP = "stop", "stop the escalation"

    class Status(models.TextChoices):
        PROPOSED = "proposed", "waiting for signatures"
        SIGNED = "signed", "signed"
        WITHDRAWN = "withdrawn", "withdrawn"

    study = models.ForeignKey(Study, on_delete=models.PROTECT, related_name="decisions")
    recommendation = models.ForeignKey(Recommendation, on_delete=models.PROTECT, related_name="decisions")
    choice = models.CharField(max_length=10, choices=Choice.choices)
    level = models.ForeignKey(DoseLevel, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    cohort_size = models.PositiveSmallIntegerField(null=True, blank=True)
    comment = models.TextField(blank=True)
    roles_required = models.JSONField(help_text="the protocol's roles that must each sign")
    status = models.CharField(max_length=10, choices=Status.choices, default=Status.PROPOSED)
    proposed_at = models.DateTimeField()
    proposed_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    signed_at = models.DateTimeField(null=True, blank=True, help_text="when the last required role signed")
    withdrawn_at = models.DateTimeField(null=True, blank=True)
    withdrawn_reason = models.TextField(blank=True)
    opened_cohort = models.OneToOneField(
        Cohort, null=True, blank=True, on_delete=models.PROTECT, related_name="opened_by_decision"
    )

    class Meta:
        ordering = ["study", "pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["recommendation"], condition=~Q(status="withdrawn"), name="one_decision_in_force"
            ),
            models.CheckConstraint(
                condition=Q(status="signed", signed_at__isnull=False)
                | (~Q(status="signed") & Q(signed_at__isnull=True)),
                name="signed_decision_has_its_time",
            ),
            models.CheckConstraint(condition=Q(choice="accept") | ~Q(comment=""), name="a_different_choice_says_why"),
            models.CheckConstraint(
                condition=Q(status="withdrawn", withdrawn_at__isnull=False)
                | (~Q(status="withdrawn") & Q(withdrawn_at__isnull=True)),
                name="withdrawn_decision_has_its_time",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.study} decision on recommendation {self.recommendation_id}"
