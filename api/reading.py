"""Every look at a case goes through here: ask the door, read, put the look on record, then hand out.

There is no other way to a text. The access record is appended before the answer leaves; when it cannot be, nothing is
handed out.
"""

import asyncio
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any
from uuid import UUID

from api.door import Door, NotKnown
from api.looks import AsOf, Dated, Question, Shown
from api.principals import Principal
from domain.authority import Act
from domain.case_file import ROSTER_TOPICS, CaseFile, Person
from domain.case_set import CaseSet
from domain.entries import Entry
from domain.erased import NOTHING_ERASED, Erased, erasures_among
from domain.events import UnknownEvent
from domain.events.administration import CaseOpened, PersonRegistered
from domain.events.retention import PersonalDataErased
from domain.identities import latest
from domain.known import Known
from domain.reach import Emergency
from domain.register import EntryHistory, as_of, history
from domain.time import write_instant
from domain.withheld import Withheld, withheld, without
from ledger.erasure import ErasureRegister
from ledger.errors import RecordDamaged, SealBroken
from ledger.format import FormatError, StoredRow
from ledger.mapper import read_clear
from ledger.proof.roots import root_at
from ledger.store import Head, Ledger
from projections.board import EVERY, Board, BoardRow, Chosen
from projections.boards import opened_among, readable, withholding_cases
from projections.case_state import state_as_of
from projections.standing import states_at
from replay.verify import Fault, verify_stream

MOST_ROOTS = 1024
"""How many roots of the past are kept: the same instants are asked about again and again, and a root never changes."""


class InstantInFuture(Exception):
    """A view was asked for as of an instant that has not come yet; ``parameter`` names which."""

    def __init__(self, parameter: str, now: datetime) -> None:
        super().__init__(f"{parameter} lies after the ledger's own time {write_instant(now)}: ask about the past")
        self.parameter = parameter
        self.now = now


@dataclass(frozen=True, slots=True)
class NamedPerson:
    """A person of a case with the latest name on record and all that said who it is.

    The name is None where it was erased, or is ``unreadable`` without its key.
    """

    person: Person
    full_name: str | None
    identities: tuple[Entry, ...] = ()

    @property
    def identifier(self) -> str | None:
        """The latest number on record, ten digits; None where there is none or it was erased."""
        return latest(self.identities, "identifier")

    @property
    def unreadable(self) -> bool:
        """Whether there is a name that cannot be read because its key is missing."""
        return self.full_name is None and any("full_name" in said.unreadable for said in self.identities)


@dataclass(frozen=True, slots=True)
class CaseLook(Dated):
    """A case as one reader sees it at one instant.

    ``entries`` are all of the case up to the position in the order recorded, as they were written; ``effective``
    those in force, corrected, in the order they happened, and happened by ``valid_at``. ``recorded_later`` counts
    what came after, ``happened_before`` how many of those had happened by the instant asked about. ``erasures`` are
    those on record now, whatever instant is asked about.
    """

    head: Head
    file: CaseFile
    entries: tuple[Entry, ...]
    effective: tuple[Entry, ...]
    history: Mapping[int, EntryHistory]
    persons: tuple[NamedPerson, ...]
    state: dict[str, Any]
    recorded_later: int
    happened_before: int
    faults: tuple[Fault, ...]
    erasures: tuple[Entry, ...] = ()


@dataclass(frozen=True, slots=True)
class ToldOf:
    """An emergency access that the reader is told of, and the case it was to."""

    case: UUID
    number: str
    emergency: Emergency


@dataclass(frozen=True, slots=True)
class BoardLook(Dated):
    """The list of cases as one reader sees it at one instant.

    ``computed_to`` is how far the view has followed, ``following`` the case after which the next page goes on.
    ``erased_cases`` counts the cases on record at that instant that were erased whole since.
    ``told`` are the emergency accesses the reader is told of as they stand at ``told_at``, where that was asked for.
    """

    computed_to: int
    rows: tuple[BoardRow, ...]
    following: UUID | None
    erased_cases: int = 0
    told: tuple[ToldOf, ...] = ()
    told_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class ErasuresLook(Dated):
    """The cases in which something was erased, as one reader sees them at one instant: the clear part of each."""

    cases: Mapping[UUID, Known]


@dataclass(frozen=True, slots=True)
class Narrowed:
    """What a list of cases is narrowed to: by how the number begins, and by the state of the case."""

    number: str = ""
    chosen: Chosen = EVERY


WHOLE = Narrowed()


def _named(person: Person, said: Sequence[Entry]) -> NamedPerson:
    return NamedPerson(person, latest(said, "full_name"), tuple(said))


