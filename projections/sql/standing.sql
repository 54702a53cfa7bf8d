-- name: bears_after
-- Whether an entry of a case recorded after one position and by another bears on where it stood at an instant: it opens
-- the case, corrects or annuls, or had happened by then. Days count from 00:00 in Copenhagen.
SELECT EXISTS (SELECT FROM ledger.event e,
        LATERAL (SELECT convert_from(substr(e.state, 1, substr(e.segments, 19, 4)::int), 'UTF8')::jsonb
            ->> 'occurred_at' AS moment) m
    WHERE e.stream = %s AND e.position > %s AND e.position <= %s AND e.topic = ANY(%s)
        AND (e.topic = ANY(%s) OR CASE WHEN length(m.moment) = 10
            THEN m.moment::timestamp AT TIME ZONE 'Europe/Copenhagen' ELSE m.moment::timestamptz END <= %s))
