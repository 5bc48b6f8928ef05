from django.db import migrations

from audit.ddl import AppendOnly, AuditTable, FreezeOnceSet

# When somebody was last in, and when failures were last forgotten, is no change that anybody made.
USERS_AGAIN = """
DROP TRIGGER audit_record ON accounts_user;
CREATE TRIGGER audit_record AFTER INSERT OR UPDATE OR DELETE ON accounts_user
    FOR EACH ROW EXECUTE FUNCTION audit.record('', 'last_login,failures_forgotten_at', 'password');
ALTER TABLE accounts_user ENABLE ALWAYS TRIGGER audit_record;
"""
USERS_BEFORE = """
DROP TRIGGER audit_record ON accounts_user;
CREATE TRIGGER audit_record AFTER INSERT OR UPDATE OR DELETE ON accounts_user
    FOR EACH ROW EXECUTE FUNCTION audit.record('', 'last_login', 'password');
ALTER TABLE accounts_user ENABLE ALWAYS TRIGGER audit_record;
"""
# A name that was once somebody's stays theirs: no row of a person goes away, whoever asks.
NOBODY_GOES_AWAY = """
CREATE TRIGGER nobody_goes_away BEFORE DELETE ON accounts_user FOR EACH ROW EXECUTE FUNCTION audit.refuse();
ALTER TABLE accounts_user ENABLE ALWAYS TRIGGER nobody_goes_away;
"""
# Logs: rows are added and stay.
ONLY_ADDED = "REVOKE UPDATE, DELETE, TRUNCATE ON accounts_usedcode, accounts_failedattempt FROM rung_app;"
# An app or a passkey is taken away by deleting its row; the trail keeps that it was there.
MAY_BE_TAKEN_AWAY = "GRANT DELETE ON mfa_authenticator TO rung_app;"
# A person's e-mail address is the User's. The table that django-allauth has for others stays empty.
NO_OTHER_ADDRESSES = "REVOKE INSERT, UPDATE ON account_emailaddress, account_emailconfirmation FROM rung_app;"


class Migration(migrations.Migration):
    """Who may sign in, and with what, is under audit; what must only be added is only added."""

    dependencies = [
        ("accounts", "0005_people_and_sign_in"),
        ("account", "0009_emailaddress_unique_primary_email"),
        ("mfa", "0003_authenticator_type_uniq"),
    ]

    operations = [
        migrations.RunSQL(USERS_AGAIN, reverse_sql=USERS_BEFORE),
        migrations.RunSQL(NOBODY_GOES_AWAY, reverse_sql="DROP TRIGGER nobody_goes_away ON accounts_user;"),
        AuditTable("accounts_lockout", study_column=""),
        FreezeOnceSet("accounts_lockout", ["name_key", "user_id", "address", "began_at", "until", "released_at"]),
        AuditTable("accounts_invitation", study_column="", hidden=["token_sha256"]),
        FreezeOnceSet("accounts_invitation", ["user_id", "token_sha256", "expires_at", "used_at", "withdrawn_at"]),
        AuditTable("mfa_authenticator", study_column="", ignored=["last_used_at"], hidden=["data"]),
        migrations.RunSQL(MAY_BE_TAKEN_AWAY, reverse_sql="REVOKE DELETE ON mfa_authenticator FROM rung_app;"),
        AppendOnly("accounts_usedcode"),
        AppendOnly("accounts_failedattempt"),
        migrations.RunSQL(ONLY_ADDED, reverse_sql=migrations.RunSQL.noop),
        migrations.RunSQL(NO_OTHER_ADDRESSES, reverse_sql=migrations.RunSQL.noop),
    ]
