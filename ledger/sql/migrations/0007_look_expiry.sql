-- The content of look-ups goes when its time has come, and by that alone: the ledger's own record says up to where.

-- Whether the last expiry that reaches a look-up lets its content go: not where it showed a case that was kept.
CREATE FUNCTION ledger.is_expired(look ledger.event) RETURNS boolean
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    facts jsonb;
BEGIN
    IF look.topic <> 'record_viewed' THEN RETURN false; END IF;
    SELECT ledger.clear_part(e.segments, e.state) -> 'data' INTO facts FROM ledger.event e
        WHERE e.stream = (SELECT h.ledger FROM ledger.head h) AND e.topic = 'lookups_expired'
            AND (ledger.clear_part(e.segments, e.state) #>> '{data,upto}')::bigint >= look.position
        ORDER BY e.version DESC LIMIT 1;
    RETURN facts IS NOT NULL AND NOT coalesce(facts -> 'kept', '[]'::jsonb) ?| ARRAY(
        SELECT jsonb_array_elements_text(ledger.clear_part(look.segments, look.state) #> '{data,cases}'));
END $$;

-- The two changes there are, every other column as it is: sealed bytes of what was erased, content of an expired look-up.
CREATE OR REPLACE FUNCTION ledger.guard_event() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    as_before ledger.event;
BEGIN
    IF TG_OP = 'UPDATE' THEN
        as_before := NEW;
        as_before.state := OLD.state;
        IF as_before IS NOT DISTINCT FROM OLD AND length(OLD.state) > length(NEW.state) AND (
            NEW.state = substr(OLD.state, 1, substr(OLD.segments, 19, 4)::int) AND ledger.is_erased(OLD)
            OR NEW.state = '' AND ledger.is_expired(OLD)) THEN
            RETURN NEW;
        END IF;
    END IF;
    RAISE EXCEPTION '% of %.% is refused: what is recorded stays as it is', TG_OP, TG_TABLE_SCHEMA, TG_TABLE_NAME
        USING ERRCODE = 'CL004';
END $$;

-- For the owner alone: empty the expired look-ups at positions after_ + 1 to upto; returns how many. The caller goes on
-- stretch by stretch, so that no transaction is long. What is kept, or emptied already, is left as it is.
CREATE FUNCTION ledger.remove_looks(upto bigint, after_ bigint DEFAULT 0) RETURNS bigint
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    removed bigint;
BEGIN
    UPDATE ledger.event e SET state = ''
        WHERE e.position > after_ AND e.position <= upto AND e.topic = 'record_viewed' AND e.state <> ''
            AND ledger.is_expired(e);
    GET DIAGNOSTICS removed = ROW_COUNT;
    RETURN removed;
END $$;

REVOKE ALL ON FUNCTION ledger.is_expired, ledger.remove_looks FROM PUBLIC;
