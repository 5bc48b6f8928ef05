from __future__ import annotations

import datetime as dt

from django.db import models
from django.db.models import Exists, OuterRef, Q, QuerySet, Subquery, Sum

from accounts.models import DatabaseClock, User
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


class Comparison(models.Model):
    """Designs that somebody compared on the workbench, saved with all they were asked about. Its question stays."""

    study = models.ForeignKey(
        Study,
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="comparisons",
        help_text="whose members may see it; NULL: only who saved it",
    )
    title = models.CharField(max_length=120)
    note = models.TextField(blank=True)
    question = models.JSONField(help_text="designs with all parameters, doses, true toxicity: workbench.Question")
    engine_version = models.CharField(max_length=20)
    saved_at = models.DateTimeField(db_default=DatabaseClock())
    saved_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="comparisons")
    put_away_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-pk"]
        constraints = [models.CheckConstraint(condition=~Q(title=""), name="comparison_has_a_title")]

    def __str__(self) -> str:
        return self.title


# How long nothing may come of a running simulation before it is handed out again; no block takes as long.
ABANDONED_AFTER = dt.timedelta(seconds=30)


class SimulationQuerySet(QuerySet["Simulation"]):
    def of(self, person: User) -> SimulationQuerySet:
        """Those that the person started; nobody else sees them."""
        return self.filter(started_by=person)

    def running(self) -> SimulationQuerySet:
        return self.filter(status=Simulation.Status.RUNNING)

    def abandoned(self, at: dt.datetime) -> SimulationQuerySet:
        """Running, and nothing has come of it lately: all who worked on it may be gone."""
        since = at - ABANDONED_AFTER
        lately = SimulationBlock.objects.filter(simulation=OuterRef("pk"), done_at__gt=since)
        return self.running().filter(started_at__lte=since).exclude(Exists(lately))

    def with_all_blocks_done(self) -> SimulationQuerySet:
        return self.exclude(Exists(SimulationBlock.objects.to_do().filter(simulation=OuterRef("pk"))))

    def with_progress(self) -> SimulationQuerySet:
        """With `planned` and `simulated`: trials of all designs together."""
        blocks = SimulationBlock.objects.filter(simulation=OuterRef("pk")).order_by().values("simulation")
        return self.annotate(
            planned=Subquery(blocks.annotate(trials=Sum("size")).values("trials")),
            simulated=Subquery(blocks.annotate(trials=Sum("size", filter=DONE, default=0)).values("trials")),
        )


class Simulation(models.Model):
    """A large simulation of the designs of a question, worked off in blocks by any number of workers."""

    AUDIT_EXEMPT = "made of invented patients, and made again from its question and seed at any time"

    class Status(models.TextChoices):
        RUNNING = "running", "running"
        DONE = "done", "done"
        CANCELLED = "cancelled", "cancelled"
        FAILED = "failed", "failed"

    question = models.JSONField(help_text="as in Comparison")
    trials = models.PositiveIntegerField(help_text="of each design")
    seed = models.PositiveBigIntegerField()
    engine_version = models.CharField(max_length=20)
    status = models.CharField(max_length=10, choices=Status.choices, default=Status.RUNNING)
    started_at = models.DateTimeField(db_default=DatabaseClock())
    started_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="simulations")
    ended_at = models.DateTimeField(null=True, blank=True)
    failure = models.TextField(blank=True)

    # Of `with_progress` only.
    planned: int
    simulated: int

    objects = SimulationQuerySet.as_manager()

    class Meta:
        ordering = ["-pk"]
        constraints = [
            models.CheckConstraint(condition=Q(trials__gte=1), name="simulation_has_trials"),
            models.CheckConstraint(
                condition=(Q(status="failed") & ~Q(failure="")) | (~Q(status="failed") & Q(failure="")),
                name="failed_simulation_says_why",
            ),
            models.CheckConstraint(
                condition=Q(status="running", ended_at__isnull=True)
                | (~Q(status="running") & Q(ended_at__isnull=False)),
                name="ended_simulation_has_its_time",
            ),
        ]

    def __str__(self) -> str:
        return f"simulation {self.pk}"

    @property
    def percent(self) -> int:
        """How far it is; for those read `with_progress`."""
        return 100 * self.simulated // self.planned


DONE = Q(done_at__isnull=False)


class SimulationBlockQuerySet(QuerySet["SimulationBlock"]):
    def to_do(self) -> SimulationBlockQuerySet:
        return self.exclude(DONE)

    def done(self) -> SimulationBlockQuerySet:
        return self.filter(DONE)

    def that_nobody_has(self) -> SimulationBlockQuerySet:
        """Locks what it gives: it is the reader's until the transaction ends, however that ends."""
        return self.to_do().select_for_update(skip_locked=True, of=("self",))


class SimulationBlock(models.Model):
    """Some trials of one design of a simulation. Its sums are the same whoever works them out."""

    AUDIT_EXEMPT = Simulation.AUDIT_EXEMPT

    simulation = models.ForeignKey(Simulation, on_delete=models.PROTECT, related_name="blocks")
    design = models.PositiveSmallIntegerField(help_text="index in the question's designs")
    number = models.PositiveIntegerField(help_text="of its first stream of random numbers, from 0")
    size = models.PositiveIntegerField(help_text="trials")
    sums = models.JSONField(null=True, blank=True, help_text="SimulationSums; NULL until worked out")
    done_at = models.DateTimeField(null=True, blank=True)

    objects = SimulationBlockQuerySet.as_manager()

    class Meta:
        ordering = ["simulation", "design", "number"]
        constraints = [
            models.UniqueConstraint(fields=["simulation", "design", "number"], name="simulation_block_once"),
            models.CheckConstraint(
                condition=Q(sums__isnull=True, done_at__isnull=True) | Q(sums__isnull=False, done_at__isnull=False),
                name="done_block_has_its_sums",
            ),
        ]
        indexes = [models.Index(fields=["simulation"], condition=Q(done_at__isnull=True), name="block_to_do")]

    def __str__(self) -> str:
        return f"{self.simulation} design {self.design} block {self.number}"
