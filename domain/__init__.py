"""What can happen in a case, and what the rules make of it. Pure: no clock, no I/O, no framework but pydantic."""
