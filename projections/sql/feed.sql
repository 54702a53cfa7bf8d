-- name: entries
-- Entries of cases in a stretch of the ledger, in order; NULL only: of all cases but some. Looks make up most of a ledger.
SELECT e.position, e.stream, e.version, e.topic, e.recorded_at, e.actor, e.blind, e.segments, e.state, e.commitment
FROM ledger.event e
WHERE e.position > %(after)s AND e.position <= %(upto)s AND e.topic <> 'record_viewed'
    AND (%(only)s::uuid[] IS NULL OR e.stream = ANY(%(only)s)) AND NOT e.stream = ANY(%(but)s::uuid[])
    AND EXISTS (SELECT FROM ledger.event o WHERE o.stream = e.stream AND o.version = 1 AND o.topic = 'case_opened')
ORDER BY e.position LIMIT %(limit)s
