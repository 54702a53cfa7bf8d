"""What the steering group of the toddler team looks at: where each family stands.

Source: programme smaaboernsteam_001, L32 and L59.
"""

from collections.abc import Mapping

ON_THE_WAY_IN, ONGOING, ON_THE_WAY_OUT, CLOSED = "on_the_way_in", "ongoing", "on_the_way_out", "closed"

_HEADINGS: Mapping[str, str] = {
    "recommended": ON_THE_WAY_IN,
    "admitted": ON_THE_WAY_IN,
    "running": ONGOING,
    "closing": ON_THE_WAY_OUT,
    "closed": CLOSED,
}

HEADINGS: Mapping[str, Mapping[str, str]] = {
    "recommended_and_closing": _HEADINGS,
    "admitted_and_closing": {status: name for status, name in _HEADINGS.items() if status != "recommended"},
}
"""The heading of an enrolment by its status, under each reading of A17; what is not named stands under none."""


def headings(reading: str | None) -> Mapping[str, str]:
    """Return the heading of an enrolment by its status under a reading of A17 (None: the default)."""
    return HEADINGS.get(reading or "recommended_and_closing", _HEADINGS)


def heading(status: str, reading: str | None) -> str | None:
    """Return the heading of an enrolment in the overview under a reading of A17; None for a status under none."""
    return headings(reading).get(status)
