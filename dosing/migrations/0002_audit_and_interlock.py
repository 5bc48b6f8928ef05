from django.db import migrations

from audit.ddl import AppendOnly, AuditTable, FreezeOnceSet, Guard

# The roles that the protocol names for this kind of decision, of which none has signed yet.
UNSIGNED_ROLES = """
    SELECT needed.role FROM dosing_recommendation r
    JOIN trials_protocolversion v ON v.id = r.version_id,
    jsonb_array_elements_text(
        v.definition -> 'signatures' -> CASE r.kind WHEN 'mtd' THEN 'mtd' ELSE 'dose_decision' END) AS needed (role)
    WHERE r.id = {recommendation}
    AND NOT EXISTS (SELECT 1 FROM accounts_signature s WHERE s.record_kind = 'dosing.decision'
                    AND s.record_key = {decision}::text AND s.role = needed.role)
"""

# Rule 6: never higher than recommended, never a closed level.
CHOICE = """
    SELECT l.ordinal INTO recommended FROM dosing_recommendation r
    LEFT JOIN trials_doselevel l ON l.id = r.level_id WHERE r.id = NEW.recommendation_id;
    SELECT l.ordinal, l.closed_at INTO chosen, chosen_closed FROM trials_doselevel l WHERE l.id = NEW.level_id;
    IF chosen IS NOT NULL AND (recommended IS NULL OR chosen > recommended) THEN
        RAISE EXCEPTION 'a dose higher than recommended cannot be chosen' USING ERRCODE = 'check_violation';
    END IF;
    IF chosen_closed IS NOT NULL AND TG_OP = 'INSERT' THEN
        RAISE EXCEPTION 'an eliminated dose cannot be chosen' USING ERRCODE = 'check_violation';
    END IF;
    IF NEW.status = 'signed' AND EXISTS ({unsigned}) THEN
        RAISE EXCEPTION 'a decision is signed when every role that the protocol names has signed'
            USING ERRCODE = 'check_violation';
    END IF;
""".replace("{unsigned}", UNSIGNED_ROLES.format(recommendation="NEW.recommendation_id", decision="NEW.id"))

# What was proposed stays as it was, an empty dose or size as well; what was signed opened what it opened; and what was
# withdrawn stays withdrawn, so that a decision signed by some in its time does not come back.
STANDS = """
    IF (NEW.level_id, NEW.cohort_size) IS DISTINCT FROM (OLD.level_id, OLD.cohort_size) THEN
        RAISE EXCEPTION 'the dose and size of a decision cannot be changed' USING ERRCODE = 'check_violation';
    END IF;
    IF OLD.status = 'signed' AND NEW.opened_cohort_id IS DISTINCT FROM OLD.opened_cohort_id THEN
        RAISE EXCEPTION 'what a signed decision opened cannot be changed' USING ERRCODE = 'check_violation';
    END IF;
    IF NEW.opened_cohort_id IS NOT NULL AND (NEW.status <> 'signed' OR NEW.choice IN ('hold', 'stop')) THEN
        RAISE EXCEPTION 'a cohort is opened by a signed decision for a dose only' USING ERRCODE = 'check_violation';
    END IF;
    IF OLD.status <> 'proposed'
       AND (NEW.status, NEW.withdrawn_reason) IS DISTINCT FROM (OLD.status, OLD.withdrawn_reason) THEN
        RAISE EXCEPTION 'a decision that was signed or withdrawn stays so' USING ERRCODE = 'check_violation';
    END IF;
"""

# Rules 4 and 9: looked at when the transaction commits, whoever opened the cohort and however.
INTERLOCK = """
    IF NEW.number = 1 AND NOT EXISTS (SELECT 1 FROM trials_cohort c WHERE c.study_id = NEW.study_id AND c.id < NEW.id)
       AND EXISTS (SELECT 1 FROM trials_part p WHERE p.id = NEW.part_id AND p.kind = 'escalation') THEN
        RETURN NEW;
    END IF;
    IF NOT EXISTS (SELECT 1 FROM dosing_decision d WHERE d.opened_cohort_id = NEW.id AND d.status = 'signed'
                   AND d.choice NOT IN ('hold', 'stop') AND d.study_id = NEW.study_id AND d.level_id = NEW.level_id AND d.cohort_size = NEW.size) THEN
        RAISE EXCEPTION 'a cohort opens with a signed decision only' USING ERRCODE = 'check_violation';
    END IF;
"""

# A signature on a decision is by somebody who holds the role, on a decision that still waits for it.
SIGNATURE = """
    IF NEW.record_kind <> 'dosing.decision' THEN RETURN NEW; END IF;
    IF NOT EXISTS (SELECT 1 FROM dosing_decision d WHERE d.id::text = NEW.record_key AND d.study_id = NEW.study_id
                   AND d.status = 'proposed') THEN
        RAISE EXCEPTION 'there is no decision that waits for this signature' USING ERRCODE = 'check_violation';
    END IF;
    IF NOT EXISTS (SELECT 1 FROM trials_membership m WHERE m.user_id = NEW.signer_id AND m.study_id = NEW.study_id
                   AND m.role = NEW.role AND m.site_id IS NULL AND m.ended_at IS NULL) THEN
        RAISE EXCEPTION 'the signer does not hold this role in the study' USING ERRCODE = 'check_violation';
    END IF;
"""


class Migration(migrations.Migration):
    """Recommendations and decisions under audit, and the interlock: no cohort without its signatures."""

    dependencies = [
        ("dosing", "0001_initial"),
        ("accounts", "0002_audit"),
        ("trials", "0002_audit_and_guards"),
        ("audit", "0001_audit_trail"),
    ]

    operations = [
        AuditTable("dosing_recommendation"),
        AppendOnly("dosing_recommendation"),
        AuditTable("dosing_decision"),
        FreezeOnceSet(
            "dosing_decision",
            [
                "study_id",
                "recommendation_id",
                "choice",
                "level_id",
                "cohort_size",
                "comment",
                "roles_required",
                "proposed_at",
                "proposed_by_id",
                "signed_at",
                "withdrawn_at",
                "opened_cohort_id",
            ],
        ),
        Guard("dosing_decision", "stands", "BEFORE UPDATE", STANDS),
        Guard(
            "dosing_decision",
            "choice",
            "BEFORE INSERT OR UPDATE",
            CHOICE,
            declare="recommended int; chosen int; chosen_closed timestamptz;",
        ),
        Guard("trials_cohort", "interlock", "AFTER INSERT", INTERLOCK, deferred=True),
        Guard("accounts_signature", "on_a_decision", "BEFORE INSERT", SIGNATURE),
    ]
