-- name: install
-- The schema of the remembered views. Everything here can be made anew from the ledger, so it has no migrations:
-- a view whose row changes shape gets a table of a new version beside the old one.
CREATE SCHEMA IF NOT EXISTS view;

-- Which generation of a view readers see. A rebuild writes the next generation beside it, then moves this row.
CREATE TABLE IF NOT EXISTS view.current (
    view       text PRIMARY KEY,
    generation int  NOT NULL,
    stopped_at bigint,  -- position of the event that the view could not read; it follows no further
    problem    text
);
-- Which version of the view's code has folded that generation.
ALTER TABLE view.current ADD COLUMN IF NOT EXISTS version int NOT NULL DEFAULT 1;

-- How far each generation has come: the eventsourcing library's tracking table.
CREATE TABLE IF NOT EXISTS view.notification_tracking (
    application_name text PRIMARY KEY,
    notification_id  bigint
);
-- Names from before views had versions.
UPDATE view.notification_tracking SET application_name = regexp_replace(application_name, '/', '_v1/')
WHERE application_name !~ '_v[0-9]+/';

-- A generation that is being folded beside the one that readers see: up to which position, of how many events in all.
CREATE TABLE IF NOT EXISTS view.rebuild (
    view       text   NOT NULL,
    generation int    NOT NULL,
    version    int    NOT NULL,
    upto       bigint NOT NULL,
    events     bigint NOT NULL,
    PRIMARY KEY (view, generation)
);

-- How far each share of it has come: the streams after one and up to another, and which was the last one folded.
CREATE TABLE IF NOT EXISTS view.rebuild_share (
    view        text   NOT NULL,
    generation  int    NOT NULL,
    share       int    NOT NULL,
    after       uuid   NOT NULL,
    last        uuid   NOT NULL,
    reached     uuid   NOT NULL,
    events      bigint NOT NULL DEFAULT 0,
    PRIMARY KEY (view, generation, share),
    FOREIGN KEY (view, generation) REFERENCES view.rebuild ON DELETE CASCADE
);

-- What the views remember: for each view, key and part of it what was known in the positions [known_from, known_to);
-- the last is open. A part is one answer among several about a key: one clock of a case, one finding.
CREATE TABLE IF NOT EXISTS view.remembered_v1 (
    view       text   NOT NULL,
    generation int    NOT NULL,
    key        uuid   NOT NULL,
    part       text   NOT NULL,
    known_from bigint NOT NULL,
    known_to   bigint,
    value      jsonb  NOT NULL,
    PRIMARY KEY (view, generation, key, part, known_from)
);
-- What stands now, by key and since when: for the fold, and for looks, which never end and are read newest first.
CREATE INDEX IF NOT EXISTS remembered_v1_standing ON view.remembered_v1 (view, generation, key, known_from)
    WHERE known_to IS NULL;
-- Under which text a row sorts on its board; NULL for rows on none. A column, because row security keeps conditions on
-- what stands inside a value away from every index.
ALTER TABLE view.remembered_v1 ADD COLUMN IF NOT EXISTS
    sort text COLLATE "C" GENERATED ALWAYS AS (value ->> 'sort') STORED;
-- Boards in their order; and what was known at a position, whatever became of it since: a board of the past reads what
-- stands and what has ended since, not all that ever was.
CREATE INDEX IF NOT EXISTS remembered_v1_board ON view.remembered_v1
    (view, generation, sort, key, (part COLLATE "C")) WHERE sort IS NOT NULL;
CREATE INDEX IF NOT EXISTS remembered_v1_at ON view.remembered_v1
    (view, generation, (coalesce(known_to, 9223372036854775807)), known_from) WHERE sort IS NOT NULL;
-- Links between families and overviews that were published: few among the rows of all cases.
CREATE INDEX IF NOT EXISTS remembered_v1_rare ON view.remembered_v1 (view, generation, (split_part(part, '/', 1)))
    WHERE sort IS NOT NULL AND split_part(part, '/', 1) IN ('sibling', 'published');
DROP INDEX IF EXISTS view.remembered_v1_open;
-- The first view had a table of its own. What stood there is followed anew, from the first event on.
DO $$
BEGIN
    IF to_regclass('view.case_state_v1') IS NOT NULL THEN
        DELETE FROM view.notification_tracking;
        DELETE FROM view.current;
        DROP TABLE view.case_state_v1;
    END IF;
END $$;

-- Who sees which rows: a reader with an SQL login only what happened in cases that are not restricted. A new view is
-- hidden from readers until it is named here, under a new name of the policy.
DO $$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_policies WHERE schemaname = 'view' AND policyname = 'all_rows') THEN
        ALTER TABLE view.remembered_v1 ENABLE ROW LEVEL SECURITY;
        CREATE POLICY all_rows ON view.remembered_v1
            TO caseledger_app, caseledger_worker, caseledger_auditor USING (true);
    END IF;
    IF NOT EXISTS (SELECT FROM pg_policies WHERE schemaname = 'view' AND policyname = 'facts_and_boards_of_open_cases') THEN
        DROP POLICY IF EXISTS facts_of_open_cases ON view.remembered_v1;
        CREATE POLICY facts_and_boards_of_open_cases ON view.remembered_v1 FOR SELECT TO caseledger_reader USING (
            view IN ('case_state', 'deadlines', 'consents', 'findings', 'caseload', 'barometer')
            AND NOT ledger.is_restricted(key));
    END IF;
END $$;

GRANT USAGE ON SCHEMA view TO caseledger_app, caseledger_worker, caseledger_reader, caseledger_auditor;
GRANT SELECT ON ALL TABLES IN SCHEMA view TO caseledger_app, caseledger_worker, caseledger_reader, caseledger_auditor;
GRANT INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA view TO caseledger_worker;
