from django.db import models
from django.db.models.functions import Now

from audit.verifier import Published


class EntryQuerySet(models.QuerySet["Entry"]):
    def of_study(self, study_id: int) -> "EntryQuerySet":
        return self.filter(study_id=study_id)

    def of_patient(self, patient_id: int) -> "EntryQuerySet":
        """Entries of the patient's own row and of every row that belongs to the patient."""
        return self.filter(patient_id=patient_id)

    def of_record(self, table: str, row_id: object) -> "EntryQuerySet":
        return self.filter(table_name=table, row_id=str(row_id))

    def newest_hash(self, study_id: int) -> str | None:
        """The hash at the end of the study's chain. By position, which the chain's own index gives at once."""
        return self.of_study(study_id).order_by("-position").values_list("hash", flat=True).first()

    def newest_first(self) -> "EntryQuerySet":
        return self.order_by("-id")


class Entry(models.Model):
    """One line of the audit trail, written by the database trigger only. The application can read it, nothing else.

    Not managed by Django: the view `audit_entry` over `audit.entry` is made by SQL in the first migration.
    """

    class Operation(models.TextChoices):
        INSERT = "INSERT", "recorded"
        UPDATE = "UPDATE", "changed"
        DELETE = "DELETE", "removed"

    id = models.BigIntegerField(primary_key=True)
    study_id = models.BigIntegerField(help_text="0 for what belongs to no study")
    position = models.BigIntegerField(help_text="place in the study's chain, from 1")
    at = models.DateTimeField(help_text="the database's own clock")
    operation = models.CharField(max_length=6, choices=Operation.choices)
    table_name = models.TextField()
    row_id = models.TextField()
    patient_id = models.BigIntegerField(null=True)
    old = models.JSONField(null=True)
    new = models.JSONField(null=True)
    actor_id = models.TextField()
    actor_name = models.TextField()
    reason = models.TextField()
    request_id = models.TextField()
    client_address = models.TextField()
    session_role = models.TextField()
    previous_hash = models.TextField()
    hash = models.TextField()

    objects = EntryQuerySet.as_manager()

    class Meta:
        managed = False
        db_table = "audit_entry"

    def __str__(self) -> str:
        return f"{self.operation} {self.table_name} {self.row_id}"

    @property
    def changed_fields(self) -> dict[str, tuple[object, object]]:
        """Field name → (old value, new value), for the fields that differ."""
        old, new = self.old or {}, self.new or {}
        return {k: (old.get(k), new.get(k)) for k in {**old, **new} if old.get(k) != new.get(k)}


class Publication(models.Model):
    """The newest hash of every chain as it left the database on a day: added to a file, and sent by e-mail."""

    day = models.DateField(unique=True, help_text="the day in UTC; a day is published once")
    made_at = models.DateTimeField(db_default=Now())
    heads = models.JSONField(help_text='[{"study_id": 1, "study": "LEN-MAG-01", "position": 40, "hash": "..."}, ...]')
    written_at = models.DateTimeField(null=True, help_text="when it stood in the file")
    mailed_at = models.DateTimeField(null=True, help_text="when the mail server had taken it for every address")

    class Meta:
        ordering = ["day"]

    def __str__(self) -> str:
        return f"newest hashes of {self.day}"

    @property
    def published(self) -> list[Published]:
        """What was published, a line for each chain."""
        day = self.day.isoformat()
        return [Published(day, head["study_id"], head["position"], head["hash"]) for head in self.heads]


class AccessQuerySet(models.QuerySet["Access"]):
    def newest_first(self) -> "AccessQuerySet":
        return self.order_by("-pk")


class Access(models.Model):
    """Somebody signed in, tried to, took an export or looked at a whole patient. Added only, and sealed in chain -1.

    People, studies and patients are named without foreign keys, because audit lies below them.
    """

    CHAIN = -1

    class Kind(models.TextChoices):
        SIGN_IN = "sign-in", "signed in"
        SIGN_OUT = "sign-out", "signed out"
        FAILED = "failed", "failed to sign in"
        EXPORT = "export", "took an export"
        PATIENT = "patient", "looked at a patient"
        CASEBOOK = "casebook", "looked at a whole casebook"

    chain = models.SmallIntegerField(default=CHAIN, editable=False, help_text="the chain that seals it")
    at = models.DateTimeField(db_default=Now())
    kind = models.CharField(max_length=10, choices=Kind.choices)
    person_id = models.BigIntegerField(null=True, db_index=True, help_text="empty where nobody has the name given")
    about_study_id = models.BigIntegerField(null=True, db_index=True)
    about_patient_id = models.BigIntegerField(null=True)
    what = models.CharField(max_length=200, blank=True, help_text="for example: history as CSV")
    client_address = models.CharField(max_length=60, blank=True)

    objects = AccessQuerySet.as_manager()

    class Meta:
        constraints = [models.CheckConstraint(condition=models.Q(chain=-1), name="access_has_its_own_chain")]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} {self.what}".strip()
