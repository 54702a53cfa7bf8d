-- name: tail
-- What bears on decisions sent for approval, after a position; by the index event_topic.
SELECT position, stream, version, topic, recorded_at, actor, blind, segments, state, commitment
FROM ledger.event
WHERE topic <> 'record_viewed' AND position > %s::bigint AND topic IN (
    'decision_submitted', 'decision_approved', 'decision_returned', 'submission_withdrawn', 'entry_annulled',
    'personal_data_erased')
ORDER BY position
