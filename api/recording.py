"""How a request becomes entries: decide on the case as it stands, seal, append, answer. HTTP and loader use this."""

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID, uuid4

from api.door import Door, NotKnown
from api.drafting import Commit, Fact, Work, preview_of, stored_row
from api.principals import Principal
from domain.authority import Act
from domain.case_file import CaseFile
from domain.entries import Draft, Entry
from domain.erased import NOTHING_ERASED
from domain.errors import DomainError, Malformed, Problem
from domain.events import BY_TOPIC
from domain.events.administration import CaseOpened, CasePerson, PersonJoined, PersonRegistered
from domain.recording import check_references, record_facts
from domain.time import Moment
from ledger.errors import KeyErased
from ledger.format import read_segment_table
from ledger.keys import KeyStore, key_commitment
from ledger.mapper import read_clear
from ledger.requests import Answer, Appended, Conflict, InTheFuture, Mismatched, NewEvent, Part, Request
from ledger.store import Ledger

CACHED_CASES = 2_000
MOST_ATTEMPTS = 5
"""How often an act decided on the case as it stands is tried while others record in it at the same time."""


class RecordingError(Exception):
    """A request was not recorded; nothing is written."""

    def __init__(self, message: str | None = None) -> None:
        super().__init__(message or (self.__doc__ or "").strip())


class NoSuchCase(RecordingError):
    """There is no case with this id."""


class StaleVersion(RecordingError):
    """The case has moved on since the version the request was decided on."""

    def __init__(self, current: int, since: Sequence[Entry]) -> None:
        super().__init__(f"the case is at version {current}")
        self.current = current
        self.since = since


class OtherMovedOn(Malformed):
    """Another case of the request has moved on since the version it was decided on."""

    def __init__(self, version: int) -> None:
        super().__init__([Problem("/to_version", f"is not the version of that case, {version}: read it again")])


class KeyReused(RecordingError):
    """The idempotency key was used before for another request."""


class NotYetHappened(RecordingError):
    """A fact claims to have happened after the ledger's own time."""

    def __init__(self, now: datetime) -> None:
        super().__init__("occurred_at lies in the future")
        self.now = now


@dataclass(frozen=True, slots=True)
class NewPerson:
    """A person to register: reference in the case, role, name, and CPR or substitute number if there is one."""

    ref: str
    role: str
    full_name: str
    identifier: str | None = None


@dataclass(frozen=True, slots=True)
class Recorded:
    """Where a request stands in the ledger, the same for the first answer and every repeat.

    ``entries`` holds version, position and event name of each entry of the case.
    """

    case: UUID
    commit: UUID
    version: int
    first_position: int
    last_position: int
    recorded_at: datetime
    entries: tuple[tuple[int, int, str], ...]