def _erasures(rows: Sequence[StoredRow]) -> tuple[Entry, ...]:
    """Return the erasures among the rows of a case; none where they are damaged, which the check of the rows names."""
    try:
        return erasures_among(read_clear(row) for row in rows if row.topic == PersonalDataErased.TOPIC)
    except (UnknownEvent, ValueError, KeyError):
        return ()


class CaseReader:
    """Reads one ledger for principals."""

    def __init__(self, ledger: Ledger, board: Board, door: Door | None = None) -> None:
        self._ledger = ledger
        self._board = board
        self.door = door or Door(ledger)
        self._erasures = ErasureRegister(ledger)
        self._root_at = lru_cache(MOST_ROOTS)(self._make_root)

    async def case(
        self,
        principal: Principal,
        case: UUID,
        question: Question,
        what: str,
        act: Act = Act.CASE_READ,
        about: Collection[str] | None = None,
    ) -> CaseLook:
        """Return a case as of the instants asked about.

        ``about`` names the persons whose data are handed out of it; None: of everybody in it. Raises Forbidden,
        NotKnown, InstantInFuture, LookNotRecorded.
        """
        permission = await self.door.require_in(principal, act, case, what, question)
        read = await asyncio.to_thread(self._read_case, case, question, principal)
        shown = Shown(
            what,
            (case,),
            subjects=[one.person.person for one in read["persons"] if about is None or one.person.ref in about],
            position=read["as_of"].position,
            question=question,
            emergency=permission.because == "break_glass",
        )
        return CaseLook(access_position=await self.door.looks.record(principal, shown), **read)

    async def person(self, principal: Principal, case: UUID, ref: str, question: Question) -> CaseLook:
        """Return a case for what one of its persons is called, with that person on record; raises as ``case`` does.

        Raises NotKnown for a reference of nobody in the case as well.
        """
        permission = await self.door.require_in(principal, Act.CASE_READ, case, "identity", question)
        read = await asyncio.to_thread(self._read_case, case, question, principal)
        found = [named.person.person for named in read["persons"] if named.person.ref == ref]
        if not found:
            raise NotKnown
        emergency = permission.because == "break_glass"
        shown = Shown("identity", (case,), found, read["as_of"].position, question, emergency=emergency)
        return CaseLook(access_position=await self.door.looks.record(principal, shown), **read)

    async def found(
        self, principal: Principal, what: str, cases: Sequence[UUID], subjects: Sequence[UUID], position: int
    ) -> int:
        """Put a search on record with exactly the cases and persons it shows; returns where that stands."""
        return await self.door.looks.record(principal, Shown(what, cases, subjects, position))

    async def board(
        self,
        principal: Principal,
        question: Question,
        after: UUID,
        limit: int,
        *,
        notices: bool = False,
        narrowed: Narrowed = WHOLE,
    ) -> BoardLook:
        """Return a page of the cases one may see, as of the instants asked about.

        A page narrowed as of an instant in the world may be short of rows though more follow.
        ``notices`` asks for what the reader is to be told as well; the look then names those cases too.
        """
        what = "case_list"
        visible = await self.door.visible(principal, Act.BOARD_READ, what)
        told_at, told = self.door.index.now, self._told(principal) if notices else ()
        if narrowed.number:
            visible = visible.among(self.numbered(narrowed.number))
        read = await asyncio.to_thread(
            self._read_board, question, after, limit, visible, narrowed.chosen, originals=principal.audits
        )
        cases = list(dict.fromkeys([*(row.case for row in read["rows"]), *(one.case for one in told)]))
        shown = Shown(what, cases, position=read["as_of"].position, question=question)
        access = await self.door.looks.record(principal, shown)
        return BoardLook(access_position=access, told=told, told_at=told_at, **read)

    def numbered(self, number: str) -> list[UUID]:
        """Return the cases whose number begins with a text, whatever the case of its letters."""
        wanted = number.casefold()
        return [case for case, reach in self.door.index.cases.items() if reach.number.casefold().startswith(wanted)]

    def _told(self, principal: Principal) -> tuple[ToldOf, ...]:
        found = self.door.index.told(principal.id)
        return tuple(ToldOf(case, self.door.number(case), one) for case, one in found)

    async def erasures(self, principal: Principal, question: Question) -> ErasuresLook:
        """Return the cases one may see in which something was erased, those erased whole too; raises as ``case``."""
        what = "erasures_board"
        visible = await self.door.visible(principal, Act.ERASURE_READ, what)
        as_of, cases = await asyncio.to_thread(self._with_erasures, question, visible, originals=principal.audits)
        shown = Shown(what, tuple(cases), position=as_of.position, question=question)
        return ErasuresLook(as_of, await self.door.looks.record(principal, shown), cases)

    def _with_erasures(
        self, question: Question, visible: CaseSet, *, originals: bool
    ) -> tuple[AsOf, Mapping[UUID, Known]]:
        as_of = self.as_of(question, self._ledger.head())
        rows = self._ledger.read_topic(PersonalDataErased.TOPIC, as_of.position)
        cases = visible.of(dict.fromkeys(row.stream for row in rows if row.stream != self._ledger.id))
        found = readable(self._ledger, cases, as_of.position, originals=originals, erased=True)
        return as_of, {case: Known(entries) for case, entries in found.items()}

    def _read_board(
        self, question: Question, after: UUID, limit: int, visible: CaseSet, chosen: Chosen, *, originals: bool
    ) -> dict[str, Any]:
        as_of = self.as_of(question, self._ledger.head())
        position = as_of.position
        at_position = chosen if question.valid_at is None else EVERY
        computed_to, rows = self._board.page(position, after, limit, visible, at_position)
        following = rows[-1].case if len(rows) == limit else None
        erased, gone = self.erased_cases(position, visible)
        rows = [row for row in rows if row.case not in erased]
        if question.valid_at is not None:
            rows = self._as_of(rows, position, question.valid_at, originals=originals)
        elif question.known_at is not None and not originals:
            rows = self._shown_states(rows, position)
        rows = [row for row in rows if chosen.fits(row.state)]
        return {
            "as_of": as_of,
            "computed_to": computed_to,
            "rows": tuple(rows),
            "following": following,
            "erased_cases": gone,
        }

    def erased_cases(self, position: int, visible: CaseSet) -> tuple[Collection[UUID], int]:
        """Return the cases erased whole by now, and how many of those one may see were on record at a position."""
        erased = self._erasures.now().cases
        return erased, opened_among(self._ledger, visible.of(erased), position)

    def _as_of(self, rows: list[BoardRow], position: int, valid_at: datetime, *, originals: bool) -> list[BoardRow]:
        """Return the cases of a page as of an instant in the world; leaves out those not opened by then."""
        states = states_at(self._ledger, [row.case for row in rows], position, valid_at, originals=originals)
        return [replace(row, state=states[row.case]) for row in rows if row.case in states]

    def _shown_states(self, rows: list[BoardRow], position: int) -> list[BoardRow]:
        """Fold the cases of a page anew in which something is withheld now that was not at a position."""
        cases = withholding_cases(self._ledger, (row.case for row in rows))
        entries = readable(self._ledger, cases, position)
        return [
            replace(row, state=state_as_of(entries[row.case], None)) if entries.get(row.case) else row for row in rows
        ]

    def as_of(self, question: Question, head: Head, position: int | None = None) -> AsOf:
        """Return what an answer to a question is computed from, at a position that was settled before (None: now).

        Raises InstantInFuture.
        """
        position = self._position(question, head) if position is None else position
        root = head.root.hex() if position == head.size else self._root_at(position)
        return AsOf(question, position, root or self._make_root(position))

    def _make_root(self, position: int) -> str | None:
        root = root_at(self._ledger, position)
        return None if root is None else root.hex()

    def _position(self, question: Question, head: Head) -> int:
        now = self._ledger.now() if question.known_at or question.valid_at else None
        for parameter, instant in (("known_at", question.known_at), ("valid_at", question.valid_at)):
            if instant is not None and now is not None and instant > now:
                raise InstantInFuture(parameter, now)
        if question.known_at is None:
            return head.size
        return self._ledger.position_at(question.known_at)

    def _read_case(self, case: UUID, question: Question, principal: Principal) -> dict[str, Any]:
        head = self._ledger.head()
        asked = self.as_of(question, head)
        position = asked.position
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
            "as_of": asked,
            "head": head,
            "file": file,
            "entries": entries,
            "effective": effective,
            "history": history(entries),
            "persons": self._persons(file, asked, hidden, erased),
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

    def _persons(self, file: CaseFile, asked: AsOf, hidden: Withheld, erased: Erased) -> tuple[NamedPerson, ...]:
        """Return the persons of a case with what they were called, without those whose joining is withheld."""
        joined = (file.entry(version) for version in hidden.entries)
        strangers = {entry.data.get("ref") for entry in joined if entry is not None and entry.topic in ROSTER_TOPICS}
        shown = [person for ref, person in file.persons.items() if ref not in strangers]
        said: dict[UUID, list[Entry]] = {person.person: [] for person in shown}
        cut = asked.question.valid_at
        for row in self._ledger.read_streams(list(said), asked.position):
            entry = self._ledger.mapper.to_domain_event(row, erased)
            if cut is None or entry.topic == PersonRegistered.TOPIC or entry.happened <= cut:
                said[row.stream].append(entry)
        return tuple(_named(person, said[person.person]) for person in shown)
