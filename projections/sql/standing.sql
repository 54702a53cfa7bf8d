-- name: bearing_after
-- The cases in which an entry recorded after one position and by another bears on where they stood at an instant: it
-- opens the case or erases in it, had happened by then, or corrects or annuls. A correction or annulment does not where
-- what it is about bears on no state at all, or is a fact that is itself recorded after the first position and had not
-- happened, unless it says when that happened. Days count from 00:00 in Copenhagen.
WITH later AS MATERIALIZED (
    SELECT e.stream, e.version, e.topic, c.clear, CASE WHEN length(c.clear ->> 'occurred_at') = 10
        THEN (c.clear ->> 'occurred_at')::timestamp AT TIME ZONE 'Europe/Copenhagen'
        ELSE (c.clear ->> 'occurred_at')::timestamptz END AS happened
    FROM ledger.event e, LATERAL (
        SELECT convert_from(substr(e.state, 1, substr(e.segments, 19, 4)::int), 'UTF8')::jsonb AS clear) c
    WHERE e.stream = ANY(%(cases)s) AND e.position > %(known)s AND e.position <= %(position)s
        AND e.topic = ANY(%(topics)s)
)
SELECT DISTINCT l.stream FROM later l
WHERE l.topic = ANY(%(always)s) OR l.topic <> ALL(%(about)s) AND l.happened <= %(valid_at)s
    OR l.topic = ANY(%(about)s) AND EXISTS (
        SELECT FROM ledger.event f WHERE f.stream = l.stream AND f.topic = ANY(%(topics)s)
            AND f.version = coalesce(l.clear #>> '{data,corrects}', l.clear #>> '{data,annuls}')::int
            AND (l.clear #>> '{data,field}' = 'occurred_at' OR NOT EXISTS (
                SELECT FROM later t WHERE t.stream = f.stream AND t.version = f.version
                    AND t.happened > %(valid_at)s AND t.topic <> ALL(%(about)s))))

-- name: withheld_later
-- The cases with corrections or annulments recorded after a position in which something may be withheld: by those, or
-- by earlier ones whose value they may change.
SELECT a.stream FROM (
    SELECT e.stream, e.position,
        convert_from(substr(e.state, 1, substr(e.segments, 19, 4)::int), 'UTF8')::jsonb -> 'data' AS data
    FROM ledger.event e
    WHERE e.stream = ANY(%(cases)s) AND e.topic = ANY(%(about)s) AND e.topic <> 'record_viewed'
) a
GROUP BY a.stream
HAVING bool_or(a.position > %(position)s) AND bool_or(a.data ->> 'kind' = ANY(%(hidden)s) OR a.data ? 'restricted')

-- name: milestones_before
-- Of each case the last milestone at or before an instant, as known at a position; its name is the instant.
SELECT c.key, m.part, m.value FROM unnest(%(cases)s::uuid[]) AS c (key), LATERAL (
    SELECT r.part, r.value FROM view.remembered_v1 r
    WHERE r.view = 'milestones' AND r.generation = (SELECT generation FROM view.current WHERE view = 'milestones')
        AND r.key = c.key AND r.part <= %(upto)s
        AND r.known_from <= %(position)s AND (r.known_to IS NULL OR r.known_to > %(position)s)
    ORDER BY r.part DESC LIMIT 1) m

-- name: entries_of_runs
-- Entries of some kinds in runs of versions of some cases, by a position. OFFSET keeps the other conditions out of the
-- choice of the index: by topic or position a long case would be gone through for each run.
SELECT e.position, e.stream, e.version, e.topic, e.recorded_at, e.actor, e.blind, e.segments, e.state, e.commitment
FROM unnest(%(cases)s::uuid[], %(firsts)s::bigint[], %(lasts)s::bigint[]) AS r (stream, first, last), LATERAL (
    SELECT * FROM ledger.event v WHERE v.stream = r.stream AND v.version BETWEEN r.first AND r.last OFFSET 0) e
WHERE e.topic = ANY(%(topics)s) AND e.position <= %(position)s
ORDER BY e.stream, e.version

-- name: states_known
-- Where cases stood as known at a position; those of which nothing was known are left out.
SELECT c.key, s.value FROM unnest(%(cases)s::uuid[]) AS c (key), LATERAL (
    SELECT r.value, r.known_to FROM view.remembered_v1 r
    WHERE r.view = 'case_state' AND r.generation = (SELECT generation FROM view.current WHERE view = 'case_state')
        AND r.key = c.key AND r.part = '' AND r.known_from <= %(position)s
    ORDER BY r.known_from DESC LIMIT 1) s
WHERE s.known_to IS NULL OR s.known_to > %(position)s
