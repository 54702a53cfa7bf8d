"""The door every request goes through: the one authorization function is asked, and each refusal goes on record."""

import asyncio
from collections.abc import Iterable
from uuid import UUID

from api.looks import LookBook, Question, Shown
from api.principals import Principal
from domain.authority import Act, Permission, Person, may, may_in_case
from domain.case_set import EVERY_CASE, CaseSet
from ledger.store import Ledger
from projections.approval_index import ApprovalIndex
from projections.reach_index import ReachIndex

ITSELF = Permission(granted=True, because="ledger")


class NotKnown(Exception):
    """There is no such case, or there was none on record at the instant asked about."""


class Forbidden(Exception):
    """Somebody may not do this; ``because`` is the reason as a code, ``access_position`` where the refusal stands."""

    def __init__(self, because: str, access_position: int) -> None:
        super().__init__(because)
        self.because = because
        self.access_position = access_position


class Door:
    """Lets principals do in one ledger what they may, by everything on record when they ask."""

    def __init__(self, ledger: Ledger) -> None:
        self.looks = LookBook(ledger)
        self.index = ReachIndex(ledger)
        self.approvals = ApprovalIndex(ledger)
        self._refreshes: dict[asyncio.AbstractEventLoop, asyncio.Task[None]] = {}

    async def require(self, principal: Principal, act: Act, what: str) -> None:
        """Raise Forbidden, with the refusal on record, unless somebody may do something at all."""
        if principal.internal:
            return
        await self._fresh()
        permission = may(self._person(principal), act)
        if not permission:
            raise await self._refusal(principal, permission, Shown(what))

    async def require_in(
        self, principal: Principal, act: Act, case: UUID, what: str, question: Question | None = None
    ) -> Permission:
        """Return through what somebody may do something in a case; raises Forbidden, on record, or NotKnown."""
        if principal.internal:
            return ITSELF
        await self._fresh()
        reach = self.index.case(case)
        if reach is None:
            raise NotKnown
        permission = may_in_case(self._person(principal), act, case, reach, self.index.now)
        if not permission:
            shown = Shown(what, (case,), question=question or Question())
            raise await self._refusal(principal, permission, shown)
        return permission

    async def visible(self, principal: Principal, act: Act, what: str) -> CaseSet:
        """Return the cases in which somebody may do something; raises Forbidden as ``require`` does."""
        if principal.internal:
            return EVERY_CASE
        await self.require(principal, act, what)
        return self.index.cases_open_to(principal.id, principal.role, principal.organisation, act)

    def among(self, principal: Principal, act: Act, cases: Iterable[UUID]) -> frozenset[UUID]:
        """Return those of some cases in which somebody may do something, by what was on record at the last question."""
        if principal.internal:
            return frozenset(cases)
        person, now = self._person(principal), self.index.now
        known = ((case, self.index.case(case)) for case in cases)
        return frozenset(
            case for case, reach in known if reach is not None and may_in_case(person, act, case, reach, now)
        )

    def allows(self, principal: Principal, act: Act) -> bool:
        """Whether somebody may do something at all, by what was on record at the last question: what a page offers."""
        return principal.internal or bool(may(self._person(principal), act))

    def number(self, case: UUID) -> str:
        """Return what people call a case; raises NotKnown."""
        reach = self.index.case(case)
        if reach is None:
            raise NotKnown
        return reach.number

    def _person(self, principal: Principal) -> Person:
        return Person(principal.id, principal.role, principal.organisation, self.index.staff(principal.id))

    async def _refusal(self, principal: Principal, permission: Permission, shown: Shown) -> Forbidden:
        refused = Shown(shown.what, shown.cases, question=shown.question, refusal=permission.because)
        return Forbidden(permission.because, await self.looks.record(principal, refused))

    async def _fresh(self) -> None:
        """Wait for a refresh that began after this was called; those who wait together share one."""
        loop = asyncio.get_running_loop()
        waiting = self._refreshes.get(loop)
        if waiting is None:
            waiting = self._refreshes[loop] = loop.create_task(self._refresh(loop))
        await asyncio.shield(waiting)

    async def _refresh(self, loop: asyncio.AbstractEventLoop) -> None:
        await asyncio.sleep(0)
        del self._refreshes[loop]
        await asyncio.to_thread(self.index.refresh)
