"""Deadlines: what a clock says, and how it stands at an instant.

A clock says when it is due and what satisfied it; how it stands is a function of that and the instant asked about, so
nothing is ever stored as overdue. Which clocks run is worked out in ``domain.clocks``.
"""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import datetime, timedelta
from typing import Any

from domain.levels import Level
from domain.standing import Standing, standing
from domain.time import copenhagen_day, read_instant, write_instant


@dataclass(frozen=True, slots=True)
class Deadline:
    """One clock of a case.

    Versions name entries: ``trigger`` started it, ``satisfied_by``, ``preliminary``, ``cancelled_by``, ``settled_by``
    and ``extended_by`` say what became of it, ``superseded_by`` which other trigger counts instead. ``due`` is the
    last instant in time (None: the source gives no number), ``not_before`` the first. ``subject`` names whom it is
    about. ``dispute`` says why a satisfied clock is met under one reading only. ``number`` counts along a grid.
    """

    rule: str
    rule_version: int
    book: str
    book_version: str
    level: Level
    citizen: bool
    in_hours: bool
    trigger: int
    number: int
    subject: str | None
    started: datetime
    due: datetime | None
    not_before: datetime | None
    warn_at: datetime | None
    applicable: bool
    running: bool
    satisfied_by: int | None = None
    satisfied_at: datetime | None = None
    preliminary: int | None = None
    cancelled_by: int | None = None
    settled_by: int | None = None
    extended_by: int | None = None
    extended_to: datetime | None = None
    superseded_by: int | None = None
    moot: bool = False
    dispute: str | None = None

    @property
    def key(self) -> tuple[str, int, int]:
        """What tells the clocks of a case apart."""
        return self.rule, self.trigger, self.number


PLAIN_STATUSES = ("not_started", "open", "met", "breached", "exceeded_with_preliminary", "cancelled", "not_applicable")
"""How a clock stands by time alone."""

STATUSES = (*PLAIN_STATUSES, "warning", "met_disputed", "extended", "superseded", "lapsed", "over_guideline")
"""How a clock stands as shown to people: finer, and never redder than its level allows."""


REFINEMENTS: Mapping[str, tuple[str, ...]] = {
    "open": ("warning", "extended"),
    "met": ("met_disputed",),
    "breached": ("lapsed", "over_guideline"),
}
"""The finer ways in which a clock stands as it does by time alone."""


def plain_status(deadline: Deadline, at: datetime) -> str:
    """Return how a clock stands by time alone: one of PLAIN_STATUSES."""
    if not deadline.applicable:
        return "not_applicable"
    if not deadline.running:
        return "not_started"
    if deadline.cancelled_by is not None:
        return "cancelled"
    due, satisfied = deadline.due, deadline.satisfied_at
    if satisfied is not None and (due is None or satisfied <= due):
        return "met"
    if due is None or (satisfied is None and at <= due):
        return "open"
    return "exceeded_with_preliminary" if deadline.preliminary is not None else "breached"


def status(deadline: Deadline, at: datetime) -> str:
    """Return how a clock stands as shown to people: one of STATUSES."""
    plain = plain_status(deadline, at)
    if plain in ("not_applicable", "not_started"):
        return plain
    if deadline.superseded_by is not None:
        return "superseded"
    if plain in ("cancelled", "exceeded_with_preliminary"):
        return plain
    if plain == "met":
        return "met_disputed" if deadline.dispute else "met"
    if deadline.moot:
        return "not_applicable"
    if deadline.settled_by is not None and deadline.satisfied_by is None:
        return "cancelled"
    if deadline.extended_to is not None and (deadline.satisfied_at or at) <= deadline.extended_to:
        return "extended"
    if plain == "breached":
        return "lapsed" if deadline.citizen else "over_guideline" if deadline.level == "soft" else "breached"
    return "warning" if deadline.warn_at is not None and at > deadline.warn_at else "open"


def standing_of(deadline: Deadline) -> Standing[str]:
    """Return how a clock stands as shown to people at every instant, as long as nothing more goes on record."""
    return standing(lambda at: status(deadline, at), (deadline.due, deadline.warn_at, deadline.extended_to))


_NEVER_LATE = ("cancelled", "not_applicable", "not_started", "superseded")


def late_by(deadline: Deadline, at: datetime) -> timedelta | None:
    """Return by how much a clock was satisfied late, or is overdue at an instant; None where it is neither."""
    end = deadline.satisfied_at or at
    return None if status(deadline, at) in _NEVER_LATE else lateness(deadline, end)


def lateness(deadline: Deadline, end: datetime) -> timedelta | None:
    """Return by how much an instant lies after the due date, whatever else became of the clock; None where it does not.

    Elapsed time for rules in hours, whole calendar days for all others.
    """
    if deadline.due is None or end <= deadline.due:
        return None
    if deadline.in_hours:
        return end - deadline.due
    return copenhagen_day(end) - copenhagen_day(deadline.due)


_INSTANTS = ("started", "due", "not_before", "warn_at", "satisfied_at", "extended_to")
_FIELDS = tuple(field.name for field in fields(Deadline))


def as_values(deadline: Deadline) -> dict[str, Any]:
    """Return a clock as JSON values, instants as fixed-width UTC text."""
    values = {name: getattr(deadline, name) for name in _FIELDS}
    return values | {name: write_instant(values[name]) for name in _INSTANTS if values[name] is not None}


def from_values(values: Mapping[str, Any]) -> Deadline:
    """Return the clock that ``as_values`` wrote; what else stands beside it is left aside."""
    content: dict[str, Any] = {field.name: values[field.name] for field in fields(Deadline)}
    for name in _INSTANTS:
        content[name] = None if content[name] is None else read_instant(content[name])
    return Deadline(**content)
