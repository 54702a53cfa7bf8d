-- name: close_rows
-- What was known of these parts ends here.
UPDATE view.remembered_v1 t SET known_to = c.known_to
FROM unnest(%s::uuid[], %s::text[], %s::bigint[]) AS c (key, part, known_to)
WHERE t.view = %s AND t.generation = %s AND t.key = c.key AND t.part = c.part AND t.known_to IS NULL

-- name: add_rows
-- What is known of these parts from here on.
INSERT INTO view.remembered_v1 (view, generation, key, part, known_from, known_to, value)
SELECT %s, %s, r.key, r.part, r.known_from, r.known_to, r.value
FROM jsonb_to_recordset(%s::jsonb) AS r (key uuid, part text, known_from bigint, known_to bigint, value jsonb)

-- name: open_staging
-- Where rows arrive by COPY, which a table with row security does not take: seen by this connection alone.
CREATE TEMPORARY TABLE staged (key uuid, part text, known_from bigint, known_to bigint, value jsonb) ON COMMIT DELETE ROWS

-- name: stage_rows
-- Rows that somebody has folded whole, with their ends.
COPY staged (key, part, known_from, known_to, value) FROM STDIN

-- name: add_staged
-- They stand in a generation from here on.
INSERT INTO view.remembered_v1 (view, generation, key, part, known_from, known_to, value)
SELECT %s, %s, key, part, known_from, known_to, value FROM staged

-- name: forget_keys
-- All that was ever remembered of these keys, in every generation: a rebuild that was cut off may have left one.
DELETE FROM view.remembered_v1 WHERE view = %s AND key = ANY(%s)

-- name: expire_rows
-- Rows known since a position or before go, but for those of a look that is also remembered under a key that is kept.
DELETE FROM view.remembered_v1 t
WHERE t.view = %(view)s AND t.generation = %(generation)s AND t.known_from <= %(upto)s
    AND NOT EXISTS (SELECT FROM view.remembered_v1 k WHERE k.view = t.view AND k.generation = t.generation
        AND k.key = ANY(%(kept)s) AND k.part = t.part AND k.known_from = t.known_from)

-- name: open_rows
-- What is known now of these keys.
SELECT key, part, value FROM view.remembered_v1
WHERE view = %s AND generation = %s AND key = ANY(%s) AND known_to IS NULL

-- name: board
-- Every key but some as known at a position, in order of key, after a key.
SELECT key, value, known_from FROM view.remembered_v1
WHERE view = 'case_state' AND generation = (SELECT generation FROM view.current WHERE view = 'case_state')
    AND known_from <= %(position)s AND (known_to IS NULL OR known_to > %(position)s) AND key > %(after)s
    AND NOT key = ANY(%(but)s::uuid[])
ORDER BY key LIMIT %(limit)s

-- name: board_of
-- Some keys as known at a position, in order of key; apart from the above, so that its plan is never one for all keys.
SELECT key, value, known_from FROM view.remembered_v1
WHERE view = 'case_state' AND generation = (SELECT generation FROM view.current WHERE view = 'case_state')
    AND known_from <= %(position)s AND (known_to IS NULL OR known_to > %(position)s) AND key = ANY(%(only)s::uuid[])
ORDER BY key LIMIT %(limit)s

-- name: parts_at
-- All rows of a view as known at a position, with since when each is known; NULL only: of all keys, but for some.
SELECT r.key, r.part, r.value, r.known_from, e.recorded_at
FROM view.remembered_v1 r JOIN ledger.event e ON e.position = r.known_from
WHERE r.view = %(view)s AND r.generation = (SELECT generation FROM view.current WHERE view = %(view)s)
    AND r.known_from <= %(position)s AND (r.known_to IS NULL OR r.known_to > %(position)s)
    AND (%(only)s::uuid[] IS NULL OR r.key = ANY(%(only)s)) AND NOT r.key = ANY(%(but)s::uuid[])
ORDER BY r.key, r.part