class CaseRecorder:
    """Records into one ledger what principals may record there; raises Forbidden and NotKnown as the door does.

    Keeps the files of recent cases, each exact for the version it carries.
    """

    def __init__(self, ledger: Ledger, door: Door | None = None) -> None:
        self._ledger = ledger
        self.door = door or Door(ledger)
        self._files: OrderedDict[UUID, CaseFile] = OrderedDict()

    async def open_case(
        self,
        principal: Principal,
        number: str | None,
        programme: str,
        persons: Sequence[NewPerson],
        opened_at: Moment,
        commit: Commit,
        instant: datetime | None = None,
        source: str | None = None,
    ) -> Recorded:
        """Open a case, register its persons and record the first facts, all in one request.

        Facts may refer to earlier ones of the same request; the first of them has version 2.
        """
        await self.door.require(principal, Act.CASE_OPEN, "open_case")
        known = await self.repeated(principal, commit)
        if known is not None:
            return known
        case = uuid4()
        roster, registrations = self._register(persons)
        key = self._ledger.keys.create()
        opened = CaseOpened(
            number=number or f"S-{case.hex[:8].upper()}",
            programme=programme,
            key=key,
            key_commitment=key_commitment(self._ledger.keys.get(key)).hex(),
            persons=tuple(roster),
        )
        work = Work(principal, commit, instant, CaseFile(case), key, {person.ref: person.key for person in roster})
        work.add(opened, opened_at, source)
        preview = CaseFile(case, (preview_of(work.drafts(case, 0)[0]),))
        for fact, event in zip(commit.facts, record_facts(preview, [f.event for f in commit.facts]), strict=True):
            work.take(event, fact)
        return await self._append(work, registrations, opened_at)

    async def add_person(
        self,
        principal: Principal,
        case: UUID,
        expected: int,
        person: NewPerson,
        joined_at: Moment,
        commit: Commit,
        source: str | None = None,
    ) -> Recorded:
        """Register a person and let them join the case; raises as ``record`` does."""

        async def attempt() -> Recorded:
            file = await self._file(principal, Act.CASE_WRITE, case, expected)
            if person.ref in file.persons:
                raise Malformed([Problem("/person/ref", "names a person of this case already: choose another")])
            (joined,), registrations = self._register([person])
            keys = file.keys() | {joined.ref: joined.key}
            work = Work(principal, commit, None, file, file.key, keys)
            work.add(PersonJoined(**joined.model_dump()), joined_at, source)
            return await self._append(work, registrations, joined_at)

        return await self._or_repeated(principal, commit, attempt)

    async def record(
        self, principal: Principal, case: UUID, expected: int, commit: Commit, instant: datetime | None = None
    ) -> Recorded:
        """Record a commit decided on version ``expected`` of the case; a repeated request gets the first answer.

        Raises NoSuchCase, StaleVersion, KeyReused, NotYetHappened, Malformed or LedgerError; nothing is written then.
        """

        async def attempt() -> Recorded:
            file = await self._file(principal, Act.CASE_WRITE, case, expected)
            work = Work(principal, commit, instant, file, file.key, file.keys())
            for fact, event in zip(commit.facts, record_facts(file, [f.event for f in commit.facts]), strict=True):
                work.take(event, fact)
            return await self._append(work, [], None)

        return await self._or_repeated(principal, commit, attempt)

    async def perform(
        self,
        principal: Principal,
        case: UUID,
        expected: int | None,
        commit: Commit,
        decide: Callable[[CaseFile], Sequence[Fact]],
        act: Act = Act.CASE_WRITE,
    ) -> Recorded:
        """Record what ``decide`` makes of the case as it stands: an act, or that a gate stopped it; raises as above.

        References in the facts are checked as in a commit of facts. ``expected`` None decides on whatever version there
        is, and again where the case moves on meanwhile.
        """

        async def attempt() -> Recorded:
            file = await self._file(principal, act, case, expected)
            facts = decide(file)
            check_references(file, [fact.event for fact in facts])
            work = Work(principal, commit, None, file, file.key, file.keys())
            for fact in facts:
                work.take(fact.event, fact)
            return await self._append(work, [], None)

        for _ in range(0 if expected is not None else MOST_ATTEMPTS):
            with suppress(StaleVersion):
                return await self._or_repeated(principal, commit, attempt)
        return await self._or_repeated(principal, commit, attempt)

    async def across(
        self,
        principal: Principal,
        here: tuple[UUID, int],
        there: tuple[UUID, int],
        commit: Commit,
        decide: Callable[[CaseFile, CaseFile], tuple[Sequence[Fact], Sequence[Fact]]],
    ) -> Recorded:
        """Record what ``decide`` makes of two cases, each at its version, together; the answer is about the first.

        Raises as ``record`` does. What goes into the second is checked like a commit of facts.
        """

        async def attempt() -> Recorded:
            files = await self._file(principal, Act.CASE_WRITE, *here), await self._other(principal, *there)
            own, others = await asyncio.to_thread(decide, *files)
            record_facts(files[1], [fact.event for fact in others], moved=True)
            works = [Work(principal, commit, None, file, file.key, file.keys()) for file in files]
            for work, facts in zip(works, (own, others), strict=True):
                for fact in facts:
                    work.take(fact.event, fact)
            return await self._append(works[0], [], None, works[1])

        return await self._or_repeated(principal, commit, attempt)

    async def together(
        self, principal: Principal, cases: Sequence[UUID], commit: Commit, decide: Callable[[CaseFile], Sequence[Fact]]
    ) -> Recorded:
        """Record what ``decide`` makes of each of several cases as it stands, in all of them or in none.

        The answer is about the first. Raises as ``record`` does; a case that moves on meanwhile is decided on again.
        """

        async def attempt() -> Recorded:
            works, commit_id = list[Work](), uuid4()
            for case in cases:
                file = await self._file(principal, Act.CASE_WRITE, case, None)
                works.append(Work(principal, commit, None, file, file.key, file.keys(), commit_id))
                for fact in decide(file):
                    works[-1].take(fact.event, fact)
            return await self._append(works[0], [], None, *works[1:])

        for _ in range(MOST_ATTEMPTS):
            with suppress(StaleVersion, OtherMovedOn):
                return await self._or_repeated(principal, commit, attempt)
        return await self._or_repeated(principal, commit, attempt)

    async def _or_repeated(
        self, principal: Principal, commit: Commit, attempt: Callable[[], Awaitable[Recorded]]
    ) -> Recorded:
        """A repeat comes with an old version and may not be decidable any more: recognise it before refusing it."""
        try:
            return await attempt()
        except (StaleVersion, DomainError):
            known = await self.repeated(principal, commit)
            if known is None:
                raise
            return known

    async def repeated(self, principal: Principal, commit: Commit) -> Recorded | None:
        """Return the first answer when this request was recorded before; raises KeyReused for another body."""
        key, fingerprint = request_digests(self._ledger.keys, principal, commit)
        known = await asyncio.to_thread(self._ledger.find_request, key)
        if known is None:
            return None
        if known[0] != fingerprint:
            raise KeyReused
        return await self._recorded(known[1], known[2])

    async def _file(self, principal: Principal, act: Act, case: UUID, expected: int | None) -> CaseFile:
        """Return a case at a version for somebody who may do something in it; only they are told what has moved on."""
        await self.door.require_in(principal, act, case, act.value)
        cached = self._files.get(case)
        if cached is not None and cached.version == expected:
            return cached
        file = await self.read_file(case)
        if expected is not None and file.version != expected:
            raise StaleVersion(file.version, file.entries[expected:])
        return file

    async def _other(self, principal: Principal, case: UUID, expected: int) -> CaseFile:
        """Return the second case of a request; raises Malformed where it is not there or has moved on."""
        try:
            return await self._file(principal, Act.CASE_WRITE, case, expected)
        except (NoSuchCase, NotKnown):
            raise Malformed([Problem("/to", "names no case: use the id of one")]) from None
        except StaleVersion as error:
            raise OtherMovedOn(error.current) from None

    async def read_file(self, case: UUID) -> CaseFile:
        """Return a case as it stands, in clear; raises NoSuchCase."""
        rows = await asyncio.to_thread(self._ledger.read_stream, case)
        if not rows or rows[0].topic != CaseOpened.TOPIC:
            raise NoSuchCase
        return self._keep(CaseFile(case, tuple(map(read_clear, rows))))

    def _keep(self, file: CaseFile) -> CaseFile:
        self._files[file.case] = file
        self._files.move_to_end(file.case)
        if len(self._files) > CACHED_CASES:
            self._files.popitem(last=False)
        return file

    def _register(self, persons: Sequence[NewPerson]) -> tuple[list[CasePerson], list[PersonRegistered]]:
        """Make an id and a key for each person; the key is on disk before anything is sealed with it."""
        refs = [person.ref for person in persons]
        doubled = [index for index, ref in enumerate(refs) if ref in refs[:index]]
        if doubled:
            detail = "names another person of this case already: choose another"
            raise Malformed([Problem(f"/persons/{index}/ref", detail) for index in doubled])
        roster: list[CasePerson] = []
        registrations: list[PersonRegistered] = []
        for person in persons:
            person_id, key = uuid4(), self._ledger.keys.create()
            roster.append(CasePerson(ref=person.ref, person=person_id, key=key, role=person.role))
            registrations.append(
                PersonRegistered(
                    person=person_id,
                    key=key,
                    key_commitment=key_commitment(self._ledger.keys.get(key)).hex(),
                    full_name=person.full_name,
                    identifier=person.identifier,
                )
            )
        return roster, registrations

    async def _append(
        self,
        work: Work,
        registrations: Sequence[PersonRegistered],
        registered_at: Moment | None,
        *beside: Work,
    ) -> Recorded:
        """Append the drafts of a case, with persons' first entries and with those of the cases ``beside``."""
        drafts = work.drafts(work.file.case, work.file.version)
        new_events = [self._ledger.mapper.to_new_event(draft) for draft in drafts]
        _refuse_erased_keys(work.file, new_events)
        parts = [Part(work.file.case, work.file.version, tuple(new_events))]
        for other in beside:
            self._files.pop(other.file.case, None)
            further = other.drafts(other.file.case, other.file.version)
            events = tuple(map(self._ledger.mapper.to_new_event, further))
            _refuse_erased_keys(other.file, events)
            parts.append(Part(other.file.case, other.file.version, events))
        for registration in registrations:
            draft = work.registration(registration, registered_at or datetime.now(UTC))
            parts.append(Part(draft.stream, 0, (self._ledger.mapper.to_new_event(draft),)))
        key, fingerprint = request_digests(self._ledger.keys, work.principal, work.commit)
        request = Request(tuple(parts), key, fingerprint, work.latest())
        answer = await self._ledger.appender.append(request, work.instant)
        return await self._settle(work, drafts, new_events, answer)

    async def _settle(self, work: Work, drafts: list[Draft], new_events: list[NewEvent], answer: Answer) -> Recorded:
        match answer:
            case Appended(repeated=True):
                return await self._recorded(answer.first_position, answer.last_position)
            case Appended():
                entries = [
                    read_clear(stored_row(draft, event, answer.first_position + index, answer.recorded_at))
                    for index, (draft, event) in enumerate(zip(drafts, new_events, strict=True))
                ]
                self._keep(work.file.extended(entries))
                return _to_recorded(entries, answer.first_position, answer.last_position)
            case Conflict() if answer.stream != work.file.case:
                raise OtherMovedOn(answer.version)
            case Conflict():
                file = await self.read_file(work.file.case)
                raise StaleVersion(file.version, file.entries[work.file.version :])
            case Mismatched():
                raise KeyReused
            case InTheFuture():
                raise NotYetHappened(answer.now)
            case _:
                raise RecordingError("the ledger refused the stored form of an event")

    async def _recorded(self, first: int, last: int) -> Recorded:
        """Return the first answer to a request again, from what it put on record."""
        rows = await asyncio.to_thread(self._ledger.read_range, first, last)
        entries = [read_clear(row) for row in rows if row.stream == rows[0].stream]
        return _to_recorded(entries, first, last)


def request_digests(keys: KeyStore, principal: Principal, commit: Commit) -> tuple[bytes, bytes]:
    """Return the digests by which a repeat of a request, and another body under its key, are recognised."""
    key = keys.digest("idempotency key", f"{principal.id}\0{commit.key}".encode())
    return key, keys.digest("request fingerprint", commit.body)


def _refuse_erased_keys(file: CaseFile, events: Sequence[NewEvent]) -> None:
    """Raise KeyErased where a text would be sealed with an erased key that this process still remembers."""
    erased = NOTHING_ERASED.and_by(file.entries).keys
    if erased and any(one.key in erased for event in events for one in read_segment_table(event.segments)):
        raise KeyErased


def _to_recorded(entries: Sequence[Entry], first: int, last: int) -> Recorded:
    return Recorded(
        case=entries[0].stream,
        commit=entries[0].commit,
        version=entries[-1].version,
        first_position=first,
        last_position=last,
        recorded_at=entries[0].recorded_at,
        entries=tuple((e.version, e.position, BY_TOPIC[e.topic].name()) for e in entries),
    )
