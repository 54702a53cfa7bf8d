"""What pages hear while they are read: how much is new in a case, or in the cases one may see; numbers alone.

With the session of the reader and the rights of the feed. What is heard is a look, on record before it is told.
"""

from collections.abc import AsyncGenerator, Awaitable, Callable
from typing import Annotated

from fastapi import APIRouter, Header, Query, Request
from fastapi.responses import Response
from fastapi.sse import format_sse_event

from api.door import Forbidden
from api.feed import PAGE, Feed, FeedPage
from api.feed_routes import MOST_SECONDS, RETRY_MILLISECONDS, Messages
from api.looks import LookNotRecorded, Question
from api.pages.rendering import LIVE, case_of
from api.principals import HeaderRefused, looking
from api.problems import ProblemError
from api.sign_in.identity import NotSignedIn
from ledger.errors import LedgerError

MOST = 2**53 - 1
After = Annotated[int, Query(alias="efter", ge=0, le=MOST)]
LastEvent = Annotated[str | None, Header(alias="Last-Event-ID")]


def create_live_pages(feed: Feed, signed_in: Callable[[Request], Awaitable[None]]) -> APIRouter:
    """Return the route over one ledger; ``signed_in`` tells whether a session still holds, and raises."""
    router = APIRouter(include_in_schema=False)

    @router.get(LIVE)
    async def live(request: Request, after: After, sag: str | None = None, last: LastEvent = None) -> Response:
        """Tell how many entries come after a position, as server-sent events, until the session ends."""
        only = None if sag is None else case_of(sag)
        if sag is not None and only is None:
            raise ProblemError("not-found", "There is no such case.")
        principal = looking(request)

        async def still() -> bool:
            await signed_in(request)
            return looking(request) == principal

        begin = int(last) if last is not None and last.isdecimal() and int(last) <= MOST else after
        first = await feed.page(principal, begin, PAGE, Question(), only)
        pages = feed.pages(principal, first, still, MOST_SECONDS, only)
        return Messages(_lines(await anext(pages), pages))

    return router


async def _lines(first: FeedPage, pages: AsyncGenerator[FeedPage]) -> AsyncGenerator[bytes]:
    """Yield pages as server-sent events until something ends it."""
    yield format_sse_event(retry=RETRY_MILLISECONDS, comment="caseledger") + _event(first)
    try:
        async for page in pages:
            yield _event(page)
    except (Forbidden, HeaderRefused, LedgerError, LookNotRecorded, NotSignedIn, ProblemError):
        return
    finally:
        await pages.aclose()


def _event(page: FeedPage) -> bytes:
    """Return how many entries a page is of, with the position up to which that is all; a sign of life for none."""
    if not page.pointers:
        return format_sse_event(comment="heartbeat", id=str(page.reached))
    return format_sse_event(data_str=str(len(page.pointers)), id=str(page.reached))
