-- name: streams_with
-- The streams that hold an event of a topic, in order, after one of them.
SELECT DISTINCT stream FROM ledger.event WHERE topic = %s AND stream > %s ORDER BY stream LIMIT %s
