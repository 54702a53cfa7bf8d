"""How long look-ups are kept, and in which cases longer: while a matter that needs them is pending.

Source: general data protection regulation art. 5(1)(e).
"""

from datetime import date, datetime

from domain.calendar import plus_months
from domain.events.access import AccessRequestAnswered, AccessRequestReceived
from domain.events.retention import LegalHoldChanged
from domain.known import Known
from domain.time import copenhagen_day, read_day, start_of

PENDING_TOPICS = frozenset({LegalHoldChanged.TOPIC, AccessRequestReceived.TOPIC})
"""Topics of the entries without which no matter is pending in a case."""


def kept_since(now: datetime, months: int) -> datetime:
    """Return the instant before which look-ups have been kept for so many calendar months, in UTC."""
    return start_of(plus_months(copenhagen_day(now), -months))


def needs_looks(known: Known, now: datetime) -> bool:
    """Whether a legal hold stands in a case, or a request for access waits for its answer."""
    answered = {answer.data["request"] for answer in known.of(AccessRequestAnswered)}
    waiting = any(request.version not in answered for request in known.of(AccessRequestReceived))
    return waiting or _is_held(known, copenhagen_day(now))


def _is_held(known: Known, today: date) -> bool:
    """Whether a hold was placed for some reason, not lifted since, and is not past its last day."""
    latest = {str(change.data["reason"]): change.data for change in known.of(LegalHoldChanged)}
    return any(
        hold["placed"] and (hold.get("until") is None or today <= read_day(hold["until"])) for hold in latest.values()
    )
