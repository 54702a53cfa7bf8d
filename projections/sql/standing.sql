-- name: bearing_after
-- The cases in which an entry recorded after one position and by another bears on where they stood at an instant: it
-- opens the case or erases in it, had happened by then, or corrects or annuls. A correction or annulment does not where
-- what it is about is a fact that is itself recorded after the first position and had not happened, unless it says when
-- that happened. Days count from 00:00 in Copenhagen. Unless originals are asked for, also the cases with corrections or
-- annulments recorded later still, since these may withhold something.
WITH later AS MATERIALIZED (
    SELECT e.stream, e.version, e.topic, c.clear, CASE WHEN length(c.clear ->> 'occurred_at') = 10
        THEN (c.clear ->> 'occurred_at')::timestamp AT TIME ZONE 'Europe/Copenhagen'
        ELSE (c.clear ->> 'occurred_at')::timestamptz END AS happened
    FROM ledger.event e, LATERAL (
        SELECT convert_from(substr(e.state, 1, substr(e.segments, 19, 4)::int), 'UTF8')::jsonb AS clear) c
    WHERE e.stream = ANY(%(cases)s) AND e.position > %(known)s AND e.position <= %(position)s
)
SELECT DISTINCT l.stream FROM later l
WHERE l.topic = ANY(%(topics)s) AND (l.topic = ANY(%(always)s) OR l.topic <> ALL(%(about)s) AND l.happened <= %(valid_at)s
    OR l.topic = ANY(%(about)s) AND (l.clear #>> '{data,field}' = 'occurred_at' OR NOT EXISTS (
        SELECT FROM later f WHERE f.stream = l.stream AND f.happened > %(valid_at)s AND f.topic <> ALL(%(about)s)
            AND f.version = coalesce(l.clear #>> '{data,corrects}', l.clear #>> '{data,annuls}')::int)))
UNION SELECT e.stream FROM ledger.event e
WHERE NOT %(originals)s AND e.stream = ANY(%(cases)s) AND e.position > %(position)s AND e.topic = ANY(%(about)s)
