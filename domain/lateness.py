"""Entries that were recorded late: how long a fact waited between the municipality's knowledge and the record."""

from datetime import timedelta

from domain.entries import Entry
from domain.time import end_of, read_moment, utc

LATE_AFTER = timedelta(hours=48)
"""A lag of this length or more is late."""


def lag(entry: Entry) -> timedelta:
    """Return the time from when a fact happened, or reached the municipality, to when it was recorded; never negative.

    A day without a time counts from its end, so that a fact entered the next morning is not called late; what lasted,
    a stay for example, counts from when it ended.
    """
    ended: str | None = entry.data.get("ended")
    known = end_of(entry.reached_at or (read_moment(ended) if ended else entry.occurred_at))
    return max(timedelta(0), utc(entry.recorded_at) - known)


def is_late(entry: Entry) -> bool:
    """Whether an entry was recorded late."""
    return lag(entry) >= LATE_AFTER
