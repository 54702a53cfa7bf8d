-- name: current_generation
-- The generation readers see, locked so that no switch happens under a batch. How far it has come is asked apart and
-- afterwards: joined to a row that was waited for, it would be read from before the switch.
SELECT generation, version, stopped_at FROM view.current WHERE view = %s FOR SHARE

-- name: peek_generation
-- The generation readers see, and the version of the code that folded it.
SELECT generation, version FROM view.current WHERE view = %s

-- name: reached
-- How far the generation that readers see has come, and which version of the code folded it.
SELECT t.notification_id, c.version FROM view.current c JOIN view.notification_tracking t
    ON t.application_name = c.view || '_v' || c.version || '/' || c.generation
WHERE c.view = %s

-- name: without_waiting
-- What a crash of the server takes back, rows and progress together, is followed again: no commit waits for the disk.
SET synchronous_commit = off

-- name: first_generation
-- A view that nobody has followed yet starts with generation 1.
INSERT INTO view.current (view, generation, version) VALUES (%s, 1, %s) ON CONFLICT DO NOTHING

-- name: stop_view
-- The view met an event it cannot read and follows no further.
UPDATE view.current SET stopped_at = %s, problem = %s WHERE view = %s

-- name: switch_generation
-- From here on readers see another generation.
UPDATE view.current SET generation = %s, version = %s, stopped_at = NULL, problem = NULL WHERE view = %s

-- name: tracked
-- How far a generation has come.
SELECT notification_id FROM view.notification_tracking WHERE application_name = %s

-- name: outstanding
-- Whether events of some kinds were recorded after one position and by another.
SELECT EXISTS (SELECT FROM ledger.event WHERE position > %s AND position <= %s AND topic = ANY(%s))

-- name: forget_tracking
-- A generation that is no longer there has come nowhere.
DELETE FROM view.notification_tracking WHERE application_name = %s

-- name: forget_other_tracking
-- Of all generations of a view only one is left.
DELETE FROM view.notification_tracking WHERE application_name <> %s AND application_name ~ ('^' || %s || '_v[0-9]+/')

-- name: try_follow
-- One active follower per view in this ledger.
SELECT pg_try_advisory_lock(hashtextextended('caseledger view ' || %s, 0))

-- name: let_go
-- Somebody else may follow; a lock that is left to the end of its connection goes some time after it.
SELECT pg_advisory_unlock(hashtextextended('caseledger view ' || %s, 0))

-- name: page
-- The ledger in order, after a position.
SELECT position, stream, version, topic, recorded_at, actor, blind, segments, state, commitment
FROM ledger.event WHERE position > %s ORDER BY position LIMIT %s

-- name: head
-- Where the ledger stands.
SELECT size FROM ledger.head

-- name: keys_upto
-- Every case opened by a position.
SELECT stream FROM ledger.event WHERE topic = 'case_opened' AND position <= %s

-- name: opened_after
-- The next cases opened after one position and by another, each with the position at which it was.
SELECT stream, position FROM ledger.event WHERE topic = 'case_opened' AND position > %s AND position <= %s
ORDER BY position LIMIT %s

-- name: entries_of_topics
-- Entries of some kinds by a position, whatever stream they stand in.
SELECT position, stream, version, topic, recorded_at, actor, blind, segments, state, commitment
FROM ledger.event WHERE topic = ANY(%s) AND position <= %s ORDER BY position

-- name: erasures_after
-- Every erasure recorded after a position.
SELECT position, stream, version, topic, recorded_at, actor, blind, segments, state, commitment
FROM ledger.event WHERE topic = 'personal_data_erased' AND position > %s ORDER BY position

-- name: opened_among
-- How many of some cases had been opened by a position.
SELECT count(*) FROM ledger.event WHERE stream = ANY(%s) AND version = 1 AND position <= %s

-- name: entries_of_keys
-- What the fold has kept of some streams, up to and including a position.
SELECT position, stream, version, topic, recorded_at, actor, blind, segments, state, commitment
FROM ledger.event WHERE stream = ANY(%s) AND topic = ANY(%s) AND position <= %s ORDER BY position

-- name: later_in_own_stream
-- Entries of some kinds in the ledger's own stream after a position.
SELECT position, stream, version, topic, recorded_at, actor, blind, segments, state, commitment
FROM ledger.event WHERE stream = (SELECT ledger FROM ledger.head) AND position > %s AND topic = ANY(%s) ORDER BY version
