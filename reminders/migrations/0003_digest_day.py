import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    """A note per morning, so that a study's digests are planned once a day and time zone."""

    dependencies = [("reminders", "0002_audit"), ("trials", "0002_audit_and_guards")]

    operations = [
        migrations.AlterField(
            model_name="reminder",
            name="cancelled_by",
            field=models.ForeignKey(
                blank=True,
                help_text="who cancelled it, or let an uncertain one be",
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.CreateModel(
            name="DigestDay",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("time_zone", models.CharField(max_length=60)),
                ("day", models.DateField()),
                ("planned_at", models.DateTimeField()),
                (
                    "study",
                    models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name="+", to="trials.study"),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(fields=("study", "time_zone", "day"), name="digests_planned_once")
                ],
            },
        ),
    ]
