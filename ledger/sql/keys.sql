-- name: read_topics_page
-- The next events of some topics after a position, in order.
SELECT position, stream, version, topic, recorded_at, actor, blind, segments, state, commitment
FROM ledger.event WHERE topic = ANY(%s) AND position > %s ORDER BY position LIMIT %s
