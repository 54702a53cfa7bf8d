"""What OpenAPI shows of access: bodies and answers. All people are fictional."""

from typing import Any

from api.examples import CASE_ID, ROOT, answer

_AT = "2026-03-04T21:10:00.000000Z"
EMERGENCY: dict[str, Any] = {"reason": "The police ask about the child tonight; the holder cannot be reached."}
VERDICT: dict[str, Any] = {"justified": True, "grounds": "Acute, and only the night's entries were read."}
RESTRICTION: dict[str, Any] = {
    "category": "high_profile",
    "allowed": ["u-22", "u-80"],
    "review_by": "2026-06-01",
    "reason": "The family is known from the press.",
}
RESTRICTION_REVIEW: dict[str, Any] = {
    "renewed": True,
    "review_by": "2026-08-30",
    "reason": "Still in the press.",
}
CONFLICT: dict[str, Any] = {"staff": "u-25", "kind": "kinship", "detail": "Cousin of the father."}
REASON: dict[str, Any] = {"reason": "The person left the household."}
GRANT: dict[str, Any] = {
    "role": "caseworker",
    "basis": "substitute",
    "case": CASE_ID,
    "until": "2026-04-01T00:00:00+02:00",
}
GRANT_END: dict[str, Any] = {"role": "caseworker", "basis": "left"}
_AS_OF: dict[str, Any] = {"known_at": None, "valid_at": None, "as_of_position": 4711, "root": ROOT}
_EMERGENCY: dict[str, Any] = {
    "entry": 12,
    "staff": "u-33",
    "role": "caseworker",
    "opened_at": _AT,
    "until": "2026-03-05T00:10:00.000000Z",
    "level": "supervisor",
    "waiting_since": _AT,
    "justified": None,
    "reviewed_by": None,
    "reviewed_at": None,
}

GRANTED = answer(201, "Put on record", {"staff": "u-25", "position": 4711, "recorded_at": _AT})
GRANTS = answer(
    200,
    "What was granted.",
    _AS_OF
    | {
        "staff": "u-25",
        "grants": [{"role": "caseworker", "case": CASE_ID, "organisation": None, "until": None}],
        "ended_roles": [{"role": "supervisor", "organisation": None}],
        "access_event": 4712,
    },
)
QUEUE = answer(200, "The queue.", _AS_OF | {"items": [{"case": CASE_ID, **_EMERGENCY}], "access_event": 4712})
EMERGENCIES = answer(
    200,
    "The emergency accesses of the case.",
    _AS_OF
    | {"case": CASE_ID, "version": 12, "items": [_EMERGENCY | {"reason": EMERGENCY["reason"]}], "access_event": 4712},
)
RESTRICTIONS = answer(
    200,
    "The restricted cases.",
    _AS_OF
    | {
        "items": [
            {
                "case": CASE_ID,
                "entry": 9,
                "category": "high_profile",
                "allowed": ["u-22", "u-80"],
                "review_by": "2026-06-01",
                "overdue": False,
            }
        ],
        "access_event": 4712,
    },
)
NOTICES = answer(
    200,
    "What you are told.",
    _AS_OF | {"items": [{"kind": "break_glass", "case": CASE_ID, "running": True, **_EMERGENCY}], "access_event": 4712},
)
