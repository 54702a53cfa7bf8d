"""The pages that compare two instants, of one case and across cases, over HTTP."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from typing import Any
from uuid import UUID

from fastapi import APIRouter, Request
from fastapi.responses import RedirectResponse, Response

from api.comparing import Comparer, Wanted
from api.conditions import Cursors, instant
from api.looks import Question
from api.pages import compare_views, views
from api.pages.audit_words import VIEWS
from api.pages.case_frame import COMPARE, CaseFrames
from api.pages.compare_views import FROM, RULES, STANDS, STILL, TO, VIEW, CompareForm, Wish
from api.pages.language import _
from api.pages.rendering import CASE_CLOSED, Pages, case_of
from api.pages.tables import Cell
from api.pages.times import show_instant
from api.pages.views import CASES
from api.principals import looking
from api.problems import ProblemError
from api.reading import CaseLook, CaseReader, InstantInFuture
from domain.authority import Act
from domain.rule_book import RuleBook
from ledger.store import Ledger
from projections.boards import adopted_upto
from replay.compare_boards import WrongOrder, views_named

ACROSS = "/sammenlign"
CASES_PER_PAGE = 50
CHOOSING = "comparison"
KNOWN = (FROM, TO, VIEW, STILL, RULES, "cursor")
Editions = Mapping[str, RuleBook]


class ComparePages:
    """Answers for the pages that compare, of one ledger."""

    def __init__(self, pages: Pages, ledger: Ledger, reader: CaseReader, comparer: Comparer, cursors: Cursors) -> None:
        self._pages, self._ledger, self._reader = pages, ledger, reader
        self._comparer, self._cursors, self._frames = comparer, cursors, CaseFrames(pages)

    def routes(self) -> APIRouter:
        """Return the routes."""
        router = APIRouter(include_in_schema=False)
        router.get(f"{CASES}/{{case_id}}{COMPARE.path}")(self.case)
        router.get(ACROSS)(self.across)
        return router

    async def case(self, request: Request, case_id: str) -> Response:
        """Show what differs in a case between two instants, or ask which."""
        case = case_of(case_id)
        if case is None:
            return self._pages.sorry(request, "not-found")
        path = views.case_address(case) + COMPARE.path

        async def look() -> Response:
            wish = _wish(request)
            editions = await asyncio.to_thread(self._editions)
            form = compare_views.form_of(path, wish, editions)
            if wish.known_from is None and not wish.rules:
                return await self._choose(request, case, form)
            found = await self._comparer.case(looking(request), case, await self._wanted(wish, editions))
            context: dict[str, Any] = {"page": compare_views.compare_page(found), "form": form}
            return self._in_case(request, case, found.access_position, context)

        return await self._told(request, path, "all", look, case)

    async def across(self, request: Request) -> Response:
        """Show what differs in the cases one may see, page by page, or ask which instants."""

        async def look() -> Response:
            wish = _wish(request, "deadlines")
            await self._reader.door.require(looking(request), Act.BOARD_READ, "comparison_board")
            editions = await asyncio.to_thread(self._editions)
            form = compare_views.form_of(ACROSS, wish, editions)
            if wish.known_from is None and not wish.rules:
                return self._pages.render(request, "compare_cases.html", page=None, form=form, access=None)
            return await self._across(request, wish, form, editions)

        return await self._told(request, ACROSS, "deadlines", look, None)

    async def _across(self, request: Request, wish: Wish, form: CompareForm, editions: Editions) -> Response:
        wish = replace(wish, known_to=wish.known_to or await asyncio.to_thread(self._ledger.now))
        context, cursor = f"sammenlign|{wish}", request.query_params.get("cursor")
        after = UUID(self._cursors.read(cursor, context)) if cursor else None
        found = await self._comparer.board(looking(request), await self._wanted(wish, editions), after, CASES_PER_PAGE)
        following = self._cursors.write(str(found.following), context) if found.following else None
        leads = compare_views.address(ACROSS, wish, cursor=following) if following else None
        numbers = {item.found.case: self._pages.door.number(item.found.case) for item in found.items}
        page = compare_views.compare_page(found, numbers, leads)
        access = found.access_position
        return self._pages.render(request, "compare_cases.html", page=page, form=form, access=access)

    def _editions(self) -> Editions:
        """Return the versions of rule books that were adopted and are in force no more, by name and version."""
        adoptions = adopted_upto(self._ledger).adoptions
        last = {one.book.book.id: one.book.book.version for one in adoptions}
        books = [one.book for one in adoptions if one.book.book.version != last[one.book.book.id]]
        return {f"{book.book.id}@{book.book.version}": book for book in books}

    async def _choose(self, request: Request, case: UUID, form: CompareForm) -> Response:
        """Ask which instants, offering those of the decisions on record."""
        seen = await self._reader.case(looking(request), case, Question(), CHOOSING)
        offered = replace(form, presets=tuple(_presets(seen, form.action)))
        return self._in_case(request, case, seen.access_position, {"page": None, "form": offered})

    def _in_case(self, request: Request, case: UUID, access: int, context: dict[str, Any]) -> Response:
        frame = self._frames.frame(request, case, COMPARE, Question(), access, _("Sammenlign to tidspunkter"))
        return self._pages.render(request, "compare.html", frame=replace(frame, form=None), **context)

    async def _told(
        self, request: Request, path: str, view: str, look: Callable[[], Awaitable[Response]], case: UUID | None
    ) -> Response:
        """Return a page; what was sent leads to its canonical address, and what cannot be compared is asked again."""
        if compare_views.is_submitted(request.query_params):
            wish, form = compare_views.read_form(path, request.query_params)
            if wish is None:
                return self._pages.render(request, "compare_form.html", 400, form=form)
            return RedirectResponse(compare_views.address(path, wish), 303)

        async def judged() -> Response:
            try:
                return await look()
            except WrongOrder:
                error = _("Det første tidspunkt ligger efter det andet. Byt om på dem.")
                return self._again(request, path, view, FROM, error)
            except InstantInFuture as error:
                text = _(
                    "Tidspunktet er ikke kommet endnu: protokollens ur viser %(now)s.", now=show_instant(error.now)
                )
                return self._again(request, path, view, TO if error.parameter == TO else FROM, text)

        if case is None:
            return await self._pages.told(request, judged)
        return await self._pages.told(request, judged, None, CASE_CLOSED, case)

    def _again(self, request: Request, path: str, view: str, name: str, error: str) -> Response:
        form = compare_views.with_error(compare_views.form_of(path, _wish(request, view)), name, error)
        return self._pages.render(request, "compare_form.html", 400, form=form)

    async def _wanted(self, wish: Wish, editions: Editions) -> Wanted:
        """Return what to compare; raises ProblemError for a rule book that is not offered."""
        known_to = wish.known_to or await asyncio.to_thread(self._ledger.now)
        if not wish.rules:
            return Wanted(views_named(wish.view), known_to, wish.known_from, wish.known_from if wish.still else None)
        if wish.rules not in editions:
            raise ProblemError("bad-request", f"{RULES} must name a rule book that was adopted: see the page.")
        return Wanted(views_named(wish.view), known_to, draft=editions[wish.rules])


def _wish(request: Request, view: str = "all") -> Wish:
    """Return what an address asks to compare; raises ProblemError for what cannot be read, and for what is unknown."""
    query = request.query_params
    wanted, still = query.get(VIEW, view), query.get(STILL)
    if set(query) - set(KNOWN) or wanted not in VIEWS or still not in (None, STANDS):
        raise ProblemError("bad-request", f"The query holds what is not known here; known are {', '.join(KNOWN)}.")
    named = query.get(RULES, "")
    return Wish(instant(FROM, query.get(FROM)), instant(TO, query.get(TO)), wanted, still == STANDS, named)


def _presets(look: CaseLook, path: str) -> list[Cell]:
    """Return the comparisons a reviewer asks for first: what came since each decision."""
    made = [entry for entry in look.effective if entry.topic == "decision_made"]
    return [
        Cell(
            _(
                "Kommet til siden afgørelse nr. %(version)s, %(when)s",
                version=entry.version, when=show_instant(entry.happened),
            ),
            compare_views.address(path, Wish(entry.happened)),
        )
        for entry in reversed(made)
    ]  # fmt: skip
