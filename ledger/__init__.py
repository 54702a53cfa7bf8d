"""How events are kept: appended in one order, proven, sealed. PostgreSQL. The only writer of events."""
