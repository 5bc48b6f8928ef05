-- The database and its three roles. Run it as the server's administrator; running it again changes nothing:
--
--     RUNG_OWNER_PASSWORD=... RUNG_APP_PASSWORD=... psql -f config/roles.sql
--
-- rung_owner   makes and changes tables; used by the step that migrates, and by nothing else
-- rung_app     reads and writes rows; used by web, worker and beat
-- rung_audit   owns the schema `audit`; nobody signs in as it, so nobody can rewrite what is recorded there
--
-- RUNG_DATABASE names the database, if it is not to be called rung. PostgreSQL 16 or newer.

\set ON_ERROR_STOP on
\set database rung
\getenv database RUNG_DATABASE
\getenv owner_password RUNG_OWNER_PASSWORD
\getenv app_password RUNG_APP_PASSWORD

SELECT format('CREATE ROLE rung_owner LOGIN PASSWORD %L', :'owner_password')
    WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'rung_owner') \gexec
SELECT format('CREATE ROLE rung_app LOGIN PASSWORD %L', :'app_password')
    WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'rung_app') \gexec
SELECT 'CREATE ROLE rung_audit NOLOGIN'
    WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'rung_audit') \gexec

-- The owner may become rung_audit, in the one migration that makes the trail; it does not have its rights otherwise.
GRANT rung_audit TO rung_owner WITH INHERIT FALSE, SET TRUE;

SELECT format('CREATE DATABASE %I OWNER rung_owner', :'database')
    WHERE NOT EXISTS (SELECT FROM pg_database WHERE datname = :'database') \gexec

REVOKE ALL ON DATABASE :"database" FROM PUBLIC;
GRANT CONNECT ON DATABASE :"database" TO rung_app;
GRANT CREATE ON DATABASE :"database" TO rung_audit;

\connect :"database"

ALTER SCHEMA public OWNER TO rung_owner;
GRANT USAGE ON SCHEMA public TO rung_app;
ALTER DEFAULT PRIVILEGES FOR ROLE rung_owner IN SCHEMA public
    GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO rung_app;
ALTER DEFAULT PRIVILEGES FOR ROLE rung_owner IN SCHEMA public
    GRANT USAGE, SELECT ON SEQUENCES TO rung_app;
