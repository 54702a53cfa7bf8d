-- name: lock
-- One publisher at a time in a database; false where another one is at work.
SELECT pg_try_advisory_lock(hashtext('caseledger proof'))

-- name: ask
-- Asks the worker for a checkpoint now; no row where no publisher of this database has its turn.
SELECT pg_notify('caseledger_checkpoint_wanted', '') WHERE EXISTS (
    SELECT FROM pg_locks
    WHERE locktype = 'advisory' AND granted AND objsubid = 1
        AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
        AND (classid::bigint << 32) | objid::bigint = hashtext('caseledger proof')
)

-- name: listen
-- Hears of those who want a checkpoint now; quiet when it does already.
LISTEN caseledger_checkpoint_wanted

-- name: lock_witnessing
-- One of a kind asks at a time: witnesses near, witnesses far, a time-stamp authority; false where another one does.
SELECT pg_try_advisory_lock(hashtext('caseledger witnessing ' || %s))

-- name: head
-- Ledger, size and root.
SELECT ledger, size, root FROM ledger.head

-- name: confirm
-- Commits what changes nothing, and so waits for whatever commits wait for; returns where it stands in the WAL.
SELECT pg_logical_emit_message(true, 'caseledger', '')

-- name: on_standby
-- Whether this login may see how far standbys are, and whether a synchronous one has everything up to a place on disk.
SELECT pg_has_role('pg_read_all_stats', 'USAGE'),
    EXISTS (SELECT FROM pg_stat_replication WHERE sync_state IN ('sync', 'quorum') AND flush_lsn >= %s)

-- name: edge
-- The last row of tiles of each level: the right edge of the tree.
SELECT DISTINCT ON (level) level, number, hashes FROM proof.tile ORDER BY level, number DESC

-- name: grown_to
-- How many events the tiles hold; no row for none.
SELECT number * 256 + length(hashes) / 32 FROM proof.tile WHERE level = 0 ORDER BY number DESC LIMIT 1

-- name: commitments
-- Positions and commitments after a position and up to another, in order.
SELECT position, commitment FROM ledger.event WHERE position > %s AND position <= %s ORDER BY position

-- name: write_tile
-- A row of tiles, new or longer than before.
INSERT INTO proof.tile VALUES (%s, %s, %s) ON CONFLICT (level, number) DO UPDATE SET hashes = excluded.hashes

-- name: read_tile
-- The hashes of a tile as far as it is filled.
SELECT hashes FROM proof.tile WHERE level = %s AND number = %s

-- name: write_checkpoint
-- A signed checkpoint; quiet when the same size is there.
INSERT INTO proof.checkpoint (size, root, note) VALUES (%s, %s, %s) ON CONFLICT (size) DO NOTHING

-- name: write_key
-- A key of the log, with the position of the event that announced it.
INSERT INTO proof.key VALUES (%s, %s) ON CONFLICT DO NOTHING

-- name: keys
-- The keys of the log, the first ones first.
SELECT vkey, announced FROM proof.key ORDER BY announced NULLS FIRST, vkey

-- name: announce
-- Tells whoever waits that there is a checkpoint of a size.
SELECT pg_notify('caseledger_checkpoint', %s)

-- name: latest
-- The checkpoint of the largest size at or below a bound.
SELECT size, root, note, stored_at FROM proof.checkpoint WHERE size <= %s ORDER BY size DESC LIMIT 1

-- name: covering
-- The checkpoint of the smallest size at or above a position.
SELECT size, root, note, stored_at FROM proof.checkpoint WHERE size >= %s ORDER BY size LIMIT 1

-- name: checkpoints
-- The checkpoints larger than a size, in order.
SELECT size, root, note, stored_at FROM proof.checkpoint WHERE size > %s ORDER BY size LIMIT %s

-- name: checkpoints_before
-- The checkpoints smaller than a size, the largest first.
SELECT size, root, note, stored_at FROM proof.checkpoint WHERE size < %s ORDER BY size DESC LIMIT %s

-- name: cosignatures
-- The signature lines of witnesses below a checkpoint, the newest of each key.
SELECT DISTINCT ON (witness, key_id) line FROM proof.cosignature WHERE size = %s
ORDER BY witness, key_id, cosigned_at DESC

-- name: write_cosignature
-- What a witness signed; quiet when it is there.
INSERT INTO proof.cosignature VALUES (%s, %s, %s, to_timestamp(%s), %s) ON CONFLICT DO NOTHING

-- name: last_cosigned
-- The largest size that a key of a witness cosigned.
SELECT max(size) FROM proof.cosignature WHERE witness = %s AND key_id = %s

-- name: cosigners
-- The sizes below a bound that witnesses cosigned, the largest first, each with the ids of their keys.
SELECT size, array_agg(DISTINCT witness || '+' || encode(key_id, 'hex')) FROM proof.cosignature WHERE size < %s
GROUP BY size ORDER BY size DESC LIMIT %s

-- name: stamps
-- The time stamps over a checkpoint, in order.
SELECT token, stamped_at FROM proof.stamp WHERE size = %s ORDER BY stamped_at

-- name: write_stamp
-- A time stamp over a checkpoint.
INSERT INTO proof.stamp VALUES (%s, %s, %s) ON CONFLICT DO NOTHING

-- name: last_stamp
-- Of which size the newest time stamp is, and its time.
SELECT size, stamped_at FROM proof.stamp ORDER BY stamped_at DESC LIMIT 1

-- name: entries
-- The commitments of some positions, in order: the entries that a bundle publishes.
SELECT commitment FROM ledger.event WHERE position BETWEEN %s AND %s ORDER BY position
