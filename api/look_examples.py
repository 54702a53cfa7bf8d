"""What OpenAPI shows of who has looked: bodies and answers. All people are fictional."""

from typing import Any

from api.examples import CASE_ID, ROOT, answer
from api.look_answers import GUIDANCE, NOT_ALL

_PERSON_ID = "6d0f7f0e-6c2b-4f1e-8a55-0d8e4d1f2a90"
_AT = "2026-03-04T21:10:00.000000Z"
EXTRACT: dict[str, Any] = {"person": "parent-A", "since": "2025-01-01T00:00:00+01:00"}
WITHHOLDING: dict[str, Any] = {
    "person": "parent-A",
    "looks": [4702],
    "legal_basis": "databeskyttelsesloven § 22, stk. 2, nr. 4",
    "mentioned": False,
    "reason": "The police investigate; telling of the look-up would warn.",
}
RELEASE: dict[str, Any] = {
    "person": "parent-A",
    "ground": "outside_instruction",
    "legal_basis": "databeskyttelsesforordningen art. 15",
    "looks": [4702],
    "reason": "A neighbour without any task in the case.",
}
_LOG: dict[str, Any] = {
    "case": CASE_ID,
    "person": _PERSON_ID,
    "known_at": None,
    "valid_at": None,
    "as_of_position": 4711,
    "root": ROOT,
    "since": None,
    "until": None,
    "expired_before": None,
    "summary": {"looks": 41, "people": 6, "refused": 1, "break_glass": 1, "after_closing": 0},
    "items": [
        {
            "position": 4709,
            "looked_at": "2026-03-05T08:00:12.000000Z",
            "staff": "u-25",
            "role": "social_worker",
            "organisation": "Eksempelkommune",
            "relation": None,
            "purpose": "case-work",
            "matter": "S-2025-0412",
            "what": "case",
            "as_of_position": None,
            "known_at": None,
            "valid_at": None,
            "refused": True,
            "refusal": "not_assigned",
            "break_glass": False,
            "verdict": None,
        },
        {
            "position": 4702,
            "looked_at": _AT,
            "staff": "u-33",
            "role": "caseworker",
            "organisation": "Eksempelkommune",
            "relation": "break_glass",
            "purpose": "emergency",
            "matter": "S-2025-0412",
            "what": "events",
            "as_of_position": 4701,
            "known_at": None,
            "valid_at": None,
            "refused": False,
            "refusal": None,
            "break_glass": True,
            "verdict": {
                "verdict": "justified",
                "grounds": "stood_in",
                "by": "u-12",
                "role": "supervisor",
                "judged_at": "2026-04-02T09:00:00.000000Z",
            },
        },
    ],
    "next": None,
    "access_event": 4712,
}
_EXTRACT: dict[str, Any] = {
    "case": CASE_ID,
    "person": "parent-A",
    "version": 12,
    "position": 4712,
    "recorded_at": _AT,
    "as_of_position": 4711,
    "since": "2024-12-31T23:00:00.000000Z",
    "until": None,
    "request": None,
    "expired_before": None,
    "items": [
        {
            "position": 4702,
            "looked_at": _AT,
            "purpose": "emergency",
            "role": "caseworker",
            "organisation": "Eksempelkommune",
            "category": "case_record",
            "refused": False,
            "staff": None,
        }
    ],
    "withheld_and_mentioned": 0,
    "note": NOT_ALL,
    "guidance": {language: list(texts) for language, texts in GUIDANCE.items()},
}

OF_CASE = answer(200, "A page of who has looked at the case.", _LOG | {"person": None})
OF_PERSON = answer(200, "A page of who has looked at the person's data.", _LOG)
AGAIN = answer(200, "The extract as it was made.", _EXTRACT)
_TEXT = {"schema": {"type": "string"}}
LETTER: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "The extract as a letter",
        "headers": {"Content-Disposition": {"description": "A name that says nothing about anybody", **_TEXT}},
        "content": {"application/pdf": {"schema": {"type": "string", "format": "binary"}, "example": "%PDF-1.7..."}},
    }
}
MADE = answer(201, "The extract; a repeat of the same request gets this same answer.", _EXTRACT, etag=True)
