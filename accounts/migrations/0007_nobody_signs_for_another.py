from django.db import migrations

from audit.ddl import Guard

THE_ACTOR = """
    IF coalesce(current_setting('rung.actor_id', true), '') <> NEW.signer_id::text THEN
        RAISE EXCEPTION 'nobody signs for another' USING ERRCODE = 'check_violation';
    END IF;
"""


class Migration(migrations.Migration):
    """The signer of a signature is who acts: an administrator or a mistake in a program signs for nobody else."""

    dependencies = [("accounts", "0006_people_under_audit")]

    operations = [Guard("accounts_signature", "signed_by_who_acts", "BEFORE INSERT", THE_ACTOR)]
