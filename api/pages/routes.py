"""The pages of cases over HTTP. Every look goes through the reader."""

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from typing import Any
from uuid import UUID

from fastapi import APIRouter, Request
from fastapi.responses import RedirectResponse, Response

from api.conditions import Cursors
from api.looks import Question
from api.pages import access_views, case_list, views
from api.pages.case_frame import BUNDLE, OVERVIEW, CaseFrames
from api.pages.case_overview import Overview, overview
from api.pages.log_views import kept_views
from api.pages.rendering import CASE_CLOSED, Pages, case_of
from api.pages.views import CASES, ENTRY, NEWEST
from api.principals import acting, looking
from api.problems import ProblemError
from api.reading import CaseLook, CaseReader
from api.rules_routes import questions_to
from api.search_shelf import SearchShelf
from domain.authority import Act
from ledger.store import Ledger

CASES_PER_PAGE = 50


def create_pages(pages: Pages, ledger: Ledger, reader: CaseReader, cursors: Cursors, shelf: SearchShelf) -> APIRouter:
    """Return the pages of the cases of one ledger."""
    router, frames = APIRouter(include_in_schema=False), CaseFrames(pages)

    @router.get("/")
    async def start(request: Request) -> Response:
        """Send a reader to the first place open to them."""
        return RedirectResponse(pages.start(request), 307)

    @router.get(CASES)
    async def cases(request: Request) -> Response:
        """Show the cases on record, and what the reader is to be told above the first of them."""
        query = request.query_params
        filters = case_list.read(query)
        if views.is_submitted(query):
            return submitted(request, CASES, filters)

        async def look() -> Response:
            asked = views.asked(query)
            wrong = case_list.problem(filters)
            if wrong is not None:
                asking = case_list.form(filters, asked, wrong)
                return pages.render(request, "case_filters.html", 400, filters=asking)
            context = f"pages|{asked.known_at}|{asked.valid_at}|{filters}"
            cursor = query.get("cursor")
            after = UUID(cursors.read(cursor, context)) if cursor else UUID(int=0)
            first = asked == Question() and not cursor and not filters
            narrowed = case_list.narrowed(filters)
            board = await reader.board(looking(request), asked, after, CASES_PER_PAGE, notices=first, narrowed=narrowed)
            following = cursors.write(str(board.following), context) if board.following else None
            readable = pages.door.among(acting(request), Act.CASE_READ, [row.case for row in board.rows])
            page, notices = views.board_page(board, readable, following, filters), access_views.notices(board)
            asking, may_open = case_list.form(filters, asked), pages.door.allows(acting(request), Act.CASE_OPEN)
            kept = kept_views(await shelf.of(acting(request))) if first else ()
            return pages.render(
                request, "cases.html", page=page, notices=notices, filters=asking, may_open=may_open, kept=kept
            )

        return await pages.told(request, look, _form(CASES, request))

    @router.get(f"{CASES}/{{case_id}}")
    async def case(request: Request, case_id: str) -> Response:
        """Show a case as of the instants asked about."""
        query = request.query_params
        known = case_of(case_id)
        if known is None:
            return numbered(request, case_id)
        path = views.case_address(known)
        if views.is_submitted(query):
            return submitted(request, path)

        async def look() -> Response:
            asked, entry = views.asked(query), _entry(query.get(ENTRY))
            seen = await reader.case(looking(request), known, asked, "case_page")
            page = views.case_page(seen, newest_first=query.get("order") == NEWEST, entry=entry)
            simulated = seen.head.simulated
            top = await _overview(request, seen, page.here)
            about = _access(request, known, asked)
            return pages.render(request, "case.html", page=page, top=top, simulated=simulated, **about)

        return await pages.told(request, look, _form(path, request), CASE_CLOSED, known)

    async def _overview(request: Request, seen: CaseLook, here: frozenset[int]) -> Overview:
        case, questioned = seen.file.case, await questions_to(ledger, seen)
        records = frames.records(request, case, seen.question)
        reach = pages.door.index.case(case)
        restriction = reach.restriction if reach else None
        return await asyncio.to_thread(
            overview, seen, questioned.questions, questioned.at, restriction, here, records=records
        )

    def _access(request: Request, case: UUID, asked: Question) -> dict[str, Any]:
        """Return what the page of a case says about access to it now."""
        may_prove = asked.valid_at is None and reader.door.among(acting(request), Act.EVIDENCE_MAKE, [case])
        return {
            "emergency": frames.emergency(request, case),
            "here": views.case_address(case),
            "menu": frames.menu(request, case, asked, OVERVIEW),
            "bundle": views.address(f"{views.case_address(case)}{BUNDLE.path}", asked) if may_prove else "",
            "corrects": f"{views.case_address(case)}/registrer/berigtigelse"
            if frames.records(request, case, asked)
            else "",
        }

    def numbered(request: Request, number: str) -> Response:
        """Send a reader to the case people call so, if it is theirs to read; any other is told as not there."""
        called = [one for one in reader.numbered(number) if reader.door.number(one).casefold() == number.casefold()]
        found = list(reader.door.among(acting(request), Act.CASE_READ, called))
        if len(found) != 1:
            return pages.sorry(request, "not-found")
        return RedirectResponse(f"{views.case_address(found[0])}?{request.url.query}".rstrip("?"), 303)

    def submitted(request: Request, path: str, kept: Mapping[str, str] | None = None) -> Response:
        """Send a reader to the canonical address of what a form asks, or back to the form; ``kept`` are filters."""
        filters = kept or {}
        sent = views.read_form(path, request.query_params, _order(request))
        if sent.question is None:
            form = replace(sent.form, kept=tuple(filters.items()))
            return pages.render(request, "as_of.html", 400, form=form)
        return RedirectResponse(views.address(path, sent.question, order=_order(request), **filters), 303)

    return router


def _form(path: str, request: Request) -> views.Form | None:
    """Return the form for the instants of an address; None where they cannot be read."""
    try:
        asked = views.asked(request.query_params)
    except ProblemError:
        return None
    return views.form_of(path, asked, _order(request))


def _order(request: Request) -> str | None:
    return NEWEST if request.query_params.get("order") == NEWEST else None


def _entry(named: str | None) -> int | None:
    """Return the version of an entry named in an address; raises ProblemError where it is none."""
    if named is None:
        return None
    if not (named.isascii() and named.isdigit() and len(named) < 10):
        raise ProblemError("bad-request", f"{ENTRY} must be the number of an entry.")
    return int(named)
