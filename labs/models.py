from __future__ import annotations

from django.db import models
from django.db.models import Q

from accounts.models import User
from patients.models import Patient
from trials.models import Study


class Collection(models.Model):
    """A scheduled sample that was collected or missed. What is due is derived (labs.schedule), never stored."""

    class Outcome(models.TextChoices):
        COLLECTED = "collected", "collected"
        MISSED = "missed", "missed"

    patient = models.ForeignKey(Patient, on_delete=models.PROTECT, related_name="collections")
    study = models.ForeignKey(Study, on_delete=models.PROTECT, related_name="+")
    timepoint = models.CharField(max_length=40, help_text="code of the protocol's sample time point")
    outcome = models.CharField(max_length=10, choices=Outcome.choices)
    planned_on = models.DateField()
    window_from = models.DateField()
    window_to = models.DateField()
    collected_on = models.DateField(null=True, blank=True)
    out_of_window_reason = models.TextField(blank=True)
    missed_reason = models.TextField(blank=True)
    recorded_at = models.DateTimeField()
    recorded_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")

    class Meta:
        ordering = ["patient", "planned_on"]
        constraints = [
            models.UniqueConstraint(fields=["patient", "timepoint"], name="collection_once"),
            models.CheckConstraint(
                condition=Q(outcome="collected", collected_on__isnull=False, missed_reason="")
                | (Q(outcome="missed", collected_on__isnull=True) & ~Q(missed_reason="")),
                name="collected_has_a_day_missed_a_reason",
            ),
            models.CheckConstraint(
                condition=Q(collected_on__isnull=True)
                | Q(collected_on__gte=models.F("window_from"), collected_on__lte=models.F("window_to"))
                | ~Q(out_of_window_reason=""),
                name="out_of_window_has_a_reason",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.patient} sample {self.timepoint}"


class Tube(models.Model):
    """One tube of a collection, known by the code on its label."""

    collection = models.ForeignKey(Collection, on_delete=models.PROTECT, related_name="tubes")
    patient = models.ForeignKey(Patient, on_delete=models.PROTECT, related_name="+")
    study = models.ForeignKey(Study, on_delete=models.PROTECT, related_name="+")
    kind = models.CharField(max_length=40, help_text="code of the protocol's tube")
    label = models.CharField(max_length=80, unique=True)
    collected = models.BooleanField(default=True)

    class Meta:
        ordering = ["collection", "kind"]
        constraints = [models.UniqueConstraint(fields=["collection", "kind"], name="tube_once")]

    def __str__(self) -> str:
        return self.label
