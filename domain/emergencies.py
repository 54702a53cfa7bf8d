"""Emergency access after it was used: somebody else judges it, and it climbs when nobody does."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from domain.reach import CaseReach, Emergency

CLIMBS_AFTER = timedelta(days=3)
"""How long a review waits at one level. The house's own standard."""

LEVELS: tuple[Literal["supervisor"], Literal["data_protection"]] = ("supervisor", "data_protection")
"""Who is to review, in the order in which it climbs."""


@dataclass(frozen=True, slots=True)
class Review:
    """How the review of an emergency access stands: at which level it waits, since when, or that it is done."""

    emergency: Emergency
    level: str | None
    waiting_since: datetime | None

    @property
    def done(self) -> bool:
        """Whether it was reviewed."""
        return self.level is None


def review_of(emergency: Emergency, at: datetime) -> Review:
    """Return how the review of an emergency access stands at an instant."""
    if emergency.justified is not None:
        return Review(emergency, None, None)
    steps = min(max(0, (at - emergency.opened_at) // CLIMBS_AFTER), len(LEVELS) - 1)
    return Review(emergency, LEVELS[steps], emergency.opened_at + steps * CLIMBS_AFTER)


def told(reach: CaseReach, staff: str, at: datetime) -> tuple[Emergency, ...]:
    """Return the emergency accesses that whoever holds a case is told of: those of others that wait or still run."""
    if staff not in reach.holders(at):
        return ()
    return tuple(one for one in reach.emergencies if one.staff != staff and (one.justified is None or at < one.until))
