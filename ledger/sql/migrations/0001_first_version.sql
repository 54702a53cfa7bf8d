-- The ledger's first version: events, the head of the tree, idempotency keys, the append function, roles and guards.
-- Formats are described in docs/format.md; Python recomputes every hash made here in ledger/format.py.

CREATE SCHEMA ledger;

-- One row per event, in commit order. Position is dense from 1 and equals the size of the tree with this event.
-- The header that the commitment binds is not stored: it is the concatenation of the row's own columns.
CREATE TABLE ledger.event (
    position    bigint      NOT NULL CONSTRAINT event_position UNIQUE CHECK (position > 0),
    stream      uuid        NOT NULL,
    version     bigint      NOT NULL CHECK (version > 0),
    topic       text        NOT NULL,
    recorded_at timestamptz NOT NULL,
    actor       uuid        NOT NULL,
    blind       bytea       NOT NULL CHECK (length(blind) = 32),
    segments    bytea       NOT NULL,
    state       bytea       NOT NULL,
    commitment  bytea       NOT NULL CHECK (length(commitment) = 32),
    CONSTRAINT event_stream_version PRIMARY KEY (stream, version)
);
-- Ciphertext does not compress: do not try.
ALTER TABLE ledger.event ALTER COLUMN state SET STORAGE EXTERNAL;

-- The one row whose lock orders all appends.
CREATE TABLE ledger.head (
    only_row    boolean     NOT NULL PRIMARY KEY DEFAULT true CHECK (only_row),
    ledger      uuid        NOT NULL,
    simulated   boolean     NOT NULL,
    size        bigint      NOT NULL,
    frontier    bytea       NOT NULL,  -- roots of the perfect subtrees, largest first, 32 bytes each
    root        bytea       NOT NULL,
    recorded_at timestamptz NOT NULL
) WITH (fillfactor = 10);

-- What a repeated request is recognised by: keyed digests, never the key or the body themselves.
CREATE TABLE ledger.request (
    key            bytea  NOT NULL CONSTRAINT request_key PRIMARY KEY CHECK (length(key) = 32),
    fingerprint    bytea  NOT NULL CHECK (length(fingerprint) = 32),
    first_position bigint NOT NULL,
    last_position  bigint NOT NULL
);

-- The event table under the names that the eventsourcing library's recorders read.
CREATE VIEW ledger.stored_events AS
    SELECT stream AS originator_id, version AS originator_version, topic, state, position AS notification_id
    FROM ledger.event;

-- Whether a segment table (u16 count, then key id 16, u32 length, sha256 of the segment 32, plaintext commitment 32
-- per segment) describes these bytes: segment 0 in clear, lengths adding up, every digest right.
CREATE FUNCTION ledger.segments_fit(segments bytea, state bytea) RETURNS boolean
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $$
DECLARE
    count  int;
    size   int;
    offset_ int := 1;
BEGIN
    IF length(segments) < 86 THEN RETURN false; END IF;
    count := get_byte(segments, 0) * 256 + get_byte(segments, 1);
    IF length(segments) <> 2 + 84 * count OR substr(segments, 3, 16) <> '\x00000000000000000000000000000000' THEN
        RETURN false;
    END IF;
    FOR i IN 0 .. count - 1 LOOP
        size := substr(segments, 19 + 84 * i, 4)::int;
        IF size < 0 OR substr(segments, 23 + 84 * i, 32) <> sha256(substr(state, offset_, size)) THEN
            RETURN false;
        END IF;
        offset_ := offset_ + size;
    END LOOP;
    RETURN offset_ = length(state) + 1;
END $$;

-- The tree's root from its frontier (RFC 9162, 2.1.1); the empty tree's root is sha256 of nothing.
CREATE FUNCTION ledger.root_of(frontier bytea) RETURNS bytea
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $$
DECLARE
    at   int := length(frontier) - 31;
    root bytea;
BEGIN
    IF at < 1 THEN RETURN sha256(''); END IF;
    root := substr(frontier, at, 32);
    WHILE at > 1 LOOP
        at := at - 32;
        root := sha256('\x01' || substr(frontier, at, 32) || root);
    END LOOP;
    RETURN root;
