"""The HTTP API of following along: the same pointers as pages and as server-sent events, with one cursor."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from typing import Annotated, Any

import orjson
from fastapi import APIRouter, Header, Query, Request
from fastapi.responses import Response, StreamingResponse
from fastapi.sse import format_sse_event

from api import feed_examples
from api.cases import DEFAULT_PAGE, Cursor, KnownAt, Limit, Purpose, ValidAt, answer_json, problems
from api.conditions import Cursors, question, refuse_unknown_parameters
from api.door import Forbidden
from api.feed import PAGE, Feed, FeedPage, cloud_event
from api.looks import LookNotRecorded, Question
from api.principals import HeaderRefused, looking
from api.problems import ProblemError
from ledger.errors import LedgerError
from ledger.store import Ledger

RETRY_MILLISECONDS = 2000
CONTEXT = "feed"
MOST_SECONDS = 3600
BEGINNING, NOW = "beginning", "now"

SignedIn = Callable[[Request], Awaitable[None]]
From = Annotated[
    str, Query(alias="from", description=f"Without a cursor: from the {BEGINNING} or from {NOW}", examples=[BEGINNING])
]
Seconds = Annotated[float, Query(ge=0, le=MOST_SECONDS, description="End after so many seconds")]
LastEvent = Annotated[str | None, Header(alias="Last-Event-ID", description="The id of the last event received")]


class Messages(StreamingResponse):
    """Server-sent events. Not the framework's own: with that, nothing could be refused before the first of them."""

    media_type = "text/event-stream"


def create_feed_router(ledger: Ledger, feed: Feed, cursors: Cursors, signed_in: SignedIn) -> APIRouter:
    """Return the routes over one ledger; ``signed_in`` tells whether a request's sign-in still holds, and raises."""
    router = APIRouter(tags=["feed"])

    @router.get("/events", summary="Follow along in pages", responses=feed_examples.PAGE | problems())
    async def events(
        request: Request,
        known_at: KnownAt = None,
        valid_at: ValidAt = None,
        cursor: Cursor = None,
        limit: Limit = DEFAULT_PAGE,
        purpose: Purpose = None,
    ) -> Response:
        """List what was recorded in the cases you may see, in the order of the ledger: pointers, no content.

        `next` is there on every page; where `whole` is true nothing more is on record yet, so ask again later with it.
        """
        del purpose
        refuse_unknown_parameters(request, "known_at", "valid_at", "cursor", "limit")
        after = _after(cursors, cursor)
        page = await feed.page(looking(request), after, limit, question(known_at, valid_at))
        return answer_json(_page(ledger, cursors, page))

    @router.get(
        "/events/stream",
        summary="Follow along as it happens",
        response_class=Messages,
        responses=feed_examples.STREAM | problems(),
    )
    async def stream(
        request: Request,
        start: From = BEGINNING,
        seconds: Seconds = MOST_SECONDS,
        cursor: Cursor = None,
        last: LastEvent = None,
        purpose: Purpose = None,
    ) -> Response:
        """Receive the same pointers as server-sent events, each with its cursor as `id`, and a sign of life in between.

        After a break send the last `id` as `Last-Event-ID`, or as `cursor`: nothing is left out, and what comes
        twice has the same id. It ends when your sign-in does, and after an hour.
        """
        del purpose
        refuse_unknown_parameters(request, "from", "seconds", "cursor")
        if start not in (BEGINNING, NOW):
            raise ProblemError("bad-request", f"from must be {BEGINNING} or {NOW}.")
        principal, place = looking(request), last or cursor
        begin = _after(cursors, place)
        if place is None and start == NOW:
            begin = (await asyncio.to_thread(ledger.head)).size

        async def still() -> bool:
            await signed_in(request)
            return looking(request) == principal

        first = await feed.page(principal, begin, PAGE, Question())
        pages = feed.pages(principal, first, still, seconds)
        return Messages(_lines(ledger, cursors, await anext(pages), pages))

    return router


def _after(cursors: Cursors, cursor: str | None) -> int:
    return int(cursors.read(cursor, CONTEXT)) if cursor else 0


def _page(ledger: Ledger, cursors: Cursors, page: FeedPage) -> dict[str, Any]:
    return {
        **page.as_of.values,
        "items": [cloud_event(ledger, pointer) for pointer in page.pointers],
        "next": cursors.write(str(page.reached), CONTEXT),
        "whole": page.whole,
        "access_event": page.access_position,
    }


async def _lines(
    ledger: Ledger, cursors: Cursors, first: FeedPage, pages: AsyncGenerator[FeedPage]
) -> AsyncGenerator[bytes]:
    """Yield pages as server-sent events until something ends it: the reader then comes back with the last id."""
    yield format_sse_event(retry=RETRY_MILLISECONDS, comment="caseledger") + _events(ledger, cursors, first)
    try:
        async for page in pages:
            yield _events(ledger, cursors, page)
    except (Forbidden, HeaderRefused, LedgerError, LookNotRecorded, ProblemError):
        return
    finally:
        await pages.aclose()


def _events(ledger: Ledger, cursors: Cursors, page: FeedPage) -> bytes:
    """Return a page as it goes over the line; one that shows nothing moves the reader's place on, unseen by them."""
    sent = b"".join(
        format_sse_event(
            data_str=orjson.dumps(cloud_event(ledger, pointer)).decode(),
            id=cursors.write(str(pointer.position), CONTEXT),
        )
        for pointer in page.pointers
    )
    return sent + format_sse_event(comment="heartbeat", id=cursors.write(str(page.reached), CONTEXT))
