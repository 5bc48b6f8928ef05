"""Patients, their consent and their eligibility."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property

from django.db import models
from django.db.models import Q

from accounts.models import User
from trials.models import DoseLevel, Part, ProtocolVersion, Site, Slot, Study, VersionAtSite


def versions_at_sites() -> models.Prefetch:
    """What the patients' sites follow, for `prefetch_related`: one query, however many versions there are."""
    return models.Prefetch("site__versions", queryset=VersionAtSite.objects.select_related("version"))


class PatientQuerySet(models.QuerySet["Patient"]):
    def registered(self) -> PatientQuerySet:
        return self.filter(registered_at__isnull=False)

    def in_part(self, kind: str) -> PatientQuerySet:
        return self.registered().filter(part__kind=kind)

    def treated_or_waiting(self) -> PatientQuerySet:
        return self.filter(status__in=[Patient.Status.REGISTERED, Patient.Status.ON_TREATMENT])

    def with_plan(self) -> PatientQuerySet:
        """With all that `patients.schedule` reads, in a constant number of queries.

        Study and version are prefetched, not joined, so that patients share them and a protocol is read once.
        """
        return self.select_related(
            "site", "part", "assigned_level", "slot", "reserved_slot", "consent", "eligibility", "continuation_review"
        ).prefetch_related(
            "study",
            "version",
            versions_at_sites(),
            "cycles",
            "reductions",
            "discontinuations",
            "follow_up_visits",
            "interruptions",
        )


class Patient(models.Model):
    """A patient of one study at one site, known by code only."""

    class Status(models.TextChoices):
        SCREENING = "screening", "in screening"
        SCREEN_FAILED = "screen_failed", "screen failure"
        REGISTERED = "registered", "registered, not yet treated"
        ON_TREATMENT = "on_treatment", "on treatment"
        EVENT_MONITORING = "event_monitoring", "event monitoring"
        OFF_STUDY = "off_study", "off study"

    study = models.ForeignKey(Study, on_delete=models.PROTECT, related_name="patients")
    site = models.ForeignKey(Site, on_delete=models.PROTECT, related_name="patients")
    code = models.CharField(max_length=20, help_text="site code and running number: A-001")
    status = models.CharField(max_length=20, choices=Status.choices, default=Status.SCREENING)
    screened_on = models.DateField()
    screened_at = models.DateTimeField()
    screened_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    reserved_slot = models.OneToOneField(
        Slot, null=True, blank=True, on_delete=models.PROTECT, related_name="reserved_for"
    )
    # set together at registration, and never changed afterwards
    slot = models.OneToOneField(Slot, null=True, blank=True, on_delete=models.PROTECT, related_name="patient")
    part = models.ForeignKey(Part, null=True, blank=True, on_delete=models.PROTECT, related_name="patients")
    assigned_level = models.ForeignKey(
        DoseLevel, null=True, blank=True, on_delete=models.PROTECT, related_name="patients"
    )
    version = models.ForeignKey(
        ProtocolVersion,
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="patients",
        help_text="the protocol version under which the patient was registered",
    )
    registered_at = models.DateTimeField(null=True, blank=True)
    registered_by = models.ForeignKey(User, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    planned_start = models.DateField(null=True, blank=True, help_text="expected first day of treatment")

    objects = PatientQuerySet.as_manager()

    class Meta:
        ordering = ["study", "code"]
        constraints = [
            models.UniqueConstraint(fields=["study", "code"], name="patient_code_once"),
            models.CheckConstraint(
                condition=Q(
                    slot__isnull=True,
                    part__isnull=True,
                    assigned_level__isnull=True,
                    version__isnull=True,
                    registered_at__isnull=True,
                    registered_by__isnull=True,
                    planned_start__isnull=True,
                )
                | Q(
                    slot__isnull=False,
                    part__isnull=False,
                    assigned_level__isnull=False,
                    version__isnull=False,
                    registered_at__isnull=False,
                    registered_by__isnull=False,
                    planned_start__isnull=False,
                ),
                name="registration_is_whole",
            ),
            models.CheckConstraint(
                condition=Q(status__in=["screening", "screen_failed"], registered_at__isnull=True)
                | (~Q(status__in=["screening", "screen_failed"]) & Q(registered_at__isnull=False)),
                name="status_fits_registration",
            ),
        ]

    def __str__(self) -> str:
        return self.code

    # An amendment's preview supposes that the site follows it.
    supposed_at_site: Sequence[VersionAtSite] = ()

    @cached_property
    def followed_at_site(self) -> list[VersionAtSite]:
        """The amended versions that the patient's site follows, in their order; to be loaded with the patient."""
        rows = [*self.site.versions.all(), *self.supposed_at_site]
        return sorted(rows, key=lambda row: row.version.number)


class Consent(models.Model):
    patient = models.OneToOneField(Patient, on_delete=models.PROTECT, related_name="consent")
    study = models.ForeignKey(Study, on_delete=models.PROTECT, related_name="+")
    signed_on = models.DateField()
    form_version = models.CharField(max_length=40)
    recorded_at = models.DateTimeField()
    recorded_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")

    def __str__(self) -> str:
        return f"{self.patient} consent"


class EligibilityCheck(models.Model):
    """The answer to every criterion of the protocol; eligible when all are met."""

    patient = models.OneToOneField(Patient, on_delete=models.PROTECT, related_name="eligibility")
    study = models.ForeignKey(Study, on_delete=models.PROTECT, related_name="+")
    answers = models.JSONField(help_text="criterion code → true (met) or false")
    eligible = models.BooleanField()
    checked_on = models.DateField()
    recorded_at = models.DateTimeField()
    recorded_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")

    def __str__(self) -> str:
        return f"{self.patient} eligibility"
