from django.db import models


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
