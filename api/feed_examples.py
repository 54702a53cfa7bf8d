"""What following along answers, as the description shows it."""

from typing import Any

from api.examples import ASKED, answer

_EVENT: dict[str, Any] = {
    "specversion": "1.0",
    "id": "4691",
    "source": "urn:uuid:7d0c0e0a-5f0e-4a37-9d55-0d3c4c3d8f10",
    "type": "dk.caseledger.visit_held.v1",
    "subject": "0b9a44f2-13f5-4b0f-8f3c-0a1f5c6e2d11/17",
    "time": "2024-08-21T07:00:00.000000Z",
    "occurredat": "2024-08-20T12:00:00.000000Z",
    "dataref": "/cases/0b9a44f2-13f5-4b0f-8f3c-0a1f5c6e2d11/events/17",
}
PAGE = answer(
    200,
    "CloudEvents 1.0 without data; `dataref` is where each entry is read",
    {
        **ASKED,
        "items": [_EVENT],
        "next": "p3Hq0Yb1m2Zt9wQfNDcwMg",
        "whole": True,
        "access_event": 4703,
    },
    False,
)
STREAM: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "Server-sent events; `data` is a CloudEvent without data, `id` the cursor",
        "content": {
            "text/event-stream": {
                "schema": {"type": "string"},
                "example": 'data: {"specversion":"1.0","id":"4691"}\nid: p3Hq0Yb1m2Zt9wQfNDY5MQ\n\n',
            }
        },
    }
}
