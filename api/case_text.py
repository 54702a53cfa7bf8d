"""A case as text for the command line."""

import asyncio
from datetime import datetime
from uuid import UUID

import orjson

from api.door import NotKnown
from api.looks import Question
from api.principals import Principal, command_line_principal
from api.reading import CaseLook, CaseReader, NamedPerson
from domain.entries import Entry
from domain.events import BY_TOPIC
from domain.lateness import is_late
from domain.time import COPENHAGEN, Moment
from ledger.mapper import read_clear
from ledger.store import Ledger
from projections.board import Board


class NoCase(Exception):
    """There is no such case on record at that instant: use its id, or its number as listed on the pages."""

    def __str__(self) -> str:
        return str(self.__doc__)


class OnlyByAddress(Exception):
    """This ledger holds real cases: their texts are read after signing in, by page or API, not on the command line."""

    def __str__(self) -> str:
        return str(self.__doc__)


class SeveralCases(Exception):
    """Several cases have this number: use the id of the one you mean, as listed by GET /cases."""

    def __str__(self) -> str:
        return str(self.__doc__)


def show_case(ledger: Ledger, name: str, known_at: datetime | None, valid_at: datetime | None, purpose: str) -> str:
    """Return a case as text, by id or number; raises NoCase, InstantInFuture, LedgerError. The look goes on record."""
    if not ledger.simulated:
        raise OnlyByAddress
    reader = CaseReader(ledger, Board(ledger))
    principal = command_line_principal(purpose, internal=True)
    try:
        look = asyncio.run(_look(reader, principal, case_named(ledger, name), known_at, valid_at))
    except NotKnown:
        raise NoCase from None
    return "\n".join([*_heading(look), "", *(line for entry in look.entries for line in _entry(look, entry))])


async def _look(
    reader: CaseReader, principal: Principal, case: UUID, known_at: datetime | None, valid_at: datetime | None
) -> CaseLook:
    return await reader.case(principal, case, Question(known_at, valid_at), "case")


def case_named(ledger: Ledger, name: str) -> UUID:
    """Return the case with an id or number; raises NoCase, SeveralCases."""
    try:
        return UUID(name)
    except ValueError:
        found = [row.stream for row in ledger.read_topic("case_opened") if read_clear(row).data["number"] == name]
    if not found:
        raise NoCase
    if len(found) > 1:
        raise SeveralCases
    return found[0]


def _heading(look: CaseLook) -> list[str]:
    state = look.state
    lines = [
        f"Case {state['number']} ({look.file.case}), programme {state['programme']}, version {look.file.version}",
        f"  persons   {', '.join(map(_person, look.persons))}",
        f"  enrolment {state['enrolment']['status']}",
        f"  as of     position {look.position}" + (", simulated clock" if look.head.simulated else ""),
        f"  check     {look.file.version} entries hashed again, {len(look.faults) or 'no'} faults",
        f"  look      on record at position {look.access_position}",
    ]
    if look.question.known_at:
        lines.append(
            f"  later     {look.recorded_later} entries recorded later, {look.happened_before} happened before"
        )
    return lines


def _person(named: NamedPerson) -> str:
    absent = "(not readable: key missing)" if named.unreadable else "(erased)"
    return f"{named.person.ref} {named.full_name or absent} ({named.person.role})"


def _entry(look: CaseLook, entry: Entry) -> list[str]:
    past = look.history.get(entry.version)
    marks = [
        *(["RECORDED LATE"] if is_late(entry) else []),
        *(["ANNULLED"] if past and past.annulled else []),
        *([f"NOT READABLE, key missing: {', '.join(entry.unreadable)}"] if entry.unreadable else []),
        *([f"ERASED {', '.join(entry.erased)}"] if entry.erased else []),
        *([f"{c.field} corrected to {c.new} by {c.version}" for c in past.corrections if c.in_force] if past else []),
    ]
    when = f"happened {_moment(entry.occurred_at)}, recorded {_moment(entry.recorded_at)}"
    title = f"{entry.version:>4}  {BY_TOPIC[entry.topic].name()}  {when}, {entry.actor.id} ({entry.actor.role})"
    return [title + (f"  [{'; '.join(marks)}]" if marks else ""), f"      {orjson.dumps(dict(entry.data)).decode()}"]


def _moment(moment: Moment) -> str:
    return moment.astimezone(COPENHAGEN).isoformat(" ", "seconds") if isinstance(moment, datetime) else str(moment)
