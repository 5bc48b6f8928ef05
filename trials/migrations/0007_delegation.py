import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

from audit.ddl import AppendOnly, AuditTable, FreezeOnceSet, Guard

# Whose role it is, where and when, never changes: other days are another delegation. It can only be ended.
STAYS = """
    IF (NEW.study_id, NEW.user_id, NEW.site_id, NEW.role, NEW.from_day, NEW.to_day, NEW.granted_at, NEW.granted_by_id)
       IS DISTINCT FROM
       (OLD.study_id, OLD.user_id, OLD.site_id, OLD.role, OLD.from_day, OLD.to_day, OLD.granted_at, OLD.granted_by_id)
    THEN
        RAISE EXCEPTION 'a delegation is never changed; it is ended, and another one made' USING ERRCODE = 'check_violation';
    END IF;
"""

# A signature in a role of the study is by somebody to whom the role is delegated today, by the database's own clock
# (in a rehearsal: on its day), and of whom the checks are recorded that the live protocol version asks for.
DELEGATED = """
    IF NEW.role NOT IN ('coordinator', 'investigator', 'principal_investigator', 'medical_monitor', 'statistician',
                        'data_manager', 'monitor', 'edc')
       OR NOT EXISTS (SELECT 1 FROM trials_study s WHERE s.id = NEW.study_id) THEN
        RETURN NEW;
    END IF;
    IF NOT EXISTS (
        SELECT 1 FROM trials_membership m JOIN trials_study s ON s.id = m.study_id LEFT JOIN trials_site t ON t.id = m.site_id
        WHERE m.study_id = NEW.study_id AND m.user_id = NEW.signer_id AND m.role = NEW.role AND m.ended_at IS NULL
          AND coalesce(s.rehearsal_day, (clock_timestamp() AT TIME ZONE coalesce(t.time_zone, s.time_zone))::date)
              BETWEEN coalesce(m.from_day, '-infinity') AND coalesce(m.to_day, 'infinity')
    ) THEN
        RAISE EXCEPTION 'the role is not delegated to the signer today' USING ERRCODE = 'check_violation';
    END IF;
    IF EXISTS (
        SELECT 1 FROM trials_protocolversion v WHERE v.study_id = NEW.study_id AND v.status = 'live'
          AND ((v.definition -> 'delegation' -> 'training' = 'true' AND NOT EXISTS (
                    SELECT 1 FROM trials_personcheck c WHERE c.study_id = NEW.study_id AND c.user_id = NEW.signer_id
                    AND c.kind = 'training' AND c.version_id = v.id))
            OR (v.definition -> 'delegation' -> 'identity_check' = 'true' AND NOT EXISTS (
                    SELECT 1 FROM trials_personcheck c WHERE c.study_id = NEW.study_id AND c.user_id = NEW.signer_id
                    AND c.kind = 'identity')))
    ) THEN
        RAISE EXCEPTION 'a check of the signer that the protocol asks for is not recorded' USING ERRCODE = 'check_violation';
    END IF;
"""


class Migration(migrations.Migration):
    """A role is delegated from a day to a day, and asks for the checks of the person that the study file names."""

    dependencies = [
        ("trials", "0006_amendments"),
        ("accounts", "0004_what_a_signature_stands_on"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AddField(
            "membership",
            "from_day",
            models.DateField(blank=True, help_text="the first day, in the site's zone or the study's", null=True),
        ),
        migrations.AddField("membership", "to_day", models.DateField(blank=True, help_text="the last day", null=True)),
        migrations.AddConstraint(
            "membership",
            models.CheckConstraint(
                condition=models.Q(to_day__gte=models.F("from_day")), name="delegated_from_before_to"
            ),
        ),
        migrations.CreateModel(
            name="PersonCheck",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "kind",
                    models.CharField(choices=[("identity", "identity check"), ("training", "training")], max_length=10),
                ),
                ("done_on", models.DateField()),
                ("how", models.CharField(help_text="what was looked at, or what the training was", max_length=200)),
                ("recorded_at", models.DateTimeField()),
                (
                    "recorded_by",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to=settings.AUTH_USER_MODEL
                    ),
                ),
                (
                    "study",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="person_checks", to="trials.study"
                    ),
                ),
                (
                    "user",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="person_checks",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "version",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="trainings",
                        to="trials.protocolversion",
                    ),
                ),
            ],
            options={
                "ordering": ["recorded_at"],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("study", "user", "kind", "version"),
                        name="person_check_once",
                        nulls_distinct=False,
                    ),
                    models.CheckConstraint(
                        condition=models.Q(kind="training", version__isnull=False)
                        | models.Q(kind="identity", version__isnull=True),
                        name="training_is_on_a_version",
                    ),
                ],
            },
        ),
        AuditTable("trials_personcheck"),
        AppendOnly("trials_personcheck"),
        FreezeOnceSet("trials_membership", ["ended_at"]),
        Guard("trials_membership", "stays", "BEFORE UPDATE", STAYS),
        Guard("accounts_signature", "was_delegated", "BEFORE INSERT", DELEGATED),
    ]
