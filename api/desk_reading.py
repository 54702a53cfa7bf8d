"""How many rows the boards have now, for whoever begins at the supervisor's desk: numbers alone, in one look."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

from api.approval_reading import ApprovalReader
from api.looks import NOW, AsOf, Dated, Shown
from api.principals import Principal
from api.reading import CaseReader
from domain.authority import Act
from domain.case_set import CaseSet
from domain.emergencies import LEVELS, review_of
from domain.events.reach import BreakGlassOpened, CaseRestricted
from domain.time import copenhagen_day
from ledger.store import Ledger
from projections.board_pages import Moment, Selection, remembered
from projections.following import wait_for
from projections.view import View

WHAT = "desk"
Wanted = Mapping[str, tuple[View, Callable[[datetime], Selection]]]
"""What is counted: under a name the view, and which of its rows at an instant."""


@dataclass(frozen=True, slots=True)
class DeskLook(Dated):
    """The numbers of the desk as one reader sees them now; None where they may not know.

    ``waiting`` are emergency accesses to review, ``climbed`` those of them that nobody reviewed in time, ``overdue``
    restrictions that should have been looked at again, ``approvals`` decisions that wait for their answer.
    """

    counts: Mapping[str, int] | None
    waiting: int | None
    climbed: int | None
    overdue: int | None
    approvals: int | None = None


class DeskReader:
    """Counts what waits at the desk of one ledger."""

    def __init__(self, ledger: Ledger, reader: CaseReader) -> None:
        self._ledger, self._reader, self._door = ledger, reader, reader.door
        self._approvals = ApprovalReader(ledger, reader)

    async def numbers(self, principal: Principal, wanted: Wanted) -> DeskLook:
        """Return the numbers somebody may know, with the look on record; raises LookNotRecorded."""
        boards = await self._seen(principal, Act.BOARD_READ)
        reviews = await self._seen(principal, Act.BREAK_GLASS_REVIEW)
        restrictions = await self._seen(principal, Act.REACH_WRITE)
        as_of, counts = await asyncio.to_thread(self._count, boards, wanted)
        waiting, climbed = (None, None) if reviews is None else self._reviews(reviews)
        overdue = None if restrictions is None else self._overdue(restrictions)
        access = await self._door.looks.record(principal, Shown(WHAT, position=as_of.position))
        approvals = await self._approvals.waiting(principal)
        return DeskLook(as_of, access, counts, waiting, climbed, overdue, approvals)

    async def _seen(self, principal: Principal, act: Act) -> CaseSet | None:
        """Return the cases in which somebody may do something; None where they may not at all."""
        return await self._door.visible(principal, act, WHAT) if self._door.allows(principal, act) else None

    def _count(self, among: CaseSet | None, wanted: Wanted) -> tuple[AsOf, Mapping[str, int] | None]:
        as_of = self._reader.as_of(NOW, self._ledger.head())
        if among is None:
            return as_of, None
        moment = Moment(as_of.position, self._ledger.now())
        erased, _ = self._reader.erased_cases(as_of.position, among)
        shown, found = among.without(erased), dict[str, int]()
        for name, (view, chosen) in wanted.items():
            wait_for(self._ledger, view, as_of.position)
            rows = remembered(self._ledger, view, moment, shown, originals=True)  # present rows hold nothing withheld
            found[name] = sum(rows.counts(chosen(moment.at)).values())
        return as_of, found

    def _reviews(self, among: CaseSet) -> tuple[int, int]:
        index = self._door.index
        reaches = (index.case(case) for case in among.of(index.with_entries(BreakGlassOpened.TOPIC)))
        found = [review_of(one, index.now) for reach in reaches if reach for one in reach.emergencies]
        return sum(not one.done for one in found), sum(one.level == LEVELS[-1] for one in found)

    def _overdue(self, among: CaseSet) -> int:
        index = self._door.index
        today = copenhagen_day(index.now)
        reaches = (index.case(case) for case in among.of(index.with_entries(CaseRestricted.TOPIC)))
        restrictions = (reach.restriction for reach in reaches if reach)
        return sum(one is not None and one.review_by < today for one in restrictions)
