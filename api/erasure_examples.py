"""What OpenAPI shows of the answers about erasure."""

from typing import Any

from api.examples import CASE_ID, ROOT, answer
from api.rule_examples import FRAME

_AT = "2024-08-21T07:00:00.000000Z"

PROPOSAL: dict[str, Any] = {
    "ground": "retention",
    "scope": "case",
    "legal_basis": ["GDPR art. 5(1)(e)"],
    "reason": "Kept long enough and handed to the archive",
}
REJECTION: dict[str, Any] = {"reason": "The case goes on elsewhere"}
ERASURE: dict[str, Any] = {"proposal": 12}

UNTOLD = answer(
    200,
    "Erasures with recipients who were not told",
    {
        "known_at": _AT,
        "valid_at": None,
        "clock": _AT,
        "as_of_position": 80,
        "root": ROOT,
        "items": [
            {
                "case": CASE_ID,
                "erasure": 13,
                "ground": "retention",
                "scope": "case",
                "recorded_at": _AT,
                "recipients": [{"recipient": "daycare", "sent": [8]}],
            }
        ],
        "total": 1,
        "access_event": 4712,
    },
)

ERASURES = answer(
    200,
    "The erasures of a case",
    FRAME
    | {
        "proposals": [
            {
                "entry": 12,
                "ground": "unlawful",
                "scope": "person",
                "subject": "parent-B",
                "entries": [7],
                "legal_basis": ["GDPR art. 17(1)(d)"],
                "reason": "Nothing allowed us to keep it",
                "proposed_by": "u-25",
                "proposed_at": _AT,
                "state": "open",
                "settled_by": [13],
                "stops": [
                    {
                        "code": "LEGAL_HOLD",
                        "text": "A legal hold stands: erasure waits until it is lifted or has run out.",
                        "entries": [9],
                        "detail": "court_case",
                    }
                ],
            }
        ],
        "erasures": [
            {
                "entry": 13,
                "ground": "unlawful",
                "scope": "person",
                "subject": "parent-B",
                "entries": [7],
                "basis": ["GDPR art. 17(1)(d)"],
                "approved_by": "u-30",
                "proposal": 12,
                "reapplied": False,
                "recorded_at": _AT,
                "ciphertext_removed_from": 2,
            }
        ],
        "recipients": [{"erasure": 13, "recipient": "daycare", "sent": [8], "told_by": 14}],
    },
    etag=True,
)
