"""What is given: cycles, doses taken, interruptions and reductions; and how treatment ends."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q

from accounts.models import User
from patients.models.events import AdverseEvent
from patients.models.people import Patient
from trials.models import Study


class Cycle(models.Model):
    """A cycle that has started; number 0 is the lead-in. Planned ones are derived (patients.schedule), never stored."""

    patient = models.ForeignKey(Patient, on_delete=models.PROTECT, related_name="cycles")
    study = models.ForeignKey(Study, on_delete=models.PROTECT, related_name="+")
    number = models.PositiveSmallIntegerField(help_text="from 1; 0 is the lead-in")
    due_on = models.DateField(help_text="the planned start, by the actual start of the cycle before")
    latest_on = models.DateField(help_text="due_on plus the protocol's delay limit")
    started_on = models.DateField()
    rung = models.PositiveSmallIntegerField(help_text="of the reduction ladder; 0 is the highest")
    dose_label = models.CharField(max_length=80)
    recorded_at = models.DateTimeField()
    recorded_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")

    class Meta:
        ordering = ["patient", "number"]
        constraints = [
            models.UniqueConstraint(fields=["patient", "number"], name="cycle_number_once"),
            models.CheckConstraint(condition=Q(started_on__lte=F("latest_on")), name="cycle_within_delay_limit"),
            models.CheckConstraint(condition=Q(number__gte=0), name="cycles_count_from_the_lead_in"),
        ]

    def __str__(self) -> str:
        return f"{self.patient} cycle {self.number}"


class DosesTaken(models.Model):
    """How many of an agent's planned doses of a cycle were taken (by the end of the cycle, or of treatment)."""

    cycle = models.ForeignKey(Cycle, on_delete=models.PROTECT, related_name="doses_taken")
    patient = models.ForeignKey(Patient, on_delete=models.PROTECT, related_name="+")
    study = models.ForeignKey(Study, on_delete=models.PROTECT, related_name="+")
    agent = models.CharField(max_length=40)
    planned = models.PositiveSmallIntegerField()
    taken = models.PositiveSmallIntegerField()
    recorded_at = models.DateTimeField()
    recorded_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")

    class Meta:
        verbose_name_plural = "doses taken"
        constraints = [
            models.UniqueConstraint(fields=["cycle", "agent"], name="doses_taken_once"),
            models.CheckConstraint(condition=Q(taken__lte=F("planned")), name="taken_within_planned"),
        ]

    def __str__(self) -> str:
        return f"{self.cycle} {self.agent} {self.taken}/{self.planned}"


class Interruption(models.Model):
    """Days on which an agent was not given although planned."""

    cycle = models.ForeignKey(Cycle, on_delete=models.PROTECT, related_name="interruptions")
    patient = models.ForeignKey(Patient, on_delete=models.PROTECT, related_name="interruptions")
    study = models.ForeignKey(Study, on_delete=models.PROTECT, related_name="+")
    agent = models.CharField(max_length=40)
    from_day = models.DateField()
    to_day = models.DateField(null=True, blank=True)
    reason = models.TextField()
    recorded_at = models.DateTimeField()
    recorded_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")

    class Meta:
        ordering = ["from_day"]
        constraints = [
            models.CheckConstraint(
                condition=Q(to_day__isnull=True) | Q(to_day__gte=F("from_day")), name="interruption_ends_after_start"
            )
        ]

    def __str__(self) -> str:
        return f"{self.cycle} interruption"


class DoseReduction(models.Model):
    class Cause(models.TextChoices):
        ADVERSE_EVENT = "adverse_event", "adverse event"
        RETREATMENT = "retreatment", "re-treatment at a lower dose"
        OTHER = "other", "other"

    patient = models.ForeignKey(Patient, on_delete=models.PROTECT, related_name="reductions")
    study = models.ForeignKey(Study, on_delete=models.PROTECT, related_name="+")
    number = models.PositiveSmallIntegerField(help_text="1, 2 … up to the protocol's maximum")
    from_rung = models.PositiveSmallIntegerField()
    to_rung = models.PositiveSmallIntegerField()
    effective_on = models.DateField()
    cause = models.CharField(max_length=20, choices=Cause.choices)
    event = models.ForeignKey(AdverseEvent, null=True, blank=True, on_delete=models.PROTECT, related_name="reductions")
    explanation = models.TextField()
    recorded_at = models.DateTimeField()
    recorded_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")

    class Meta:
        ordering = ["patient", "number"]
        constraints = [
            models.UniqueConstraint(fields=["patient", "number"], name="reduction_number_once"),
            models.CheckConstraint(condition=Q(to_rung=F("from_rung") + 1), name="one_rung_down"),
            models.CheckConstraint(condition=Q(number__gte=1), name="reductions_count_from_1"),
            models.CheckConstraint(condition=~Q(explanation=""), name="reduction_names_its_reason"),
            models.CheckConstraint(
                condition=~Q(cause="adverse_event") | Q(event__isnull=False), name="reduction_names_its_event"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.patient} reduction {self.number}"


class Discontinuation(models.Model):
    """The end of protocol therapy; event monitoring starts. A re-treatment, where allowed, resumes it."""

    patient = models.ForeignKey(Patient, on_delete=models.PROTECT, related_name="discontinuations")
    study = models.ForeignKey(Study, on_delete=models.PROTECT, related_name="+")
    number = models.PositiveSmallIntegerField(default=1)
    reason_code = models.CharField(max_length=40, help_text="one of the protocol's")
    on = models.DateField(help_text="the last day of protocol therapy")
    event = models.ForeignKey(AdverseEvent, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    detail = models.TextField(blank=True)
    recorded_at = models.DateTimeField()
    recorded_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    retreated_on = models.DateField(null=True, blank=True, help_text="first day of re-treatment at a lower dose")

    class Meta:
        ordering = ["patient", "number"]
        constraints = [
            models.UniqueConstraint(fields=["patient", "number"], name="discontinuation_number_once"),
            models.UniqueConstraint(
                fields=["patient"], condition=Q(retreated_on__isnull=True), name="one_discontinuation_in_force"
            ),
            models.CheckConstraint(
                condition=Q(retreated_on__isnull=True) | Q(retreated_on__gt=F("on")),
                name="retreatment_after_discontinuation",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.patient} discontinuation"


class ContinuationReview(models.Model):
    """After the protocol's months of treatment: may the patient go on at the current dose level?"""

    patient = models.OneToOneField(Patient, on_delete=models.PROTECT, related_name="continuation_review")
    study = models.ForeignKey(Study, on_delete=models.PROTECT, related_name="+")
    reviewed_on = models.DateField()
    continues = models.BooleanField()
    explanation = models.TextField()
    recorded_at = models.DateTimeField()
    recorded_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")

    def __str__(self) -> str:
        return f"{self.patient} continuation review"
