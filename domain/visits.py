"""Visits, sessions and notes counted per day, ISO week and course, by Copenhagen dates."""

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from domain.calendar import iso_week, week_start, weeks
from domain.entries import Entry
from domain.events.enrolment import EnrolmentClosed, PackageStarted
from domain.events.meeting import MeetingHeld
from domain.events.plan import StatusNoteWritten
from domain.events.visit import VisitCancelled, VisitHeld
from domain.known import Known
from domain.time import copenhagen_day, read_day, read_instant, utc

HOME_VISIT, SESSION, INFANT, WEEKLY = "home_visit", "session", "infant", "weekly_status"
HEALTH_VISITOR = "health_visitor"


def visits(known: Known, kind: str | None = None) -> tuple[Entry, ...]:
    """Return the visits held, of one kind or of all."""
    return tuple(entry for entry in known.of(VisitHeld) if kind is None or entry.data["kind"] == kind)


def in_period(entries: Iterable[Entry], period: str) -> tuple[Entry, ...]:
    """Return the entries of a period, by the Copenhagen date they happened on.

    A period is an ISO week (``2024-W28``), a date, ``a..b`` up to but not including b, or any other text for all.
    """
    first, end = bounds(period)
    return tuple(entry for entry in entries if first <= copenhagen_day(entry.occurred_at) < end)


def is_week(period: str) -> bool:
    """Whether a period is an ISO week."""
    return re.fullmatch(r"[0-9]{4}-W[0-9]{2}", period) is not None


def is_day(period: str) -> bool:
    """Whether a period is a date."""
    return re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", period) is not None


def bounds(period: str) -> tuple[date, date]:
    """Return the first day of a period and the first day after it."""
    if is_week(period):
        return week_start(period), week_start(period) + timedelta(days=7)
    if is_day(period):
        return read_day(period), read_day(period) + timedelta(days=1)
    first, dots, end = period.partition("..")
    return (read_day(first), read_day(end)) if dots else (date.min, date.max)


def visit_minutes(visit: Entry) -> int | None:
    """Return how many minutes a visit took, elapsed; None where it is not on record."""
    started, ended = visit.data.get("started"), visit.data.get("ended")
    if started is None or ended is None:
        return visit.data.get("duration_min")
    return int((utc(read_instant(ended)) - utc(read_instant(started))).total_seconds() // 60)


def cancelled(known: Known, kind: str | None = None) -> tuple[Entry, ...]:
    """Return the visits that did not take place."""
    return tuple(entry for entry in known.of(VisitCancelled) if kind is None or entry.data["kind"] == kind)


@dataclass(frozen=True, slots=True)
class OverLimit:
    """A day or week with more visits than a limit allows; ``visit`` is the first one over it."""

    period: str
    value: int
    limit: int
    visit: int


def over_limit(
    known: Known, per_week: int | None, per_day: int | None, *, every_visit: bool = False
) -> tuple[tuple[OverLimit, ...], ...]:
    """Return the weeks and the days with more visits in the infant package than allowed.

    Counted are the team's home visits, or every visit (reading A25). Source: programme spaed_smaabarnsteam_002, L132.
    """
    chosen = visits(known) if every_visit else _of_the_team(known)
    counted = [entry for entry in chosen if package_at(known, entry.happened) == INFANT]
    by_week = _over(counted, per_week, iso_week)
    return by_week, _over(counted, per_day, date.isoformat)


def _of_the_team(known: Known) -> tuple[Entry, ...]:
    """Return the home visits of the team: not the health visitor's own, and two members of staff at once as one."""
    own = [entry for entry in visits(known, HOME_VISIT) if entry.actor.role != HEALTH_VISITOR]
    return tuple({entry.happened: entry for entry in reversed(own)}.values())[::-1]


def _over(counted: Sequence[Entry], limit: int | None, name: Callable[[date], str]) -> tuple[OverLimit, ...]:
    if limit is None:
        return ()
    grouped: dict[str, list[Entry]] = {}
    for entry in counted:
        grouped.setdefault(name(copenhagen_day(entry.occurred_at)), []).append(entry)
    return tuple(
        OverLimit(period, len(entries), limit, entries[limit].version)
        for period, entries in sorted(grouped.items())
        if len(entries) > limit
    )


def package_at(known: Known, at: datetime) -> str | None:
    """Return the package that ran at an instant; None where none did."""
    turns = [entry for entry in known.of(PackageStarted, EnrolmentClosed) if entry.happened <= at]
    return str(turns[-1].data["package"]) if turns and turns[-1].topic == PackageStarted.TOPIC else None


@dataclass(frozen=True, slots=True)
class WeeklyNotes:
    """The weeks for which a note was expected, and those without one."""

    expected: tuple[str, ...]
    missing: tuple[str, ...]


def weekly_notes(known: Known, first: str, last: str) -> WeeklyNotes:
    """Return for which ISO weeks, both ends included, no note was written; a note counts for its own period."""
    written = Counter(
        str(note.data.get("period")) for note in known.of(StatusNoteWritten) if note.data["kind"] == WEEKLY
    )
    expected = tuple(weeks(first, last))
    return WeeklyNotes(expected, tuple(week for week in expected if not written[week]))


def published_in(overviews: Iterable[Entry], year: int) -> tuple[Entry, ...]:
    """Return the steering group's overviews published in a year, by Copenhagen date."""
    return tuple(entry for entry in overviews if copenhagen_day(entry.occurred_at).year == year)


def planned_first_visits(known: Known) -> Iterator[tuple[Entry, int]]:
    """Yield each discharge meeting that agreed on a number of visits for the first days, with that number."""
    for meeting in known.of(MeetingHeld):
        decided: dict[str, Any] = meeting.data.get("decisions") or {}
        agreed = decided.get("visits_first_days")
        if meeting.data["type"] == "discharge" and isinstance(agreed, int):
            yield meeting, agreed
