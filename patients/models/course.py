"""What is done and measured along the way: activities, outcome measures, event monitoring."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q

from accounts.models import User
from patients.models.people import Patient
from trials.models import Study


class ActivityRecord(models.Model):
    """An activity of the protocol that was done or missed. What is due is derived (patients.activities), never stored.

    The plan of the moment of recording, day and window, is kept with it.
    """

    class Outcome(models.TextChoices):
        DONE = "done", "done"
        MISSED = "missed", "missed"

    patient = models.ForeignKey(Patient, on_delete=models.PROTECT, related_name="activities")
    study = models.ForeignKey(Study, on_delete=models.PROTECT, related_name="+")
    activity = models.CharField(max_length=40, help_text="code of the protocol's activity; 'visits' for a visit")
    timepoint = models.CharField(max_length=40, help_text="code of its time point")
    cycle = models.PositiveSmallIntegerField(null=True, blank=True, help_text="where it comes back every cycle")
    outcome = models.CharField(max_length=10, choices=Outcome.choices)
    planned_on = models.DateField()
    window_from = models.DateField()
    window_to = models.DateField()
    done_on = models.DateField(null=True, blank=True)
    out_of_window_reason = models.TextField(blank=True)
    missed_reason = models.TextField(blank=True)
    recorded_at = models.DateTimeField()
    recorded_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")

    class Meta:
        ordering = ["patient", "planned_on", "pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["patient", "activity", "timepoint", "cycle"], nulls_distinct=False, name="activity_once"
            ),
            models.CheckConstraint(
                condition=Q(outcome="done", done_on__isnull=False, missed_reason="")
                | (Q(outcome="missed", done_on__isnull=True, out_of_window_reason="") & ~Q(missed_reason="")),
                name="done_has_a_day_missed_a_reason",
            ),
            models.CheckConstraint(
                condition=Q(done_on__isnull=True)
                | Q(done_on__gte=F("window_from"), done_on__lte=F("window_to"))
                | ~Q(out_of_window_reason=""),
                name="activity_out_of_window_has_a_reason",
            ),
            models.CheckConstraint(
                condition=Q(planned_on__gte=F("window_from"), planned_on__lte=F("window_to")),
                name="activity_planned_in_its_window",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.patient} {self.activity} {self.timepoint}"


class FollowUpVisit(models.Model):
    """An event-monitoring visit that took place, with progression and survival."""

    patient = models.ForeignKey(Patient, on_delete=models.PROTECT, related_name="follow_up_visits")
    study = models.ForeignKey(Study, on_delete=models.PROTECT, related_name="+")
    number = models.PositiveSmallIntegerField()
    planned_on = models.DateField()
    done_on = models.DateField()
    alive = models.BooleanField()
    died_on = models.DateField(null=True, blank=True)
    progressed_on = models.DateField(null=True, blank=True)
    out_of_window_reason = models.TextField(blank=True)
    recorded_at = models.DateTimeField()
    recorded_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")

    class Meta:
        ordering = ["patient", "number"]
        constraints = [
            models.UniqueConstraint(fields=["patient", "number"], name="follow_up_number_once"),
            models.CheckConstraint(
                condition=Q(alive=True, died_on__isnull=True) | Q(alive=False, died_on__isnull=False),
                name="death_has_its_date",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.patient} event monitoring {self.number}"


class OutcomeValue(models.Model):
    """A value of one of the protocol's outcome measures at one of its time points."""

    patient = models.ForeignKey(Patient, on_delete=models.PROTECT, related_name="outcomes")
    study = models.ForeignKey(Study, on_delete=models.PROTECT, related_name="+")
    measure = models.CharField(max_length=40)
    timepoint = models.CharField(max_length=40)
    measured_on = models.DateField()
    value = models.DecimalField(max_digits=10, decimal_places=3)
    recorded_at = models.DateTimeField()
    recorded_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")

    class Meta:
        ordering = ["measured_on", "pk"]
        constraints = [models.UniqueConstraint(fields=["patient", "measure", "timepoint"], name="outcome_value_once")]

    def __str__(self) -> str:
        return f"{self.patient} {self.measure} {self.value}"
