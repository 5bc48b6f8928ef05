import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

import accounts.models
from audit.ddl import AppendOnly, AuditTable, Guard

# Whoever writes a signature cannot say what it stands on: the database does.
STANDS_ON = """
    SELECT e.position, e.hash INTO NEW.stands_on_position, NEW.stands_on_hash
    FROM audit_entry e WHERE e.study_id = NEW.study_id ORDER BY e.position DESC LIMIT 1;
    NEW.stands_on_position := coalesce(NEW.stands_on_position, 0);
    NEW.stands_on_hash := coalesce(NEW.stands_on_hash, '');
"""


class Migration(migrations.Migration):
    """A signature holds the version of its record and of its statement, and the audit entry it stands on."""

    dependencies = [("accounts", "0003_one_signature_per_person"), ("audit", "0001_audit_trail")]

    operations = [
        migrations.AddField(
            "signature",
            "record_version",
            models.CharField(blank=True, default="", help_text="which version of the record", max_length=40),
        ),
        migrations.AddField(
            "signature",
            "statement_version",
            models.CharField(
                blank=True, default="", help_text="of the text that the sentence was made of", max_length=40
            ),
        ),
        migrations.AddField("signature", "stands_on_position", models.BigIntegerField(db_default=0)),
        migrations.AddField("signature", "stands_on_hash", models.CharField(db_default="", max_length=64)),
        Guard("accounts_signature", "stands_on", "BEFORE INSERT", STANDS_ON),
        migrations.CreateModel(
            name="DeclinedSignature",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("study_id", models.BigIntegerField(db_index=True)),
                ("record_kind", models.CharField(max_length=50)),
                ("record_key", models.CharField(max_length=50)),
                ("record_version", models.CharField(blank=True, default="", max_length=40)),
                (
                    "record_sha256",
                    models.CharField(help_text="of the canonical JSON of what was shown", max_length=64),
                ),
                ("printed_name", models.CharField(max_length=200)),
                ("role", models.CharField(help_text="the role in which the person was asked", max_length=40)),
                ("reason", models.TextField()),
                ("declined_at", models.DateTimeField(db_default=accounts.models.DatabaseClock())),
                (
                    "person",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="declined_signatures",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "ordering": ["declined_at"],
                "indexes": [models.Index(fields=["record_kind", "record_key"], name="declined_of_record")],
                "constraints": [models.CheckConstraint(condition=~models.Q(reason=""), name="declined_with_a_reason")],
            },
        ),
        AuditTable("accounts_declinedsignature"),
        AppendOnly("accounts_declinedsignature"),
    ]
