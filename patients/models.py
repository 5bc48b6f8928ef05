from __future__ import annotations

from django.db import models
from django.db.models import F, Q

from accounts.models import User
from trials.models import DoseLevel, Part, ProtocolVersion, Site, Slot, Study


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
            "study", "version", "cycles", "reductions", "discontinuations", "follow_up_visits", "interruptions"
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
    planned_start = models.DateField(null=True, blank=True, help_text="expected first day of cycle 1")

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


class Cycle(models.Model):
    """A cycle that has started. Planned ones are derived (patients.schedule), never stored."""

    patient = models.ForeignKey(Patient, on_delete=models.PROTECT, related_name="cycles")
    study = models.ForeignKey(Study, on_delete=models.PROTECT, related_name="+")
    number = models.PositiveSmallIntegerField()
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
            models.CheckConstraint(condition=Q(number__gte=1), name="cycles_count_from_1"),
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
