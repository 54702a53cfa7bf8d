-- Searching the log: the newest events of some kinds, or of all, are found at once however many looks lie between them.
CREATE INDEX event_topic ON ledger.event (topic, position) WHERE topic <> 'record_viewed';
CREATE INDEX event_unlooked ON ledger.event (position) WHERE topic <> 'record_viewed';
