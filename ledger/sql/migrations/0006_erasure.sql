-- Erasure: rare topics are found at once, and sealed bytes may go where an erasure on record covers them.

-- Topics of which there are few in a ledger of millions, and which are asked for across all streams.
CREATE INDEX event_rare_topic ON ledger.event (topic, position) WHERE topic IN (
    'case_opened', 'ledger_opened', 'person_identified', 'person_registered', 'personal_data_erased',
    'rule_book_adopted', 'rule_settings_chosen', 'sibling_linked', 'steering_overview_published');

-- The facts of an event from its clear segment; NULL where they cannot be read, so that no append ever fails of it.
CREATE FUNCTION ledger.facts_of(segments bytea, state bytea) RETURNS jsonb
LANGUAGE plpgsql IMMUTABLE STRICT SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN convert_from(substr(state, 1, substr(segments, 19, 4)::int), 'UTF8')::jsonb -> 'data';
EXCEPTION WHEN OTHERS THEN
    RETURN NULL;
END $$;

-- Which keys were erased.
CREATE INDEX event_erased_key ON ledger.event ((ledger.facts_of(segments, state) ->> 'key'))
    WHERE topic = 'personal_data_erased';

-- Whether an erasure on record names this entry, or the key of each of its sealed segments.
CREATE FUNCTION ledger.is_erased(entry ledger.event) RETURNS boolean
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    count int := get_byte(entry.segments, 0) * 256 + get_byte(entry.segments, 1);
BEGIN
    IF EXISTS (SELECT FROM ledger.event e WHERE e.stream = entry.stream AND e.version > entry.version
        AND e.topic = 'personal_data_erased'
        AND ledger.facts_of(e.segments, e.state) -> 'entries' @> to_jsonb(entry.version)) THEN
        RETURN true;
    END IF;
    FOR i IN 1 .. count - 1 LOOP
        IF NOT EXISTS (SELECT FROM ledger.event e WHERE e.topic = 'personal_data_erased'
            AND ledger.facts_of(e.segments, e.state) ->> 'key'
                = encode(substr(entry.segments, 3 + 84 * i, 16), 'hex')::uuid::text) THEN
            RETURN false;
        END IF;
    END LOOP;
    RETURN count > 1;
END $$;

-- The one change there is: of an erased entry the sealed bytes may go, the clear segment stays byte for byte.
CREATE FUNCTION ledger.guard_event() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    as_before ledger.event;
BEGIN
    IF TG_OP = 'UPDATE' THEN
        as_before := NEW;
        as_before.state := OLD.state;
        IF as_before IS NOT DISTINCT FROM OLD AND length(OLD.state) > length(NEW.state)
            AND NEW.state = substr(OLD.state, 1, substr(OLD.segments, 19, 4)::int) AND ledger.is_erased(OLD) THEN
            RETURN NEW;
        END IF;
    END IF;
    RAISE EXCEPTION '% of %.% is refused: what is recorded stays as it is', TG_OP, TG_TABLE_SCHEMA, TG_TABLE_NAME
        USING ERRCODE = 'CL004';
END $$;

DROP TRIGGER event_is_immutable ON ledger.event;
CREATE TRIGGER event_is_immutable BEFORE UPDATE OR DELETE ON ledger.event
    FOR EACH ROW EXECUTE FUNCTION ledger.guard_event();

-- For the owner alone: remove the sealed bytes of one event; true where there were any. The trigger says whether it may.
CREATE FUNCTION ledger.remove_ciphertext(removed bigint) RETURNS boolean
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    UPDATE ledger.event SET state = substr(state, 1, substr(segments, 19, 4)::int)
        WHERE position = removed AND length(state) > substr(segments, 19, 4)::int;
    RETURN FOUND;
END $$;

-- For the application: remove the sealed bytes of the entries that the erasure at a position names; returns how many.
CREATE FUNCTION ledger.remove_entries(erasure bigint) RETURNS int
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    removed int;
BEGIN
    UPDATE ledger.event e SET state = substr(e.state, 1, substr(e.segments, 19, 4)::int)
        FROM ledger.event d, jsonb_array_elements_text(ledger.facts_of(d.segments, d.state) -> 'entries') AS named
        WHERE d.position = erasure AND d.topic = 'personal_data_erased'
            AND e.stream = d.stream AND e.version = named::bigint
            AND length(e.state) > substr(e.segments, 19, 4)::int;
    GET DIAGNOSTICS removed = ROW_COUNT;
    RETURN removed;
END $$;

REVOKE ALL ON FUNCTION ledger.facts_of, ledger.is_erased, ledger.guard_event, ledger.remove_ciphertext,
    ledger.remove_entries FROM PUBLIC;
GRANT EXECUTE ON FUNCTION ledger.remove_entries TO caseledger_app;
