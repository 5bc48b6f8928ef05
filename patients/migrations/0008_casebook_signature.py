from django.db import migrations

from audit.ddl import Guard

# A signature on a casebook is by a principal investigator of the patient's study, on a patient that is there.
CASEBOOK = """
    IF NEW.record_kind <> 'patients.casebook' THEN RETURN NEW; END IF;
    IF NEW.role <> 'principal_investigator' OR NOT EXISTS (
        SELECT 1 FROM trials_membership m WHERE m.user_id = NEW.signer_id AND m.study_id = NEW.study_id
        AND m.role = NEW.role AND m.site_id IS NULL AND m.ended_at IS NULL) THEN
        RAISE EXCEPTION 'the signer does not hold this role in the study' USING ERRCODE = 'check_violation';
    END IF;
    IF NOT EXISTS (SELECT 1 FROM patients_patient p WHERE p.study_id = NEW.study_id
                   AND NEW.record_key LIKE p.id || '-%' AND p.code = NEW.record_json::jsonb ->> 'patient') THEN
        RAISE EXCEPTION 'there is no such casebook' USING ERRCODE = 'check_violation';
    END IF;
"""


class Migration(migrations.Migration):
    """A casebook is signed for by who holds the role."""

    dependencies = [
        ("patients", "0007_body_size_and_doses_given"),
        ("accounts", "0004_what_a_signature_stands_on"),
        ("trials", "0006_amendments"),
    ]

    operations = [Guard("accounts_signature", "on_a_casebook", "BEFORE INSERT", CASEBOOK)]
