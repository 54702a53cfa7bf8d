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
