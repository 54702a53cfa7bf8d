"""What OpenAPI shows: schemas and worked examples of bodies and answers. All people are fictional."""

from typing import Any

from pydantic import BaseModel

CASE_ID = "0f8b2c9e-5b1d-4f0e-9a53-2c7f0d9c6a11"
COMMIT_ID = "c0a8017e-66a0-4b34-8a0e-7f1f7f2b6d10"

OPEN_CASE: dict[str, Any] = {
    "programme": "smaaboernsteam_001",
    "occurred_at": "2026-03-04T09:30:00+01:00",
    "persons": [
        {"ref": "parent-A", "role": "expectant_mother", "full_name": "Alma Eksempel"},
        {"ref": "child-A", "role": "child", "full_name": "Asta Eksempel"},
    ],
    "commands": [
        {
            "event": "PregnancyRegistered",
            "data": {"person": "parent-A", "due_date": "2026-08-14"},
        }
    ],
    "reason": "Referred by the midwife",
    "legal_basis": ["barnets lov § 30"],
}

COMMIT: dict[str, Any] = {
    "commands": [
        {
            "event": "NoteRecorded",
            "occurred_at": "2026-03-04T14:10:00+01:00",
            "data": {
                "informant": "parent-A",
                "channel": "phone",
                "content": "Withdraws the consent to share with daycare; asks to be called after 16.",
            },
        }
    ],
    "reason": "Telephone call",
}

DISCLOSURE: dict[str, Any] = {
    "to": "daycare",
    "about": ["child-A"],
    "data_categories": ["social"],
    "purpose": "Handover to daycare",
    "basis": "consent",
    "recipient_person": "daycare-manager",
    "recipient_confirmed": True,
}

DECISION: dict[str, Any] = {
    "decision": {
        "decision": "dec-1",
        "outcome": "grant",
        "legal_basis": ["barnets lov § 32 stk. 1 nr. 5"],
        "competence_ref": "deleg-2026-01",
        "purpose": "Safe care from birth",
        "expected_duration": "P6M",
        "plan_needed": True,
        "hearing": [7],
        "child_view": 9,
        "complaint_guidance": True,
    },
    "overrides": {"SUPPORT_WITHOUT_INVESTIGATION": "Acute: the mapping is opened today."},
}

JOIN: dict[str, Any] = {
    "person": {"ref": "child-B", "role": "child", "full_name": "Bo Eksempel"},
    "occurred_at": "2026-08-12",
}

_RECEIPT: dict[str, Any] = {
    "case": CASE_ID,
    "commit": COMMIT_ID,
    "version": 18,
    "first_position": 4711,
    "last_position": 4711,
    "recorded_at": "2026-03-04T13:12:09.120004Z",
    "entries": [{"version": 18, "position": 4711, "event": "NoteRecorded"}],
    "proof": None,
}

GONE_OUT: dict[str, Any] = {
    "consent": "c-daycare",
    "entry": 14,
    "happened": "2026-03-04T10:38:00.000000Z",
    "recorded_at": "2026-03-04T10:38:02.120004Z",
    "to": ["daycare"],
    "recipient_person": "daycare-manager",
    "about": ["child-A"],
    "data_categories": ["social"],
    "documents": [{"entry": 11, "document": "letter-1", "version": 1, "commitment": "9f86d081884c7d65"}],
    "document_hashes": ["9f86d081884c7d65"],
    "given_by_entry": 9,
    "withdrawn_by_entries": [18],
    "made": "between",
    "by_record_then": {"answer": "covered", "basis": "consent", "missing": ["-"]},
    "by_all_facts": {"answer": "not_covered", "basis": "consent", "missing": ["withdrawn:c-daycare"]},
    "told": [{"recipient": "daycare", "entry": None}],
}

ROOT = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
ASKED: dict[str, Any] = {
    "known_at": "2024-08-21T07:00:00.000000Z",
    "valid_at": None,
    "as_of_position": 4690,
    "root": ROOT,
}

_CASE: dict[str, Any] = {
    "case": CASE_ID,
    "version": 17,
    **ASKED,
    "state": {"number": "S-0F8B2C9E", "programme": "smaaboernsteam_001"},
    "persons": [
        {
            "ref": "parent-A",
            "role": "expectant_mother",
            "person": COMMIT_ID,
            "full_name": "Alma Eksempel",
            "identifier_kind": "replacement",
        }
    ],
    "recorded_later": 1,
    "recorded_later_but_happened_before": 0,
    "proof": {
        "entries_checked": 17,
        "unchanged": True,
        "faults": [],
        "ledger": COMMIT_ID,
        "size": 4711,
        "root": ROOT,
        "simulated_clock": True,
    },
    "access_event": 4712,
}

_EVENTS: dict[str, Any] = {
    "case": CASE_ID,
    "version": 17,
    **ASKED,
    "items": [
        {
            "version": 17,
            "position": 4690,
            "event": "AssessmentRecorded",
            "occurred_at": "2024-06-18T12:00:00.000000Z",
            "reached_at": None,
            "recorded_at": "2024-06-18T12:00:00.000000Z",
            "recorded_late": False,
            "actor": {"id": "u-61", "role": "coordinator", "organisation": None},
            "commit": COMMIT_ID,
            "reason": None,
            "legal_basis": [],
            "source": None,
            "reported_without_gate": False,
            "withheld": False,
            "restricted": [],
            "data": {"instrument": "trivselslinealen", "about": "child-A", "score": 4},
            "sealed": [],
            "erased": [],
            "unreadable": [],
            "corrections": [],
            "annulled_by": None,
        }
    ],
    "next": None,
    "access_event": 4713,
}

