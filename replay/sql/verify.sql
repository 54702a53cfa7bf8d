-- name: snapshot
-- One state of everything for the whole check, whatever is appended meanwhile.
SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY

-- name: copy_page
-- A page of events after a position, as PostgreSQL keeps them; the columns of one width first. It ends after so many
-- events, or with the one whose payload makes it so many bytes.
COPY (
    SELECT position, stream, version, recorded_at, actor, blind, commitment, topic, segments, state
    FROM (SELECT *, sum(length(state)) OVER (ORDER BY position ROWS UNBOUNDED PRECEDING) - length(state) AS before
          FROM ledger.event WHERE position > %s ORDER BY position LIMIT %s) page
    WHERE before < %s ORDER BY position
) TO STDOUT (FORMAT binary)

-- name: copy_one
-- One event, as PostgreSQL keeps it.
COPY (
    SELECT position, stream, version, recorded_at, actor, blind, commitment, topic, segments, state
    FROM ledger.event WHERE position = %s
) TO STDOUT (FORMAT binary)

-- name: predecessors
-- Position and commitment of some events by stream and version.
SELECT stream, version, position, commitment FROM ledger.event
WHERE (stream, version) IN (SELECT * FROM unnest(%s::uuid[], %s::bigint[]))

-- name: tiles
-- Some rows of tiles.
SELECT level, number, hashes FROM proof.tile
WHERE (level, number) IN (SELECT * FROM unnest(%s::smallint[], %s::bigint[]))

-- name: edge
-- How far the rows of tiles go at each level.
SELECT level, max(number) FROM proof.tile GROUP BY level ORDER BY level

-- name: newest_size
-- The size of the newest checkpoint; 0 for none.
SELECT coalesce(max(size), 0) FROM proof.checkpoint

-- name: checkpoints
-- The checkpoints larger than a size, in order.
SELECT size, root, note FROM proof.checkpoint WHERE size > %s ORDER BY size LIMIT %s

-- name: newest_checkpoint
-- The newest checkpoint.
SELECT size, root, note FROM proof.checkpoint ORDER BY size DESC LIMIT 1

-- name: cosignatures
-- What witnesses signed of some checkpoints larger than a size, the earliest first, with what they signed.
SELECT size, witness, key_id, floor(extract(epoch FROM cosigned_at))::bigint, line, note
FROM proof.cosignature LEFT JOIN proof.checkpoint USING (size)
WHERE size IN (SELECT DISTINCT size FROM proof.cosignature WHERE size > %s ORDER BY size LIMIT %s)
ORDER BY size, cosigned_at

-- name: cosigned_before
-- The largest checkpoint up to a size that a witness signed; 0 for none.
SELECT coalesce(max(size), 0) FROM proof.cosignature WHERE size <= %s

-- name: unwitnessed
-- The smallest checkpoint above a size that has waited for witnesses for more than an hour.
SELECT min(size) FROM proof.checkpoint WHERE size > %s AND stored_at < now() - interval '1 hour'

-- name: keys
-- The keys of the log with the position of the event that announced each, the first ones first.
SELECT vkey, announced FROM proof.key ORDER BY announced NULLS FIRST, vkey

-- name: bad_requests
-- The positions of requests that point outside the ledger, or at events that another request made.
SELECT first_position, last_position FROM (
    SELECT first_position, last_position, max(last_position) OVER (
        ORDER BY first_position, last_position ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS before
    FROM ledger.request) r
WHERE first_position < 1 OR last_position < first_position OR last_position > %s OR first_position <= before
ORDER BY first_position LIMIT 100
