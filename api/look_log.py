"""Who has looked, for those who look after it: at a case, or at one person of it; that look goes on record as well."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from api.door import NotKnown
from api.looks import Dated, Question, Shown
from api.principals import Principal
from api.problems import ProblemError
from api.reading import CaseReader
from domain.authority import Act, Person, may_in_case
from domain.case_file import CaseFile
from domain.custody import one_person
from domain.events.access import LookupsExpired
from domain.known import Known
from domain.look_extract import joined_at
from domain.look_verdicts import LookVerdictGiven
from domain.looks import Look
from domain.time import read_instant
from ledger.mapper import read_clear
from ledger.store import Ledger
from projections.closing import closed_stretches
from projections.look_verdicts import verdicts_on
from projections.looks import OfPerson, Sums, looks_at, sums_of

WHAT = "access_events"
RELATING = (Act.CASE_READ, Act.LOOKS_READ, Act.BOARD_READ)
"""What somebody could do in a case by their relation to it, the closest first."""


@dataclass(frozen=True, slots=True)
class Page:
    """Which looks are asked for: between two instants, both counted in, and so many of them.

    ``position`` is where the ledger stood for the first page, ``after`` the last look of the page before; None: this
    is the first.
    """

    since: datetime | None
    until: datetime | None
    limit: int
    position: int | None = None
    after: int | None = None


@dataclass(frozen=True, slots=True)
class LogLook(Dated):
    """A page of looks at a case or a person of it, each with the relation of whoever looked to the case then.

    ``sums`` are about all pages, ``verdicts`` are on the looks of this one, by position. Before ``expired_before`` the
    content of looks was removed; None: never yet.
    """

    case: UUID
    person: UUID | None
    page: Page
    looks: tuple[tuple[Look, str | None], ...]
    following: int | None
    sums: Sums
    expired_before: datetime | None
    verdicts: Mapping[int, LookVerdictGiven] = field(default_factory=dict[int, LookVerdictGiven])


class LookLog:
    """The looks of one ledger, for principals who may know who has looked."""

    def __init__(self, ledger: Ledger, reader: CaseReader) -> None:
        self._ledger = ledger
        self._reader = reader
        self._door = reader.door

    async def read(
        self, principal: Principal, case: UUID, question: Question, page: Page, person: UUID | None = None
    ) -> LogLook:
        """Return looks at a case, or those at one of its persons.

        Raises Forbidden, NotKnown, InstantInFuture, LooksIncomplete, LookNotRecorded, and ProblemError where nobody of
        the case has that id.
        """
        await self._door.require_in(principal, Act.LOOKS_READ, case, WHAT, question)
        found = await asyncio.to_thread(self._read, case, question, page, person)
        subjects = None if person is None else [person]
        shown = Shown(WHAT, (case,), subjects, found["as_of"].position, question)
        access = await self._door.looks.record(principal, shown)
        return LogLook(case=case, person=person, page=page, access_position=access, **found)

    def _read(self, case: UUID, question: Question, page: Page, person: UUID | None) -> dict[str, Any]:
        as_of = self._reader.as_of(question, self._ledger.head(), page.position)
        position = as_of.position
        file = CaseFile(case, tuple(map(read_clear, self._ledger.read_stream(case, position))))
        if not file.entries:
            raise NotKnown
        whose = case if person is None else _of_person(file, person)
        ends = [one for one in (page.until, question.valid_at) if one is not None]
        stretch = (whose, position, page.since, min(ends, default=None))
        found = looks_at(self._ledger, *stretch, page.after, page.limit + 1)
        shown = found[: page.limit]
        return {
            "as_of": as_of,
            "looks": tuple((look, self._relation(case, look)) for look in shown),
            "following": shown[-1].position if len(found) > page.limit else None,
            "sums": sums_of(self._ledger, *stretch, closed_stretches(file.entries)),
            "expired_before": expired_before(self._ledger, position),
            "verdicts": verdicts_on(self._ledger, [look.position for look in shown], position),
        }

    def _relation(self, case: UUID, look: Look) -> str | None:
        """Return through what a case was open to whoever looked, by what was on record then; None: through nothing."""
        if look.break_glass:
            return "break_glass"
        index = self._door.index
        reach = index.case_as_of(case, look.position)
        if reach is None:
            return None
        person = Person(look.viewer, look.role, look.organisation, index.staff_as_of(look.viewer, look.position))
        permissions = (may_in_case(person, act, case, reach, look.looked_at) for act in RELATING)
        return next((permission.because for permission in permissions if permission), None)


def scope_of(file: CaseFile, ref: str) -> OfPerson | None:
    """Return whose looks are those at a person of a case, by any reference they have there; None for a stranger."""
    known = Known(file.entries)
    joined = joined_at(known, ref)
    if joined is None:
        return None
    refs = sorted(one_person(known, ref) & file.persons.keys())
    return OfPerson(tuple(file.persons[one].person for one in refs), file.case, joined)


def expired_before(ledger: Ledger, position: int) -> datetime | None:
    """Return before when looks have no content, by the last expiry recorded by a position; None for none."""
    entries = [read_clear(row) for row in ledger.read_kinds([ledger.id], [LookupsExpired.TOPIC])]
    found = [read_instant(entry.data["recorded_before"]) for entry in entries if entry.position <= position]
    return max(found, default=None)


def _of_person(file: CaseFile, person: UUID) -> OfPerson:
    ref = next((one.ref for one in file.persons.values() if one.person == person), None)
    scope = None if ref is None else scope_of(file, ref)
    if scope is None:
        raise ProblemError("not-found", "There is no person with this id in the case at that instant.")
    return scope
