"""Where a study stands: its two parts, its dose levels, the cohorts and the places in them."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

from django.db import models
from django.db.models import Q

from accounts.models import User
from trials.models.study import Site, Study

if TYPE_CHECKING:
    from trials.protocol import Level


class Part(models.Model):
    class Kind(models.TextChoices):
        ESCALATION = "escalation", "Dose escalation"
        EXPANSION = "expansion", "Dose expansion"

    study = models.ForeignKey(Study, on_delete=models.PROTECT, related_name="parts")
    kind = models.CharField(max_length=12, choices=Kind.choices)
    planned_patients = models.PositiveSmallIntegerField()
    opened_at = models.DateTimeField(null=True, blank=True)
    ended_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["study", "kind"]
        constraints = [models.UniqueConstraint(fields=["study", "kind"], name="part_once")]

    def __str__(self) -> str:
        return f"{self.study} {self.get_kind_display()}"


class DoseLevel(models.Model):
    study = models.ForeignKey(Study, on_delete=models.PROTECT, related_name="levels")
    ordinal = models.PositiveSmallIntegerField(help_text="1 is the lowest")
    label = models.CharField(max_length=80)
    closed_at = models.DateTimeField(null=True, blank=True, help_text="closed for registration by the safety stop")
    closed_reason = models.TextField(blank=True)

    class Meta:
        ordering = ["study", "ordinal"]
        constraints = [
            models.UniqueConstraint(fields=["study", "ordinal"], name="level_once"),
            models.CheckConstraint(condition=Q(ordinal__gte=1), name="levels_count_from_1"),
            models.CheckConstraint(
                condition=Q(closed_at__isnull=True, closed_reason="")
                | (Q(closed_at__isnull=False) & ~Q(closed_reason="")),
                name="closed_level_has_its_reason",
            ),
        ]

    def __str__(self) -> str:
        return self.label

    @property
    def regimen(self) -> Level:
        """What is given at this level, by the live protocol version."""
        return self.study.protocol.level(self.ordinal)


class CohortQuerySet(models.QuerySet["Cohort"]):
    def open(self) -> CohortQuerySet:
        return self.filter(closed_at__isnull=True)


class Cohort(models.Model):
    """Patients treated at one dose level between two decisions. It stays open until the next decision closes it."""

    study = models.ForeignKey(Study, on_delete=models.PROTECT, related_name="cohorts")
    part = models.ForeignKey(Part, on_delete=models.PROTECT, related_name="cohorts")
    level = models.ForeignKey(DoseLevel, on_delete=models.PROTECT, related_name="cohorts")
    number = models.PositiveSmallIntegerField(help_text="1, 2, 3 … in the study")
    size = models.PositiveSmallIntegerField(help_text="as signed; replacements come on top")
    opened_at = models.DateTimeField()
    opened_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    closed_at = models.DateTimeField(null=True, blank=True)
    closed_reason = models.TextField(blank=True)

    objects = CohortQuerySet.as_manager()

    class Meta:
        ordering = ["study", "number"]
        constraints = [
            models.UniqueConstraint(fields=["study", "number"], name="cohort_number_once"),
            models.UniqueConstraint(fields=["study"], condition=Q(closed_at__isnull=True), name="one_open_cohort"),
            models.CheckConstraint(condition=Q(size__gte=1), name="cohort_has_a_size"),
            models.CheckConstraint(
                condition=Q(closed_at__isnull=True, closed_reason="")
                | (Q(closed_at__isnull=False) & ~Q(closed_reason="")),
                name="closed_cohort_has_its_reason",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.study} cohort {self.number}"


class SlotQuerySet(models.QuerySet["Slot"]):
    def unused(self) -> SlotQuerySet:
        return self.filter(used_at__isnull=True)

    def free_at(self, moment: dt.datetime) -> SlotQuerySet:
        """Neither used nor held by a reservation that is still running."""
        return self.unused().filter(Q(reserved_until__isnull=True) | Q(reserved_until__lte=moment))


class Slot(models.Model):
    """A place in a cohort: open, reserved for a site, or used. Exactly one patient can take it."""

    study = models.ForeignKey(Study, on_delete=models.PROTECT, related_name="+")
    cohort = models.ForeignKey(Cohort, on_delete=models.PROTECT, related_name="slots")
    number = models.PositiveSmallIntegerField()
    replaces = models.OneToOneField(
        "self",
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="replaced_by",
        help_text="the slot of the patient who was not evaluable",
    )
    reserved_for_site = models.ForeignKey(Site, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    reserved_until = models.DateTimeField(null=True, blank=True)
    reserved_by = models.ForeignKey(User, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    used_at = models.DateTimeField(null=True, blank=True)

    objects = SlotQuerySet.as_manager()

    class Meta:
        ordering = ["cohort", "number"]
        constraints = [
            models.UniqueConstraint(fields=["cohort", "number"], name="slot_number_once"),
            models.CheckConstraint(
                condition=Q(reserved_for_site__isnull=True, reserved_until__isnull=True, reserved_by__isnull=True)
                | Q(reserved_for_site__isnull=False, reserved_until__isnull=False, reserved_by__isnull=False),
                name="reservation_has_site_end_and_person",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.cohort} slot {self.number}"
