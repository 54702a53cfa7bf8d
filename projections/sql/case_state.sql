-- name: close_rows
-- What was known of these keys ends here.
UPDATE view.case_state_v1 t SET known_to = c.known_to
FROM unnest(%s::uuid[], %s::bigint[]) AS c (key, known_to)
WHERE t.generation = %s AND t.key = c.key AND t.known_to IS NULL

-- name: add_rows
-- What is known of these keys from here on.
INSERT INTO view.case_state_v1 (generation, key, known_from, known_to, value)
SELECT %s, r.key, r.known_from, r.known_to, r.value
FROM unnest(%s::uuid[], %s::bigint[], %s::bigint[], %s::jsonb[]) AS r (key, known_from, known_to, value)

-- name: open_rows
-- What is known now of these keys.
SELECT key, value FROM view.case_state_v1 WHERE generation = %s AND key = ANY(%s) AND known_to IS NULL

-- name: board
-- Every key as known at a position, in order of key, after a key.
SELECT key, value, known_from FROM view.case_state_v1
WHERE generation = (SELECT generation FROM view.current WHERE view = 'case_state')
    AND known_from <= %(position)s AND (known_to IS NULL OR known_to > %(position)s) AND key > %(after)s
ORDER BY key LIMIT %(limit)s

-- name: drop_generation
-- Rows that no reader sees any more.
DELETE FROM view.case_state_v1 WHERE generation = %s

-- name: drop_other_generations
-- Rows of all generations but the one that readers see.
DELETE FROM view.case_state_v1 WHERE generation <> %s

-- name: differences
-- Rows of one generation up to a position that the other does not have; an end beyond the position counts as open.
SELECT count(*) FROM (
    SELECT key, known_from, CASE WHEN known_to <= %(position)s THEN known_to END, value
    FROM view.case_state_v1 WHERE generation = %(one)s AND known_from <= %(position)s
    EXCEPT
    SELECT key, known_from, CASE WHEN known_to <= %(position)s THEN known_to END, value
    FROM view.case_state_v1 WHERE generation = %(other)s AND known_from <= %(position)s
) d

-- name: first_difference
-- One row that the two generations do not share, to name it.
SELECT key, known_from FROM (
    SELECT key, known_from, CASE WHEN known_to <= %(position)s THEN known_to END, value
    FROM view.case_state_v1 WHERE generation = %(one)s AND known_from <= %(position)s
    EXCEPT
    SELECT key, known_from, CASE WHEN known_to <= %(position)s THEN known_to END, value
    FROM view.case_state_v1 WHERE generation = %(other)s AND known_from <= %(position)s
) d ORDER BY known_from LIMIT 1

-- name: count_rows
-- How many rows a generation has up to a position, and over how many keys.
SELECT count(*), count(DISTINCT key) FROM view.case_state_v1 WHERE generation = %s AND known_from <= %s
