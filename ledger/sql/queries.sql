-- name: append
-- The one way in; every request of the batch gets its own answer.
SELECT * FROM ledger.append($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)

-- name: open_head
-- The empty ledger: refused when there is one already.
INSERT INTO ledger.head (ledger, simulated, size, frontier, root, recorded_at)
VALUES (%s, %s, 0, '', sha256(''), '1970-01-01T00:00:00Z') ON CONFLICT DO NOTHING RETURNING ledger

-- name: read_head
-- Identity, clock kind, size, root, last time and frontier of the ledger.
SELECT ledger, simulated, size, root, recorded_at, frontier FROM ledger.head

-- name: read_stream
-- One stream in order, up to and including a position.
SELECT position, stream, version, topic, recorded_at, actor, blind, segments, state, commitment
FROM ledger.event WHERE stream = %s AND position <= %s ORDER BY version

-- name: stream_ends
-- The last commitments of several streams, up to and including a position: each binds all of its stream before.
SELECT DISTINCT ON (stream) stream, commitment
FROM ledger.event WHERE stream = ANY(%s) AND position <= %s ORDER BY stream, version DESC

-- name: read_recent
-- The last rows of one stream, the last one first.
SELECT position, stream, version, topic, recorded_at, actor, blind, segments, state, commitment
FROM ledger.event WHERE stream = %s ORDER BY version DESC LIMIT %s

-- name: read_streams
-- Several streams, each in order, up to and including a position.
SELECT position, stream, version, topic, recorded_at, actor, blind, segments, state, commitment
FROM ledger.event WHERE stream = ANY(%s) AND position <= %s ORDER BY stream, version

-- name: read_kinds
-- Events of some topics of several streams, each in order.
SELECT position, stream, version, topic, recorded_at, actor, blind, segments, state, commitment
FROM ledger.event WHERE stream = ANY(%s) AND topic = ANY(%s) ORDER BY stream, version

-- name: read_page
-- The ledger in order, after a position.
SELECT position, stream, version, topic, recorded_at, actor, blind, segments, state, commitment
FROM ledger.event WHERE position > %s ORDER BY position LIMIT %s

-- name: read_topic
-- All events of one topic in order, up to and including a position.
SELECT position, stream, version, topic, recorded_at, actor, blind, segments, state, commitment
FROM ledger.event WHERE topic = %s AND position <= %s ORDER BY position

-- name: read_topic_after
-- All events of one topic in order that follow a position.
SELECT position, stream, version, topic, recorded_at, actor, blind, segments, state, commitment
FROM ledger.event WHERE topic = %s AND position > %s ORDER BY position

-- name: remove_entries
-- Remove the sealed bytes of the entries that an erasure names.
SELECT ledger.remove_entries(%s)

-- name: remove_ciphertext
-- Remove the sealed bytes of one event, as its owner; true where there were any.
SELECT ledger.remove_ciphertext(%s)

-- name: vacuum
-- Let go of what removed bytes have left behind in the table.
VACUUM ledger.event

-- name: read_range
-- The events between two positions, both included.
SELECT position, stream, version, topic, recorded_at, actor, blind, segments, state, commitment
FROM ledger.event WHERE position BETWEEN %s AND %s ORDER BY position

-- name: find_request
-- The positions of an earlier request with this key, and its fingerprint.
SELECT fingerprint, first_position, last_position FROM ledger.request WHERE key = %s

-- name: position_at
-- The last position recorded at or before an instant.
SELECT ledger.position_at(%s)

-- name: now
-- The ledger's clock.
SELECT ledger.now()

-- name: may_work
-- Whether this login may act in a role; no row where the role does not exist yet.
SELECT pg_has_role(current_user, oid, 'SET') FROM pg_roles WHERE rolname = %s
