-- name: tail
-- What bears on who may reach a case, after a position, with the ledger's clock; one row with the clock alone for nothing.
-- The list is that of the index event_reach, word for word, so that the index is used.
SELECT ledger.now(), e.position, e.stream, e.version, e.topic, e.recorded_at, e.actor, e.blind, e.segments, e.state,
    e.commitment
FROM (VALUES (1)) one LEFT JOIN ledger.event e ON e.position > %s::bigint AND e.topic IN (
    'case_opened', 'case_allocated', 'handover_accepted', 'case_restricted', 'restriction_reviewed',
    'conflict_of_interest_recorded', 'conflict_of_interest_ended', 'break_glass_opened', 'break_glass_reviewed',
    'access_granted', 'access_ended', 'entry_corrected', 'entry_annulled')
ORDER BY e.position
