-- name: unfinished
-- A generation that a rebuild has begun.
SELECT generation, version, upto, events FROM view.rebuild WHERE view = %s AND generation > 0

-- name: count_events
-- How many events a view reads up to a position.
SELECT count(*) FROM ledger.event WHERE position <= %s AND topic = ANY(%s)

-- name: boundaries
-- Streams that cut those begun by a position into shares of about the same number.
SELECT percentile_disc(%s::float8[]) WITHIN GROUP (ORDER BY stream) FROM ledger.event WHERE version = 1 AND position <= %s

-- name: begin
-- A generation to be folded.
INSERT INTO view.rebuild (view, generation, version, upto, events) VALUES (%s, %s, %s, %s, %s)

-- name: add_share
-- One share of it: the streams after one and up to another.
INSERT INTO view.rebuild_share (view, generation, share, after, last, reached) VALUES (%s, %s, %s, %s, %s, %s)

-- name: open_shares
-- The shares that are not folded to their end.
SELECT share FROM view.rebuild_share WHERE view = %s AND generation = %s AND reached < last ORDER BY share

-- name: folded
-- How many events are folded, over all shares.
SELECT coalesce(sum(events), 0)::int8 FROM view.rebuild_share WHERE view = %s AND generation = %s

-- name: share
-- Where a share has come, how far it goes, and up to which position.
SELECT s.reached, s.last, r.upto FROM view.rebuild_share s JOIN view.rebuild r USING (view, generation)
WHERE s.view = %s AND s.generation = %s AND s.share = %s

-- name: hold_share
-- Wait until nobody else folds this share: processes that a killed rebuild has left end after the piece they are at.
SELECT pg_advisory_lock(hashtextextended('caseledger share ' || %s || '/' || %s || '/' || %s, 0))

-- name: try_share
-- The same without waiting: whether nobody else folds this share.
SELECT pg_try_advisory_lock(hashtextextended('caseledger share ' || %s || '/' || %s || '/' || %s, 0))

-- name: lock_share
-- Where it has come, held until this piece is written: who gives up the whole rebuild waits.
SELECT reached FROM view.rebuild_share WHERE view = %s AND generation = %s AND share = %s FOR UPDATE

-- name: reach
-- A piece more is folded.
UPDATE view.rebuild_share SET reached = %s, events = events + %s WHERE view = %s AND generation = %s AND share = %s

-- name: entries_of_share
-- The clear part of what a view reads of some streams, stream by stream.
SELECT position, stream, version, topic, recorded_at, actor, '\x'::bytea, substr(segments, 1, 22),
    substr(state, 1, substr(segments, 19, 4)::int), '\x'::bytea
FROM ledger.event WHERE stream > %s AND stream <= %s AND position <= %s AND topic = ANY(%s)
ORDER BY stream, version

-- name: end
-- Nothing is being folded any more under this generation.
DELETE FROM view.rebuild WHERE view = %s AND generation = %s

-- name: end_others
-- Nor under any generation but one.
DELETE FROM view.rebuild WHERE view = %s AND generation <> %s

-- name: drop_generation
-- Rows that no reader sees any more.
DELETE FROM view.remembered_v1 WHERE view = %s AND generation = %s

-- name: drop_other_generations
-- Rows of all generations but the one that readers see.
DELETE FROM view.remembered_v1 WHERE view = %s AND generation <> %s

-- name: differences
-- How many rows up to a position two generations do not share, and the first place where they part; an end beyond the
-- position counts as open. Keys that are leaving, erased beyond the position, may be gone from one of them already, and
-- so may rows known since expired or before: entries beyond the position let them go, in whichever has met them.
SELECT count(*) OVER (), d.* FROM (
    SELECT key, part, a.value AS one, a.known_to AS one_to, b.value AS other, b.known_to AS other_to, CASE WHEN a.value = b.value THEN least(a.known_to, b.known_to)
        ELSE known_from END AS position
    FROM (SELECT key, part, known_from, CASE WHEN known_to <= %(position)s THEN known_to END AS known_to, value
        FROM view.remembered_v1 WHERE view = %(view)s AND generation = %(one)s
            AND known_from <= %(position)s AND known_from > %(expired)s AND NOT key = ANY(%(leaving)s)) a
    FULL JOIN (SELECT key, part, known_from, CASE WHEN known_to <= %(position)s THEN known_to END AS known_to, value
        FROM view.remembered_v1 WHERE view = %(view)s AND generation = %(other)s
            AND known_from <= %(position)s AND known_from > %(expired)s AND NOT key = ANY(%(leaving)s)) b
        USING (key, part, known_from)
    WHERE (a.value, a.known_to) IS DISTINCT FROM (b.value, b.known_to)) d
ORDER BY d.position, d.key, d.part LIMIT 1

-- name: value_at
-- What a generation holds of a part at a position.
SELECT value FROM view.remembered_v1 WHERE view = %s AND generation = %s AND key = %s AND part = %s
    AND known_from <= %s AND (known_to IS NULL OR known_to > %s)
ORDER BY known_from DESC LIMIT 1

-- name: event_at
-- The event at a position.
SELECT position, stream, version, topic, recorded_at, actor, blind, segments, state, commitment
FROM ledger.event WHERE position = %s

-- name: count_rows
-- How many rows a generation has up to a position, and over how many keys.
SELECT count(*), count(DISTINCT key) FROM view.remembered_v1 WHERE view = %s AND generation = %s AND known_from <= %s
