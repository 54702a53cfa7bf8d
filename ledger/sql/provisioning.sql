-- name: create_groups
-- The group roles that all ledgers of a server share; only the server's administrator makes them.
DO $$
DECLARE
    role_ text;
BEGIN
    FOREACH role_ IN ARRAY
        ARRAY['caseledger_app', 'caseledger_worker', 'caseledger_reader', 'caseledger_auditor'] LOOP
        IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = role_) THEN
            EXECUTE format('CREATE ROLE %I NOLOGIN', role_);
        END IF;
    END LOOP;
END $$

-- name: role_exists
-- Whether there is a role of this name.
SELECT EXISTS (SELECT FROM pg_roles WHERE rolname = %s)

-- name: create_role
-- A login that may do nothing yet.
CREATE ROLE {}

-- name: set_login
-- What a login may do on the server: sign in, and nothing for other ledgers.
ALTER ROLE {} LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS INHERIT PASSWORD {}

-- name: lend_roles
-- The first migrations create the group roles where they are missing and make the owner a member of them.
ALTER ROLE {} CREATEROLE

-- name: lend_groups
-- The same, for the groups.
GRANT caseledger_app, caseledger_worker, caseledger_reader, caseledger_auditor TO {} WITH ADMIN OPTION

-- name: take_roles_back
-- An owner who creates roles, or hands out the groups, would reach beyond their own ledger.
ALTER ROLE {} NOCREATEROLE

-- name: take_groups_back
-- What the owner granted to itself meanwhile goes with it; the membership itself stays.
REVOKE ADMIN OPTION FOR caseledger_app, caseledger_worker, caseledger_reader, caseledger_auditor FROM {} CASCADE

-- name: join_groups
-- Daily work: append through one function, read, and keep the views.
GRANT caseledger_app, caseledger_worker TO {}

-- name: owner_of
-- Who owns a database, if there is one of this name.
SELECT pg_get_userbyid(datdba) FROM pg_database WHERE datname = %s

-- name: create_database
-- An empty database that its owner alone is going to use.
CREATE DATABASE {} OWNER {} TEMPLATE template0

-- name: close_database
-- PostgreSQL lets everybody connect to a new database. This is the wall between ledgers.
REVOKE ALL ON DATABASE {} FROM PUBLIC

-- name: open_database
-- Who but the owner may connect.
GRANT CONNECT ON DATABASE {} TO {}

-- name: allow_folding
-- Folding views needs a temporary table. The right is of no use to whoever may not connect.
GRANT TEMPORARY ON DATABASE {} TO caseledger_worker

-- name: may_enter
-- Which of these databases on the same server the login may connect to.
SELECT datname FROM pg_database
WHERE datname = ANY (%s) AND datname <> current_database() AND has_database_privilege(oid, 'CONNECT')
ORDER BY datname
