"""What the steering group of the toddler team looks at: where each family stands, and how early it became known.

Source: programme smaaboernsteam_001, L32 and L59.
"""

from collections.abc import Mapping

from domain.custody import birth_of
from domain.events.referral import NotificationReceived, ReferralMade
from domain.known import Known
from domain.time import copenhagen_day

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


def heading(status: str, reading: str | None) -> str | None:
    """Return the heading of an enrolment in the overview under a reading of A17 (None: the default)."""
    return HEADINGS.get(reading or "recommended_and_closing", _HEADINGS).get(status)


def days_known_before_birth(known: Known, child: str) -> int | None:
    """Return how many days before its birth a child was known of, negative after it; None without a record of both."""
    birth = birth_of(known, child)
    told = known.of(NotificationReceived, ReferralMade)
    if birth is None or not told:
        return None
    return (copenhagen_day(birth.occurred_at) - copenhagen_day(told[0].occurred_at)).days
