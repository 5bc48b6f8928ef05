from django.db import migrations

from audit.ddl import AuditTable


class Migration(migrations.Migration):
    dependencies = [("reminders", "0001_initial"), ("audit", "0001_audit_trail")]

    operations = [AuditTable("reminders_feed", hidden=["token"])]
