-- A second wall in the database, for people and tools with an SQL login of their own: which rows each role sees.
-- The application judges every look itself; here it sees all rows, as do worker and auditor. The reader sees neither
-- identities nor look-ups nor cases that are restricted. Owner and superusers are not held by row security.

-- Group roles belong to the cluster and serve every ledger in it. Two databases may be migrated at the same time.
DO $$
BEGIN
    BEGIN
        CREATE ROLE caseledger_auditor NOLOGIN;
    EXCEPTION WHEN duplicate_object OR unique_violation THEN
        NULL;
    END;
    BEGIN
        GRANT caseledger_auditor TO CURRENT_USER;
    EXCEPTION WHEN unique_violation OR internal_error THEN
        NULL;
    END;
END $$;

-- Restrictions that stand, so that no reader's query has to fold them: version names the restricting entry.
-- Made from the events by the trigger below, and can be made anew from them.
CREATE TABLE ledger.restriction (
    stream  uuid   NOT NULL,
    version bigint NOT NULL,
    CONSTRAINT restriction_entry PRIMARY KEY (stream, version)
);

-- The clear part of an event: segment 0, whose length is the first in the segment table.
CREATE FUNCTION ledger.clear_part(segments bytea, state bytea) RETURNS jsonb
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS
$$ SELECT convert_from(substr(state, 1, substr(segments, 19, 4)::int), 'UTF8')::jsonb $$;

-- Keeps the restrictions. A restriction ends only by a review that does not renew it and that nobody has put in doubt:
-- when any entry annuls or corrects a review, what it reviewed counts as restricted again until the next review. What
-- cannot be read restricts, so that an append never fails here and the wall fails closed.
CREATE FUNCTION ledger.note_restriction(entry ledger.event) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    facts    jsonb;
    reviewed bigint;
BEGIN
    facts := ledger.clear_part(entry.segments, entry.state) -> 'data';
    IF entry.topic = 'case_restricted' THEN
        reviewed := entry.version;
    ELSIF entry.topic = 'restriction_reviewed' THEN
        IF NOT (facts ->> 'renewed')::boolean THEN
            DELETE FROM ledger.restriction
                WHERE stream = entry.stream AND version = (facts ->> 'restriction')::bigint;
        END IF;
    ELSE
        SELECT ledger.clear_part(e.segments, e.state) #>> '{data,restriction}' INTO reviewed FROM ledger.event e
            WHERE e.stream = entry.stream AND e.topic = 'restriction_reviewed'
                AND e.version = coalesce(facts ->> 'annuls', facts ->> 'corrects')::bigint;
    END IF;
    IF reviewed IS NOT NULL THEN
        INSERT INTO ledger.restriction VALUES (entry.stream, reviewed) ON CONFLICT DO NOTHING;
    END IF;
EXCEPTION WHEN data_exception THEN
    INSERT INTO ledger.restriction VALUES (entry.stream, entry.version) ON CONFLICT DO NOTHING;
END $$;

CREATE FUNCTION ledger.keep_restrictions() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM ledger.note_restriction(NEW);
    RETURN NULL;
END $$;

-- The condition costs the append of any other event next to nothing.
CREATE TRIGGER restrictions_follow AFTER INSERT ON ledger.event
    FOR EACH ROW WHEN (NEW.topic IN ('case_restricted', 'restriction_reviewed', 'entry_annulled', 'entry_corrected'))
    EXECUTE FUNCTION ledger.keep_restrictions();

SELECT ledger.note_restriction(e) FROM ledger.event e
WHERE topic IN ('case_restricted', 'restriction_reviewed', 'entry_annulled', 'entry_corrected') ORDER BY position;

-- Whether a case is restricted; tells of the case asked about only, so that nobody can list them.
CREATE FUNCTION ledger.is_restricted(stream uuid) RETURNS boolean
LANGUAGE plpgsql STABLE PARALLEL SAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS
$$ BEGIN RETURN EXISTS (SELECT FROM ledger.restriction r WHERE r.stream = is_restricted.stream); END $$;

ALTER TABLE ledger.event ENABLE ROW LEVEL SECURITY;
CREATE POLICY all_rows ON ledger.event FOR SELECT
    TO caseledger_app, caseledger_worker, caseledger_auditor USING (true);
-- Who a person is, who has looked, and who may: identities, look-ups, emergency access and grants.
CREATE POLICY facts_of_open_cases ON ledger.event FOR SELECT TO caseledger_reader USING (
    topic <> ALL (ARRAY['person_registered', 'person_identified', 'record_viewed', 'staff_names_released',
        'access_granted', 'access_ended'])
    AND topic NOT LIKE 'lookup%' AND topic NOT LIKE 'break\_glass%'
    AND NOT ledger.is_restricted(stream));

-- Read with the rights of whoever asks: as the owner's it would pass by the policies.
ALTER VIEW ledger.stored_events SET (security_invoker = true);

REVOKE ALL ON FUNCTION ledger.clear_part, ledger.note_restriction, ledger.keep_restrictions, ledger.is_restricted
    FROM PUBLIC;
REVOKE SELECT ON ledger.request FROM caseledger_reader;
GRANT EXECUTE ON FUNCTION ledger.is_restricted TO caseledger_reader;
GRANT USAGE ON SCHEMA ledger TO caseledger_auditor;
GRANT SELECT ON ALL TABLES IN SCHEMA ledger TO caseledger_auditor;
GRANT EXECUTE ON FUNCTION ledger.position_at, ledger.now TO caseledger_auditor;
