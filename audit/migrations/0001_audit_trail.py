from pathlib import Path

from django.db import migrations, models

SQL = (Path(__file__).parent / "0001_audit_trail.sql").read_text()


class Migration(migrations.Migration):
    """The audit schema, its trigger functions and the view that the application reads."""

    initial = True
    dependencies = []

    operations = [
        migrations.RunSQL(SQL, reverse_sql=migrations.RunSQL.noop),
        migrations.CreateModel(
            name="Entry",
            fields=[
                ("id", models.BigIntegerField(primary_key=True, serialize=False)),
                ("study_id", models.BigIntegerField(help_text="0 for what belongs to no study")),
                ("position", models.BigIntegerField(help_text="place in the study's chain, from 1")),
                ("at", models.DateTimeField(help_text="the database's own clock")),
                (
                    "operation",
                    models.CharField(
                        choices=[("INSERT", "recorded"), ("UPDATE", "changed"), ("DELETE", "removed")],
                        max_length=6,
                    ),
                ),
                ("table_name", models.TextField()),
                ("row_id", models.TextField()),
                ("patient_id", models.BigIntegerField(null=True)),
                ("old", models.JSONField(null=True)),
                ("new", models.JSONField(null=True)),
                ("actor_id", models.TextField()),
                ("actor_name", models.TextField()),
                ("reason", models.TextField()),
                ("request_id", models.TextField()),
                ("client_address", models.TextField()),
                ("session_role", models.TextField()),
                ("previous_hash", models.TextField()),
                ("hash", models.TextField()),
            ],
            options={"db_table": "audit_entry", "managed": False},
        ),
    ]
