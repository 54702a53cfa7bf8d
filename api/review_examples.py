"""What OpenAPI shows of a programme's caseload and of the yearly review's questions. Numbers are made up."""

from typing import Any

from api.examples import CASE_ID, answer
from api.rule_examples import BOARD, CASE_ROW, FRAME

_QUESTION: dict[str, Any] = {
    "question": "child_involved",
    "text": {"da": "Er barnet inddraget før afgørelsen?", "en": "Was the child involved before the decision?"},
    "citation": "barnets lov § 5(3)-(4)",
}
_ANSWER: dict[str, Any] = {"answer": "yes", "entries": [7, 26]}

CASELOAD = answer(
    200,
    "The families of a programme",
    BOARD
    | {
        "programme": "smaaboernsteam_001",
        "families": {"on_the_way_in": 2, "ongoing": 11, "on_the_way_out": 1},
        "items": [CASE_ROW | {"enrolment": "enr-1", "status": "running", "heading": "ongoing"}],
        "required_per_year": 2,
        "published_this_year": [
            {
                "case": CASE_ID,
                "version": 24,
                "happened": "2024-04-10T11:00:00.000000Z",
                "counts": [{"heading": "on_the_way_in", "number": 3}],
            }
        ],
    },
    etag=False,
)
BAROMETER = answer(
    200,
    "The questions with how many cases answer how; the cases by one question where it was named",
    BOARD
    | {
        "programme": None,
        "questions": [_QUESTION | {"yes": 69, "no": 21, "not_stated": 10}],
        "items": [CASE_ROW | {"question": "child_involved", **_ANSWER}],
    },
    etag=False,
)
CASE_BAROMETER = answer(200, "The questions to a case", FRAME | {"items": [_QUESTION | _ANSWER]}, etag=True)
