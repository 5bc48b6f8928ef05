from collections.abc import Iterator

from django.conf import settings
from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.db import models
from django.db.models import Func
from django.db.models.functions import Lower
from django.utils.crypto import salted_hmac


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

    def people(self) -> models.QuerySet["User"]:
        """Whoever has, or had, an account to sign in with: neither client systems nor those who act in rehearsals."""
        return self.filter(is_person=True).exclude(username__startswith=User.INVENTED)


class User(AbstractBaseUser):
    """A person, or a client system, that can be named in the audit trail. What they may do stands in memberships."""

    SYSTEM = "rung"
    INVENTED = "invented-"  # how the user names begin of those who act in rehearsals and are nobody

    username = models.CharField(max_length=150, unique=True)
    full_name = models.CharField(max_length=200, help_text="the printed name on signatures")
    email = models.EmailField(blank=True)
    is_active = models.BooleanField(default=True)
    is_person = models.BooleanField(default=True, help_text="False for Rung itself and for client systems")
    is_administrator = models.BooleanField(default=False, help_text="looks after people's accounts; no role in a study")
    created_at = models.DateTimeField(db_default=DatabaseClock())
    closed_at = models.DateTimeField(null=True, blank=True)
    closed_reason = models.TextField(blank=True)
    # Part of what a session is bound to: one more ends all sessions of the person, for good.
    sessions_ended = models.PositiveIntegerField(default=0)
    # Failures before this moment count no more: the person has signed in, or an administrator has released the account.
    failures_forgotten_at = models.DateTimeField(null=True, blank=True)

    objects = UserManager()

    USERNAME_FIELD = "username"
    EMAIL_FIELD = "email"
    REQUIRED_FIELDS = ["full_name"]

    class Meta:
        ordering = ["full_name"]
        constraints = [
            models.UniqueConstraint(Lower("username"), name="user_name_in_any_case_once"),
            models.CheckConstraint(
                condition=models.Q(is_active=True, closed_at=None) | models.Q(is_active=False, closed_at__isnull=False),
                name="closed_with_a_time",
            ),
        ]

    def __str__(self) -> str:
        return self.full_name or self.username

    @property
    def is_invented(self) -> bool:
        """Somebody who acts in played rehearsals only and cannot sign in."""
        return self.username.startswith(self.INVENTED)

    def get_session_auth_hash(self) -> str:
        """What a session is bound to: the password, and how often all sessions were ended."""
        return self._session_hash(None)

    def get_session_auth_fallback_hash(self) -> Iterator[str]:
        for secret in settings.SECRET_KEY_FALLBACKS:
            yield self._session_hash(str(secret))

    def _session_hash(self, secret: str | None) -> str:
        bound_to = f"{self.password}:{self.sessions_ended}"
        return salted_hmac("accounts.session", bound_to, secret=secret, algorithm="sha256").hexdigest()

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


class UsedCode(models.Model):
    """A code of an authenticator app that has been used. The database takes none a second time, whatever it was for."""

    AUDIT_EXEMPT = "a log of its own: rows are only added, and say nothing but that a code was used"

    class Use(models.TextChoices):
        SET_UP = "set up", "setting up the authenticator app"
        SIGN_IN = "sign-in", "signing in"
        SIGNATURE = "signature", "a signature"

    user = models.ForeignKey(User, on_delete=models.PROTECT, related_name="used_codes")
    step = models.BigIntegerField(help_text="which half minute since 1970 the code was of (RFC 6238)")
    use = models.CharField(max_length=10, choices=Use.choices)
    used_at = models.DateTimeField(db_default=DatabaseClock())

    class Meta:
        ordering = ["used_at"]
        constraints = [models.UniqueConstraint(fields=["user", "step"], name="a_code_is_used_once")]

    def __str__(self) -> str:
        return f"{self.user}, {self.use}"


class FailedAttempt(models.Model):
    """A wrong password or code. Names are kept as a keyed digest: people type passwords where a name belongs."""

    AUDIT_EXEMPT = "a log of its own: rows are only added, also by people whom nobody knows"

    class What(models.TextChoices):
        PASSWORD = "password", "password at sign-in"
        CODE = "code", "code at sign-in"
        AGAIN = "again", "password asked again"
        SIGNATURE = "signature", "password at a signature"
        SIGNATURE_CODE = "signature code", "code at a signature"

    name_key = models.CharField(max_length=64, help_text="keyed digest of the name that was typed")
    user = models.ForeignKey(User, null=True, blank=True, on_delete=models.PROTECT, related_name="failed_attempts")
    what = models.CharField(max_length=20, choices=What.choices)
    address = models.CharField(max_length=60, blank=True)
    at = models.DateTimeField(db_default=DatabaseClock())

    class Meta:
        ordering = ["-at"]
        indexes = [
            models.Index(fields=["name_key", "at"], name="failed_of_name"),
            models.Index(fields=["address", "at"], name="failed_from_address"),
        ]

    def __str__(self) -> str:
        return f"{self.user or 'unknown'}, {self.what}"


class LockoutQuerySet(models.QuerySet["Lockout"]):
    def in_force(self) -> "LockoutQuerySet":
        return self.filter(released_at=None, until__gt=DatabaseClock())


class Lockout(models.Model):
    """After too many failures a name, or an address, is not listened to until a time, or until it is released."""

    name_key = models.CharField(max_length=64, blank=True)
    user = models.ForeignKey(User, null=True, blank=True, on_delete=models.PROTECT, related_name="lockouts")
    address = models.CharField(max_length=60, blank=True, help_text="filled where an address is shut out, not a name")
    began_at = models.DateTimeField(db_default=DatabaseClock())
    until = models.DateTimeField()
    told_at = models.DateTimeField(null=True, blank=True, help_text="when the security address was written to")
    released_at = models.DateTimeField(null=True, blank=True)
    released_by = models.ForeignKey(User, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    release_reason = models.TextField(blank=True)

    objects = LockoutQuerySet.as_manager()

    class Meta:
        ordering = ["-began_at"]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(name_key="") ^ models.Q(address=""), name="a_name_or_an_address_is_shut_out"
            ),
            models.CheckConstraint(
                condition=models.Q(released_at=None, released_by=None)
                | models.Q(released_at__isnull=False, released_by__isnull=False),
                name="released_by_somebody",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.user or self.address or 'an unknown name'}, {self.began_at:%Y-%m-%d %H:%M}"


class Invitation(models.Model):
    """A link by which a person chooses a password, once and within days. Only its digest is kept."""

    class Purpose(models.TextChoices):
        WELCOME = "welcome", "invitation"
        NEW_PASSWORD = "new password", "new password"

    user = models.ForeignKey(User, on_delete=models.PROTECT, related_name="invitations")
    purpose = models.CharField(max_length=12, choices=Purpose.choices)
    token_sha256 = models.CharField(max_length=64, unique=True)
    made_at = models.DateTimeField(db_default=DatabaseClock())
    made_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    expires_at = models.DateTimeField()
    used_at = models.DateTimeField(null=True, blank=True)
    withdrawn_at = models.DateTimeField(null=True, blank=True, help_text="a newer link took its place")

    class Meta:
        ordering = ["-made_at"]
        constraints = [
            models.UniqueConstraint(
                fields=["user"],
                condition=models.Q(used_at=None, withdrawn_at=None),
                name="one_open_link_per_person",
            )
        ]

    def __str__(self) -> str:
        return f"{self.get_purpose_display()} of {self.user}"
