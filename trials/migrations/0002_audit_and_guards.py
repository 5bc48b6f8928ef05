from django.db import migrations

from audit.ddl import AppendOnly, AuditTable, FreezeOnceSet, Guard

TABLES = ["protocolversion", "boundary", "site", "membership", "part", "doselevel", "cohort", "slot"]

LEVEL_IS_OPEN = """
    IF EXISTS (SELECT 1 FROM trials_doselevel l WHERE l.id = NEW.level_id AND l.closed_at IS NOT NULL) THEN
        RAISE EXCEPTION 'a cohort cannot open at a dose level that is closed' USING ERRCODE = 'check_violation';
    END IF;
"""


class Migration(migrations.Migration):
    """Studies under audit, and what never changes once it is set."""

    dependencies = [("trials", "0001_initial"), ("audit", "0001_audit_trail")]

    operations = [
        AuditTable("trials_study", study_column="id"),
        *[AuditTable(f"trials_{name}") for name in TABLES],
        FreezeOnceSet("trials_study", ["key", "is_rehearsal"]),
        FreezeOnceSet("trials_protocolversion", ["study_id", "number", "definition", "sha256", "live_at"]),
        FreezeOnceSet("trials_doselevel", ["study_id", "ordinal"]),
        FreezeOnceSet("trials_cohort", ["study_id", "part_id", "level_id", "number", "size", "opened_at", "closed_at"]),
        FreezeOnceSet("trials_slot", ["study_id", "cohort_id", "number", "replaces_id", "used_at"]),
        AppendOnly("trials_boundary"),
        Guard("trials_cohort", "level_is_open", "BEFORE INSERT", LEVEL_IS_OPEN),
    ]
