"""Searching the log for its readers: among the cases open to them now, each answer on record before it is shown."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from uuid import UUID

from api.looks import Question, Shown
from api.principals import Principal
from api.reading import CaseReader
from domain.authority import Act
from domain.case_set import CaseSet
from ledger.store import Ledger
from projections.boards import every_withholding_case
from projections.log_search import Found, Hit, Scope, Search, search

WHAT, WHAT_EXPORT = "log_search", "log_export"
MOST_STRETCHES = 4
"""How many stretches one page goes through at most before it says how far it has come."""


@dataclass(frozen=True, slots=True)
class LogPage:
    """A page of what was found, the newest first; ``reached`` is where the next one goes on, 0 after the last.

    ``matching`` are all hits of the stretches gone through, from which what is shown is taken.
    """

    wanted: Search
    hits: tuple[Hit, ...]
    matching: tuple[Hit, ...]
    reached: int
    access_position: int


class LogSearcher:
    """Searches the log of one ledger."""

    def __init__(self, ledger: Ledger, reader: CaseReader) -> None:
        self._ledger, self._reader = ledger, reader

    def position(self) -> int:
        """Return the last position on record: what a first page is as of."""
        return self._ledger.head().size

    def numbered(self, number: str) -> frozenset[UUID]:
        """Return the cases people call by a number."""
        wanted = number.casefold()
        return frozenset(
            case for case, reach in self._reader.door.index.cases.items() if reach.number.casefold() == wanted
        )

    def number(self, case: UUID) -> str:
        """Return what people call a case."""
        return self._reader.door.number(case)

    async def page(self, principal: Principal, wanted: Search, below: int, limit: int) -> LogPage:
        """Return the next hits below a position; raises Forbidden, LookNotRecorded."""
        scope = await self._scope(principal, WHAT)
        found = await asyncio.to_thread(self._search, wanted, scope, below, limit)
        hits = found.hits[:limit]
        reached = hits[-1].entry.position if len(found.hits) > limit else found.reached
        access = await self._record(principal, WHAT, wanted, hits)
        return LogPage(wanted, hits, found.hits, reached, access)

    async def export(self, principal: Principal, wanted: Search) -> AsyncIterator[tuple[Hit, ...]]:
        """Yield all hits, some at a time, each time with the look on record; raises as ``page`` does."""
        scope = await self._scope(principal, WHAT_EXPORT)
        below, begun = wanted.upto + 1, False
        while below > 0:
            found = await asyncio.to_thread(search, self._ledger, wanted, scope, below)
            below = found.reached
            if found.hits or not begun:
                await self._record(principal, WHAT_EXPORT, wanted, found.hits)
                begun = True
                yield found.hits

    def _search(self, wanted: Search, scope: Scope, below: int, limit: int) -> Found:
        """Go through stretches until there is a page of hits, the end is reached, or enough was gone through."""
        withholding = None if scope.originals else every_withholding_case(self._ledger)
        hits: tuple[Hit, ...] = ()
        for _ in range(MOST_STRETCHES):
            found = search(self._ledger, wanted, scope, below, withholding=withholding)
            hits, below = hits + found.hits, found.reached
            if len(hits) > limit or below == 0:
                break
        return Found(hits, below)

    async def _scope(self, principal: Principal, what: str) -> Scope:
        door = self._reader.door
        visible = await door.visible(principal, Act.BOARD_READ, what)
        erased, _count = await asyncio.to_thread(self._reader.erased_cases, 0, CaseSet())
        units = door.index.cases

        def unit(case: UUID) -> str | None:
            reach = units.get(case)
            return None if reach is None else reach.organisation

        return Scope(visible.without(erased), principal.audits, unit)

    async def _record(self, principal: Principal, what: str, wanted: Search, hits: tuple[Hit, ...]) -> int:
        cases = list(dict.fromkeys(hit.entry.stream for hit in hits))
        shown = Shown(what, cases, position=wanted.upto, question=Question())
        return await self._reader.door.looks.record(principal, shown)


def as_of(wanted: Search, upto: int) -> Search:
    """Return a search of what was on record at a position."""
    return replace(wanted, upto=upto)
