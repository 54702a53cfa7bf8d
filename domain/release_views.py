"""How each value that a view remembers leaves in a release for analysts; a new view must be given a place here.

What the kinds mean is told in ``domain.release``.
"""

from collections.abc import Mapping
from types import MappingProxyType

from domain.release import Fields

LEFT_OUT_VIEWS: Mapping[str, str] = MappingProxyType(
    {"access": "look-ups of staff", "milestones": "what case_state says, in a form to go on from"}
)
"""Views that are left out whole, and what they are about."""

VIEW_FIELDS: Mapping[str, Fields] = MappingProxyType(
    {
        "case_state": Fields(
            code="programme",
            mappings={"persons": ("person", "code"), "overview": ("local", "code"), "decisions": ("local", "code")},
            nested={"enrolments": Fields(local="enrolment", code="status package overview", number="phase period")},
            within={
                "enrolment": Fields(local="id", code="status", number="phase"),
                "package": Fields(code="current"),
                "pregnancy": Fields(month="due_date"),
                "screening": Fields(code="outcome"),
                "support": Fields(decimal="hours_per_week"),
            },
            out="number responsible children assessments",
        ),
        "deadlines": Fields(
            code="rule book book_version level status",
            number="rule_version trigger number satisfied_by preliminary cancelled_by settled_by extended_by"
            " superseded_by",
            flag="citizen in_hours applicable running moot silenced",
            person="subject",
            day="started due not_before warn_at satisfied_at extended_to",
            out="dispute sort",
        ),
        "consents": Fields(
            code="kind status data_categories* last event basis by_record_then by_all_facts gaps*",
            person="person",
            office="scope* to*",
            number="last_entry",
            day="happened",
            nested={"periods": Fields(day="begins ends", number="begun_by ended_by")},
            out="sort",
        ),
        "findings": Fields(
            code="code level state status",
            number="entry rests_on*",
            local="key",
            day="arises_at ends_at since handle_by",
            out="detail sort",
        ),
        "caseload": Fields(
            code="programme status",
            local="enrolment",
            id="case",
            day="happened",
            mappings={"counts": ("code", "number")},
            out="sort",
        ),
        "barometer": Fields(code="programme status", number="entries*", out="sort"),
        "withheld": Fields(number="by*"),
    }
)
"""How each value that a view remembers leaves."""

DURATIONS: Mapping[str, Mapping[str, tuple[str, str]]] = MappingProxyType(
    {
        "deadlines": MappingProxyType(
            {
                "minutes_allowed": ("started", "due"),
                "minutes_taken": ("started", "satisfied_at"),
                "minutes_late": ("due", "satisfied_at"),
            }
        )
    }
)
"""Columns of a view that tell how many minutes lie between two of its instants: those themselves leave as days."""

WITH_STEPS = frozenset({"deadlines", "consents", "findings", "barometer"})
"""Views whose rows say what time alone will make of their status (``domain.standing``).

It leaves as ``steps``: from which day on, and which status, in order. On a day with several the last one holds."""
