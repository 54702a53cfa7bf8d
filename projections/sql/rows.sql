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

-- name: board_chosen
-- The keys of a board whose state is chosen by programme, status and who is responsible; a NULL filter chooses all.
-- The filters stand in one CASE because the planner takes each by itself for far rarer than it is.
SELECT key, value, known_from FROM view.remembered_v1
WHERE view = 'case_state' AND generation = (SELECT generation FROM view.current WHERE view = 'case_state')
    AND known_from <= %(position)s AND (known_to IS NULL OR known_to > %(position)s) AND key > %(after)s
    AND NOT key = ANY(%(but)s::uuid[]) AND (%(only)s::uuid[] IS NULL OR key = ANY(%(only)s::uuid[]))
    AND CASE WHEN (%(programme)s::text IS NULL OR value ->> 'programme' = %(programme)s::text)
        AND (%(status)s::text IS NULL OR value #>> '{enrolment,status}' = %(status)s::text)
        AND (%(responsible)s::text IS NULL OR EXISTS (
            SELECT FROM jsonb_each_text(value -> 'responsible') AS r WHERE r.value = %(responsible)s::text))
    THEN true ELSE false END
ORDER BY key LIMIT %(limit)s

-- name: parts_at
-- All rows of a view as known at a position, with since when each is known; NULL only: of all keys, but for some.
SELECT r.key, r.part, r.value, r.known_from, e.recorded_at
FROM view.remembered_v1 r JOIN ledger.event e ON e.position = r.known_from
WHERE r.view = %(view)s AND r.generation = (SELECT generation FROM view.current WHERE view = %(view)s)
    AND r.known_from <= %(position)s AND (r.known_to IS NULL OR r.known_to > %(position)s)
    AND (%(only)s::uuid[] IS NULL OR r.key = ANY(%(only)s)) AND NOT r.key = ANY(%(but)s::uuid[])
ORDER BY r.key, r.part

-- name: board_page
-- The rows of a board as known at a position and standing at an instant, in the board's order, after a place; a NULL
-- filter leaves nothing out. Planned for the values at hand each time: for few cases it goes by case, else in order.
-- The filters stand in one CASE because the planner takes each by itself for far rarer than it is.
SELECT p.key, p.part, p.value, p.known_from, e.recorded_at FROM (
    SELECT r.sort, r.key, r.part, r.value, r.known_from FROM view.remembered_v1 r
    WHERE r.view = %(view)s AND r.generation = (SELECT generation FROM view.current WHERE view = %(view)s)
        AND r.sort IS NOT NULL
        AND r.known_from <= %(position)s AND coalesce(r.known_to, 9223372036854775807) > %(position)s
        AND (%(only)s::uuid[] IS NULL OR r.key = ANY(%(only)s::uuid[])) AND NOT r.key = ANY(%(but)s::uuid[])
        AND CASE WHEN starts_with(r.part, %(prefix)s)
            AND (%(levels)s::text[] IS NULL OR r.value ->> 'level' = ANY(%(levels)s::text[]))
            AND (%(programme)s::text IS NULL OR r.value ->> 'programme' = %(programme)s::text)
            AND (%(citizen)s::bool IS NULL OR (r.value ->> 'citizen')::bool = %(citizen)s::bool)
            AND (%(events)s::text[] IS NULL OR r.value ->> 'event' = ANY(%(events)s::text[]))
            AND (%(statuses)s::text[] IS NULL OR CASE WHEN r.value ? 'steps' THEN coalesce(jsonb_path_query_first(
                r.value, 'strict $.steps[*] ? (@[0] <= $at)[1]', %(at)s::jsonb) #>> '{}', r.value ->> 'status')
                ELSE r.value ->> 'status' END = ANY(%(statuses)s::text[]))
        THEN true ELSE false END
        AND (r.sort, r.key, r.part COLLATE "C") > (%(sort)s::text, %(key)s, %(part)s::text)
        AND (%(sort_from)s::text IS NULL OR r.sort >= %(sort_from)s::text)
        AND (%(sort_before)s::text IS NULL OR r.sort < %(sort_before)s::text)
    ORDER BY r.sort, r.key, r.part COLLATE "C" LIMIT %(limit)s
) p JOIN ledger.event e ON e.position = p.known_from
ORDER BY p.sort, p.key, p.part COLLATE "C"

-- name: board_rare
-- The rows of a kind of which there are few, by an index of their own: the condition on the part is word for word its.
SELECT r.key, r.part, r.value, r.known_from, e.recorded_at
FROM view.remembered_v1 r JOIN ledger.event e ON e.position = r.known_from
WHERE r.view = %(view)s AND r.generation = (SELECT generation FROM view.current WHERE view = %(view)s)
    AND r.sort IS NOT NULL AND split_part(r.part, '/', 1) = %(kind)s::text
    AND r.known_from <= %(position)s AND coalesce(r.known_to, 9223372036854775807) > %(position)s
    AND (%(only)s::uuid[] IS NULL OR r.key = ANY(%(only)s::uuid[])) AND NOT r.key = ANY(%(but)s::uuid[])
    AND (%(programme)s::text IS NULL OR r.value ->> 'programme' = %(programme)s::text)

-- name: board_counts
-- How many rows the same board has by status, by what they say under two names, and by how many of some texts in order
-- they do not sort before.
SELECT c.first, c.second, c.span, c.status, count(*) FROM (
    SELECT CASE %(first)s::text WHEN '' THEN '' WHEN 'part' THEN r.part ELSE coalesce(r.value ->> %(first)s::text, '')
        END AS first,
        CASE %(second)s::text WHEN '' THEN '' WHEN 'part' THEN r.part ELSE coalesce(r.value ->> %(second)s::text, '')
        END AS second,
        width_bucket(r.sort, %(spans)s::text[]) AS span,
        CASE WHEN r.value ? 'steps' THEN coalesce(jsonb_path_query_first(
            r.value, 'strict $.steps[*] ? (@[0] <= $at)[1]', %(at)s::jsonb) #>> '{}', r.value ->> 'status')
            ELSE r.value ->> 'status' END AS status
    FROM view.remembered_v1 r
    WHERE r.view = %(view)s AND r.generation = (SELECT generation FROM view.current WHERE view = %(view)s)
        AND r.sort IS NOT NULL
        AND r.known_from <= %(position)s AND coalesce(r.known_to, 9223372036854775807) > %(position)s
        AND (%(only)s::uuid[] IS NULL OR r.key = ANY(%(only)s::uuid[])) AND NOT r.key = ANY(%(but)s::uuid[])
        AND starts_with(r.part, %(prefix)s)
        AND (%(levels)s::text[] IS NULL OR r.value ->> 'level' = ANY(%(levels)s::text[]))
        AND (%(programme)s::text IS NULL OR r.value ->> 'programme' = %(programme)s::text)
        AND (%(citizen)s::bool IS NULL OR (r.value ->> 'citizen')::bool = %(citizen)s::bool)
        AND (%(events)s::text[] IS NULL OR r.value ->> 'event' = ANY(%(events)s::text[]))
        AND (%(sort_from)s::text IS NULL OR r.sort >= %(sort_from)s::text)
        AND (%(sort_before)s::text IS NULL OR r.sort < %(sort_before)s::text)
) c WHERE %(statuses)s::text[] IS NULL OR c.status = ANY(%(statuses)s::text[])
GROUP BY c.first, c.second, c.span, c.status

-- name: board_cases
-- How many cases of each programme have a row of the same board in each group of statuses, but for some cases; of rows
-- that time leaves alone.
SELECT c.programme, c.name, count(*) FROM (SELECT DISTINCT r.value ->> 'programme' AS programme, g.name, r.key
FROM view.remembered_v1 r
    JOIN unnest(%(grouped)s::text[], %(groups)s::text[]) AS g (status, name) ON g.status = r.value ->> 'status'
WHERE r.view = %(view)s AND r.generation = (SELECT generation FROM view.current WHERE view = %(view)s)
    AND r.sort IS NOT NULL
    AND r.known_from <= %(position)s AND coalesce(r.known_to, 9223372036854775807) > %(position)s
    AND (%(only)s::uuid[] IS NULL OR r.key = ANY(%(only)s::uuid[])) AND NOT r.key = ANY(%(but)s::uuid[])
    AND starts_with(r.part, %(prefix)s)
    AND (%(programme)s::text IS NULL OR r.value ->> 'programme' = %(programme)s::text)
    AND NOT r.key = ANY(%(apart)s::uuid[])
    AND (%(statuses)s::text[] IS NULL OR r.value ->> 'status' = ANY(%(statuses)s::text[]))
) c GROUP BY c.programme, c.name

-- name: cases_of_programme
-- The cases, of some or of all but some, that were of a programme as known at a position.
SELECT key FROM view.remembered_v1
WHERE view = 'case_state' AND generation = (SELECT generation FROM view.current WHERE view = 'case_state')
    AND known_from <= %(position)s AND (known_to IS NULL OR known_to > %(position)s)
    AND (%(only)s::uuid[] IS NULL OR key = ANY(%(only)s::uuid[])) AND NOT key = ANY(%(but)s::uuid[])
    AND value ->> 'programme' = %(programme)s::text

-- name: open_cases
-- The cases, of some or of all but some, whose latest enrolment was not closed as known at a position, with its status;
-- of a programme or (NULL) of any.
SELECT key, value -> 'enrolment' ->> 'status' FROM view.remembered_v1
WHERE view = 'case_state' AND generation = (SELECT generation FROM view.current WHERE view = 'case_state')
    AND known_from <= %(position)s AND (known_to IS NULL OR known_to > %(position)s)
    AND (%(only)s::uuid[] IS NULL OR key = ANY(%(only)s::uuid[])) AND NOT key = ANY(%(but)s::uuid[])
    AND (%(programme)s::text IS NULL OR value ->> 'programme' = %(programme)s::text)
    AND value -> 'enrolment' ->> 'status' <> 'closed'
