-- name: any_left
-- Whether a look-up at or before a position still has its content and showed none of these cases.
SELECT EXISTS (SELECT FROM ledger.event e
    WHERE e.topic = 'record_viewed' AND e.position <= %s AND e.state <> ''
        AND NOT (ledger.clear_part(e.segments, e.state) #> '{data,cases}') ?| %s::text[])

-- name: remove_looks
-- Empty the expired look-ups of a stretch of the ledger.
SELECT ledger.remove_looks(%s, %s)
