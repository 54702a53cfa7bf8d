"""What OpenAPI shows of handing out a case. All people are fictional."""

from typing import Any

from api.examples import CASE_ID, answer

_AT = "2026-04-09T12:00:00.000000Z"
BODY: dict[str, Any] = {
    "asked": {"kind": "court", "by": "court", "about": ["parent-A"], "received_at": "2026-04-08T09:00:00+02:00"},
    "entries": [1],
    "redactions": [{"entry": 1, "field": "number", "code": "TREDJE", "reason": "Nummeret siger, hvem en anden er."}],
}
_EXAMPLE: dict[str, Any] = {
    "format": "caseledger-production/1",
    "case": CASE_ID,
    "answer": {"version": 26, "position": 4711, "recorded_at": _AT, "outcome": "partly_granted"},
    "request": {"version": 25, "kind": "court", "by": "court", "about": ["parent-A"], "received_at": _AT},
    "selection": {"entries": "1-3", "complete": False, "known_at": _AT, "valid_at": None, "access_event": 4709},
    "persons": [{"ref": "parent-A", "role": "mother", "full_name": "Alma Eksempel"}],
    "entries": [{"version": 3, "position": 4002, "told": "partly", "event": "NoteRecorded", "data": {}}],
    "left_out": [{"version": 3, "field": "content", "paragraph": None, "code": "TREDJE", "reason": "..."}],
    "counted": 0,
    "verification": {"position": 4002, "checkpoint": {"size": 4800}, "leaves": [{"version": 3}], "proofs": []},
}
READ = answer(200, "What was handed out, as data", _EXAMPLE)
_TEXT = {"schema": {"type": "string"}}
PAPER: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "What was handed out, as PDF/A-3a and PDF/UA-1",
        "headers": {"Content-Disposition": {"description": "A name that says nothing about anybody", **_TEXT}},
        "content": {"application/pdf": {"schema": {"type": "string", "format": "binary"}, "example": "%PDF-1.7..."}},
    }
}
