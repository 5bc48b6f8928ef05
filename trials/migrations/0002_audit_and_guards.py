from django.db import migrations

from audit.ddl import AppendOnly, AuditTable, FreezeOnceSet, Guard

TABLES = ["protocolversion", "boundary", "site", "membership", "part", "doselevel", "cohort", "slot"]

LEVEL_IS_OPEN = """
    IF EXISTS (SELECT 1 FROM trials_doselevel l WHERE l.id = NEW.level_id AND l.closed_at IS NOT NULL) THEN
        RAISE EXCEPTION 'a cohort cannot open at a dose level that is closed' USING ERRCODE = 'check_violation';
    END IF;
"""

# A cohort has as many places as were signed; more only in the place of somebody in it who is not evaluable.
SLOT_WAS_SIGNED = """
    IF NEW.replaces_id IS NULL
       AND NOT EXISTS (SELECT 1 FROM trials_cohort c WHERE c.id = NEW.cohort_id AND NEW.number BETWEEN 1 AND c.size) THEN
        RAISE EXCEPTION 'a cohort has no more slots than its signed size' USING ERRCODE = 'check_violation';
    END IF;
    IF NEW.replaces_id IS NOT NULL AND NOT EXISTS (
        SELECT 1 FROM trials_slot s WHERE s.id = NEW.replaces_id AND s.cohort_id = NEW.cohort_id AND s.used_at IS NOT NULL
    ) THEN
        RAISE EXCEPTION 'a slot replaces a used one of the same cohort' USING ERRCODE = 'check_violation';
    END IF;
"""

# An extra place cannot be passed off later as one that was signed, nor the other way round.
SLOT_STAYS = """
    IF NEW.replaces_id IS DISTINCT FROM OLD.replaces_id THEN
        RAISE EXCEPTION 'what a slot replaces cannot be changed' USING ERRCODE = 'check_violation';
    END IF;
"""

# What the safety stop closed stays closed, for the reason given then.
CLOSED_STAYS = """
    IF OLD.closed_at IS NOT NULL AND NEW.closed_reason <> OLD.closed_reason THEN
        RAISE EXCEPTION 'why a dose level was closed cannot be changed' USING ERRCODE = 'check_violation';
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
        FreezeOnceSet("trials_doselevel", ["study_id", "ordinal", "closed_at"]),
        FreezeOnceSet("trials_cohort", ["study_id", "part_id", "level_id", "number", "size", "opened_at", "closed_at"]),
        FreezeOnceSet("trials_slot", ["study_id", "cohort_id", "number", "replaces_id", "used_at"]),
        AppendOnly("trials_boundary"),
        Guard("trials_cohort", "level_is_open", "BEFORE INSERT", LEVEL_IS_OPEN),
        Guard("trials_doselevel", "closed_stays", "BEFORE UPDATE", CLOSED_STAYS),
        Guard("trials_slot", "was_signed", "BEFORE INSERT", SLOT_WAS_SIGNED),
        Guard("trials_slot", "stays", "BEFORE UPDATE", SLOT_STAYS),
    ]
