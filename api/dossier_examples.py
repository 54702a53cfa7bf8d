"""What OpenAPI shows of a dossier: its parts, each with the first of its rows."""

from typing import Any

from api.examples import CASE_ID, answer

_AT, _LATER = "2024-08-21T07:00:00.000000Z", "2024-09-02T08:00:00.000000Z"
_ENTRY: dict[str, Any] = {
    "version": 29,
    "position": 76,
    "event": "NoteRecorded",
    "label": "Notat",
    "occurred_at": "2024-08-20T09:30:00.000000Z",
    "recorded_at": "2024-08-26T06:20:00.000000Z",
    "data": {"informant": "parent-F", "channel": "phone"},
}
_EXAMPLE: dict[str, Any] = {
    "format": "caseledger-dossier/1",
    "case": CASE_ID,
    "decision": "dec-6",
    "entry": 26,
    "instant": _AT,
    "as_of_position": 96,
    "recorded_until": _LATER,
    "approval": {
        "submission": 24,
        "sent_at": "2024-08-20T11:00:00.000000Z",
        "prepared_by": "u-25",
        "prepared_on": 23,
        "approval": 25,
        "approved_by": "u-12",
        "approved_at": _AT,
        "remarks": None,
    },
    "statuses": [{"status": "made", "entry": 26, "at": _AT}],
    "lamps": {"legal_basis": "yes", "competence": "no"},
    "known": [_ENTRY | {"version": 22, "in_force_then": True, "corrected_then": []}],
    "not_yet_recorded": [
        _ENTRY | {"reached": "2024-08-20T09:30:00.000000Z", "received_by": "u-61", "by_decider": True, "in_force": True}
    ],
    "recorded_since": {
        "late": [],
        "changes": [{"version": 30, "kind": "correction", "entry": 22, "field": "score", "old": 4, "new": 3}],
    },
    "consents": [{"consent": "c-daycare", "by_record_then": "withdrawn", "by_all_facts": "withdrawn"}],
    "deadlines": [{"rule": "UND-24H", "status": "breached", "group": "broken", "citation": "barnets lov § 136(2)"}],
    "hearing": {
        "sent": [{"entry": 23, "party": "parent-F", "deadline": "2024-08-23", "in_time": False, "days_early": 2}],
        "difference": {"decided_on": [22, 25], "not_sent": [25], "entered_later": [25], "sent_not_relied_on": []},
    },
    "read_by": [{"position": 70, "at": _AT, "viewer": "u-25", "what": "case", "decider": True}],
    "findings": [{"code": "DECISION_BEFORE_HEARING_EXPIRED", "level": "statute", "entry": 26, "state": "new"}],
    "documents": [{"entry": 12, "document": "letter-1", "version": 1, "commitment": "ab" * 32}],
    "verification": {"position": 96, "checkpoint": {"size": 100}, "leaves": [{"version": 1}], "proofs": []},
    "withheld": [{"part": "read_by", "entry": None, "fields": [], "because": "role"}],
}
DOSSIER = answer(200, "Everything about a decision", _EXAMPLE, etag=True)
_TEXT = {"schema": {"type": "string"}}
PAPER: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "The dossier on paper; that its bundle was made and handed out is on record",
        "headers": {
            "ETag": {"description": "Version of the case", **_TEXT},
            "Content-Disposition": {"description": "A name that says nothing about anybody", **_TEXT},
        },
        "content": {"application/pdf": {"schema": {"type": "string", "format": "binary"}, "example": "%PDF-1.7..."}},
    }
}
