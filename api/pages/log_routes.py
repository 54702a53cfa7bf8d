"""The page of the log search over HTTP, and the same set to take away as CSV or JSON lines."""

import asyncio
import csv
from collections.abc import AsyncIterator, Callable
from io import StringIO
from typing import Any
from uuid import UUID

import orjson
from fastapi import APIRouter, Request
from fastapi.responses import Response, StreamingResponse

from api.conditions import Cursors
from api.log_searching import LogSearcher
from api.pages import log_query, log_views
from api.pages.language import _
from api.pages.log_query import NotUnderstood, Places
from api.pages.log_views import ADDRESS, UPTO
from api.pages.rendering import Pages
from api.principals import looking
from api.problems import ProblemError
from domain.events import BY_TOPIC
from domain.time import write_instant, write_moment
from ledger.store import Ledger
from projections.log_search import YES, Hit, Search

PER_PAGE = 50
MEDIA_TYPES = {"csv": "text/csv; charset=utf-8", "jsonl": "application/jsonl"}
COLUMNS = (
    "position", "case", "number", "version", "event", "label", "happened", "recorded_at", "actor", "role",
    "organisation", "recipients", "data_categories", "late",
)  # fmt: skip
FORMULA = ("=", "+", "-", "@", "\t", "\r")
"""What a spreadsheet would take for a formula where a value begins with it."""


class LogPages:
    """Answers for the pages of the log search of one ledger."""

    def __init__(self, pages: Pages, ledger: Ledger, searcher: LogSearcher, cursors: Cursors) -> None:
        self._pages, self._ledger, self._searcher, self._cursors = pages, ledger, searcher, cursors
        self._places = Places(searcher.numbered, ledger.position_at)

    def routes(self) -> APIRouter:
        """Return the routes."""
        router = APIRouter(include_in_schema=False)
        router.get(ADDRESS)(self.search)
        router.get(f"{ADDRESS}/udtraek.{{suffix}}")(self.export)
        return router

    async def search(self, request: Request) -> Response:
        """Show what was recorded that a search looks for, the newest first."""
        query = request.query_params.get("q", "").strip()

        async def look() -> Response:
            principal = looking(request)
            self._require_known(request, "q", "cursor")
            upto, below = await self._place(request, query)
            try:
                wanted = await asyncio.to_thread(log_query.read, query, upto, self._places)
            except NotUnderstood as error:
                page = log_views.refused_page(query[: log_query.LIMIT], str(error))
                return self._pages.render(request, "log_search.html", 400, page=page)
            found = await self._searcher.page(principal, wanted, below, PER_PAGE)
            following = self._cursors.write(f"{upto} {found.reached}", _context(query)) if found.reached else None
            page = log_views.search_page(query, found, self._searcher.number, following)
            return self._pages.render(request, "log_search.html", page=page)

        return await self._pages.told(request, look)

    async def export(self, request: Request, suffix: str) -> Response:
        """Hand out everything a search finds; each part of it is on record before it leaves."""
        query = request.query_params.get("q", "").strip()

        async def look() -> Response:
            principal = looking(request)
            self._require_known(request, "q", UPTO)
            if suffix not in MEDIA_TYPES:
                raise ProblemError("not-found", "There is no such form of an export: use csv or jsonl.")
            wanted = await self._wanted(request, query)
            batches = self._searcher.export(principal, wanted)
            first = await anext(batches)
            return self._stream(suffix, first, batches)

        return await self._pages.told(request, look)

    async def _place(self, request: Request, query: str) -> tuple[int, int]:
        """Return as of which position a page is, and below which its hits lie."""
        cursor = request.query_params.get("cursor")
        if cursor is None:
            upto = await asyncio.to_thread(self._searcher.position)
            return upto, upto + 1
        upto, below = map(int, self._cursors.read(cursor, _context(query)).split())
        return upto, below

    async def _wanted(self, request: Request, query: str) -> Search:
        """Return what an export holds: as of the position the page named, so that both hold the same."""
        head = await asyncio.to_thread(self._searcher.position)
        named = request.query_params.get(UPTO, str(head))
        if not (named.isascii() and named.isdigit() and len(named) < 19):
            raise ProblemError("bad-request", f"{UPTO} must be a position.")
        try:
            return await asyncio.to_thread(log_query.read, query, min(int(named), head), self._places)
        except NotUnderstood:
            raise ProblemError("bad-request", "The search cannot be read: see the page of the search.") from None

    def _require_known(self, request: Request, *known: str) -> None:
        if set(request.query_params) - set(known):
            raise ProblemError("bad-request", f"The query holds what is not known here; known are {', '.join(known)}.")

    def _stream(self, suffix: str, first: tuple[Hit, ...], rest: AsyncIterator[tuple[Hit, ...]]) -> Response:
        write = _csv if suffix == "csv" else _jsonl

        async def content() -> AsyncIterator[str]:
            if suffix == "csv":
                yield "\ufeff" + _line(COLUMNS)
            yield write(first, self._searcher.number)
            async for hits in rest:
                yield write(hits, self._searcher.number)

        headers = {"Cache-Control": "no-store", "Content-Disposition": f'attachment; filename="protokol.{suffix}"'}
        return StreamingResponse(content(), 200, headers, MEDIA_TYPES[suffix])


def _context(query: str) -> str:
    return f"protokol|{query}"


def _values(hit: Hit, number: Callable[[UUID], str]) -> dict[str, Any]:
    """Return a hit as JSON values: codes and times alone."""
    entry = hit.entry
    event = BY_TOPIC[entry.topic]
    told = (
        entry.position, str(entry.stream), number(entry.stream), entry.version, event.name(), _(event.LABEL_DA),
        write_moment(entry.occurred_at), write_instant(entry.recorded_at), entry.actor.id, entry.actor.role,
        entry.actor.organisation, list(hit.facets["recipient"]), list(hit.facets["category"]),
        YES in hit.facets["late"],
    )  # fmt: skip
    return dict(zip(COLUMNS, told, strict=True))


def _jsonl(hits: tuple[Hit, ...], number: Callable[[UUID], str]) -> str:
    return "".join(orjson.dumps(_values(hit, number)).decode() + "\n" for hit in hits)


def _csv(hits: tuple[Hit, ...], number: Callable[[UUID], str]) -> str:
    return "".join(_line(tuple(map(_plain, _values(hit, number).values()))) for hit in hits)


def _line(values: tuple[str, ...]) -> str:
    line = StringIO()
    csv.writer(line).writerow(values)
    return line.getvalue()


def _plain(value: Any) -> str:
    """Return a value as one field of a table, never as what a spreadsheet takes for a formula."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "1" if value else "0"
    text = ", ".join(map(str, value)) if isinstance(value, list) else str(value)  # pyright: ignore[reportUnknownArgumentType]
    return f"'{text}" if text.startswith(FORMULA) else text
