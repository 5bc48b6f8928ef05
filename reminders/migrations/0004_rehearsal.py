import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models
from django.db.models import Q

import accounts.models
from audit.ddl import AppendOnly, AuditTable, Guard

OF_A_REHEARSAL = """
    IF NOT EXISTS (SELECT FROM trials_study WHERE id = NEW.study_id AND is_rehearsal) THEN
        RAISE EXCEPTION 'study % is not a rehearsal, and is never played', NEW.study_id
            USING ERRCODE = 'check_violation';
    END IF;
"""
PROTECT = django.db.models.deletion.PROTECT


def _key() -> models.BigAutoField:
    return models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")


class Migration(migrations.Migration):
    """Rehearsal copies that are played through, and how far each play has come."""

    dependencies = [
        ("reminders", "0003_digest_day"),
        ("trials", "0006_amendments"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="Rehearsal",
            fields=[
                ("id", _key()),
                ("scenario", models.JSONField(help_text="reminders.rehearsal.fate.Scenario")),
                ("seed", models.PositiveIntegerField()),
                ("started_on", models.DateField(help_text="the rehearsal's first day")),
                (
                    "source",
                    models.ForeignKey(on_delete=PROTECT, related_name="rehearsals", to="trials.study"),
                ),
                (
                    "started_by",
                    models.ForeignKey(on_delete=PROTECT, related_name="+", to=settings.AUTH_USER_MODEL),
                ),
                (
                    "study",
                    models.OneToOneField(on_delete=PROTECT, related_name="rehearsal", to="trials.study"),
                ),
            ],
        ),
        migrations.CreateModel(
            name="Play",
            fields=[
                ("id", _key()),
                (
                    "status",
                    models.CharField(
                        choices=[
                            ("running", "running"),
                            ("done", "played to the end"),
                            ("stopped", "stopped"),
                            ("failed", "could not go on"),
                        ],
                        default="running",
                        max_length=8,
                    ),
                ),
                ("days", models.PositiveIntegerField(default=0, help_text="played so far")),
                ("started_at", models.DateTimeField(db_default=accounts.models.DatabaseClock())),
                ("last_day_at", models.DateTimeField(db_default=accounts.models.DatabaseClock())),
                ("failure", models.TextField(blank=True)),
                (
                    "rehearsal",
                    models.ForeignKey(on_delete=PROTECT, related_name="plays", to="reminders.rehearsal"),
                ),
                (
                    "started_by",
                    models.ForeignKey(on_delete=PROTECT, related_name="+", to=settings.AUTH_USER_MODEL),
                ),
            ],
            options={
                "ordering": ["pk"],
                "constraints": [
                    models.UniqueConstraint(
                        condition=Q(status="running"), fields=("rehearsal",), name="one_play_at_a_time"
                    ),
                    models.CheckConstraint(
                        condition=(Q(status="failed") & ~Q(failure="")) | (~Q(status="failed") & Q(failure="")),
                        name="failed_play_says_why",
                    ),
                ],
            },
        ),
        AuditTable("reminders_rehearsal"),
        AppendOnly("reminders_rehearsal"),
        Guard("reminders_rehearsal", "of_a_rehearsal", "BEFORE INSERT", OF_A_REHEARSAL),
    ]
