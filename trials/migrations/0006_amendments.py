import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

from audit.ddl import AppendOnly, AuditTable, Guard

# A site follows what was approved, from the day of its approval at the earliest.
APPROVED = """
    IF NOT EXISTS (SELECT 1 FROM trials_protocolversion v JOIN trials_site s ON s.study_id = v.study_id
                   WHERE v.id = NEW.version_id AND s.id = NEW.site_id AND v.study_id = NEW.study_id
                   AND v.live_at IS NOT NULL AND NEW.from_day >= (v.live_at AT TIME ZONE s.time_zone)::date) THEN
        RAISE EXCEPTION 'a site follows a protocol version from its approval at the earliest'
            USING ERRCODE = 'check_violation';
    END IF;
    IF EXISTS (SELECT 1 FROM trials_versionatsite o JOIN trials_protocolversion ov ON ov.id = o.version_id
               JOIN trials_protocolversion v ON v.id = NEW.version_id
               WHERE o.site_id = NEW.site_id AND ((ov.number > v.number AND o.from_day <= NEW.from_day)
                                                  OR (ov.number < v.number AND o.from_day > NEW.from_day))) THEN
        RAISE EXCEPTION 'a site follows protocol versions in their order' USING ERRCODE = 'check_violation';
    END IF;
"""

# A version that was live, or was withdrawn, never is what it was before again.
ONE_WAY = """
    IF (OLD.status, NEW.status) NOT IN (('draft', 'draft'), ('draft', 'live'), ('draft', 'withdrawn'), ('live', 'live'),
                                        ('live', 'superseded'), ('superseded', 'superseded'),
                                        ('withdrawn', 'withdrawn')) THEN
        RAISE EXCEPTION 'a protocol version cannot go from % to %', OLD.status, NEW.status
            USING ERRCODE = 'check_violation';
    END IF;
"""


class Migration(migrations.Migration):
    """Amendments: from which day a site follows which protocol version."""

    dependencies = [("trials", "0005_setup"), migrations.swappable_dependency(settings.AUTH_USER_MODEL)]

    operations = [
        migrations.AlterField(
            model_name="protocolversion",
            name="status",
            field=models.CharField(
                choices=[
                    ("draft", "draft"),
                    ("live", "live"),
                    ("superseded", "superseded"),
                    ("withdrawn", "withdrawn"),
                ],
                default="draft",
                max_length=12,
            ),
        ),
        migrations.RemoveConstraint("protocolversion", "live_version_has_its_date"),
        migrations.AddConstraint(
            "protocolversion",
            models.CheckConstraint(
                condition=models.Q(status__in=["draft", "withdrawn"], live_at__isnull=True)
                | (~models.Q(status__in=["draft", "withdrawn"]) & models.Q(live_at__isnull=False)),
                name="live_version_has_its_date",
            ),
        ),
        migrations.CreateModel(
            name="VersionAtSite",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("from_day", models.DateField()),
                ("set_at", models.DateTimeField()),
                (
                    "set_by",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to=settings.AUTH_USER_MODEL
                    ),
                ),
                (
                    "site",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="versions", to="trials.site"
                    ),
                ),
                (
                    "study",
                    models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name="+", to="trials.study"),
                ),
                (
                    "version",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="at_sites",
                        to="trials.protocolversion",
                    ),
                ),
            ],
            options={"verbose_name_plural": "versions at sites", "ordering": ["site", "version__number"]},
        ),
        migrations.AddConstraint(
            "versionatsite", models.UniqueConstraint(fields=("version", "site"), name="version_at_site_once")
        ),
        AuditTable("trials_versionatsite"),
        AppendOnly("trials_versionatsite"),
        Guard("trials_versionatsite", "approved", "BEFORE INSERT", APPROVED),
        Guard("trials_protocolversion", "one_way", "BEFORE UPDATE", ONE_WAY),
    ]
