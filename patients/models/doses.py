"""Height and weight, and each infusion: what the doses to give are computed from, and what was given."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q

from accounts.models import User
from patients.models.people import Patient
from patients.models.treatment import Cycle
from trials.models import Study

# What an adult or a child can measure; outside of it a digit is wrong. The database refuses it too.
HEIGHT_CM = (50, 250)
WEIGHT_KG = (3, 350)
# Weight over height squared: outside of it height and weight stand the wrong way round, or a point is misplaced.
BODY_MASS_INDEX = (8, 100)


class BodyMeasurement(models.Model):
    """A patient's height and weight on one day."""

    patient = models.ForeignKey(Patient, on_delete=models.PROTECT, related_name="measurements")
    study = models.ForeignKey(Study, on_delete=models.PROTECT, related_name="+")
    measured_on = models.DateField()
    height_cm = models.DecimalField(max_digits=4, decimal_places=1)
    weight_kg = models.DecimalField(max_digits=4, decimal_places=1)
    recorded_at = models.DateTimeField()
    recorded_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")

    class Meta:
        ordering = ["patient", "measured_on"]
        constraints = [
            models.UniqueConstraint(fields=["patient", "measured_on"], name="one_measurement_a_day"),
            models.CheckConstraint(condition=Q(height_cm__range=HEIGHT_CM), name="height_is_plausible"),
            models.CheckConstraint(condition=Q(weight_kg__range=WEIGHT_KG), name="weight_is_plausible"),
            models.CheckConstraint(
                condition=Q(weight_kg__gte=F("height_cm") * F("height_cm") * BODY_MASS_INDEX[0] / 10_000)
                & Q(weight_kg__lte=F("height_cm") * F("height_cm") * BODY_MASS_INDEX[1] / 10_000),
                name="height_and_weight_fit",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.patient} height and weight of {self.measured_on}"


class Administration(models.Model):
    """One planned infusion (or injection) of an agent: given, with how much, or not given, and why.

    The dose to give is kept as it was computed then, with everything it was computed from.
    """

    class Outcome(models.TextChoices):
        GIVEN = "given", "given"
        NOT_GIVEN = "not_given", "not given"

    patient = models.ForeignKey(Patient, on_delete=models.PROTECT, related_name="administrations")
    study = models.ForeignKey(Study, on_delete=models.PROTECT, related_name="+")
    cycle = models.ForeignKey(Cycle, on_delete=models.PROTECT, related_name="administrations")
    agent = models.CharField(max_length=40)
    day = models.PositiveSmallIntegerField(help_text="planned day, counted from the cycle's first, which is 1")
    outcome = models.CharField(max_length=10, choices=Outcome.choices)
    given_on = models.DateField(null=True, blank=True)
    given_amount = models.DecimalField(max_digits=10, decimal_places=3, null=True, blank=True)
    amount_to_give = models.DecimalField(max_digits=10, decimal_places=3, null=True, blank=True)
    unit = models.CharField(max_length=10, help_text="of both amounts")
    is_loading = models.BooleanField(default=False, help_text="the first of this agent, at the loading dose")
    measurement = models.ForeignKey(
        BodyMeasurement,
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="administrations",
        help_text="with which the dose to give was computed; none for a fixed dose",
    )
    calculation = models.JSONField(default=dict, help_text="of the dose to give: in words, and what went into it")
    reason = models.TextField(blank=True, help_text="why it was not given, or not the dose to give")
    recorded_at = models.DateTimeField()
    recorded_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")

    class Meta:
        ordering = ["patient", "cycle", "day", "agent"]
        constraints = [
            models.UniqueConstraint(fields=["cycle", "agent", "day"], name="administration_once"),
            models.UniqueConstraint(
                fields=["patient", "agent"], condition=Q(is_loading=True), name="one_loading_dose_per_agent"
            ),
            models.CheckConstraint(
                condition=Q(
                    outcome="given",
                    given_on__isnull=False,
                    given_amount__gt=0,
                    given_amount__isnull=False,
                    amount_to_give__gt=0,
                    amount_to_give__isnull=False,
                )
                | (
                    Q(outcome="not_given", given_on__isnull=True, given_amount__isnull=True)
                    & Q(amount_to_give__isnull=True, is_loading=False, measurement__isnull=True)
                ),
                name="administration_is_whole",
            ),
            models.CheckConstraint(condition=Q(outcome="given") | ~Q(reason=""), name="not_given_says_why"),
            models.CheckConstraint(condition=Q(day__gte=1), name="administration_days_count_from_1"),
        ]

    def __str__(self) -> str:
        return f"{self.patient} {self.agent}, {self.cycle}, day {self.day}"
