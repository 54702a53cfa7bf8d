"""What OpenAPI shows of comparisons."""

from typing import Any

from api.comparing import MOVES
from api.examples import CASE_ID, answer
from replay.compare import KINDS

_FROM, _TO = "2024-08-21T07:00:00.000000Z", "2024-12-01T11:00:00.000000Z"
_CAUSE: dict[str, Any] = {
    "kind": "late_entry",
    "position": 97,
    "version": 29,
    "event": "NoteRecorded",
    "happened": "2024-08-20T12:10:00.000000Z",
    "recorded_at": "2024-08-26T07:12:00.000000Z",
    "stands_in": False,
}
_FRAME: dict[str, Any] = {
    "from": _FROM,
    "from_position": 80,
    "to": _TO,
    "to_position": 104,
    "valid_at": None,
    "clock_from": _FROM,
    "clock_to": _TO,
    "views": ["deadlines"],
    "draft": None,
}
_ITEM: dict[str, Any] = {
    "case": CASE_ID,
    "view": "deadlines",
    "part": "HEARING/23/0",
    "before": {"status": "open"},
    "after": {"status": "breached"},
    "changed": ["status"],
    "because": [{"kind": "time_passed"}, _CAUSE],
    "explained": True,
}
_COUNTS: dict[str, Any] = {
    "cases": 1,
    "erased_cases": 0,
    "differences": 1,
    "explained": 1,
    "unexplained": 0,
    "renamed": 0,
    "kinds": dict.fromkeys(KINDS, 0) | {"late_entry": 1, "time_passed": 1},
    "moves": dict.fromkeys(MOVES, 0) | {"broken_now": 1},
}
_CONTENT = _FRAME | {"items": [_ITEM]} | _COUNTS | {"access_event": 4712}
CASE_COMPARED = answer(200, "Every difference, explained", {"case": CASE_ID} | _CONTENT, etag=True)
COMPARED_CASES = answer(200, "Every difference in a page of cases, explained", _CONTENT | {"next": None})
