import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models
from django.db.models import F, Q

from audit.ddl import AuditTable, FreezeOnceSet, Guard

# A dose is given within the protocol's window around its planned day, during treatment, and near the dose to give.
ADMINISTRATION = """
    SELECT c.patient_id, c.study_id, c.started_on, protocol_on(c.patient_id, c.started_on)
        INTO of_patient, of_study, starts_on, definition FROM patients_cycle c WHERE c.id = NEW.cycle_id;
    IF (of_patient, of_study) IS DISTINCT FROM (NEW.patient_id, NEW.study_id) THEN
        RAISE EXCEPTION 'a dose is given in a cycle of its patient' USING ERRCODE = 'check_violation';
    END IF;
    IF NOT EXISTS (SELECT 1 FROM jsonb_array_elements(definition -> 'agents') a WHERE a ->> 'code' = NEW.agent) THEN
        RAISE EXCEPTION 'the agent is not one of the protocol''s' USING ERRCODE = 'check_violation';
    END IF;
    planned_on := starts_on + NEW.day - 1;
    IF EXISTS (SELECT 1 FROM patients_discontinuation d WHERE d.patient_id = NEW.patient_id
               AND coalesce(NEW.given_on, planned_on) > d."on"
               AND (d.retreated_on IS NULL OR coalesce(NEW.given_on, planned_on) < d.retreated_on)) THEN
        RAISE EXCEPTION 'no dose is given after treatment has ended' USING ERRCODE = 'check_violation';
    END IF;
    IF NEW.outcome = 'given' THEN
        days_before := coalesce((definition #>> '{administrations,window,before}')::int, 0);
        days_after := coalesce((definition #>> '{administrations,window,after}')::int, 0);
        tolerance := coalesce((definition #>> '{administrations,tolerance_percent}')::numeric, 0);
        IF NEW.given_on NOT BETWEEN greatest(planned_on - days_before, starts_on) AND planned_on + days_after THEN
            RAISE EXCEPTION 'a dose is given within the window of its day' USING ERRCODE = 'check_violation';
        END IF;
        IF abs(NEW.given_amount - NEW.amount_to_give) * 100 > tolerance * NEW.amount_to_give AND NEW.reason = '' THEN
            RAISE EXCEPTION 'a deviation from the dose to give has a reason' USING ERRCODE = 'check_violation';
        END IF;
        IF NEW.measurement_id IS NOT NULL AND NOT EXISTS (
            SELECT 1 FROM patients_bodymeasurement m WHERE m.id = NEW.measurement_id
            AND m.patient_id = NEW.patient_id AND m.measured_on <= NEW.given_on) THEN
            RAISE EXCEPTION 'a dose is computed with the patient''s own measurement' USING ERRCODE = 'check_violation';
        END IF;
    END IF;
"""

MEASUREMENT = """
    IF EXISTS (SELECT 1 FROM patients_administration a WHERE a.measurement_id = NEW.id
               AND a.given_on < NEW.measured_on) THEN
        RAISE EXCEPTION 'a dose was computed with this measurement before its day' USING ERRCODE = 'check_violation';
    END IF;
"""

# A cycle's start does not move away from under doses that were given in it.
CYCLE = """
    definition := protocol_on(NEW.patient_id, NEW.started_on);
    days_before := coalesce((definition #>> '{administrations,window,before}')::int, 0);
    days_after := coalesce((definition #>> '{administrations,window,after}')::int, 0);
    IF EXISTS (SELECT 1 FROM patients_administration a WHERE a.cycle_id = NEW.id AND a.given_on NOT BETWEEN
               greatest(NEW.started_on + a.day - 1 - days_before, NEW.started_on)
               AND NEW.started_on + a.day - 1 + days_after) THEN
        RAISE EXCEPTION 'a dose of the cycle would lie outside its window' USING ERRCODE = 'check_violation';
    END IF;
"""

DISCONTINUATION = """
    IF EXISTS (SELECT 1 FROM patients_administration a WHERE a.patient_id = NEW.patient_id
               AND a.given_on > NEW."on" AND (NEW.retreated_on IS NULL OR a.given_on < NEW.retreated_on)) THEN
        RAISE EXCEPTION 'treatment does not end before a dose that was given' USING ERRCODE = 'check_violation';
    END IF;
"""
_BY_WINDOW = "definition jsonb; days_before int; days_after int;"


