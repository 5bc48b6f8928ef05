-- The audit trail. Owned by rung_audit, a role that nobody signs in as: the owner of the application's tables makes
-- these objects in this migration and has no right to change what is recorded in them afterwards.
SET ROLE rung_audit;

CREATE SCHEMA audit;

-- One chain of hashes per study, so that writers of different studies do not wait on each other.
CREATE TABLE audit.chain (
    study_id bigint PRIMARY KEY,
    entries  bigint NOT NULL,
    head     text   NOT NULL
);

CREATE TABLE audit.entry (
    id             bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    study_id       bigint      NOT NULL,
    position       bigint      NOT NULL,
    at             timestamptz NOT NULL,
    operation      text        NOT NULL CHECK (operation IN ('INSERT', 'UPDATE', 'DELETE')),
    table_name     text        NOT NULL,
    row_id         text        NOT NULL,
    patient_id     bigint,
    old            jsonb,
    new            jsonb,
    actor_id       text        NOT NULL,
    actor_name     text        NOT NULL,
    reason         text        NOT NULL,
    request_id     text        NOT NULL,
    client_address text        NOT NULL,
    session_role   text        NOT NULL,
    previous_hash  text        NOT NULL,
    hash           text        NOT NULL,
    UNIQUE (study_id, position)
);
CREATE INDEX entry_record ON audit.entry (table_name, row_id);
CREATE INDEX entry_patient ON audit.entry (patient_id, id) WHERE patient_id IS NOT NULL;
CREATE INDEX entry_study ON audit.entry (study_id, id);

-- What a hash is taken over: every column as text, parted by the unit separator, after the previous entry's hash.
CREATE FUNCTION audit.digest(e audit.entry) RETURNS text LANGUAGE sql IMMUTABLE
SET search_path = pg_catalog AS $$
    SELECT encode(sha256(convert_to(array_to_string(ARRAY[
        e.previous_hash, e.study_id::text, e.position::text,
        to_char(e.at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'),
        e.operation, e.table_name, e.row_id, coalesce(e.patient_id::text, ''),
        coalesce(e.old::text, ''), coalesce(e.new::text, ''), e.actor_id, e.actor_name, e.reason,
        e.request_id, e.client_address, e.session_role
    ], chr(31)), 'UTF8')), 'hex')
$$;

-- A row as the trail keeps it: without the columns whose change alone is no entry, secrets as a digest only.
CREATE FUNCTION audit.visible(whole jsonb, ignored text[], hidden text[]) RETURNS jsonb LANGUAGE plpgsql IMMUTABLE
SET search_path = pg_catalog AS $$
DECLARE
    kept jsonb := whole - ignored;
    name text;
BEGIN
    FOREACH name IN ARRAY hidden LOOP
        kept := jsonb_set(kept, ARRAY[name],
            to_jsonb('sha256:' || encode(sha256(convert_to(coalesce(kept ->> name, ''), 'UTF8')), 'hex')));
    END LOOP;
    RETURN kept;
END $$;

CREATE FUNCTION audit.record() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
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

    entry.actor_id := coalesce(current_setting('rung.actor_id', true), '');
    entry.actor_name := coalesce(current_setting('rung.actor_name', true), '');
    entry.reason := coalesce(current_setting('rung.reason', true), '');
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
    entry.request_id := coalesce(current_setting('rung.request_id', true), '');
    entry.client_address := coalesce(current_setting('rung.client_address', true), '');
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

CREATE FUNCTION audit.refuse() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog AS $$
BEGIN
    RAISE EXCEPTION 'audit: % of % is refused', TG_OP, TG_TABLE_NAME USING ERRCODE = 'insufficient_privilege';
END $$;

-- Columns named in the argument may be filled once; afterwards no statement can change them.
CREATE FUNCTION audit.frozen_once_set() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog AS $$
DECLARE
    was  jsonb := to_jsonb(OLD);
    new_ jsonb := to_jsonb(NEW);
    name text;
BEGIN
    FOREACH name IN ARRAY string_to_array(TG_ARGV[0], ',') LOOP
        IF was ->> name IS NOT NULL AND was -> name IS DISTINCT FROM new_ -> name THEN
            RAISE EXCEPTION '%.% is set and cannot be changed', TG_TABLE_NAME, name USING ERRCODE = 'check_violation';
        END IF;
    END LOOP;
    RETURN NEW;
END $$;

CREATE TRIGGER entry_is_final BEFORE UPDATE OR DELETE ON audit.entry FOR EACH ROW EXECUTE FUNCTION audit.refuse();
ALTER TABLE audit.entry ENABLE ALWAYS TRIGGER entry_is_final;
CREATE TRIGGER entry_no_truncate BEFORE TRUNCATE ON audit.entry FOR EACH STATEMENT EXECUTE FUNCTION audit.refuse();
ALTER TABLE audit.entry ENABLE ALWAYS TRIGGER entry_no_truncate;

REVOKE ALL ON SCHEMA audit FROM PUBLIC;
REVOKE ALL ON ALL FUNCTIONS IN SCHEMA audit FROM PUBLIC;
GRANT USAGE ON SCHEMA audit TO rung_owner, rung_app;
GRANT EXECUTE ON FUNCTION audit.record(), audit.refuse(), audit.frozen_once_set() TO rung_owner;
GRANT SELECT ON audit.entry TO rung_owner, rung_app;

RESET ROLE;

CREATE VIEW audit_entry AS SELECT * FROM audit.entry;
REVOKE ALL ON audit_entry FROM rung_app;
GRANT SELECT ON audit_entry TO rung_app;
