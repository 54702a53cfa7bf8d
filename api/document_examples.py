"""What OpenAPI shows of filing, listing and handing out documents."""

from typing import Any

from pydantic import BaseModel

from api.document_bodies import DocumentMetadata, LinkBody
from api.examples import CASE_ID, COMMIT_ID, ROOT, answer, request

_COMMITMENT = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"
_FILED: dict[str, Any] = {
    "document": "letter-1",
    "version": 1,
    "media_type": "application/pdf",
    "size": 48213,
    "commitment": _COMMITMENT,
}

LINK: dict[str, Any] = {
    "document": "letter-1",
    "direction": "out",
    "theme": "decision",
    "reference": "2026/letter-0017.pdf",
    "media_type": "application/pdf",
    "subjects": ["parent-A"],
    "received_or_sent_at": "2026-03-04",
    "for_entry": 1,
}

RECEIPT = answer(
    201,
    "Filed; a repeat of the same request gets this same answer",
    {
        "case": CASE_ID,
        "commit": COMMIT_ID,
        "version": 18,
        "first_position": 4711,
        "last_position": 4711,
        "recorded_at": "2026-03-04T13:12:09.120004Z",
        "entries": [{"version": 18, "position": 4711, "event": "DocumentFiled"}],
        "proof": None,
        "filed": _FILED,
    },
    True,
)

LIST = answer(
    200,
    "The documents of a case, each version, in the order filed",
    {
        "case": CASE_ID,
        "version": 18,
        "known_at": None,
        "valid_at": None,
        "as_of_position": 4711,
        "root": ROOT,
        "items": [
            _FILED
            | {
                "entry": 18,
                "filed_at": "2026-03-04T13:12:09.120004Z",
                "in_force": True,
                "direction": "out",
                "theme": "decision",
                "store": "content",
                "subjects": ["parent-A"],
                "received_or_sent_at": None,
                "derived_from": None,
                "for_entry": None,
                "check": {"state": "not_checked", "checked_at": None, "entry": None},
            }
        ],
        "access_event": 4712,
    },
    True,
)

_HEADERS = {
    "ETag": {"description": "Version of the case", "schema": {"type": "string"}},
    "Content-Disposition": {"description": "Always an attachment", "schema": {"type": "string"}},
}

BYTES: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "The bytes, compared with the commitment; the media type filed stands in the list",
        "headers": _HEADERS,
        "content": {
            "application/octet-stream": {"schema": {"type": "string", "format": "binary"}, "example": "%PDF-1.7 ..."}
        },
    }
}


def filing() -> dict[str, Any]:
    """Return the OpenAPI description of a request that files bytes."""
    described = request(LinkBody, LINK, versioned=True)
    binary = {"schema": {"type": "string", "format": "binary"}, "example": "%PDF-1.7 ..."}
    content = {"application/pdf": binary, "*/*": {"schema": {"type": "string", "format": "binary"}}}
    return {
        "parameters": [*described["parameters"], *_query(DocumentMetadata)],
        "requestBody": {"required": True, "content": content},
    }


def linking() -> dict[str, Any]:
    """Return the OpenAPI description of a request that files a link."""
    return request(LinkBody, LINK, versioned=True)


def _query(kind: type[BaseModel]) -> list[dict[str, Any]]:
    """Return the fields of a body as query parameters."""
    schema = kind.model_json_schema()
    return [
        {
            "name": name,
            "in": "query",
            "required": name in schema["required"],
            "description": field.get("description", ""),
            "schema": {key: value for key, value in field.items() if key not in ("description", "examples")},
        }
        for name, field in schema["properties"].items()
    ]
