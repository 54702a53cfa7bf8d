"""The page of the log search over HTTP, and the same set to take away as CSV or JSON lines."""

import asyncio
import csv
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from io import StringIO
from typing import Any
from uuid import UUID, uuid4

import orjson
from fastapi import APIRouter, Request
from fastapi.responses import RedirectResponse, Response, StreamingResponse

from api.conditions import Cursors
from api.drafting import Commit
from api.log_searching import LogSearcher
from api.pages import log_query, log_views
from api.pages.language import _
from api.pages.log_query import NotUnderstood, Places
from api.pages.log_views import ADDRESS, UPTO, Shelf, kept_views, read_name
from api.pages.rendering import Pages
from api.principals import acting, looking
from api.problems import ProblemError
from api.search_shelf import SearchShelf, TooManyKept
from api.sign_in.identity import ForeignRequest, SignIn
from domain.authority import Act
from domain.events import BY_TOPIC
from domain.kept_searches import MOST_KEPT, KeptSearch
from domain.time import write_instant, write_moment
from ledger.store import Ledger
from projections.log_search import YES, Hit, Search

PER_PAGE = 50
KEPT = f"{ADDRESS}/gemte"
MEDIA_TYPES = {"csv": "text/csv; charset=utf-8", "jsonl": "application/jsonl"}
COLUMNS = (
    "position", "case", "number", "version", "event", "label", "happened", "recorded_at", "actor", "role",
    "organisation", "recipients", "data_categories", "late",
)  # fmt: skip
FORMULA = ("=", "+", "-", "@", "\t", "\r")
"""What a spreadsheet would take for a formula where a value begins with it."""


class LogPages:
    """Answers for the pages of the log search of one ledger."""

    def __init__(
        self,
        pages: Pages,
        ledger: Ledger,
        searcher: LogSearcher,
        cursors: Cursors,
        shelf: SearchShelf,
        sign_in: SignIn,
    ) -> None:
        self._pages, self._ledger, self._searcher, self._cursors = pages, ledger, searcher, cursors
        self._shelf, self._sign_in = shelf, sign_in
        self._places = Places(searcher.numbered, ledger.position_at)

    def routes(self) -> APIRouter:
        """Return the routes."""
        router = APIRouter(include_in_schema=False)
        router.get(ADDRESS)(self.search)
        router.post(KEPT)(self.keep)
        router.post(f"{KEPT}/fjern")(self.drop)
        router.get(f"{ADDRESS}/udtraek.{{suffix}}")(self.export)
        return router

    async def search(self, request: Request) -> Response:
        """Show what was recorded that a search looks for, the newest first."""
        query = request.query_params.get("q", "").strip()

        return await self._pages.told(request, lambda: self._show(request, query))

    async def _show(self, request: Request, query: str, typed: str = "", wrong: str | None = None) -> Response:
        """Show a search, with the form to keep it and what is wrong with the name typed there."""
        principal = looking(request)
        self._require_known(request, "q", "cursor")
        kept = kept_views(await self._shelf.of(principal))
        persons = self._pages.door.allows(principal, Act.SEARCH)
        shelf = Shelf(kept, str(uuid4()), offered=bool(query) or wrong is not None, typed=typed, error=wrong)
        upto, below = await self._place(request, query)
        try:
            wanted = await asyncio.to_thread(log_query.read, query, upto, self._places)
        except NotUnderstood as error:
            page = log_views.refused_page(query[: log_query.LIMIT], str(error))
            return self._pages.render(
                request, "log_search.html", 400, page=page, shelf=replace(shelf, offered=False), persons=persons
            )
        found = await self._searcher.page(principal, wanted, below, PER_PAGE)
        following = self._cursors.write(f"{upto} {found.reached}", _context(query)) if found.reached else None
        cases = {hit.entry.stream for hit in found.hits}
        readable = self._pages.door.among(principal, Act.CASE_READ, cases)
        page = log_views.search_page(query, found, self._searcher.number, readable, following)
        return self._pages.render(
            request, "log_search.html", 422 if wrong else 200, page=page, shelf=shelf, persons=persons
        )

    async def keep(self, request: Request) -> Response:
        """Keep a search under a name and lead back to it; a form sent twice keeps it once."""
        query, sent, key = await self._sent(request)

        async def look() -> Response:
            name, wrong = read_name(sent)
            try:
                await asyncio.to_thread(log_query.read, query, 1, self._places)
            except NotUnderstood:
                return await self._show(request, query, name)
            if wrong is None and not query:
                wrong = _("Skriv, hvad der søges efter.")
            if wrong is None:
                try:
                    await self._shelf.keep(acting(request), KeptSearch(name, query), _commit(request, key, name, query))
                except TooManyKept:
                    wrong = _("Du gemmer allerede %(number)s søgninger. Fjern en først.", number=MOST_KEPT)
            if wrong is not None:
                return await self._show(request, query, name, wrong)
            return RedirectResponse(log_views.address(query), 303)

        return await self._pages.told(request, look)

    async def drop(self, request: Request) -> Response:
        """Let a kept search go and lead back to where the reader was."""
        query, name, key = await self._sent(request)

        async def look() -> Response:
            await self._shelf.drop(acting(request), name, _commit(request, key, name, ""))
            return RedirectResponse(log_views.address(query), 303)

        return await self._pages.told(request, look)

    async def _sent(self, request: Request) -> tuple[str, str, str]:
        """Return the search, the name and the key that a form sent; raises ForeignRequest for one not of ours."""
        form = await self._sign_in.require_form(request)
        try:
            key = str(UUID(form.get("noegle", "")))
        except ValueError:
            raise ForeignRequest("form") from None
        return form.get("q", "").strip(), form.get("navn", ""), key

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


def _commit(request: Request, key: str, *said: str) -> Commit:
    return Commit((), key, "\n".join((request.url.path, *said)).encode())


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
