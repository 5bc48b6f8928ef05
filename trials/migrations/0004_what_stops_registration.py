from django.db import migrations, models

from audit.ddl import Guard

# A place is not taken while the dose is being decided, whatever page, interface or script asks.
NOT_WHILE_A_DECISION_WAITS = """
    IF OLD.used_at IS NULL AND NEW.used_at IS NOT NULL
       AND EXISTS (SELECT 1 FROM trials_study s WHERE s.id = NEW.study_id AND s.decision_waits_since IS NOT NULL) THEN
        RAISE EXCEPTION 'nobody can be registered while a decision waits' USING ERRCODE = 'check_violation';
    END IF;
"""


class Migration(migrations.Migration):
    """Registration stops while a signed decision holds it, and while a recommendation waits to be decided."""

    dependencies = [
        ("trials", "0003_write_requests_once"),
    ]

    operations = [
        migrations.AddField(
            model_name="study",
            name="decision_waits_on",
            field=models.CharField(blank=True, help_text="digest of the data to be decided on", max_length=80),
        ),
        migrations.AddField(
            model_name="study",
            name="decision_waits_since",
            field=models.DateTimeField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name="study",
            name="held_reason",
            field=models.TextField(blank=True, help_text="why a signed decision holds registration; empty when none"),
        ),
        Guard("trials_slot", "not_while_a_decision_waits", "BEFORE UPDATE OF used_at", NOT_WHILE_A_DECISION_WAITS),
    ]
