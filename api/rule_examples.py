"""What OpenAPI shows of the answers about clocks, consents, findings and gates."""

from typing import Any

from api.examples import CASE_ID, GONE_OUT, ROOT, answer

_AT = "2024-08-21T07:00:00.000000Z"
FRAME: dict[str, Any] = {
    "case": CASE_ID,
    "version": 26,
    "known_at": _AT,
    "valid_at": None,
    "clock": _AT,
    "as_of_position": 80,
    "root": ROOT,
    "access_event": 4712,
}
_DEADLINE: dict[str, Any] = {
    "rule": "UND-24H",
    "rule_version": 1,
    "rule_book": "statute",
    "rule_book_version": "1",
    "level": "statute",
    "duty": {"da": "Vurdér, om barnet er i fare", "en": "Assess whether the child is in danger"},
    "citation": "barnets lov § 136(2)",
    "verification": "duration V, number M",
    "for_citizen": False,
    "subject": "child-F",
    "trigger": 2,
    "number": 0,
    "started": "2024-03-28T15:30:00.000000Z",
    "not_before": None,
    "warn_at": None,
    "due": "2024-03-29T15:30:00.000000Z",
    "status": "breached",
    "status_by_time_alone": "breached",
    "satisfied_by": 3,
    "satisfied_at": "2024-03-30T09:00:00.000000Z",
    "late_by_seconds": 63000,
    "late_by_days": None,
    "extended_to": None,
    "ended_by": None,
    "superseded_by": None,
    "disputed_because": None,
}
_FINDING: dict[str, Any] = {
    "code": "CHILD_VIEW_MISSING",
    "level": "statute",
    "entry": 26,
    "rests_on": [23],
    "key": None,
    "detail": {},
    "explanation": {
        "da": "Det fremgår ikke, at barnets perspektiv er inddraget før afgørelsen.",
        "en": "Nothing shows",
    },
    "citation": "barnets lov § 5(3)-(4)",
    "verification": "V",
}
_LIFE: dict[str, Any] = {"state": "new", "since": _AT, "handle_by": None}
_COVER: dict[str, Any] = {"answer": "not_covered", "basis": "consent", "missing": ["withdrawn:c-daycare"]}
_USE: dict[str, Any] = {
    "version": 18,
    "event": "DisclosureMade",
    "happened": _AT,
    "to": "daycare",
    "consents": ["c-daycare"],
    "by_record_then": _COVER,
    "by_all_facts": _COVER,
}
BOARD: dict[str, Any] = {
    "known_at": _AT,
    "valid_at": None,
    "clock": _AT,
    "as_of_position": 80,
    "root": ROOT,
    "computed_to": 284,
    "erased_cases": 0,
    "total": 1,
    "next": None,
    "access_event": 4712,
}
CASE_ROW: dict[str, Any] = {"case": CASE_ID, "known_since": "2024-03-30T09:00:00.000000Z"}

DEADLINES = answer(
    200,
    "The clocks of a case",
    FRAME
    | {
        "items": [
            _DEADLINE
            | {
                "silenced": False,
                "due_dates": [{"due": _DEADLINE["due"], "known_from": 2, "recorded_at": _DEADLINE["started"]}],
                "warnings": [
                    {
                        "entry": 9,
                        "sent_at": _DEADLINE["due"],
                        "level": "broken",
                        "channel": "mail",
                        "recipient": "u-25",
                        "attempt": 1,
                        "due": _DEADLINE["due"],
                        "delivered": False,
                        "not_delivered_because": "no_answer",
                        "opened_at": None,
                    }
                ],
            }
        ],
        "rule_books": [
            {
                "rule_book": "statute",
                "version": "1",
                "adopted_at_position": 3,
                "approved_by": None,
                "readings": {},
                "unverified_rules": ["UND-24H"],
            }
        ],
    },
    etag=True,
)
CONSENTS = answer(
    200,
    "The consents of a case and the disclosures that rest on them",
    FRAME
    | {
        "consents": [
            {
                "consent": "c-daycare",
                "status": "withdrawn",
                "kind": "disclosure",
                "person": "parent-F",
                "capacity": "custody_holder",
                "on_behalf_of": ["child-F"],
                "scope": ["daycare"],
                "scope_left": ["daycare"],
                "data_categories": ["social"],
                "valid_from": "2024-04-10",
                "valid_to": None,
                "missing_joint": ["parent-G"],
                "periods": [{"begins": _AT, "ends": None, "begun_by": 9, "ended_by": None}],
                "entries": [{"version": 9, "event": "ConsentGiven", "happened": _AT, "recorded_at": _AT}],
                "gone_out": [GONE_OUT],
            }
        ],
        "support": {"holders": ["parent-F"], "missing": ["parent-F"], "satisfied": False},
        "disclosures": [_USE],
    },
    etag=True,
)
DISCLOSURES = answer(200, "The disclosures of a case and how each was covered", FRAME | {"items": [_USE]}, etag=True)
FINDINGS = answer(
    200,
    "The findings of a case with what became of each",
    FRAME
    | {"items": [_FINDING | _LIFE | {"overdue": False, "responsible": None, "assessed_by": None, "remedied_by": None}]},
    etag=True,
)
DEADLINE_BOARD = answer(200, "The clocks of all cases", BOARD | {"items": [CASE_ROW | _DEADLINE]}, etag=False)
FINDING_BOARD = answer(200, "The findings of all cases", BOARD | {"items": [CASE_ROW | _FINDING | _LIFE]}, etag=False)
CONSENT_BOARD = answer(
    200,
    "The consents of all cases",
    BOARD
    | {
        "items": [
            CASE_ROW
            | {
                "consent": "c-daycare",
                "status": "withdrawn",
                "kind": "disclosure",
                "person": "parent-F",
                "scope": ["daycare"],
                "data_categories": ["social"],
                "periods": [{"begins": _AT, "ends": None, "begun_by": 9, "ended_by": None}],
                "last_entry": 18,
            }
        ]
    },
    etag=False,
)
DISCLOSURE_BOARD = answer(
    200,
    "The disclosures of all cases",
    BOARD
    | {
        "items": [
            {
                "case": CASE_ID,
                "version": 18,
                "event": "disclosure_made",
                "happened": _AT,
                "to": "daycare",
                "basis": "consent",
                "by_record_then": "covered",
                "by_all_facts": "not_covered",
                "gaps": ["withdrawn"],
            }
        ]
    },
    etag=False,
)
DISCLOSURE_GATE = answer(
    200,
    "What the gate says",
    FRAME
    | {
        "open": False,
        "statutory_bases": [
            {
                "citation": "barnets lov § 132",
                "applies_when": {"da": "Familien flytter", "en": "The family moves"},
                "verification": "V",
                "to_be_confirmed": True,
            }
        ],
        "about": ["child-F"],
        "consents": ["c-daycare"],
        "consent_entries": [9],
        "missing": ["category:child-F:health"],
        "not_overridable": ["RECIPIENT_NOT_CONFIRMED"],
    },
    etag=True,
)
DECISION_GATE = answer(
    200,
    "What stands against the decision",
    FRAME | {"open": False, "stops": [_FINDING | {"overridable": True}]},
    etag=True,
)
