-- name: clear_events
-- The clear part of events in a range of positions, of some topics, without some cases; what is sealed stays behind.
-- Of cases erased whole the erasures themselves are told.
SELECT position, uuid_send(stream), version, topic, timestamptz_send(recorded_at),
    substr(state, 1, substr(segments, 19, 4)::int)
FROM ledger.event
WHERE position > %(after)s AND position <= %(upto)s AND topic = ANY(%(topics)s::text[])
    AND (stream <> ALL(%(without)s::uuid[]) OR topic = 'personal_data_erased')
    AND stream <> ALL(%(restricted)s::uuid[])
ORDER BY position

-- name: remembered
-- The rows of a view up to a position with the instants between which each was known, without some cases. A row that
-- ends after the position is open.
SELECT r.known_from, uuid_send(r.key), r.part, r.known_to, timestamptz_send(f.recorded_at),
    timestamptz_send(t.recorded_at), r.value::text
FROM (
    SELECT key, part, known_from, CASE WHEN known_to <= %(upto)s THEN known_to END AS known_to, value
    FROM view.remembered_v1
    WHERE view = %(view)s AND generation = (SELECT generation FROM view.current WHERE view = %(view)s)
        AND known_from <= %(upto)s AND key <> ALL(%(without)s::uuid[])
) r
JOIN ledger.event f ON f.position = r.known_from
LEFT JOIN ledger.event t ON t.position = r.known_to
ORDER BY r.known_from, r.key, r.part

-- name: commitments
-- What the leaves of the tree of a size are made of.
SELECT commitment FROM ledger.event WHERE position <= %(upto)s ORDER BY position

-- name: counted
-- How many events some cases have up to a position.
SELECT count(*) FROM ledger.event WHERE position <= %(upto)s AND stream = ANY(%(cases)s::uuid[])

-- name: topics
-- How many events there are of each topic up to a position.
SELECT topic, count(*) FROM ledger.event WHERE position <= %(upto)s GROUP BY topic ORDER BY topic

-- name: recorded_at
-- When a position was recorded.
SELECT recorded_at FROM ledger.event WHERE position = %(upto)s

-- name: last_leaving
-- The last position by another at which something was recorded that may leave; 0 for none. Making a release, and looks,
-- are recorded too, and change nothing in it.
SELECT coalesce((SELECT position FROM ledger.event
    WHERE position <= %(upto)s AND topic <> ALL(%(left_out)s) ORDER BY position DESC LIMIT 1), 0)
