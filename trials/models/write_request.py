"""What was written over REST, so that nothing is written twice."""

from django.db import models

from accounts.models import DatabaseClock, User


class WriteRequest(models.Model):
    """A write over REST that was done, by the client's own key for it: sent again, it gets the same answer."""

    AUDIT_EXEMPT = "says which requests were answered; what they wrote is in the audit trail"

    client = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    key = models.CharField(max_length=200)
    request_sha256 = models.CharField(max_length=64)
    status = models.PositiveSmallIntegerField(null=True)
    answer = models.JSONField(null=True)
    created_at = models.DateTimeField(db_default=DatabaseClock())

    class Meta:
        constraints = [models.UniqueConstraint(fields=["client", "key"], name="write_request_once")]

    def __str__(self) -> str:
        return f"{self.client_id} {self.key}"
