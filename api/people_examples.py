"""What OpenAPI shows of the answers about people, moves and overviews."""

from typing import Any

from api.examples import CASE_ID, answer
from api.rule_examples import FRAME

MOVE: dict[str, Any] = {
    "entries": [4],
    "to": CASE_ID,
    "to_version": 12,
    "kind": "wrong_case",
    "reason": "The visit was to another family",
    "persons": {"child-A": "child-B"},
}

PEOPLE = answer(
    200,
    "The people of a case",
    FRAME
    | {
        "persons": [
            {
                "ref": "parent-A",
                "role": "mother",
                "full_name": "Alma Eksempel",
                "standing": "party",
                "standing_per_child": [{"child": "child-A", "standing": "party"}],
                "party_by_age": False,
                "born_on": None,
                "died_on": None,
                "interpreter": "ar",
                "same_as": None,
                "protected": [{"kind": "address", "against": ["parent-B"], "entry": 9}],
            }
        ],
        "custody": [{"child": "child-A", "holders": ["parent-A"], "kind": "sole", "entry": 14}],
        "representatives": [
            {"representative": "lawyer-1", "represents": ["parent-A"], "capacity": "lawyer", "entry": 17}
        ],
        "responsible": [
            {
                "role": "social_worker",
                "staff": "u-25",
                "since": "2024-06-12T07:00:00.000000Z",
                "taken_over": True,
                "entry": 5,
            }
        ],
    },
    etag=True,
)

OVERVIEW = answer(
    200,
    "The families of a programme",
    {
        "known_at": None,
        "valid_at": None,
        "clock": "2024-08-21T07:00:00.000000Z",
        "as_of_position": 80,
        "computed_to": 80,
        "erased_cases": 0,
        "families": {"on_the_way_in": 2, "ongoing": 11, "on_the_way_out": 1},
        "enrolments": [{"case": CASE_ID, "enrolment": "enr-1", "status": "running", "heading": "ongoing"}],
        "required_per_year": 2,
        "published_this_year": [
            {
                "case": CASE_ID,
                "version": 24,
                "happened": "2024-04-10T11:00:00.000000Z",
                "counts": [{"heading": "on_the_way_in", "number": 3}],
            }
        ],
        "access_event": 4712,
    },
    etag=False,
)