END $$;

CREATE TYPE ledger.answer AS (
    outcome        text,         -- appended, repeated, mismatched, conflict, future, malformed
    first_position bigint,
    last_position  bigint,
    recorded_at    timestamptz,
    stream         uuid,         -- conflict: the stream that has moved on
    version        bigint        -- conflict: its current version
);

-- The only way in. Works through a batch of requests one by one under the lock of the head row and answers for each;
-- no answer fails a neighbour. A request is 1..n parts, a part is 1..n events of one stream; all of it or nothing.
-- expected: the stream's version the caller decided on; NULL appends at the end, for events without sealed segments.
-- happened: latest instant a request's facts claim to have happened; may be NULL.
-- caller_clock: the caller's own clock, refused when it is more than five minutes from the database's.
-- instant: what a simulated ledger shall write as recorded_at; NULL for its clock.
CREATE FUNCTION ledger.append(
    keys bytea[], fingerprints bytea[], happened timestamptz[], request_parts int[],
    part_streams uuid[], part_expected bigint[], part_events int[],
    topics text[], actors uuid[], blinds bytea[], segment_tables bytea[], states bytea[],
    caller_clock timestamptz, instant timestamptz DEFAULT NULL
) RETURNS SETOF ledger.answer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    head_        ledger.head;
    now_         timestamptz;
    micros       bytea;
    size_         bigint;
    frontier_     bytea;
    part_before  int := 0;       -- parts and events of the requests already answered
    event_before int := 0;
    event_at     int;
    answer       ledger.answer;
    seen         record;
    known        ledger.request;
    versions     bigint[];       -- per part of the request: version and commitment of the last event of its stream
    previous     bytea[];
    version_     bigint;
    hash         bytea;
    commitment_  bytea;
    bits         bigint;
    sealed       boolean;
