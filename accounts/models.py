from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.db import models
from django.db.models import Func


class DatabaseClock(Func):
    """The database's own clock, now (not the start of the transaction)."""

    function = "clock_timestamp"
    template = "%(function)s()"
    output_field = models.DateTimeField()


class UserManager(BaseUserManager["User"]):
    def get_by_natural_key(self, username: str | None) -> "User":
        return self.get(username=username)

    def system(self) -> "User":
        """The actor of what Rung does by itself: the sweep, reminders, expiry of reservations."""
        return self.get(username=User.SYSTEM)


class User(AbstractBaseUser):
    """A person, or a client system, that can be named in the audit trail. What they may do stands in memberships."""

    SYSTEM = "rung"
    INVENTED = "invented-"  # how the user names begin of those who act in rehearsals and are nobody

    username = models.CharField(max_length=150, unique=True)
    full_name = models.CharField(max_length=200, help_text="the printed name on signatures")
    email = models.EmailField(blank=True)
    is_active = models.BooleanField(default=True)
    is_person = models.BooleanField(default=True, help_text="False for Rung itself and for client systems")
    created_at = models.DateTimeField(db_default=DatabaseClock())

    objects = UserManager()

    USERNAME_FIELD = "username"
    EMAIL_FIELD = "email"
    REQUIRED_FIELDS = ["full_name"]

    class Meta:
        ordering = ["full_name"]

    def __str__(self) -> str:
        return self.full_name or self.username

    def get_full_name(self) -> str:
        return self.full_name


class Signature(models.Model):
    """An electronic signature: who, when, what it means, bound by SHA-256 to the canonical JSON of what was shown.

    Never changed and never deleted. `study_id` names the study without a foreign key, because accounts lies below.
    """

    class Meaning(models.TextChoices):
        APPROVAL = "approval", "I have reviewed the data shown here and approve this dose for the next cohort"
        REVIEW = "review", "I have reviewed what is shown here"
        RESPONSIBILITY = "responsibility", "I take responsibility for what is shown here"

    study_id = models.BigIntegerField(db_index=True)
    record_kind = models.CharField(max_length=50, help_text="for example dosing.decision")
    record_key = models.CharField(max_length=50)
    record_version = models.CharField(max_length=40, default="", blank=True, help_text="which version of the record")
    record_json = models.TextField(help_text="canonical JSON: sorted keys, no spaces, decimals as strings")
    record_sha256 = models.CharField(max_length=64)
    signer = models.ForeignKey(User, on_delete=models.PROTECT, related_name="signatures")
    printed_name = models.CharField(max_length=200)
    role = models.CharField(max_length=40, help_text="the role in which the person signed")
    meaning = models.CharField(max_length=20, choices=Meaning.choices)
    statement = models.TextField(help_text="the sentence that stood above the button")
    statement_version = models.CharField(
        max_length=40, default="", blank=True, help_text="of the text that the sentence was made of"
    )
    components_checked = models.JSONField(default=list, help_text='for example ["password"]')
    signed_at = models.DateTimeField(db_default=DatabaseClock())
    # Filled by the database, whatever is given: the newest entry of the study's audit chain when it was signed.
    stands_on_position = models.BigIntegerField(db_default=0)
    stands_on_hash = models.CharField(max_length=64, db_default="")

    class Meta:
        ordering = ["signed_at"]
        constraints = [
            models.UniqueConstraint(
                fields=["record_kind", "record_key", "role"], name="one_signature_per_role_and_record"
            ),
            models.UniqueConstraint(
                fields=["record_kind", "record_key", "signer"], name="one_signature_per_person_and_record"
            ),
            models.CheckConstraint(
                condition=models.Q(record_sha256__regex=r"^[0-9a-f]{64}$"), name="signature_is_bound"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.printed_name}, {self.role}, {self.record_kind} {self.record_key}"


class DeclinedSignature(models.Model):
    """Somebody who was asked for a signature said no, and why. It stays on record, whatever comes after it."""

    study_id = models.BigIntegerField(db_index=True)
    record_kind = models.CharField(max_length=50)
    record_key = models.CharField(max_length=50)
    record_version = models.CharField(max_length=40, default="", blank=True)
    record_sha256 = models.CharField(max_length=64, help_text="of the canonical JSON of what was shown")
    person = models.ForeignKey(User, on_delete=models.PROTECT, related_name="declined_signatures")
    printed_name = models.CharField(max_length=200)
    role = models.CharField(max_length=40, help_text="the role in which the person was asked")
    reason = models.TextField()
    declined_at = models.DateTimeField(db_default=DatabaseClock())

    class Meta:
        ordering = ["declined_at"]
        indexes = [models.Index(fields=["record_kind", "record_key"], name="declined_of_record")]
        constraints = [models.CheckConstraint(condition=~models.Q(reason=""), name="declined_with_a_reason")]

    def __str__(self) -> str:
        return f"{self.printed_name} declined, {self.role}, {self.record_kind} {self.record_key}"
