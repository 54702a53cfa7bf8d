-- name: looks
-- Looks recorded in a stretch of the ledger, the newest first, before a position: at a key, or at a person of a case.
-- For a person (joined is not NULL) a look at the case counts where it names nobody and the person had joined by then,
-- a look at the person where it was at the case too. NULL named: whichever.
SELECT DISTINCT ON (r.known_from) r.key, r.known_from, e.recorded_at, r.value
FROM view.remembered_v1 r JOIN ledger.event e ON e.position = r.known_from
WHERE r.view = 'access' AND r.generation = (SELECT generation FROM view.current WHERE view = 'access')
    AND r.known_to IS NULL AND r.key = ANY(%(keys)s) AND r.known_from > %(after)s AND r.known_from < %(before)s
    AND (%(named)s::bigint[] IS NULL OR r.known_from = ANY(%(named)s))
    AND (%(joined)s::bigint IS NULL OR CASE WHEN r.key = %(case)s
        THEN coalesce((r.value ->> 'persons')::int, 0) = 0
            AND coalesce((r.value ->> 'as_of_position')::bigint, r.known_from) >= %(joined)s
        ELSE EXISTS (SELECT FROM view.remembered_v1 c WHERE c.view = r.view AND c.generation = r.generation
            AND c.key = %(case)s AND c.part = r.part AND c.known_from = r.known_from) END)
ORDER BY r.known_from DESC LIMIT %(limit)s

-- name: sums
-- The same looks counted: all, by whom, refused, in an emergency, and while the case was closed.
SELECT count(*), count(DISTINCT l.viewer), count(*) FILTER (WHERE l.refused), count(*) FILTER (WHERE l.break_glass),
    count(*) FILTER (WHERE EXISTS (SELECT FROM unnest(%(closed)s::bigint[], %(opened)s::bigint[]) AS p (closed, opened)
        WHERE l.known_from >= p.closed AND (p.opened IS NULL OR l.known_from < p.opened)))
FROM (SELECT DISTINCT ON (r.known_from) r.known_from, r.value ->> 'viewer' AS viewer,
        (r.value ->> 'refused')::boolean AS refused, (r.value ->> 'break_glass')::boolean AS break_glass
    FROM view.remembered_v1 r
    WHERE r.view = 'access' AND r.generation = (SELECT generation FROM view.current WHERE view = 'access')
        AND r.known_to IS NULL AND r.key = ANY(%(keys)s) AND r.known_from > %(after)s AND r.known_from < %(before)s
        AND (%(joined)s::bigint IS NULL OR CASE WHEN r.key = %(case)s
            THEN coalesce((r.value ->> 'persons')::int, 0) = 0
                AND coalesce((r.value ->> 'as_of_position')::bigint, r.known_from) >= %(joined)s
            ELSE EXISTS (SELECT FROM view.remembered_v1 c WHERE c.view = r.view AND c.generation = r.generation
                AND c.key = %(case)s AND c.part = r.part AND c.known_from = r.known_from) END)
    ORDER BY r.known_from) l

-- name: sample
-- Looks and exports recorded in a stretch of the ledger whose position, hashed with a seed, falls below a share of
-- 10,000, in the order recorded: who knows the seed draws the same.
SELECT position, stream, version, topic, recorded_at, actor, blind, segments, state, commitment FROM ledger.event
WHERE topic = ANY(%(topics)s) AND position > %(after)s AND position <= %(upto)s
    AND ('x' || left(encode(sha256(convert_to(%(seed)s || ':' || position, 'UTF8')), 'hex'), 8))::bit(32)::bigint %% 10000
        < %(share)s
ORDER BY position

-- name: drawn_from
-- How many looks and exports were recorded in that stretch.
SELECT count(*) FROM ledger.event WHERE topic = ANY(%(topics)s) AND position > %(after)s AND position <= %(upto)s