BEGIN
    SELECT * INTO STRICT head_ FROM ledger.head FOR UPDATE;
    -- Read after the lock, so that a later position never carries an earlier time.
    now_ := clock_timestamp();
    IF abs(extract(epoch FROM now_ - caller_clock)) > 300 THEN
        RAISE EXCEPTION 'clocks of caller and database differ by more than five minutes' USING ERRCODE = 'CL001';
    END IF;
    IF instant IS NOT NULL THEN
        IF NOT head_.simulated THEN
            RAISE EXCEPTION 'only a ledger with a simulated clock takes an instant' USING ERRCODE = 'CL002';
        ELSIF instant < head_.recorded_at THEN
            RAISE EXCEPTION 'the ledger''s clock is at % and does not go back to %', head_.recorded_at, instant
                USING ERRCODE = 'CL003';
        END IF;
        now_ := instant;
    END IF;
    now_ := greatest(now_, head_.recorded_at);
    micros := int8send((extract(epoch FROM now_) * 1000000)::bigint);
    size_ := head_.size;
    frontier_ := head_.frontier;

    FOR r IN 1 .. cardinality(keys) LOOP
        answer := ('appended', NULL, NULL, NULL, NULL, NULL);
        event_at := event_before;
        FOR p IN 1 .. request_parts[r] LOOP
            SELECT e.version, e.commitment INTO seen FROM ledger.event e
                WHERE e.stream = part_streams[part_before + p] ORDER BY e.version DESC LIMIT 1;
            versions[p] := coalesce(seen.version, 0);
            previous[p] := coalesce(seen.commitment, '\x0000000000000000000000000000000000000000000000000000000000000000');
            sealed := false;
            FOR e IN event_at + 1 .. event_at + part_events[part_before + p] LOOP
                -- One clear segment is the commonest table and needs no call.
                IF substr(segment_tables[e], 1, 18) = '\x000100000000000000000000000000000000'
                    AND length(segment_tables[e]) = 86 AND substr(segment_tables[e], 19, 4) = int4send(length(states[e]))
                    AND substr(segment_tables[e], 23, 32) = sha256(states[e]) THEN
                    CONTINUE;
                END IF;
                IF NOT ledger.segments_fit(segment_tables[e], states[e]) THEN answer.outcome := 'malformed'; END IF;
                sealed := true;
            END LOOP;
            event_at := event_at + part_events[part_before + p];
            IF part_expected[part_before + p] IS NULL THEN
                IF sealed THEN answer.outcome := 'malformed'; END IF;
            ELSIF part_expected[part_before + p] <> versions[p] AND answer.outcome = 'appended' THEN
                answer := ('conflict', NULL, NULL, NULL, part_streams[part_before + p], versions[p]);
            END IF;
        END LOOP;
        IF answer.outcome = 'appended' AND happened[r] > now_ THEN
            answer := ('future', NULL, NULL, now_, NULL, NULL);
        END IF;

        IF keys[r] IS NOT NULL AND answer.outcome <> 'malformed' THEN
            IF answer.outcome = 'appended' THEN
                INSERT INTO ledger.request VALUES (keys[r], fingerprints[r], size_ + 1, size_ + event_at - event_before)
                    ON CONFLICT DO NOTHING;
            END IF;
            IF answer.outcome <> 'appended' OR NOT FOUND THEN
                SELECT * INTO known FROM ledger.request q WHERE q.key = keys[r];
                IF FOUND AND known.fingerprint = fingerprints[r] THEN
                    SELECT 'repeated', known.first_position, known.last_position, e.recorded_at, NULL, NULL
                        INTO answer FROM ledger.event e WHERE e.position = known.first_position;
                ELSIF FOUND THEN
                    answer := ('mismatched', NULL, NULL, NULL, NULL, NULL);
                END IF;
            END IF;
        END IF;

        IF answer.outcome = 'appended' THEN
            answer.first_position := size_ + 1;
            event_at := event_before;
            FOR p IN 1 .. request_parts[r] LOOP
                version_ := versions[p];
                commitment_ := previous[p];
                FOR e IN event_at + 1 .. event_at + part_events[part_before + p] LOOP
                    version_ := version_ + 1;
                    commitment_ := sha256(
                        '\x636173656c65646765722f7631206c65616600'  -- "caseledger/v1 leaf" and a zero byte
                        || int8send(size_ + 1) || uuid_send(part_streams[part_before + p]) || int8send(version_)
                        || sha256(convert_to(topics[e], 'UTF8'))
                        || sha256(blinds[e] || micros || uuid_send(actors[e]) || commitment_ || segment_tables[e]));
                    INSERT INTO ledger.event VALUES (size_ + 1, part_streams[part_before + p], version_, topics[e], now_,
                        actors[e], blinds[e], segment_tables[e], states[e], commitment_);
                    hash := sha256('\x0001' || commitment_);  -- leaf prefix 0x00, then the published entry 0x01, C
                    bits := size_;
                    WHILE bits & 1 = 1 LOOP
                        hash := sha256('\x01' || substr(frontier_, length(frontier_) - 31) || hash);
                        frontier_ := substr(frontier_, 1, length(frontier_) - 32);
                        bits := bits >> 1;
                    END LOOP;
                    frontier_ := frontier_ || hash;
                    size_ := size_ + 1;
                END LOOP;
                event_at := event_at + part_events[part_before + p];
            END LOOP;
            answer.last_position := size_;
            answer.recorded_at := now_;
        END IF;
        part_before := part_before + request_parts[r];
        event_before := event_at;
        RETURN NEXT answer;
    END LOOP;

    IF size_ > head_.size THEN
        UPDATE ledger.head SET size = size_, frontier = frontier_, root = ledger.root_of(frontier_), recorded_at = now_;
        PERFORM pg_notify('stored_events', size_::text);
    END IF;
END $$;

-- The last position recorded at or before an instant; 0 before the first. An instant that is not older than the head
-- waits for the append in flight, so that the same question never gets two answers. Position order is time order,
-- so a binary search over the dense positions needs no index of its own.
CREATE FUNCTION ledger.position_at(instant timestamptz) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    low  bigint := 0;
    high bigint;
    mid  bigint;
    at   timestamptz;
