-- name: try_lock
-- One process at a time changes the index; whoever waits keeps no connection meanwhile.
SELECT pg_try_advisory_xact_lock(hashtextextended('caseledger search', 0))

-- name: read_progress
-- The key of the index, the one before it that is not destroyed yet, and how far the index goes.
SELECT key, retired, position FROM search.progress

-- name: begin
-- An index that nobody has made yet starts before the first event.
INSERT INTO search.progress (key, position) VALUES (%s, 0)

-- name: begin_anew
-- Another key from the first event on; the one before it is still to be destroyed.
UPDATE search.progress SET retired = key, key = %s, position = 0

-- name: empty
-- Digests under a key that is about to go.
TRUNCATE search.token, search.membership

-- name: forget_retired
-- The key before is destroyed.
UPDATE search.progress SET retired = NULL WHERE retired = %s

-- name: note_position
-- The index goes this far.
UPDATE search.progress SET position = %s

-- name: new_rows
-- What was recorded of people and of who is in a case between two positions, the second included.
SELECT position, stream, version, topic, recorded_at, actor, blind, segments, state, commitment
FROM ledger.event WHERE position > %s AND position <= %s AND topic = ANY(%s) ORDER BY position

-- name: add_tokens
-- People can be found by these digests.
INSERT INTO search.token (token, person, kind)
SELECT * FROM unnest(%s::bytea[], %s::uuid[], %s::text[]) ON CONFLICT DO NOTHING

-- name: add_memberships
-- People are in these cases.
INSERT INTO search.membership (person, "case")
SELECT * FROM unnest(%s::uuid[], %s::uuid[]) ON CONFLICT DO NOTHING

-- name: find
-- The people who have every one of some digests, with each case they are in.
SELECT person, "case" FROM search.membership JOIN (
    SELECT person FROM search.token WHERE token = ANY(%s) GROUP BY person HAVING count(*) = %s
) found USING (person) ORDER BY person, "case"

-- name: forget_tokens
-- People who are to be found no more.
DELETE FROM search.token WHERE person = ANY(%s)

-- name: forget_memberships
-- Which cases they were in.
DELETE FROM search.membership WHERE person = ANY(%s)

-- name: count
-- How many people can be found, in how many cases.
SELECT (SELECT count(DISTINCT person) FROM search.token), (SELECT count(DISTINCT "case") FROM search.membership)
