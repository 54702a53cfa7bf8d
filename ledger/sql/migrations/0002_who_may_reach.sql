-- Everything that bears on who may reach a case, found without reading anything else: asked for before each answer.
CREATE INDEX event_reach ON ledger.event (position) WHERE topic IN (
    'case_opened', 'case_allocated', 'handover_accepted', 'case_restricted', 'restriction_reviewed',
    'conflict_of_interest_recorded', 'conflict_of_interest_ended', 'break_glass_opened', 'break_glass_reviewed',
    'access_granted', 'access_ended', 'entry_corrected', 'entry_annulled');