BEGIN
    SELECT size, recorded_at INTO STRICT high, at FROM ledger.head;
    IF instant >= at THEN
        SELECT size, recorded_at INTO STRICT high, at FROM ledger.head FOR SHARE;
        IF instant >= at THEN RETURN high; END IF;
    END IF;
    WHILE low < high LOOP
        mid := (low + high + 1) / 2;
        SELECT recorded_at INTO STRICT at FROM ledger.event WHERE position = mid;
        IF at <= instant THEN low := mid; ELSE high := mid - 1; END IF;
    END LOOP;
    RETURN low;
END $$;

-- What time the ledger has now: never before what it last wrote.
CREATE FUNCTION ledger.now() RETURNS timestamptz
LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS
$$ SELECT greatest(clock_timestamp(), recorded_at) FROM ledger.head $$;

CREATE FUNCTION ledger.refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% of %.% is refused: what is recorded stays as it is', TG_OP, TG_TABLE_SCHEMA, TG_TABLE_NAME
        USING ERRCODE = 'CL004';
END $$;

CREATE TRIGGER event_is_immutable BEFORE UPDATE OR DELETE ON ledger.event
    FOR EACH ROW EXECUTE FUNCTION ledger.refuse_change();
CREATE TRIGGER event_is_never_emptied BEFORE TRUNCATE ON ledger.event
    FOR EACH STATEMENT EXECUTE FUNCTION ledger.refuse_change();
CREATE TRIGGER request_is_immutable BEFORE UPDATE OR DELETE ON ledger.request
    FOR EACH ROW EXECUTE FUNCTION ledger.refuse_change();
CREATE TRIGGER request_is_never_emptied BEFORE TRUNCATE ON ledger.request
    FOR EACH STATEMENT EXECUTE FUNCTION ledger.refuse_change();
-- The head only moves forward. The condition costs an append nothing; only a refusal calls the function.
CREATE TRIGGER head_moves_forward BEFORE UPDATE ON ledger.head
    FOR EACH ROW WHEN (NEW.size < OLD.size OR NEW.recorded_at < OLD.recorded_at
        OR NEW.ledger <> OLD.ledger OR NEW.simulated <> OLD.simulated)
    EXECUTE FUNCTION ledger.refuse_change();
CREATE TRIGGER head_is_never_deleted BEFORE DELETE ON ledger.head
    FOR EACH ROW EXECUTE FUNCTION ledger.refuse_change();
CREATE TRIGGER head_is_never_emptied BEFORE TRUNCATE ON ledger.head
    FOR EACH STATEMENT EXECUTE FUNCTION ledger.refuse_change();

-- Group roles belong to the cluster and serve every ledger in it. Two databases may be migrated at the same time.
DO $$
DECLARE
    role_ text;
BEGIN
    FOREACH role_ IN ARRAY ARRAY['caseledger_app', 'caseledger_worker', 'caseledger_reader'] LOOP
        BEGIN
            EXECUTE format('CREATE ROLE %I NOLOGIN', role_);
        EXCEPTION WHEN duplicate_object OR unique_violation THEN
            NULL;
        END;
        BEGIN
            EXECUTE format('GRANT %I TO CURRENT_USER', role_);
        EXCEPTION WHEN unique_violation OR internal_error THEN
            NULL;
        END;
    END LOOP;
END $$;

REVOKE ALL ON ALL FUNCTIONS IN SCHEMA ledger FROM PUBLIC;
GRANT USAGE ON SCHEMA ledger TO caseledger_app, caseledger_worker, caseledger_reader;
GRANT SELECT ON ALL TABLES IN SCHEMA ledger TO caseledger_app, caseledger_worker, caseledger_reader;
GRANT EXECUTE ON FUNCTION ledger.append TO caseledger_app;
GRANT EXECUTE ON FUNCTION ledger.position_at, ledger.now TO caseledger_app, caseledger_worker, caseledger_reader;
