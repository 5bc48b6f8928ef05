"""A study, the versions of its protocol, its sites, and who has which role in it."""

from __future__ import annotations

from functools import cached_property

from django.db import models
from django.db.models import Exists, F, Func, OuterRef, Q, Subquery
from django.db.models.functions import Coalesce

from accounts.models import DatabaseClock, User
from trials.protocol import Protocol

_protocols: dict[str, Protocol] = {}


class Role(models.TextChoices):
    COORDINATOR = "coordinator", "coordinator"
    INVESTIGATOR = "investigator", "investigator"
    PRINCIPAL_INVESTIGATOR = "principal_investigator", "principal investigator"
    MEDICAL_MONITOR = "medical_monitor", "medical monitor"
    STATISTICIAN = "statistician", "statistician"
    DATA_MANAGER = "data_manager", "data manager"
    MONITOR = "monitor", "monitor"
    EDC = "edc", "client system (EDC)"


class StudyQuerySet(models.QuerySet["Study"]):
    def visible_to(self, user: User) -> StudyQuerySet:
        return self.filter(pk__in=Membership.objects.in_force().filter(user=user).values("study_id")).order_by("key")

    def with_state(self) -> StudyQuerySet:
        """With `runs`: whether the study has been live."""
        versions = ProtocolVersion.objects.filter(study=OuterRef("pk")).exclude(status=ProtocolVersion.Status.DRAFT)
        return self.annotate(runs=Exists(versions))


