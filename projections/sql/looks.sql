-- name: looks_of_key
-- The looks at a case or person recorded in a stretch of the ledger, the newest first, before a position.
SELECT r.known_from, e.recorded_at, r.value
FROM view.remembered_v1 r JOIN ledger.event e ON e.position = r.known_from
WHERE r.view = 'access' AND r.generation = (SELECT generation FROM view.current WHERE view = 'access')
    AND r.known_to IS NULL AND r.key = %(key)s AND r.known_from > %(after)s AND r.known_from < %(before)s
ORDER BY r.known_from DESC LIMIT %(limit)s

-- name: counts_of_key
-- How many looks at a case or person are on record by a position, by how many, refused, and through emergency access.
SELECT count(*), count(DISTINCT r.value ->> 'viewer'), count(*) FILTER (WHERE (r.value ->> 'refused')::bool),
    count(*) FILTER (WHERE (r.value ->> 'break_glass')::bool)
FROM view.remembered_v1 r
WHERE r.view = 'access' AND r.generation = (SELECT generation FROM view.current WHERE view = 'access')
    AND r.known_to IS NULL AND r.key = %(key)s AND r.known_from <= %(position)s
