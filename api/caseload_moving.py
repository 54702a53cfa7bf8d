"""Handing over somebody's cases at once: one reason, one commit, all of them or none; each is taken over by itself."""

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from api.drafting import Commit, Fact
from api.looks import NOW, Dated, Shown
from api.principals import Principal
from api.reading import CaseReader
from api.recording import CaseRecorder, Recorded
from domain.authority import Act
from domain.case_file import CaseFile
from domain.case_set import CaseSet
from domain.errors import Refused
from domain.events.referral import CaseAllocated
from domain.reach import Allocation, CaseReach, case_reach
from ledger.store import Ledger
from projections.overview import open_cases

MOST_CASES = 150
"""How many cases are handed over at once at most."""

WHAT = "caseload"


@dataclass(frozen=True, slots=True)
class HeldCase:
    """A case somebody holds that is not closed: in which roles, since when, and how its latest enrolment stands."""

    case: UUID
    number: str
    roles: tuple[str, ...]
    since: datetime | None
    status: str


@dataclass(frozen=True, slots=True)
class PendingCase:
    """A case handed over that nobody has taken over yet; the one before keeps it until then."""

    case: UUID
    number: str
    allocation: Allocation


@dataclass(frozen=True, slots=True)
class CaseloadLook(Dated):
    """What one member of staff holds, of the cases a reader may write in, by number."""

    held: tuple[HeldCase, ...]
    pending: tuple[PendingCase, ...]


@dataclass(frozen=True, slots=True)
class Handover:
    """Which cases go from whom to whom, and why; the reason is what the receiver reads in each."""

    cases: tuple[UUID, ...]
    staff: str
    to: str
    reason: str


class CannotReceive(Refused):
    """The receiver may not reach some of the cases: they are restricted, or there is a conflict of interest."""

    def __init__(self, numbers: Sequence[str]) -> None:
        super().__init__("The receiver may not reach some of the cases: choose another receiver or leave them out.")
        self.numbers = tuple(numbers)


class NotHeld(Refused):
    """A case is not held by whom it is to be taken from, or not any more."""


class CaseloadMover:
    """Hands over the cases of members of staff in one ledger."""

    def __init__(self, ledger: Ledger, reader: CaseReader, recorder: CaseRecorder) -> None:
        self._ledger, self._reader, self._recorder, self._door = ledger, reader, recorder, reader.door

    async def held(self, principal: Principal, staff: str | None) -> CaseloadLook:
        """Return what somebody holds and has handed over, with the look on record; raises Forbidden."""
        visible = await self._door.visible(principal, Act.CASE_WRITE, WHAT)
        as_of = await asyncio.to_thread(lambda: self._reader.as_of(NOW, self._ledger.head()))
        found = visible.of(self._door.index.naming(staff)) if staff else ()
        reaches = [(case, reach) for case in found if (reach := self._door.index.case(case)) is not None]
        held = await asyncio.to_thread(self._held, reaches, staff or "", as_of.position)
        pending = sorted(_pending(reaches, staff or ""), key=lambda one: one.number)
        cases = list(dict.fromkeys(one.case for one in (*held, *pending)))
        access = await self._door.looks.record(principal, Shown(WHAT, cases, position=as_of.position, question=NOW))
        return CaseloadLook(as_of, access, tuple(held), tuple(pending))

    async def move(self, principal: Principal, handover: Handover, commit: Commit) -> Recorded:
        """Allocate the cases to the receiver; raises CannotReceive, NotHeld, and as recording does. Nothing is half."""
        await self._door.require(principal, Act.CASE_WRITE, WHAT)
        now = await asyncio.to_thread(self._ledger.now)
        closed = [reach.number for case in handover.cases if _is_closed(reach := self._reach(case), handover.to)]
        if closed:
            raise CannotReceive(closed)
        return await self._recorder.together(
            principal,
            handover.cases,
            commit,
            lambda file: [Fact(one, now) for one in _allocations(file, handover, now)],
        )

    def _reach(self, case: UUID) -> CaseReach:
        reach = self._door.index.case(case)
        if reach is None:
            raise NotHeld("names no case: read the list again.")
        return reach

    def _held(self, reaches: Iterable[tuple[UUID, CaseReach]], staff: str, position: int) -> list[HeldCase]:
        now = self._door.index.now
        holding = {case: reach for case, reach in reaches if _holds(reach, staff, now)}
        if not holding:
            return []
        statuses = open_cases(self._ledger, position, CaseSet(frozenset(holding)), None)
        found = [_held_case(case, holding[case], status, staff, now) for case, status in statuses.items()]
        return sorted(found, key=lambda one: one.number)


def _held_roles(reach: CaseReach, staff: str, at: datetime) -> list[Allocation]:
    return [one for one in reach.held(at).values() if staff in one.staff]


def _holds(reach: CaseReach, staff: str, at: datetime) -> bool:
    return bool(_held_roles(reach, staff, at)) or (not reach.held(at) and reach.opened_by == staff)


def _held_case(case: UUID, reach: CaseReach, status: str, staff: str, at: datetime) -> HeldCase:
    roles = _held_roles(reach, staff, at)
    since = min((one.since for one in roles), default=None)
    return HeldCase(case, reach.number, tuple(one.role for one in roles), since, status)


def _pending(reaches: Iterable[tuple[UUID, CaseReach]], staff: str) -> Iterable[PendingCase]:
    for case, reach in reaches:
        latest = {one.role: one for one in reach.allocations}
        for one in latest.values():
            if staff in one.until_taken_over:
                yield PendingCase(case, reach.number, one)


def _is_closed(reach: CaseReach, staff: str) -> bool:
    """Whether a restriction or a conflict of interest keeps somebody out of a case, whoever allocates it to them."""
    restricted = reach.restriction is not None and staff not in reach.restriction.allowed
    return restricted or reach.conflict_of(staff) is not None


def _allocations(file: CaseFile, handover: Handover, now: datetime) -> Sequence[CaseAllocated]:
    """Return an allocation for each role in which the case is held; others who hold a role with them keep it."""
    reach = case_reach(file.entries)
    if reach is None or not _holds(reach, handover.staff, now):
        raise NotHeld("is not held by that member of staff any more: read the list again.")
    shared = {one.role: one.staff for one in _held_roles(reach, handover.staff, now)}
    roles = shared or {file.entries[0].actor.role: (handover.staff,)}
    return [
        CaseAllocated(
            to=tuple(dict.fromkeys(handover.to if who == handover.staff else who for who in staff)),
            for_role=role,
            handover_note=handover.reason,
            from_staff=handover.staff,
        )
        for role, staff in roles.items()
    ]
