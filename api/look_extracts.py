"""The extract of who has looked that a person is given, and the decisions about what it tells."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from api.drafting import Commit, Fact
from api.look_log import expired_before, scope_of
from api.looks import Shown
from api.principals import Principal
from api.recording import CaseRecorder, Recorded
from domain.authority import Act
from domain.case_file import CaseFile
from domain.entries import Entry
from domain.errors import Malformed, Problem, Refused
from domain.events.access import AccessRequestReceived, LookupExtractMade, LookupsWithheld, StaffNamesReleased
from domain.events.base import Event
from domain.known import Known, many
from domain.look_extract import Extract, decisions_about, extract
from domain.looks import Look
from ledger.mapper import canonical, read_clear
from ledger.store import Ledger
from projections.looks import OfPerson, looks_at

WHAT = "look_extract"
STRANGER = Problem("/person", "names nobody of this case: use the reference of one of its persons")


class NoExtract(Exception):
    """That entry is no extract of who has looked: use the version of one."""

    def __str__(self) -> str:
        return str(self.__doc__)


@dataclass(frozen=True, slots=True)
class Wish:
    """For whom an extract is made: a person of the case, a period with both ends counted in, the request it answers."""

    person: str
    since: datetime | None
    until: datetime | None
    request: int | None


@dataclass(frozen=True, slots=True)
class Made:
    """An extract with the entry it is on record as; ``access_position`` is this handing out of it.

    Before ``expired_before`` the content of looks was removed; None: never yet. ``number`` is that of the case,
    ``role`` the person's in it.
    """

    entry: Entry
    number: str | None
    role: str | None
    event: LookupExtractMade
    extract: Extract
    expired_before: datetime | None
    access_position: int


@dataclass(frozen=True, slots=True)
class Choices:
    """For whom an extract can be made: a case in clear, and where this look at it stands."""

    file: CaseFile
    now: datetime
    access_position: int


class LookExtracts:
    """Extracts of who has looked in one ledger, for those who make them."""

    def __init__(self, ledger: Ledger, recorder: CaseRecorder) -> None:
        self._ledger = ledger
        self._recorder = recorder

    async def make(self, principal: Principal, case: UUID, wish: Wish, commit: Commit) -> Made:
        """Put an extract on record and return it; a repeat returns the same one.

        It tells of looks recorded before it, by the decisions on record then. Raises as recording does, Malformed for
        a person or request that is not of the case, and Refused for a repeat whose looks have expired meanwhile.
        """
        file = await self._file(principal, case)
        position = await asyncio.to_thread(lambda: self._ledger.head().size)
        scope = scope_of(file, wish.person)
        looks = () if scope is None else await asyncio.to_thread(self._looks, scope, position, wish.since, wish.until)

        def decide(current: CaseFile) -> Event:
            known = Known(current.entries)
            _check_request(known, _checked(scope, current, wish.person), current, wish.request)
            made = extract(looks, decisions_about(known, wish.person, wish.request))
            return LookupExtractMade(
                person=wish.person,
                rows=len(made.rows),
                withheld=made.withheld,
                with_names=made.with_names,
                as_of_position=position,
                request=wish.request,
                since=wish.since,
                until=wish.until,
            )

        recorded = await self._perform(principal, case, commit, decide)
        return await self._told(principal, case, recorded.entries[-1][0])

    async def choices(self, principal: Principal, case: UUID) -> Choices:
        """Return for whom an extract can be made and what was made before, the look on record; raises as ``make``."""
        file = await self._file(principal, case)
        now = await asyncio.to_thread(self._ledger.now)
        access = await self._recorder.door.looks.record(principal, Shown(WHAT, (case,), ()))
        return Choices(file, now, access)

    async def again(self, principal: Principal, case: UUID, version: int) -> Made:
        """Return an extract on record as it was made, by the version of its entry; this handing out is a look too.

        Raises NoExtract, and as ``make`` does.
        """
        await self._recorder.door.require_in(principal, Act.EXTRACT_MAKE, case, WHAT)
        return await self._told(principal, case, version)

    async def _told(self, principal: Principal, case: UUID, version: int) -> Made:
        read = await asyncio.to_thread(self._made, case, version)
        shown = Shown(WHAT, (case,), list(read["subjects"]), read["event"].as_of_position)
        access = await self._recorder.door.looks.record(principal, shown)
        return Made(**{name: value for name, value in read.items() if name != "subjects"}, access_position=access)

    async def withhold(self, principal: Principal, case: UUID, decision: LookupsWithheld, commit: Commit) -> Recorded:
        """Put on record that a person is not told of some looks; raises as ``make`` does."""
        return await self._decide(principal, case, decision, commit)

    async def release(self, principal: Principal, case: UUID, decision: StaffNamesReleased, commit: Commit) -> Recorded:
        """Put on record that a person is told who looked; raises as ``make`` does."""
        return await self._decide(principal, case, decision, commit)

    async def _decide(
        self, principal: Principal, case: UUID, decision: LookupsWithheld | StaffNamesReleased, commit: Commit
    ) -> Recorded:
        """Record a decision about looks; raises Malformed for those that are none at the person's data."""
        file = await self._file(principal, case)
        scope, named = scope_of(file, decision.person), decision.looks or ()
        looks = () if scope is None else await asyncio.to_thread(self._named, scope, named)
        request = decision.request if isinstance(decision, StaffNamesReleased) else None

        def decide(current: CaseFile) -> Event:
            person = _checked(scope, current, decision.person)
            _check_request(Known(current.entries), person, current, request)
            _check_looks(named, looks)
            return decision

        return await self._perform(principal, case, commit, decide)

    async def _file(self, principal: Principal, case: UUID) -> CaseFile:
        await self._recorder.door.require_in(principal, Act.EXTRACT_MAKE, case, WHAT)
        return await self._recorder.read_file(case)

    async def _perform(
        self, principal: Principal, case: UUID, commit: Commit, decide: Callable[[CaseFile], Event]
    ) -> Recorded:
        now = await asyncio.to_thread(self._ledger.now)

        def facts(file: CaseFile) -> Sequence[Fact]:
            return [Fact(decide(file), now)]

        return await self._recorder.perform(principal, case, None, commit, facts, Act.EXTRACT_MAKE)

    def _looks(
        self, scope: OfPerson, position: int, since: datetime | None, until: datetime | None
    ) -> tuple[Look, ...]:
        return looks_at(self._ledger, scope, position, since, until, limit=None)

    def _named(self, scope: OfPerson, named: Sequence[int]) -> tuple[Look, ...]:
        return looks_at(self._ledger, scope, self._ledger.head().size, limit=None, named=named)

    def _made(self, case: UUID, version: int) -> dict[str, Any]:
        """Return what an extract on record told, from the looks and decisions it was made of; raises NoExtract."""
        rows = [row for row in self._ledger.read_stream(case) if row.version <= version]
        if len(rows) < version or rows[-1].topic != LookupExtractMade.TOPIC:
            raise NoExtract
        entries = tuple(map(read_clear, rows))
        entry = entries[-1]
        event = LookupExtractMade.model_validate_json(canonical(dict(entry.data)))
        file = CaseFile(case, entries[:-1])
        scope = scope_of(file, event.person)
        looks = () if scope is None else self._looks(scope, event.as_of_position, event.since, event.until)
        found = extract(looks, decisions_about(Known(file.entries), event.person, event.request))
        if (len(found.rows), found.withheld) != (event.rows, event.withheld):
            raise Refused("Look-ups that this extract told of have expired since: make a new one with a new key.")
        return {
            "entry": entry,
            "event": event,
            "extract": found,
            "expired_before": expired_before(self._ledger, event.as_of_position),
            "subjects": () if scope is None else scope.persons,
            "number": entries[0].data.get("number"),
            "role": file.persons[event.person].role if event.person in file.persons else None,
        }


