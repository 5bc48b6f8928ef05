from django.db import migrations

from audit.ddl import AuditTable


class Migration(migrations.Migration):
    dependencies = [("labs", "0001_initial"), ("audit", "0001_audit_trail")]

    operations = [AuditTable("labs_collection"), AuditTable("labs_tube")]
