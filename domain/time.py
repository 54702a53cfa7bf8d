"""Instants, calendar days and moments: the only place that parses, compares or writes times.

An *instant* is an aware datetime. A *day* is a Copenhagen calendar date. A *moment* is either: when something
happened is sometimes known to the second and sometimes only to the day. Differences and comparisons are made in UTC,
because Python subtracts two datetimes of the same zone as wall-clock times, an hour wrong across summer time.
"""

import re
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

COPENHAGEN = ZoneInfo("Europe/Copenhagen")

INSTANT = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt ][0-9]{2}:[0-9]{2}(:[0-9]{2}(\.[0-9]{1,6})?)?([Zz]|[+-][0-9]{2}:[0-9]{2})"
)
"""RFC 3339 with an offset; seconds may be missing, fractions have at most six digits, since more could not be kept."""

EARLIEST_DAY, LATEST_DAY = date(1, 1, 2), date(9999, 12, 30)
EARLIEST, LATEST = datetime(1, 1, 1, 22, tzinfo=UTC), datetime(9999, 12, 31, tzinfo=UTC)
"""Beyond these, a moment cannot be written both in UTC and in Copenhagen time."""

Moment = datetime | date

_MOST_DAYS = 4096
"""How many days and instants are kept as told by the other: a case asks about the same ones again and again."""


def utc(instant: datetime) -> datetime:
    """Return the instant in UTC; raises ValueError for a naive datetime."""
    if instant.tzinfo is UTC:
        return instant
    if instant.utcoffset() is None:
        raise ValueError("needs an offset from UTC, for example 2026-03-04T14:00:00+01:00")
    return instant.astimezone(UTC)


def write_instant(instant: datetime) -> str:
    """Write an instant as fixed-width UTC text with microseconds: ``2024-05-14T07:30:00.000000Z``."""
    return utc(instant).replace(tzinfo=None).isoformat(timespec="microseconds") + "Z"


def write_moment(moment: Moment) -> str:
    """Write a moment as stored: fixed-width UTC for an instant, ``2024-05-14`` for a day."""
    return write_instant(moment) if isinstance(moment, datetime) else moment.isoformat()


def read_instant(text: str) -> datetime:
    """Read an RFC 3339 instant with its offset; returns UTC, raises ValueError for a naive or malformed one."""
    if not INSTANT.fullmatch(text):
        raise ValueError("is not an instant: write it as 2026-03-04T14:00:00+01:00")
    try:
        instant = datetime.fromisoformat(text)
    except ValueError:
        raise ValueError("is not an instant: write it as 2026-03-04T14:00:00+01:00") from None
    try:
        found = utc(instant)
    except OverflowError:
        raise ValueError("is outside the years 1 to 9999") from None
    if not EARLIEST <= found <= LATEST:
        raise ValueError("is outside the years 1 to 9999")
    return found


def read_day(text: str) -> date:
    """Read a Copenhagen calendar date such as 2026-03-04; raises ValueError for any other form of date."""
    if not re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", text):
        raise ValueError("is not a date: write it as 2026-03-04")
    try:
        day = date.fromisoformat(text)
    except ValueError:
        raise ValueError("is not a day of the calendar") from None
    if day < EARLIEST_DAY:
        raise ValueError("is outside the years 1 to 9999")
    return day


def read_moment(text: str) -> Moment:
    """Read an instant with offset or a bare date; raises ValueError for anything else."""
    return read_day(text) if len(text) <= 10 else read_instant(text)


def start_of(moment: Moment) -> datetime:
    """Return the instant from which a moment starts a clock: a day starts at 00:00 in Copenhagen (UTC)."""
    if isinstance(moment, datetime):
        return utc(moment)
    return _instant_of(moment, time(0))


def end_of(moment: Moment) -> datetime:
    """Return the instant at which a moment satisfies a clock: a day ends at 23:59:59 in Copenhagen (UTC)."""
    if isinstance(moment, datetime):
        return utc(moment)
    return _instant_of(moment, time(23, 59, 59))


@lru_cache(_MOST_DAYS)
def _instant_of(day: date, of_day: time) -> datetime:
    return datetime.combine(day, of_day, COPENHAGEN).astimezone(UTC)


def later(instant: datetime, by: timedelta) -> datetime:
    """Return the instant so much elapsed time later (earlier: negative), in UTC; the ends of all time are the limit."""
    try:
        return within(utc(instant) + by)
    except OverflowError:
        return LATEST if by > timedelta(0) else EARLIEST


def within(instant: datetime) -> datetime:
    """Return the instant, or the nearest one that can be written and read again, in UTC."""
    return min(max(utc(instant), EARLIEST), LATEST)


def copenhagen_day(moment: Moment) -> date:
    """Return the Copenhagen calendar day on which a moment falls."""
    return _day_of(utc(moment)) if isinstance(moment, datetime) else moment


@lru_cache(_MOST_DAYS)
def _day_of(instant: datetime) -> date:
    return instant.astimezone(COPENHAGEN).date()
