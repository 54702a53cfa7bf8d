"""Every look at a case goes through here: read, put the look on record, then hand out. There is no other way to a text.

The access record is appended before the answer leaves; when it cannot be, nothing is handed out.
"""

import asyncio
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from typing import Any
from uuid import UUID, uuid4, uuid5

from api.principals import Principal
from domain.case_file import ROSTER_TOPICS, CaseFile, Person
from domain.entries import Draft, Entry
from domain.erased import NOTHING_ERASED, Erased, erasures_among
from domain.events import UnknownEvent
from domain.events.access import RecordViewed
from domain.events.administration import CaseOpened, PersonRegistered
from domain.events.base import Envelope
from domain.events.retention import PersonalDataErased
from domain.register import EntryHistory, as_of, history
from domain.time import write_instant
from domain.withheld import Withheld, withheld, without
from ledger.erasure import ErasureRegister
from ledger.errors import RecordDamaged, SealBroken
from ledger.format import FormatError, StoredRow
from ledger.mapper import read_clear
from ledger.requests import Appended, Part, Request
from ledger.store import Head, Ledger
from projections.board import Board, BoardRow
from projections.boards import PartRow, opened_among, readable, rows_as_of, rows_at, rows_without, withholding_cases
from projections.case_state import state_as_of
from projections.view import View
from replay.verify import Fault, verify_stream


class NotKnown(Exception):
    """There is no such case, or there was none on record at the instant asked about."""


class InstantInFuture(Exception):
    """A view was asked for as of an instant that has not come yet; ``parameter`` names which."""

    def __init__(self, parameter: str, now: datetime) -> None:
        super().__init__(f"{parameter} lies after the ledger's own time {write_instant(now)}: ask about the past")
        self.parameter = parameter
        self.now = now


class LookNotRecorded(Exception):
    """The access record could not be written, so nothing is handed out."""


@dataclass(frozen=True, slots=True)
class Question:
    """As of when: what was recorded by ``known_at``, of what had happened by ``valid_at``. None means now."""

    known_at: datetime | None = None
    valid_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class NamedPerson:
    """A person of a case with the name on record; None where it was erased."""

    person: Person
    full_name: str | None


@dataclass(frozen=True, slots=True)
class CaseLook:
    """A case as one reader sees it at one instant.

    ``position`` is the last position that was on record then. ``entries`` are all of the case up to there in the
    order recorded, as they were written; ``effective`` those in force, corrected, in the order they happened, and
    happened by ``valid_at``. ``recorded_later`` counts what came after, ``happened_before`` how many of those
    had happened by the instant asked about. ``access_position`` is this look's own place in the ledger. ``erasures``
    are those on record now, whatever instant is asked about.
    """

    question: Question
    head: Head
    position: int
    file: CaseFile
    entries: tuple[Entry, ...]
    effective: tuple[Entry, ...]
    history: Mapping[int, EntryHistory]
    persons: tuple[NamedPerson, ...]
    state: dict[str, Any]
    recorded_later: int
    happened_before: int
    faults: tuple[Fault, ...]
    access_position: int
    erasures: tuple[Entry, ...] = ()


@dataclass(frozen=True, slots=True)
class BoardLook:
    """The list of cases as one reader sees it at one instant.

    ``computed_to`` is how far the view has followed, ``following`` the case after which the next page goes on.
    ``erased_cases`` counts the cases on record at that instant that were erased whole since.
    """

    question: Question
    position: int
    computed_to: int
    rows: tuple[BoardRow, ...]
    following: UUID | None
    access_position: int
    erased_cases: int = 0


@dataclass(frozen=True, slots=True)
class PartsLook:
    """All remembered rows of a view as one reader sees them at one instant; ``erased_cases`` as in BoardLook."""

    question: Question
    position: int
    computed_to: int
    rows: tuple[PartRow, ...]
    access_position: int
    erased_cases: int = 0


LOOKS_SEARCHED = 500
"""How many of somebody's last looks are searched for the one at a case."""


def last_look(ledger: Ledger, principal: Principal, case: UUID) -> int | None:
    """Return the position of somebody's last look at a case, which says what was in front of them; None for none."""
    for row in ledger.read_recent(_looks_of(ledger, principal), LOOKS_SEARCHED):
        if str(case) in read_clear(row).data["cases"]:
            return row.position
    return None


