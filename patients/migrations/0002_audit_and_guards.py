from django.db import migrations

from audit.ddl import AppendOnly, AuditTable, FreezeOnceSet, Guard

TABLES = [
    "patient",
    "consent",
    "eligibilitycheck",
    "cycle",
    "dosestaken",
    "interruption",
    "adverseevent",
    "attribution",
    "dltassessment",
    "windowassessment",
    "dosereduction",
    "discontinuation",
    "continuationreview",
    "followupvisit",
    "outcomevalue",
]

# Rules 4, 7 and 8: whatever page, interface or script asks.
REGISTRATION = """
    IF NEW.slot_id IS NULL OR (TG_OP = 'UPDATE' AND OLD.slot_id IS NOT NULL) THEN RETURN NEW; END IF;
    SELECT c.part_id, c.level_id, c.closed_at, l.closed_at, s.accrual_suspended_at, c.study_id
        INTO place_part, place_level, place_cohort_closed, place_level_closed, place_suspended, place_study
    FROM trials_slot sl JOIN trials_cohort c ON c.id = sl.cohort_id JOIN trials_doselevel l ON l.id = c.level_id
    JOIN trials_study s ON s.id = c.study_id WHERE sl.id = NEW.slot_id;
    IF place_cohort_closed IS NOT NULL OR place_level_closed IS NOT NULL THEN
        RAISE EXCEPTION 'nobody can be registered into a closed cohort or dose level' USING ERRCODE = 'check_violation';
    END IF;
    IF place_suspended IS NOT NULL THEN
        RAISE EXCEPTION 'nobody can be registered while accrual is suspended' USING ERRCODE = 'check_violation';
    END IF;
    IF (place_part, place_level, place_study) IS DISTINCT FROM (NEW.part_id, NEW.assigned_level_id, NEW.study_id) THEN
        RAISE EXCEPTION 'a patient gets the part and dose level of the slot' USING ERRCODE = 'check_violation';
    END IF;
    IF NOT EXISTS (SELECT 1 FROM patients_consent WHERE patient_id = NEW.id)
       OR NOT EXISTS (SELECT 1 FROM patients_eligibilitycheck WHERE patient_id = NEW.id AND eligible) THEN
        RAISE EXCEPTION 'registration needs consent and eligibility' USING ERRCODE = 'check_violation';
    END IF;
"""
# Rule 12: no treatment after the day on which it ended.
CYCLE = """
    IF EXISTS (SELECT 1 FROM patients_discontinuation d WHERE d.patient_id = NEW.patient_id
               AND d.retreated_on IS NULL AND NEW.started_on > d."on") THEN
        RAISE EXCEPTION 'no cycle starts after treatment has ended' USING ERRCODE = 'check_violation';
    END IF;
"""

# A registered patient's protocol versions, the one of the registration from the beginning; and the one of a day. The
# same as patients.schedule.versions says.
VERSIONS = """
    CREATE FUNCTION versions_of_patient(of_patient bigint)
    RETURNS TABLE (number smallint, from_day date, definition jsonb) LANGUAGE sql STABLE AS $versions$
        SELECT own.number, '-infinity'::date, own.definition
        FROM patients_patient p JOIN trials_protocolversion own ON own.id = p.version_id WHERE p.id = of_patient
        UNION ALL
        SELECT v.number, f.from_day, v.definition
        FROM patients_patient p JOIN trials_protocolversion own ON own.id = p.version_id
        JOIN trials_versionatsite f ON f.site_id = p.site_id
        JOIN trials_protocolversion v ON v.id = f.version_id AND v.number > own.number
        WHERE p.id = of_patient
    $versions$;
    CREATE FUNCTION protocol_on(of_patient bigint, on_day date) RETURNS jsonb LANGUAGE sql STABLE AS $protocol$
        SELECT definition FROM versions_of_patient(of_patient) WHERE from_day <= on_day ORDER BY number DESC LIMIT 1
    $protocol$;
"""

# Rule 10: the maximum is the protocol's.
REDUCTION = """
    maximum := (protocol_on(NEW.patient_id, NEW.effective_on) -> 'reductions' ->> 'maximum')::int;
    IF NEW.number > coalesce(maximum, 0) THEN
        RAISE EXCEPTION 'no more dose reductions than the protocol allows (%)', maximum USING ERRCODE = 'check_violation';
    END IF;
"""

DISCONTINUATION = """
    IF NOT EXISTS (SELECT 1 FROM jsonb_array_elements(protocol_on(NEW.patient_id, NEW."on") -> 'discontinuation') r
                   WHERE r ->> 'code' = NEW.reason_code) THEN
        RAISE EXCEPTION 'the reason is not one of the protocol''s' USING ERRCODE = 'check_violation';
    END IF;
"""


class Migration(migrations.Migration):
    """Clinical data under audit, and the rules of a trial that the database holds by itself."""

    dependencies = [
        ("patients", "0001_initial"),
        ("trials", "0006_amendments"),
        ("audit", "0001_audit_trail"),
    ]

    operations = [
        migrations.RunSQL(
            VERSIONS,
            reverse_sql="DROP FUNCTION protocol_on(bigint, date); DROP FUNCTION versions_of_patient(bigint);",
        ),
        *[AuditTable(f"patients_{name}") for name in TABLES],
        FreezeOnceSet(
            "patients_patient",
            ["study_id", "site_id", "code", "slot_id", "part_id", "assigned_level_id", "version_id", "registered_at"],
        ),
        AppendOnly("patients_dltassessment"),
        Guard(
            "patients_patient",
            "registration",
            "BEFORE INSERT OR UPDATE",
            REGISTRATION,
            declare="place_part bigint; place_level bigint; place_cohort_closed timestamptz;"
            " place_level_closed timestamptz; place_suspended timestamptz; place_study bigint;",
        ),
        Guard("patients_cycle", "within_treatment", "BEFORE INSERT OR UPDATE OF started_on", CYCLE),
        Guard("patients_dosereduction", "within_maximum", "BEFORE INSERT OR UPDATE", REDUCTION, declare="maximum int;"),
        Guard("patients_discontinuation", "protocol_reason", "BEFORE INSERT OR UPDATE", DISCONTINUATION),
    ]