_BOARD: dict[str, Any] = {
    **ASKED,
    "computed_to": 4711,
    "erased_cases": 0,
    "items": [{"case": CASE_ID, "known_from": 4690, "state": {"number": "S-0F8B2C9E"}}],
    "next": None,
    "access_event": 4714,
}

_PROOF = (
    "Of a decision, a withdrawal or an erasure: proof (c2sp.org/tlog-proof) that its last entry stands in a checkpoint"
    " the log has signed; null where it was not there within a second, and for every other commit. Any entry's proof is"
    " at /cases/{case_id}/events/{version}/proof."
)

MAY_BE_NULL = frozenset(
    {"known_at", "full_name", "subject", "due", "ends", "satisfied_by", "satisfied_at", "key", "person"}
    | {"standing", "interpreter", "enrolment", "required_per_year", "gone_out", "made", "recipient_person"}
    | {"identifier", "identifier_kind", "check_digit_fits", "because"}
    | {"organisation", "matter", "refusal", "since", "root", "known_since"}
)
"""Members that hold a value in the examples and may hold none."""

PROBLEM_SCHEMA: dict[str, Any] = {
    "type": "object",
    "required": ["type", "title", "status", "detail"],
    "properties": {
        "type": {"type": "string", "description": "Address of an explanation"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string", "description": "Reason and remedy; never repeats what was sent"},
        "errors": {
            "type": "array",
            "items": {
                "type": "object",
                "properties": {"pointer": {"type": "string"}, "detail": {"type": "string"}},
            },
        },
        "current_version": {"type": "integer"},
        "since": {"type": "array", "items": {"type": "object"}},
    },
}


def answer(
    status: int, description: str, example: dict[str, Any], etag: bool = False
) -> dict[int | str, dict[str, Any]]:
    """Return the OpenAPI description of an answer from an example of it."""
    schema = _schema_of(example)
    described: dict[str, Any] = {
        "description": description,
        "content": {"application/json": {"schema": schema, "example": example}},
    }
    if etag:
        described["headers"] = {"ETag": {"description": "Version of the case", "schema": {"type": "string"}}}
    return {status: described}


def _schema_of(value: Any) -> dict[str, Any]:
    """Return the JSON schema that an example speaks for; null stands for text that may be missing."""
    match value:
        case dict():
            return {"type": "object", "properties": {k: _member(k, v) for k, v in value.items()}}  # pyright: ignore
        case list():
            return {"type": "array", "items": _schema_of(value[0]) if value else {}}  # pyright: ignore
        case bool():
            return {"type": "boolean"}
        case int():
            return {"type": "integer"}
        case None:
            return {"type": ["string", "integer", "null"]}
        case _:
            return {"type": "string"}


def _member(name: str, value: Any) -> dict[str, Any]:
    if name == "proof" and value is None:
        return {"type": ["string", "null"], "description": _PROOF}
    schema = _schema_of(value)
    return schema | {"type": [schema["type"], "null"]} if value is not None and name in MAY_BE_NULL else schema


RECEIPT = answer(201, "Recorded; a repeat of the same request gets this same answer", _RECEIPT, True)
COMMIT_RECEIPT = answer(
    201,
    "Recorded; a repeat of the same request gets this same answer. `gone_out` is null unless a consent is taken back",
    _RECEIPT | {"gone_out": [GONE_OUT]},
    True,
)
CASE = answer(200, "The case as of the instants asked about", _CASE, True)
EVENTS = answer(200, "A page of entries", _EVENTS, True)
EVENT = answer(
    200,
    "An entry",
    {"case": CASE_ID, **ASKED, "entry": _EVENTS["items"][0], "access_event": 4713},
    True,
)
BOARD = answer(200, "A page of cases", _BOARD, False)


def _in_path(name: str) -> dict[str, Any]:
    return {"name": name, "in": "path", "required": True, "schema": {"type": "string", "format": "uuid"}}


_KEY = {
    "name": "Idempotency-Key",
    "in": "header",
    "required": True,
    "description": "A new value for each new request, the same for a repeat",
    "schema": {"type": "string", "minLength": 1, "maxLength": 255},
}
_VERSION = {
    "name": "If-Match",
    "in": "header",
    "required": True,
    "description": "ETag of the version decided on",
    "schema": {"type": "string"},
    "example": '"17"',
}


def request(
    kind: type[BaseModel],
    example: dict[str, Any],
    *,
    versioned: bool = False,
    wished: bool = False,
    keyed: bool = True,
    place: str | None = "case_id",
) -> dict[str, Any]:
    """Return the OpenAPI description of a recording request: headers, and the body with nested schemas in place.

    A request that is not ``keyed`` asks and records nothing but the look; one that is ``wished`` may name a version.
    ``place`` names the id in the address of one
    that is ``versioned`` or not ``keyed``, None for no id.

    The routes read headers and body themselves, so that each refusal is told in this API's own words.
    """
    at = [_in_path(place)] if place else []
    schema = kind.model_json_schema()
    resolved = _inline(schema, schema.pop("$defs", {}))
    keys = [_KEY, _VERSION | {"required": False}] if wished else [_KEY]
    return {
        "parameters": [*at, _KEY, _VERSION] if versioned else keys if keyed else at,
        "requestBody": {"required": True, "content": {"application/json": {"schema": resolved, "example": example}}},
    }


def _inline(value: Any, definitions: dict[str, Any]) -> Any:
    if isinstance(value, dict):
        if "$ref" in value:
            return _inline(definitions[value["$ref"].rpartition("/")[2]], definitions)  # pyright: ignore
        return {name: _inline(content, definitions) for name, content in value.items()}  # pyright: ignore
    if isinstance(value, list):
        return [_inline(content, definitions) for content in value]  # pyright: ignore
    return value