class Study(models.Model):
    key = models.SlugField(max_length=40, unique=True)
    title = models.CharField(max_length=300)
    time_zone = models.CharField(max_length=60, default="UTC")
    rehearsal_day = models.DateField(null=True, blank=True, help_text="a rehearsal's own day; NULL in a live study")
    is_rehearsal = models.BooleanField(default=False)
    accrual_suspended_at = models.DateTimeField(null=True, blank=True)
    accrual_suspended_by = models.ForeignKey(User, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    accrual_suspended_reason = models.TextField(blank=True)
    held_reason = models.TextField(blank=True, help_text="why a signed decision holds registration; empty when none")
    decision_waits_since = models.DateTimeField(null=True, blank=True)
    decision_waits_on = models.CharField(max_length=80, blank=True, help_text="digest of the data to be decided on")
    created_at = models.DateTimeField(db_default=DatabaseClock())
    created_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")

    objects = StudyQuerySet.as_manager()

    class Meta:
        verbose_name_plural = "studies"
        constraints = [
            models.CheckConstraint(
                condition=Q(is_rehearsal=True, rehearsal_day__isnull=False)
                | Q(is_rehearsal=False, rehearsal_day__isnull=True),
                name="only_a_rehearsal_has_a_day",
            ),
            models.CheckConstraint(
                condition=Q(accrual_suspended_at__isnull=True, accrual_suspended_by__isnull=True)
                | Q(accrual_suspended_at__isnull=False, accrual_suspended_by__isnull=False),
                name="suspension_has_who_and_when",
            ),
        ]

    def __str__(self) -> str:
        return self.key

    @property
    def suspended_because(self) -> str:
        """Why accrual is suspended: a person's reason, and that of a signed hold where both stand."""
        reasons = dict.fromkeys((self.accrual_suspended_reason, self.held_reason))
        return " ".join(reason for reason in reasons if reason)

    @cached_property
    def version(self) -> ProtocolVersion:
        """The live protocol version. Raises ProtocolVersion.DoesNotExist before the study is live."""
        return self.versions.get(status=ProtocolVersion.Status.LIVE)

    @cached_property
    def first_version(self) -> ProtocolVersion:
        """The version with which the study started. Every site follows it until it follows another."""
        return self.versions.get(number=1)

    @property
    def protocol(self) -> Protocol:
        return self.version.protocol


class ProtocolVersion(models.Model):
    """A protocol: a draft, which may be incomplete and is edited; live, it is never edited again."""

    class Status(models.TextChoices):
        DRAFT = "draft", "draft"
        LIVE = "live", "live"
        SUPERSEDED = "superseded", "superseded"
        WITHDRAWN = "withdrawn", "withdrawn"

    study = models.ForeignKey(Study, on_delete=models.PROTECT, related_name="versions")
    number = models.PositiveSmallIntegerField()
    status = models.CharField(max_length=12, choices=Status.choices, default=Status.DRAFT)
    definition = models.JSONField(help_text="the whole study file, validated before it is live")
    sha256 = models.CharField(max_length=64, help_text="of the canonical JSON of the definition")
    loaded_at = models.DateTimeField()
    loaded_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    live_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["study", "number"]
        constraints = [
            models.UniqueConstraint(fields=["study", "number"], name="version_number_once"),
            models.UniqueConstraint(fields=["study"], condition=Q(status="live"), name="one_live_version"),
            models.CheckConstraint(
                condition=Q(status__in=["draft", "withdrawn"], live_at__isnull=True)
                | (~Q(status__in=["draft", "withdrawn"]) & Q(live_at__isnull=False)),
                name="live_version_has_its_date",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.study} version {self.number}"

    @property
    def protocol(self) -> Protocol:
        """The definition, typed; pydantic's ValidationError where a draft is not complete.

        Read once per process: a definition never changes under its hash.
        """
        if self.status == self.Status.DRAFT:
            return Protocol.model_validate(self.definition)
        if self.sha256 not in _protocols:
            _protocols[self.sha256] = Protocol.model_validate(self.definition)
        return _protocols[self.sha256]


class VersionAtSite(models.Model):
    """From which day a site follows an amended protocol. The version with which the study started needs no such row."""

    study = models.ForeignKey(Study, on_delete=models.PROTECT, related_name="+")
    version = models.ForeignKey(ProtocolVersion, on_delete=models.PROTECT, related_name="at_sites")
    site = models.ForeignKey("Site", on_delete=models.PROTECT, related_name="versions")
    from_day = models.DateField()
    set_at = models.DateTimeField()
    set_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")

    class Meta:
        verbose_name_plural = "versions at sites"
        ordering = ["site", "version__number"]
        constraints = [models.UniqueConstraint(fields=["version", "site"], name="version_at_site_once")]

    def __str__(self) -> str:
        return f"{self.version} at {self.site}"


class Boundary(models.Model):
    """One row of the design's decision table, kept with the version, so that the safety stop needs no engine."""

    study = models.ForeignKey(Study, on_delete=models.PROTECT, related_name="+")
    version = models.ForeignKey(ProtocolVersion, on_delete=models.PROTECT, related_name="boundaries")
    n = models.PositiveSmallIntegerField(help_text="evaluable patients at the level")
    escalate_if_at_most = models.SmallIntegerField(null=True)
    de_escalate_if_at_least = models.SmallIntegerField(null=True)
    eliminate_if_at_least = models.SmallIntegerField(null=True)

    class Meta:
        verbose_name_plural = "boundaries"
        ordering = ["version", "n"]
        constraints = [
            models.UniqueConstraint(fields=["version", "n"], name="boundary_once"),
            models.CheckConstraint(
                condition=Q(eliminate_if_at_least__isnull=True) | Q(eliminate_if_at_least__lte=F("n")),
                name="elimination_within_n",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.version} n={self.n}"


class Site(models.Model):
    study = models.ForeignKey(Study, on_delete=models.PROTECT, related_name="sites")
    code = models.CharField(max_length=10)
    name = models.CharField(max_length=200)
    time_zone = models.CharField(max_length=60)

    class Meta:
        ordering = ["study", "code"]
        constraints = [models.UniqueConstraint(fields=["study", "code"], name="site_code_once")]

    def __str__(self) -> str:
        return self.name


class TodayIn(Func):
    """The calendar day in a time zone, by the database's own clock."""

    template = "(clock_timestamp() AT TIME ZONE %(expressions)s)::date"
    output_field = models.DateField()


class MembershipQuerySet(models.QuerySet["Membership"]):
    def in_force(self) -> MembershipQuerySet:
        """Not ended, and delegated for today: the day of the site (or study) by the database's clock.

        In a rehearsal it is the rehearsal's day. Looked at at the moment of each act, so that nothing has to expire.
        """
        zone = Coalesce(F("site__time_zone"), F("study__time_zone"))
        open_ones = self.filter(ended_at__isnull=True, user__is_active=True)
        dated = open_ones.alias(here_today=Coalesce(F("study__rehearsal_day"), TodayIn(zone)))
        begun = Q(from_day__isnull=True) | Q(from_day__lte=F("here_today"))
        return dated.filter(begun, Q(to_day__isnull=True) | Q(to_day__gte=F("here_today")))

    def with_checks(self) -> list[Membership]:
        """Each with `lacks`: the check that the live protocol version asks for and that is not recorded of the person.

        One query, and one more where a check is asked for.
        """
        live = ProtocolVersion.objects.filter(study=OuterRef("study"), status=ProtocolVersion.Status.LIVE)
        held: list[Membership] = list(self.annotate(asked=Subquery(live.values("definition__delegation"))))
        if any(membership.asks for membership in held):
            people = Q(study__in={m.study_id for m in held}, user__in={m.user_id for m in held})
            done = set(PersonCheck.objects.that_hold().filter(people).values_list("study_id", "user_id", "kind"))
            for one in held:
                one.lacks = next((kind for kind in one.asks if (one.study_id, one.user_id, kind) not in done), "")
        return held


class Membership(models.Model):
    """A role delegated to a person in a study, at one site or (site NULL) at all, from a day to a day.

    Without days it holds from when it was granted, until it is ended.
    """

    study = models.ForeignKey(Study, on_delete=models.PROTECT, related_name="memberships")
    user = models.ForeignKey(User, on_delete=models.PROTECT, related_name="memberships")
    site = models.ForeignKey(Site, null=True, blank=True, on_delete=models.PROTECT, related_name="memberships")
    role = models.CharField(max_length=30, choices=Role.choices)
    from_day = models.DateField(null=True, blank=True, help_text="the first day, in the site's zone or the study's")
    to_day = models.DateField(null=True, blank=True, help_text="the last day")
    granted_at = models.DateTimeField()
    granted_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    ended_at = models.DateTimeField(null=True, blank=True)

    # Of `with_checks` only: what the protocol says of delegation, and the check that is lacking (empty: none).
    asked: dict[str, bool] | None = None
    lacks: str = ""

    objects = MembershipQuerySet.as_manager()

    class Meta:
        ordering = ["study", "user"]
        constraints = [
            models.UniqueConstraint(
                fields=["study", "user", "site", "role"],
                condition=Q(ended_at__isnull=True),
                nulls_distinct=False,
                name="membership_once",
            ),
            models.CheckConstraint(condition=Q(to_day__gte=F("from_day")), name="delegated_from_before_to"),
        ]

    def __str__(self) -> str:
        return f"{self.user}, {self.get_role_display()} in {self.study}"

    @property
    def asks(self) -> list[str]:
        """The checks that the live protocol version asks for, in the order in which a lack of them is told."""
        said = self.asked or {}
        wanted = {PersonCheck.Kind.IDENTITY: "identity_check", PersonCheck.Kind.TRAINING: "training"}
        return [kind.value for kind, name in wanted.items() if said.get(name)]


class PersonCheckQuerySet(models.QuerySet["PersonCheck"]):
    def that_hold(self) -> PersonCheckQuerySet:
        """Identity checks, and training on the live version: training on an earlier one holds no longer."""
        live = Q(kind=PersonCheck.Kind.TRAINING, version__status=ProtocolVersion.Status.LIVE)
        return self.filter(Q(kind=PersonCheck.Kind.IDENTITY) | live)


class PersonCheck(models.Model):
    """What was checked of a person before they act: who they are, or that they were trained on a protocol version.

    Never changed: a training on the next version is another row.
    """

    class Kind(models.TextChoices):
        IDENTITY = "identity", "identity check"
        TRAINING = "training", "training"

    study = models.ForeignKey(Study, on_delete=models.PROTECT, related_name="person_checks")
    user = models.ForeignKey(User, on_delete=models.PROTECT, related_name="person_checks")
    kind = models.CharField(max_length=10, choices=Kind.choices)
    version = models.ForeignKey(
        ProtocolVersion, null=True, blank=True, on_delete=models.PROTECT, related_name="trainings"
    )
    done_on = models.DateField()
    how = models.CharField(max_length=200, help_text="what was looked at, or what the training was")
    recorded_at = models.DateTimeField()
    recorded_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")

    objects = PersonCheckQuerySet.as_manager()

    class Meta:
        ordering = ["recorded_at"]
        constraints = [
            models.UniqueConstraint(
                fields=["study", "user", "kind", "version"], nulls_distinct=False, name="person_check_once"
            ),
            models.CheckConstraint(
                condition=Q(kind="training", version__isnull=False) | Q(kind="identity", version__isnull=True),
                name="training_is_on_a_version",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.user}, {self.get_kind_display()}"