class Migration(migrations.Migration):
    """Height and weight, from which doses are computed, and what was given of them."""

    dependencies = [
        ("patients", "0006_activities"),
        ("trials", "0002_audit_and_guards"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="BodyMeasurement",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("measured_on", models.DateField()),
                ("height_cm", models.DecimalField(decimal_places=1, max_digits=4)),
                ("weight_kg", models.DecimalField(decimal_places=1, max_digits=4)),
                ("recorded_at", models.DateTimeField()),
                (
                    "patient",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="measurements", to="patients.patient"
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
            options={
                "ordering": ["patient", "measured_on"],
                "constraints": [
                    models.UniqueConstraint(fields=["patient", "measured_on"], name="one_measurement_a_day"),
                    models.CheckConstraint(condition=Q(height_cm__range=(50, 250)), name="height_is_plausible"),
                    models.CheckConstraint(condition=Q(weight_kg__range=(3, 350)), name="weight_is_plausible"),
                    models.CheckConstraint(
                        condition=Q(weight_kg__gte=F("height_cm") * F("height_cm") * 8 / 10000)
                        & Q(weight_kg__lte=F("height_cm") * F("height_cm") * 100 / 10000),
                        name="height_and_weight_fit",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Administration",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("agent", models.CharField(max_length=40)),
                (
                    "day",
                    models.PositiveSmallIntegerField(
                        help_text="planned day, counted from the cycle's first, which is 1"
                    ),
                ),
                ("outcome", models.CharField(choices=[("given", "given"), ("not_given", "not given")], max_length=10)),
                ("given_on", models.DateField(blank=True, null=True)),
                ("given_amount", models.DecimalField(blank=True, decimal_places=3, max_digits=10, null=True)),
                ("amount_to_give", models.DecimalField(blank=True, decimal_places=3, max_digits=10, null=True)),
                ("unit", models.CharField(help_text="of both amounts", max_length=10)),
                (
                    "is_loading",
                    models.BooleanField(default=False, help_text="the first of this agent, at the loading dose"),
                ),
                (
                    "calculation",
                    models.JSONField(default=dict, help_text="of the dose to give: in words, and what went into it"),
                ),
                ("reason", models.TextField(blank=True, help_text="why it was not given, or not the dose to give")),
                ("recorded_at", models.DateTimeField()),
                (
                    "cycle",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="administrations", to="patients.cycle"
                    ),
                ),
                (
                    "measurement",
                    models.ForeignKey(
                        blank=True,
                        help_text="with which the dose to give was computed; none for a fixed dose",
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="administrations",
                        to="patients.bodymeasurement",
                    ),
                ),
                (
                    "patient",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="administrations",
                        to="patients.patient",
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
            options={
                "ordering": ["patient", "cycle", "day", "agent"],
                "constraints": [
                    models.UniqueConstraint(fields=["cycle", "agent", "day"], name="administration_once"),
                    models.UniqueConstraint(
                        fields=["patient", "agent"], condition=Q(is_loading=True), name="one_loading_dose_per_agent"
                    ),
                    models.CheckConstraint(
                        condition=Q(
                            outcome="given",
                            given_on__isnull=False,
                            given_amount__gt=0,
                            given_amount__isnull=False,
                            amount_to_give__gt=0,
                            amount_to_give__isnull=False,
                        )
                        | (
                            Q(outcome="not_given", given_on__isnull=True, given_amount__isnull=True)
                            & Q(amount_to_give__isnull=True, is_loading=False, measurement__isnull=True)
                        ),
                        name="administration_is_whole",
                    ),
                    models.CheckConstraint(condition=Q(outcome="given") | ~Q(reason=""), name="not_given_says_why"),
                    models.CheckConstraint(condition=Q(day__gte=1), name="administration_days_count_from_1"),
                ],
            },
        ),
        AuditTable("patients_bodymeasurement"),
        AuditTable("patients_administration"),
        FreezeOnceSet("patients_bodymeasurement", ["patient_id", "study_id"]),
        FreezeOnceSet("patients_administration", ["patient_id", "study_id", "cycle_id", "agent", "day"]),
        Guard(
            "patients_administration",
            "as_planned",
            "BEFORE INSERT OR UPDATE",
            ADMINISTRATION,
            declare="of_patient bigint; of_study bigint; starts_on date; planned_on date; tolerance numeric;"
            + _BY_WINDOW,
        ),
        Guard("patients_bodymeasurement", "before_its_doses", "BEFORE UPDATE OF measured_on", MEASUREMENT),
        Guard("patients_cycle", "with_its_doses", "BEFORE UPDATE OF started_on", CYCLE, declare=_BY_WINDOW),
        Guard("patients_discontinuation", "after_its_doses", "BEFORE INSERT OR UPDATE", DISCONTINUATION),
    ]
