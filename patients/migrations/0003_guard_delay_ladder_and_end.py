from django.db import migrations

from audit.ddl import Guard

# Rule 11: due by the start before it (or a re-treatment, or as agreed), and no later than the protocol's limit.
# Number 0 is the lead-in, with a length of its own; treatment starts with it where the protocol has one. A cycle is as
# long as the protocol of the day said on which it started; the limit is that of the day on which the next one is due.
DELAY = """
    SELECT max(c.started_on) INTO started FROM patients_cycle c
    WHERE c.patient_id = NEW.patient_id AND c.number = NEW.number - 1;
    SELECT p.planned_start INTO agreed FROM patients_patient p WHERE p.id = NEW.patient_id;
    definition := protocol_on(NEW.patient_id, coalesce(started, agreed));
    length_days := (definition -> 'cycle' ->> 'length_days')::int;
    lead_in_days := (definition -> 'lead_in' ->> 'length_days')::int;
    limit_days := (protocol_on(NEW.patient_id, NEW.due_on) -> 'delay' ->> 'limit_days')::int;
    IF limit_days IS NULL THEN
        RAISE EXCEPTION 'a cycle needs a registered patient' USING ERRCODE = 'check_violation';
    END IF;
    IF NEW.number = 0 AND lead_in_days IS NULL THEN
        RAISE EXCEPTION 'the protocol has no lead-in' USING ERRCODE = 'check_violation';
    END IF;
    by_cycle := started + CASE WHEN NEW.number = 1 THEN lead_in_days ELSE length_days END;
    SELECT max(d.retreated_on) INTO by_retreatment FROM patients_discontinuation d
    WHERE d.patient_id = NEW.patient_id AND d.retreated_on IS NOT NULL;
    IF by_cycle IS NULL AND NEW.number > (lead_in_days IS NULL)::int THEN
        RAISE EXCEPTION 'cycles start one after another' USING ERRCODE = 'check_violation';
    END IF;
    IF NEW.due_on <> coalesce(by_cycle, agreed) AND NEW.due_on IS DISTINCT FROM by_retreatment THEN
        RAISE EXCEPTION 'a cycle is due by the start of the one before it' USING ERRCODE = 'check_violation';
    END IF;
    IF NEW.latest_on <> NEW.due_on + limit_days THEN
        RAISE EXCEPTION 'a cycle is delayed by at most % days', limit_days USING ERRCODE = 'check_violation';
    END IF;
"""

# Rule 10: down the ladder from the rung of the assigned dose level, one after another.
LADDER = """
    SELECT rung.position - 1, jsonb_array_length(v.definition -> 'reductions' -> 'ladder')
        INTO start_rung, rungs
    FROM patients_patient p JOIN trials_protocolversion v ON v.id = p.version_id
    JOIN trials_doselevel l ON l.id = p.assigned_level_id,
    jsonb_array_elements(v.definition -> 'reductions' -> 'ladder') WITH ORDINALITY AS rung (step, position)
    WHERE p.id = NEW.patient_id AND (rung.step ->> 'level')::int = l.ordinal;
    IF NEW.from_rung IS DISTINCT FROM start_rung + NEW.number - 1 OR NEW.to_rung >= rungs THEN
        RAISE EXCEPTION 'a reduction goes one rung down the protocol''s ladder' USING ERRCODE = 'check_violation';
    END IF;
"""

# Rule 12: treatment does not end before a cycle that has started, and re-treatment is a reduction.
END = """
    IF NEW.retreated_on IS NULL AND EXISTS (
        SELECT 1 FROM patients_cycle c WHERE c.patient_id = NEW.patient_id AND c.started_on > NEW."on") THEN
        RAISE EXCEPTION 'treatment does not end before a cycle that has started' USING ERRCODE = 'check_violation';
    END IF;
    IF NEW.retreated_on IS NOT NULL AND NOT EXISTS (
        SELECT 1 FROM patients_dosereduction r WHERE r.patient_id = NEW.patient_id AND r.cause = 'retreatment'
        AND r.effective_on = NEW.retreated_on) THEN
        RAISE EXCEPTION 're-treatment is at a lower dose' USING ERRCODE = 'check_violation';
    END IF;
"""


class Migration(migrations.Migration):
    """What the database holds by itself about delays, the reduction ladder and the end of treatment."""

    dependencies = [("patients", "0002_audit_and_guards")]

    operations = [
        Guard(
            "patients_cycle",
            "within_delay",
            "BEFORE INSERT OR UPDATE OF number, due_on, latest_on",
            DELAY,
            declare="started date; agreed date; definition jsonb; length_days int; lead_in_days int; limit_days int;"
            " by_cycle date; by_retreatment date;",
        ),
        Guard(
            "patients_dosereduction",
            "within_the_ladder",
            "BEFORE INSERT OR UPDATE",
            LADDER,
            declare="start_rung int; rungs int;",
        ),
        Guard("patients_discontinuation", "end_of_treatment", "BEFORE INSERT OR UPDATE", END),
    ]
