from django.db import migrations, models

from audit.ddl import FreezeOnceSet, Guard

DRAFT_ONLY = """
    IF OLD.status <> 'draft' AND (NEW.definition, NEW.sha256) IS DISTINCT FROM (OLD.definition, OLD.sha256) THEN
        RAISE EXCEPTION 'a live protocol version is never edited' USING ERRCODE = 'check_violation';
    END IF;
    IF (NEW.definition IS DISTINCT FROM OLD.definition) <> (NEW.sha256 IS DISTINCT FROM OLD.sha256) THEN
        RAISE EXCEPTION 'a definition and its digest change together' USING ERRCODE = 'check_violation';
    END IF;
"""

# Looked at when the transaction commits: whoever made the version live, and however, the roles that its definition
# names have signed this very definition. What was signed is compared, not the digest that the version claims.
# A rehearsal gives doses to nobody and needs no signature.
SIGNED = """
    IF NEW.status <> 'live' OR (TG_OP = 'UPDATE' AND OLD.status = 'live') THEN RETURN NEW; END IF;
    IF NOT EXISTS (SELECT 1 FROM trials_site t WHERE t.study_id = NEW.study_id) THEN
        RAISE EXCEPTION 'a study without a site cannot be live' USING ERRCODE = 'check_violation';
    END IF;
    IF EXISTS (SELECT 1 FROM trials_study s WHERE s.id = NEW.study_id AND s.is_rehearsal) THEN RETURN NEW; END IF;
    needed := coalesce(nullif(NEW.definition -> 'signatures' -> 'set_up', '[]'),
                       '["principal_investigator", "statistician"]');
    IF EXISTS (
        SELECT 1 FROM jsonb_array_elements_text(needed) AS role_needed (role)
        WHERE NOT EXISTS (
            SELECT 1 FROM accounts_signature s
            WHERE s.record_kind = 'trials.setup' AND s.study_id = NEW.study_id
            AND s.record_key LIKE NEW.id || '-%' AND s.role = role_needed.role
            AND s.record_json::jsonb = NEW.definition
            AND s.record_sha256 = encode(sha256(convert_to(s.record_json, 'UTF8')), 'hex'))
    ) THEN
        RAISE EXCEPTION 'a protocol version is live when every role that it names has signed it'
            USING ERRCODE = 'check_violation';
    END IF;
"""

# A signature on a set-up is by somebody who holds the role, on the draft as it is.
SIGNATURE = """
    IF NEW.record_kind <> 'trials.setup' THEN RETURN NEW; END IF;
    IF NOT EXISTS (SELECT 1 FROM trials_protocolversion v WHERE v.study_id = NEW.study_id AND v.status = 'draft'
                   AND NEW.record_key LIKE v.id || '-%' AND v.sha256 = NEW.record_sha256
                   AND v.definition = NEW.record_json::jsonb) THEN
        RAISE EXCEPTION 'there is no such draft that waits for this signature' USING ERRCODE = 'check_violation';
    END IF;
    IF NOT EXISTS (SELECT 1 FROM trials_membership m WHERE m.user_id = NEW.signer_id AND m.study_id = NEW.study_id
                   AND m.role = NEW.role AND m.site_id IS NULL AND m.ended_at IS NULL) THEN
        RAISE EXCEPTION 'the signer does not hold this role in the study' USING ERRCODE = 'check_violation';
    END IF;
"""


class Migration(migrations.Migration):
    """A draft is edited until it is live; live it is only what the roles that it names have signed."""

    dependencies = [
        ("trials", "0004_what_stops_registration"),
        ("accounts", "0002_audit"),
    ]

    operations = [
        migrations.AlterField(
            model_name="protocolversion",
            name="definition",
            field=models.JSONField(help_text="the whole study file, validated before it is live"),
        ),
        migrations.RunSQL("DROP TRIGGER frozen ON trials_protocolversion", migrations.RunSQL.noop),
        FreezeOnceSet("trials_protocolversion", ["study_id", "number", "live_at"]),
        Guard("trials_protocolversion", "draft_only", "BEFORE UPDATE", DRAFT_ONLY),
        Guard(
            "trials_protocolversion", "signed", "AFTER INSERT OR UPDATE", SIGNED, declare="needed jsonb;", deferred=True
        ),
        Guard("accounts_signature", "on_a_set_up", "BEFORE INSERT", SIGNATURE),
    ]
