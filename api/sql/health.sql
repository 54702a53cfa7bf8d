-- name: views
-- How far each view has come that readers see: version of its code, where it stopped, last event taken in, and for how
-- many seconds the next one has waited.
SELECT c.view, c.version, c.stopped_at, coalesce(t.notification_id, 0),
    coalesce(extract(epoch FROM clock_timestamp() - e.recorded_at), 0)::float8
FROM view.current c
LEFT JOIN view.notification_tracking t ON t.application_name = c.view || '_v' || c.version || '/' || c.generation
LEFT JOIN ledger.event e ON e.position = coalesce(t.notification_id, 0) + 1

-- name: waiting_after
-- For how many seconds the event after a position has waited; 0 where there is none.
SELECT coalesce(max(extract(epoch FROM clock_timestamp() - recorded_at)), 0)::float8
FROM ledger.event WHERE position = %s

-- name: last_checkpoint
-- Size of the last checkpoint and how many seconds ago it was stored; no row for none yet.
SELECT size, extract(epoch FROM clock_timestamp() - stored_at)::float8 FROM proof.checkpoint ORDER BY size DESC LIMIT 1

-- name: checkpoint_waiting_after
-- For how many seconds the first checkpoint larger than a size has been there; 0 where there is none.
SELECT coalesce(max(extract(epoch FROM clock_timestamp() - stored_at)), 0)::float8
FROM (SELECT stored_at FROM proof.checkpoint WHERE size > %s ORDER BY size LIMIT 1) AS next
