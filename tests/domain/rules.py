"""Cases and rules for tests of the rules: entries in a line or two, the shipped rule books, and questions to both."""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from functools import cache
from typing import Any
from uuid import UUID

from domain.calendar import Calendar
from domain.entries import Entry
from domain.events import EVENTS
from domain.events.base import Actor
from domain.inquiry import Inquiry
from domain.known import Known, known
from domain.rule_book import RuleBook, read_rule_book
from domain.rules import Adoption, Rules
from domain.time import read_instant, read_moment
from ledger.shipped import RULE_BOOKS, shipped_calendar, shipped_text

CASE = UUID(int=7)
LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)
PROGRAMME = "smaaboernsteam_001"


def opened(programme: str = PROGRAMME, at: str = "2023-01-01T08:00+01:00") -> Entry:
    """Return the opening of a case, version 1."""
    persons = [{"ref": ref, "role": "person"} for ref in ("parent-A", "parent-B", "child-A")]
    data = {"programme": programme, "number": "T-1", "persons": persons}
    return _entry(1, "case_opened", data, at, at, Actor("u-1", "staff"), ())


def entry(
    version: int,
    event: str,
    happened: str,
    /,
    *,
    recorded: str | None = None,
    staff: str = "u-1",
    role: str = "social_worker",
    sealed: Iterable[str] = (),
    **data: Any,
) -> Entry:
    """Return an entry; recorded when it happened unless told otherwise."""
    when = recorded or (happened if len(happened) > 10 else f"{happened}T12:00+01:00")
    return _entry(version, EVENTS[event].TOPIC, data, happened, when, Actor(staff, role), tuple(sealed))


def _entry(
    version: int,
    topic: str,
    data: Mapping[str, Any],
    happened: str,
    recorded: str,
    actor: Actor,
    sealed: tuple[str, ...],
) -> Entry:
    return Entry(
        stream=CASE,
        version=version,
        position=version,
        recorded_at=read_instant(recorded),
        topic=topic,
        schema=1,
        occurred_at=read_moment(happened),
        actor=actor,
        commit=CASE,
        data=data,
        sealed=sealed,
    )


@cache
def calendar() -> Calendar:
    """Return the calendar that comes with the program."""
    return shipped_calendar()


@cache
def book(name: str) -> RuleBook:
    """Return a shipped rule book."""
    return read_rule_book(shipped_text(name))


def rules(**readings: str) -> Rules:
    """Return the shipped rules, adopted long ago, with some readings chosen."""
    adoptions = tuple(
        Adoption(
            book(name),
            calendar(),
            LONG_AGO,
            readings={s.id: readings[s.id] for s in book(name).setting if s.id in readings},
        )
        for name in RULE_BOOKS
    )
    return Rules(adoptions, calendar())


def case(*entries: Entry, programme: str = PROGRAMME) -> Known:
    """Return what a case with these entries amounts to."""
    return known((opened(programme), *entries))


def inquiry(*entries: Entry, at: str, programme: str = PROGRAMME, **readings: str) -> Inquiry:
    """Return a question to a case with these entries."""
    return Inquiry(case(*entries, programme=programme), rules(**readings), read_instant(at))
