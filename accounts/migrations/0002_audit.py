from django.db import migrations

from audit.ddl import AppendOnly, AuditTable, FreezeOnceSet

RUNG_ITSELF = """
SELECT set_config('rung.actor_id', '0', true), set_config('rung.actor_name', 'rung', true),
       set_config('rung.reason', 'migration: Rung itself is an actor', true);
INSERT INTO accounts_user (username, full_name, email, is_active, is_person, password)
VALUES ('rung', 'Rung', '', true, false, '!');
SELECT set_config('rung.actor_id', '', true), set_config('rung.actor_name', '', true), set_config('rung.reason', '', true);
"""


class Migration(migrations.Migration):
    """People and signatures under audit; Rung itself as an actor that cannot sign in."""

    dependencies = [("accounts", "0001_initial"), ("audit", "0001_audit_trail")]

    operations = [
        AuditTable("accounts_user", study_column="", ignored=["last_login"], hidden=["password"]),
        FreezeOnceSet("accounts_user", ["username", "is_person"]),
        AuditTable("accounts_signature"),
        AppendOnly("accounts_signature"),
        migrations.RunSQL(RUNG_ITSELF, reverse_sql=migrations.RunSQL.noop),
    ]
