"""Following along: what was recorded in the cases one may see, page by page or as it happens; pointers alone.

Each page that shows something is a look and goes on record before it leaves. Delivered at least once: whoever follows
remembers the cursor of what it has dealt with, and recognises an event by its id.
"""

import asyncio
from collections import Counter
from collections.abc import AsyncGenerator, Awaitable, Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass
from time import monotonic
from typing import Any
from uuid import UUID

from api.looks import AsOf, Question, Shown
from api.principals import Principal
from api.problems import ProblemError
from api.reading import CaseReader
from domain.authority import Act
from domain.time import start_of, write_instant, write_moment
from ledger.erasure import ErasureRegister
from ledger.store import Ledger
from projections.feed import Pointer, follow

WHAT = "feed_board"
LOOK_SECONDS = 0.1
"""How often the head of the ledger is looked at while somebody follows along: one question for all of them."""

HEARTBEAT_SECONDS = 15.0
PAGE = 100
MOST_STREAMS = 10
"""How many one member of staff may follow at once."""


@dataclass(frozen=True, slots=True)
class FeedPage:
    """Pointers after a position, up to which position they are all there are, and where the look is on record.

    ``whole`` says that there is nothing more at this moment. A page without pointers shows nothing and is no look.
    """

    pointers: tuple[Pointer, ...]
    reached: int
    as_of: AsOf
    access_position: int | None

    @property
    def whole(self) -> bool:
        """Whether this is all there is by now."""
        return self.reached >= self.as_of.position


class Feed:
    """Lets principals follow one ledger."""

    def __init__(self, ledger: Ledger, reader: CaseReader) -> None:
        self._ledger, self._reader = ledger, reader
        self._erasures = ErasureRegister(ledger)
        self._following: Counter[str] = Counter()
        self._sights: dict[asyncio.AbstractEventLoop, asyncio.Task[int]] = {}
        self.closing = False

    async def page(
        self, principal: Principal, after: int, limit: int, question: Question, only: UUID | None = None
    ) -> FeedPage:
        """Return what was recorded after a position in the cases one may see, or in one of them alone.

        Raises Forbidden, LookNotRecorded.
        """
        visible = await self._reader.door.visible(principal, Act.BOARD_READ, WHAT)

        def read() -> tuple[AsOf, tuple[Pointer, ...], int]:
            as_of = self._reader.as_of(question, self._ledger.head())
            found = follow(self._ledger, after, as_of.position, limit, visible, self._erasures.now().cases)
            return as_of, found.pointers, found.reached

        as_of, pointers, reached = await asyncio.to_thread(read)
        cut = question.valid_at
        if cut is not None:
            pointers = tuple(one for one in pointers if one.occurred_at is None or start_of(one.occurred_at) <= cut)
        if only is not None:
            pointers = tuple(one for one in pointers if one.case == only)
        access = None
        if pointers:
            shown = Shown(WHAT, tuple(dict.fromkeys(one.case for one in pointers)), (), as_of.position, question)
            access = await self._reader.door.looks.record(principal, shown)
        return FeedPage(pointers, reached, as_of, access)

    async def pages(
        self,
        principal: Principal,
        first: FeedPage,
        still: Callable[[], Awaitable[bool]],
        seconds: float,
        only: UUID | None = None,
    ) -> AsyncGenerator[FeedPage]:
        """Yield a first page and then what comes, an empty page as a sign of life; ends where ``still`` says so.

        It ends after the seconds too. Raises ProblemError where somebody follows too many at once.
        """
        with self._counted(principal.id):
            page, told, end = first, monotonic(), monotonic() + seconds
            yield page
            while not self.closing and monotonic() < end:
                if page.whole:
                    await self._beyond(page.as_of.position, min(told + HEARTBEAT_SECONDS, end))
                if not await still():
                    return
                page = await self.page(principal, page.reached, PAGE, Question(), only)
                if page.pointers or monotonic() >= told + HEARTBEAT_SECONDS:
                    told = monotonic()
                    yield page

    @contextmanager
    def _counted(self, staff: str) -> Generator[None]:
        if self._following[staff] >= MOST_STREAMS:
            raise ProblemError("too-many-requests", f"You follow {MOST_STREAMS} streams already: close one of them.")
        self._following[staff] += 1
        try:
            yield
        finally:
            self._following[staff] -= 1

    async def _beyond(self, position: int, deadline: float) -> None:
        """Wait until the ledger goes beyond a position, the deadline is over, or the service closes."""
        while not self.closing and monotonic() < deadline and await self._head() <= position:
            pass

    async def _head(self) -> int:
        """Return the size of the ledger a moment later; those who wait share one look."""
        loop = asyncio.get_running_loop()
        if loop not in self._sights:
            self._sights[loop] = loop.create_task(self._look(loop))
        return await asyncio.shield(self._sights[loop])

    async def _look(self, loop: asyncio.AbstractEventLoop) -> int:
        await asyncio.sleep(LOOK_SECONDS)
        del self._sights[loop]
        return (await asyncio.to_thread(self._ledger.head)).size


def cloud_event(ledger: Ledger, pointer: Pointer) -> dict[str, Any]:
    """Return a pointer as a CloudEvent 1.0 in JSON: ``dataref`` is where the entry is read, and there is no data."""
    version = "" if pointer.schema is None else f".v{pointer.schema}"
    occurred = {} if pointer.occurred_at is None else {"occurredat": write_moment(pointer.occurred_at)}
    return {
        "specversion": "1.0",
        "id": str(pointer.position),
        "source": f"urn:uuid:{ledger.id}",
        "type": f"dk.caseledger.{pointer.topic}{version}",
        "subject": f"{pointer.case}/{pointer.version}",
        "time": write_instant(pointer.recorded_at),
        **occurred,
        "dataref": f"/cases/{pointer.case}/events/{pointer.version}",
    }
