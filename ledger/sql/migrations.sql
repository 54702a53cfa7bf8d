-- name: try_lock
-- One runner at a time in this database.
SELECT pg_try_advisory_lock(1128485188)

-- name: unlock
-- The next runner may start.
SELECT pg_advisory_unlock(1128485188)

-- name: create_journal
-- What has been applied, with the digest of the file as it was then.
CREATE TABLE IF NOT EXISTS public.caseledger_migration (
    number     int         PRIMARY KEY,
    name       text        NOT NULL,
    digest     text        NOT NULL,
    applied_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    applied_by text        NOT NULL DEFAULT session_user
)

-- name: read_journal
-- Applied migrations with their digests.
SELECT number, digest FROM public.caseledger_migration ORDER BY number

-- name: write_journal
-- Note a migration as applied, inside its own transaction.
INSERT INTO public.caseledger_migration (number, name, digest) VALUES (%s, %s, %s)
