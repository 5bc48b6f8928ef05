"""Adverse events, and who judged whether one is dose limiting."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q

from accounts.models import User
from patients.models.people import Patient
from trials.models import Study


class AdverseEvent(models.Model):
    study = models.ForeignKey(Study, on_delete=models.PROTECT, related_name="adverse_events")
    patient = models.ForeignKey(Patient, on_delete=models.PROTECT, related_name="adverse_events")
    term = models.CharField(max_length=200, help_text="CTCAE term")
    detail = models.CharField(max_length=300, blank=True, help_text="for 'Other, specify' terms")
    grade = models.PositiveSmallIntegerField()
    onset_on = models.DateField()
    resolved_on = models.DateField(null=True, blank=True)
    serious = models.BooleanField(default=False)
    recorded_at = models.DateTimeField()
    recorded_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")

    class Meta:
        ordering = ["onset_on", "pk"]
        constraints = [
            models.CheckConstraint(condition=Q(grade__range=(1, 5)), name="grade_1_to_5"),
            models.CheckConstraint(
                condition=Q(resolved_on__isnull=True) | Q(resolved_on__gte=F("onset_on")),
                name="event_resolves_after_onset",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.patient} {self.term} grade {self.grade}"


class Attribution(models.Model):
    class Relation(models.TextChoices):
        UNRELATED = "unrelated", "unrelated"
        UNLIKELY = "unlikely", "unlikely"
        POSSIBLE = "possible", "possible"
        PROBABLE = "probable", "probable"
        DEFINITE = "definite", "definite"

    RELATED = (Relation.POSSIBLE, Relation.PROBABLE, Relation.DEFINITE)

    event = models.ForeignKey(AdverseEvent, on_delete=models.PROTECT, related_name="attributions")
    patient = models.ForeignKey(Patient, on_delete=models.PROTECT, related_name="+")
    study = models.ForeignKey(Study, on_delete=models.PROTECT, related_name="+")
    agent = models.CharField(max_length=40)
    relation = models.CharField(max_length=10, choices=Relation.choices)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["event", "agent"], name="attribution_once")]

    def __str__(self) -> str:
        return f"{self.event} {self.agent} {self.relation}"


class DltAssessment(models.Model):
    """A person's judgement whether an event is a DLT. Judgements are appended; the newest one stands.

    A judgement 'DLT' counts at once, whoever made it. A judgement 'not a DLT' about an event on which a rule of the
    protocol fires counts when an investigator has made or confirmed it, and only for the facts that were judged:
    those are kept here as they were.
    """

    event = models.ForeignKey(AdverseEvent, on_delete=models.PROTECT, related_name="dlt_assessments")
    patient = models.ForeignKey(Patient, on_delete=models.PROTECT, related_name="dlt_assessments")
    study = models.ForeignKey(Study, on_delete=models.PROTECT, related_name="+")
    is_dlt = models.BooleanField()
    rule = models.CharField(max_length=40, blank=True, help_text="code of the protocol's rule that fired")
    term = models.CharField(max_length=200, help_text="the event's term when it was judged")
    detail = models.CharField(max_length=300, blank=True, help_text="what it was, more precisely, when it was judged")
    grade = models.PositiveSmallIntegerField(help_text="the event's grade when it was judged")
    onset_on = models.DateField(help_text="the event's onset when it was judged")
    relations = models.JSONField(help_text="agent code → relation when it was judged")
    in_window = models.BooleanField(help_text="whether the onset lay in the DLT window when it was judged")
    rationale = models.TextField(blank=True)
    confirmed = models.BooleanField(help_text="made by somebody who may confirm")
    assessed_at = models.DateTimeField()
    assessed_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")

    class Meta:
        ordering = ["event", "pk"]
        constraints = [
            models.CheckConstraint(
                condition=Q(rule="") | Q(is_dlt=True) | ~Q(rationale=""),
                name="not_a_dlt_against_a_rule_says_why",
            )
        ]

    def __str__(self) -> str:
        return f"{self.event}: {'DLT' if self.is_dlt else 'not a DLT'}"


class WindowAssessment(models.Model):
    """The DLT window of a patient was looked at when it had closed: nothing dose limiting is left unrecorded."""

    patient = models.OneToOneField(Patient, on_delete=models.PROTECT, related_name="window_assessment")
    study = models.ForeignKey(Study, on_delete=models.PROTECT, related_name="+")
    closed_on = models.DateField(help_text="last day of the window when it was assessed")
    planned = models.PositiveSmallIntegerField(help_text="planned doses of the exposure agent in the window")
    taken = models.PositiveSmallIntegerField(help_text="of these, taken")
    assessed_at = models.DateTimeField()
    assessed_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")

    class Meta:
        constraints = [models.CheckConstraint(condition=Q(taken__lte=F("planned")), name="window_taken_within_planned")]

    def __str__(self) -> str:
        return f"{self.patient} DLT window"