def _looks_of(ledger: Ledger, principal: Principal) -> UUID:
    """Return the stream of somebody's looks."""
    return uuid5(ledger.id, f"looks of {principal.id}")


def _erasures(rows: Sequence[StoredRow]) -> tuple[Entry, ...]:
    """Return the erasures among the rows of a case; none where they are damaged, which the check of the rows names."""
    try:
        return erasures_among(read_clear(row) for row in rows if row.topic == PersonalDataErased.TOPIC)
    except (UnknownEvent, ValueError, KeyError):
        return ()


class CaseReader:
    """Reads one ledger for principals."""

    def __init__(self, ledger: Ledger, board: Board) -> None:
        self._ledger = ledger
        self._board = board
        self._erasures = ErasureRegister(ledger)

    async def case(self, principal: Principal, case: UUID, question: Question, what: str) -> CaseLook:
        """Return a case as of the instants asked about; raises NotKnown, InstantInFuture, LookNotRecorded."""
        read = await asyncio.to_thread(self._read_case, case, question, principal)
        access = await self._put_on_record(principal, what, (case,), read["position"], question)
        return CaseLook(question=question, access_position=access, **read)

    async def board(self, principal: Principal, question: Question, after: UUID, limit: int) -> BoardLook:
        """Return a page of cases as of the instants asked about."""
        position = await asyncio.to_thread(self._position, question)
        computed_to, rows = await asyncio.to_thread(self._board.page, position, after, limit)
        following = rows[-1].case if len(rows) == limit else None
        erased, gone = await asyncio.to_thread(self._erased_cases, position)
        rows = [row for row in rows if row.case not in erased]
        if question.valid_at is not None:
            rows = await asyncio.to_thread(
                partial(self._as_of, rows, position, question.valid_at, originals=principal.audits)
            )
        elif question.known_at is not None and not principal.audits:
            rows = await asyncio.to_thread(self._shown_states, rows, position)
        shown = tuple(row.case for row in rows)
        access = await self._put_on_record(principal, "case_list", shown, position, question)
        return BoardLook(question, position, computed_to, tuple(rows), following, access, gone)

    async def parts(self, principal: Principal, view: View, question: Question) -> PartsLook:
        """Return all rows of a view as known at an instant; raises as ``case`` does."""
        position = await asyncio.to_thread(self._position, question)
        if question.valid_at is None:
            computed_to, rows = await asyncio.to_thread(rows_at, self._ledger, view, position)
            if question.known_at is not None and not principal.audits:
                rows = await asyncio.to_thread(rows_without, self._ledger, view, position, rows)
        else:
            at = question.valid_at
            fold = partial(rows_as_of, self._ledger, view, position, at, originals=principal.audits)
            rows = await asyncio.to_thread(fold)
            computed_to = position
        erased, gone = await asyncio.to_thread(self._erased_cases, position)
        rows = [row for row in rows if row.case not in erased]
        shown = tuple(dict.fromkeys(row.case for row in rows))
        access = await self._put_on_record(principal, f"{view.name}_board", shown, position, question)
        return PartsLook(question, position, computed_to, tuple(rows), access, gone)

    def _erased_cases(self, position: int) -> tuple[Collection[UUID], int]:
        """Return the cases erased whole by now, and how many of them were on record at a position."""
        erased = self._erasures.now().cases
        return erased, opened_among(self._ledger, erased, position)

    def _as_of(self, rows: list[BoardRow], position: int, valid_at: datetime, *, originals: bool) -> list[BoardRow]:
        """Fold the cases of a page anew as of an instant in the world; leaves out those not opened by then."""
        entries = readable(self._ledger, [row.case for row in rows], position, originals=originals)
        return [
            replace(row, state=state_as_of(entries[row.case], valid_at))
            for row in rows
            if entries.get(row.case) and entries[row.case][0].happened <= valid_at
        ]

    def _shown_states(self, rows: list[BoardRow], position: int) -> list[BoardRow]:
        """Fold the cases of a page anew in which something is withheld now that was not at a position."""
        cases = withholding_cases(self._ledger, (row.case for row in rows))
        entries = readable(self._ledger, cases, position)
        return [
            replace(row, state=state_as_of(entries[row.case], None)) if entries.get(row.case) else row for row in rows
        ]

    def _position(self, question: Question) -> int:
        now = self._ledger.now() if question.known_at or question.valid_at else None
        for parameter, instant in (("known_at", question.known_at), ("valid_at", question.valid_at)):
            if instant is not None and now is not None and instant > now:
                raise InstantInFuture(parameter, now)
        if question.known_at is None:
            return self._ledger.head().size
        return self._ledger.position_at(question.known_at)

    def _read_case(self, case: UUID, question: Question, principal: Principal) -> dict[str, Any]:
        position = self._position(question)
        rows = self._ledger.read_stream(case)
        known = [row for row in rows if row.position <= position]
        if not known or known[0].topic != CaseOpened.TOPIC:
            raise NotKnown
        erasures = _erasures(rows)
        erased = NOTHING_ERASED.and_by(erasures)
        faults = tuple(verify_stream(known, erased))
        written = tuple(self._unsealed(known, faults, erased))
        later = [self._ledger.mapper.to_domain_event(row, erased) for row in rows[len(known) :]]
        hidden = Withheld() if principal.audits else withheld((*written, *later))
        entries = without(written, hidden)
        effective = as_of(entries, question.valid_at)
        file = CaseFile(case, written)
        cut = question.known_at or datetime.now(UTC)
        return {
            "head": self._ledger.head(),
            "position": position,
            "file": file,
            "entries": entries,
            "effective": effective,
            "history": history(entries),
            "persons": self._persons(file, position, hidden, erased),
            "state": state_as_of(entries, question.valid_at),
            "recorded_later": len(later),
            "happened_before": sum(entry.happened <= cut for entry in later),
            "faults": faults,
            "erasures": erasures,
        }

    def _unsealed(self, rows: Sequence[StoredRow], faults: Sequence[Fault], erased: Erased) -> list[Entry]:
        """Return the entries; raises RecordDamaged, naming the places, where bytes that were changed do not open."""
        try:
            return [self._ledger.mapper.to_domain_event(row, erased) for row in rows]
        except (SealBroken, FormatError, UnknownEvent, ValueError, KeyError) as error:
            if not faults:
                raise
            raise RecordDamaged([str(fault) for fault in faults]) from error

    def _persons(self, file: CaseFile, position: int, hidden: Withheld, erased: Erased) -> tuple[NamedPerson, ...]:
        """Return the persons of a case with their names, without those whose joining is withheld."""
        joined = (file.entry(version) for version in hidden.entries)
        strangers = {entry.data.get("ref") for entry in joined if entry is not None and entry.topic in ROSTER_TOPICS}
        shown = [person for ref, person in file.persons.items() if ref not in strangers]
        rows = self._ledger.read_streams([person.person for person in shown], position)
        names = {row.stream: self._name(row, erased) for row in rows if row.topic == PersonRegistered.TOPIC}
        return tuple(NamedPerson(person, names.get(person.person)) for person in shown)

    def _name(self, row: StoredRow, erased: Erased) -> str | None:
        return self._ledger.mapper.to_domain_event(row, erased).data.get("full_name")

    async def _put_on_record(
        self, principal: Principal, what: str, cases: Sequence[UUID], position: int, question: Question
    ) -> int:
        event = RecordViewed(
            viewer=principal.id,
            role=principal.role,
            organisation=principal.organisation,
            purpose=principal.purpose,
            what=what,
            cases=tuple(cases),
            as_of_position=position,
            known_at=question.known_at,
            valid_at=question.valid_at,
        )
        stream = _looks_of(self._ledger, principal)
        envelope = Envelope(occurred_at=datetime.now(UTC), actor=principal.actor, commit=uuid4())
        new_event = self._ledger.mapper.to_new_event(Draft(stream, 1, event, envelope))
        answer = await self._ledger.appender.append(Request((Part(stream, None, (new_event,)),)))
        if not isinstance(answer, Appended):
            raise LookNotRecorded
        return answer.first_position
