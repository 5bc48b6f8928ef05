-- What makes the trail verifiable from outside.
SET ROLE rung_audit;

-- A setting of the transaction as it is recorded. The unit separator parts the columns in what is hashed: a reason that
-- held one could be read as two columns, and an entry rewritten without another hash.
CREATE FUNCTION audit.one_column(name text) RETURNS text LANGUAGE sql STABLE
SET search_path = pg_catalog AS $$
    SELECT replace(coalesce(current_setting(name, true), ''), chr(31), ' ')
$$;
REVOKE ALL ON FUNCTION audit.one_column(text) FROM PUBLIC;

CREATE OR REPLACE FUNCTION audit.record() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog AS $$
DECLARE
    study_column text   := TG_ARGV[0];
    ignored      text[] := string_to_array(TG_ARGV[1], ',');
    hidden       text[] := string_to_array(TG_ARGV[2], ',');
    entry        audit.entry;
    subject      jsonb;
    chain        audit.chain;
BEGIN
    IF TG_OP <> 'INSERT' THEN entry.old := audit.visible(to_jsonb(OLD), ignored, hidden); END IF;
    IF TG_OP <> 'DELETE' THEN entry.new := audit.visible(to_jsonb(NEW), ignored, hidden); END IF;
    IF TG_OP = 'UPDATE' AND entry.old = entry.new THEN RETURN NULL; END IF;

    entry.actor_id := audit.one_column('rung.actor_id');
    entry.actor_name := audit.one_column('rung.actor_name');
    entry.reason := audit.one_column('rung.reason');
    IF entry.actor_id = '' THEN
        RAISE EXCEPTION 'audit: a change of % needs an actor', TG_TABLE_NAME USING ERRCODE = 'insufficient_privilege';
    END IF;
    IF TG_OP <> 'INSERT' AND btrim(entry.reason) = '' THEN
        RAISE EXCEPTION 'audit: a change of % needs a reason', TG_TABLE_NAME USING ERRCODE = 'insufficient_privilege';
    END IF;

    subject := coalesce(entry.new, entry.old);
    entry.study_id := coalesce((subject ->> nullif(study_column, ''))::bigint, 0);
    entry.patient_id := CASE WHEN TG_TABLE_NAME = 'patients_patient' THEN (subject ->> 'id')::bigint
                             ELSE (subject ->> 'patient_id')::bigint END;
    entry.operation := TG_OP;
    entry.table_name := TG_TABLE_NAME;
    entry.row_id := coalesce(subject ->> 'id', '');
    entry.request_id := audit.one_column('rung.request_id');
    entry.client_address := audit.one_column('rung.client_address');
    entry.session_role := session_user;

    INSERT INTO audit.chain VALUES (entry.study_id, 0, repeat('0', 64)) ON CONFLICT DO NOTHING;
    SELECT * INTO chain FROM audit.chain c WHERE c.study_id = entry.study_id FOR UPDATE;
    entry.position := chain.entries + 1;
    entry.previous_hash := chain.head;
    entry.at := clock_timestamp();
    entry.hash := audit.digest(entry);
    INSERT INTO audit.entry (study_id, position, at, operation, table_name, row_id, patient_id, old, new, actor_id,
        actor_name, reason, request_id, client_address, session_role, previous_hash, hash)
    VALUES (entry.study_id, entry.position, entry.at, entry.operation, entry.table_name, entry.row_id,
        entry.patient_id, entry.old, entry.new, entry.actor_id, entry.actor_name, entry.reason, entry.request_id,
        entry.client_address, entry.session_role, entry.previous_hash, entry.hash);
    UPDATE audit.chain c SET entries = entry.position, head = entry.hash WHERE c.study_id = entry.study_id;
    RETURN NULL;
END $$;

-- Where each chain ends, for whoever verifies it.
GRANT SELECT ON audit.chain TO rung_owner;
-- A backup is made as the owner, and holds where the numbering goes on.
GRANT SELECT ON SEQUENCE audit.entry_id_seq TO rung_owner;

RESET ROLE;

CREATE VIEW audit_chain AS SELECT study_id, entries, head FROM audit.chain;
REVOKE ALL ON audit_chain FROM rung_app;
GRANT SELECT ON audit_chain TO rung_app;
