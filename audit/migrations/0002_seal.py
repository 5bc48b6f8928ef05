from pathlib import Path

from django.db import migrations

SQL = (Path(__file__).parent / "0002_seal.sql").read_text()


class Migration(migrations.Migration):
    """The trail can be verified: no text parts an entry's columns in another way, and a chain's end can be read."""

    dependencies = [("audit", "0001_audit_trail")]

    operations = [migrations.RunSQL(SQL, reverse_sql=migrations.RunSQL.noop)]
