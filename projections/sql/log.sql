-- name: of_kinds
-- The newest entries of a few kinds below a position, of all cases but some, the newest first. Of each no more than the
-- clear part of its state, whose length stands in the segments.
SELECT e.position, e.stream, e.version, e.topic, e.recorded_at, e.actor, e.blind, e.segments,
    substring(e.state FROM 1 FOR ('x' || encode(substring(e.segments FROM 19 FOR 4), 'hex'))::bit(32)::integer), e.commitment
FROM (
    SELECT n.position FROM unnest(%(topics)s::text[]) AS t (topic) CROSS JOIN LATERAL (
        SELECT position FROM ledger.event
        WHERE topic = t.topic AND topic <> 'record_viewed' AND position > %(floor)s AND position < %(below)s
        ORDER BY position DESC LIMIT %(limit)s
    ) n ORDER BY n.position DESC LIMIT %(limit)s
) p JOIN ledger.event e ON e.position = p.position
ORDER BY e.position DESC

-- name: of_cases
-- The newest entries of some cases below a position, the newest first.
SELECT position, stream, version, topic, recorded_at, actor, blind, segments,
    substring(state FROM 1 FOR ('x' || encode(substring(segments FROM 19 FOR 4), 'hex'))::bit(32)::integer), commitment
FROM ledger.event WHERE stream = ANY(%(cases)s) AND topic = ANY(%(topics)s)
    AND position > %(floor)s AND position < %(below)s
ORDER BY position DESC LIMIT %(limit)s

-- name: of_many_kinds
-- The same of most kinds: goes by position, since what is wanted is near.
SELECT position, stream, version, topic, recorded_at, actor, blind, segments,
    substring(state FROM 1 FOR ('x' || encode(substring(segments FROM 19 FOR 4), 'hex'))::bit(32)::integer), commitment
FROM ledger.event WHERE topic <> 'record_viewed' AND topic = ANY(%(topics)s)
    AND position > %(floor)s AND position < %(below)s
ORDER BY position DESC LIMIT %(limit)s