def _checked(scope: OfPerson | None, file: CaseFile, person: str) -> OfPerson:
    """Return whose looks were read; raises Malformed for a stranger, Refused where others are meant by now."""
    if scope is None:
        raise Malformed([STRANGER])
    if scope_of(file, person) != scope:
        raise Refused("Who is meant by this reference has changed this moment: send the request again.")
    return scope


def _check_request(known: Known, scope: OfPerson, file: CaseFile, request: int | None) -> None:
    """Raise Malformed where an entry is no request for access about the person."""
    if request is None:
        return
    fact = known.fact(request)
    if fact is None or fact.topic != AccessRequestReceived.TOPIC:
        raise Malformed([Problem("/request", "names no request for access of this case: use the version of one")])
    about = {file.persons[ref].person for ref in many(fact.data["about"]) if ref in file.persons}
    if about.isdisjoint(scope.persons):
        raise Malformed([Problem("/request", "names a request for access about somebody else")])


def _check_looks(named: Sequence[int], found: Sequence[Look]) -> None:
    """Raise Malformed for positions that are not those of looks found."""
    positions = {look.position for look in found}
    detail = "is no look-up at this person's data: use the positions that who has looked is answered with"
    problems = [Problem(f"/looks/{n}", detail) for n, look in enumerate(named) if look not in positions]
    if problems:
        raise Malformed(problems)
