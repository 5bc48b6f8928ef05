import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models
from django.db.models import F, Q

from audit.ddl import AuditTable, FreezeOnceSet, Guard

# What is recorded is one of the activities, or one of the visits, of the patient's protocol: of any version that the
# patient follows, since what an older one planned can stay.
PLANNED = """
    IF NOT EXISTS (
        SELECT 1 FROM versions_of_patient(NEW.patient_id) v,
            jsonb_array_elements(coalesce(v.definition -> 'activities', '[]')) activity,
            jsonb_array_elements(activity -> 'timepoints') timepoint
        WHERE activity ->> 'code' = NEW.activity AND timepoint ->> 'code' = NEW.timepoint
        UNION ALL
        SELECT 1 FROM versions_of_patient(NEW.patient_id) v,
            jsonb_array_elements(coalesce(v.definition -> 'visits', '[]')) visit
        WHERE NEW.activity = 'visits' AND visit ->> 'code' = NEW.timepoint) THEN
        RAISE EXCEPTION 'the activity is not one of the protocol''s' USING ERRCODE = 'check_violation';
    END IF;
"""


class Migration(migrations.Migration):
    """Activities of the schedule that were done or missed."""

    dependencies = [
        ("patients", "0005_lead_in"),
        ("trials", "0002_audit_and_guards"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="ActivityRecord",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "activity",
                    models.CharField(help_text="code of the protocol's activity; 'visits' for a visit", max_length=40),
                ),
                ("timepoint", models.CharField(help_text="code of its time point", max_length=40)),
                (
                    "cycle",
                    models.PositiveSmallIntegerField(
                        blank=True, help_text="where it comes back every cycle", null=True
                    ),
                ),
                ("outcome", models.CharField(choices=[("done", "done"), ("missed", "missed")], max_length=10)),
                ("planned_on", models.DateField()),
                ("window_from", models.DateField()),
                ("window_to", models.DateField()),
                ("done_on", models.DateField(blank=True, null=True)),
                ("out_of_window_reason", models.TextField(blank=True)),
                ("missed_reason", models.TextField(blank=True)),
                ("recorded_at", models.DateTimeField()),
                (
                    "patient",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="activities", to="patients.patient"
                    ),
                ),
                (
                    "recorded_by",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to=settings.AUTH_USER_MODEL
                    ),
                ),
                (
                    "study",
                    models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name="+", to="trials.study"),
                ),
            ],
            options={"ordering": ["patient", "planned_on", "pk"]},
        ),
        migrations.AddConstraint(
            model_name="activityrecord",
            constraint=models.UniqueConstraint(
                fields=["patient", "activity", "timepoint", "cycle"], name="activity_once", nulls_distinct=False
            ),
        ),
        migrations.AddConstraint(
            model_name="activityrecord",
            constraint=models.CheckConstraint(
                condition=Q(outcome="done", done_on__isnull=False, missed_reason="")
                | (Q(outcome="missed", done_on__isnull=True, out_of_window_reason="") & ~Q(missed_reason="")),
                name="done_has_a_day_missed_a_reason",
            ),
        ),
        migrations.AddConstraint(
            model_name="activityrecord",
            constraint=models.CheckConstraint(
                condition=Q(done_on__isnull=True)
                | Q(done_on__gte=F("window_from"), done_on__lte=F("window_to"))
                | ~Q(out_of_window_reason=""),
                name="activity_out_of_window_has_a_reason",
            ),
        ),
        migrations.AddConstraint(
            model_name="activityrecord",
            constraint=models.CheckConstraint(
                condition=Q(planned_on__gte=F("window_from"), planned_on__lte=F("window_to")),
                name="activity_planned_in_its_window",
            ),
        ),
        AuditTable("patients_activityrecord"),
        FreezeOnceSet("patients_activityrecord", ["patient_id", "study_id", "activity", "timepoint"]),
        Guard("patients_activityrecord", "of_the_protocol", "BEFORE INSERT OR UPDATE", PLANNED),
    ]
