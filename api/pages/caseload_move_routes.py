"""The page on which somebody's cases are handed over at once, over HTTP."""

from uuid import UUID, uuid4

from fastapi import APIRouter, Request
from fastapi.responses import RedirectResponse, Response

from api.caseload_moving import CannotReceive, CaseloadMover, Handover, NotHeld
from api.drafting import Commit
from api.pages import caseload_move_views
from api.pages.access_routes import SENT_BEFORE, form_key
from api.pages.caseload_move_views import CASES, FROM, REASON, TO, MoveTyped, move_address
from api.pages.desk import MOVE, Desk, asked_for
from api.pages.language import _
from api.pages.rendering import Pages
from api.principals import acting, looking
from api.recording import KeyReused
from api.sign_in.identity import ForeignRequest, SignIn


class CaseloadMovePages:
    """Answers for handing over the cases of members of staff in one ledger."""

    def __init__(self, pages: Pages, mover: CaseloadMover, sign_in: SignIn, desk: Desk) -> None:
        self._pages, self._mover, self._sign_in, self._desk = pages, mover, sign_in, desk

    def routes(self) -> APIRouter:
        """Return the routes."""
        router = APIRouter(include_in_schema=False)
        router.get(MOVE.address)(self.show)
        router.post(MOVE.address)(self.take)
        return router

    async def show(self, request: Request) -> Response:
        """Show what somebody holds, and what waits to be taken over from them."""

        async def look() -> Response:
            return await self._page(request, (asked_for(request, FROM) or "").strip(), MoveTyped())

        return await self._pages.told(request, look)

    async def take(self, request: Request) -> Response:
        """Hand over the cases chosen, all or none, and show what waits to be taken over."""
        form = await self._sign_in.require_form(request)
        key, staff = form_key(form), form.get(FROM, "").strip()[:80]
        cases = _chosen(form.getlist(CASES))
        typed = caseload_move_views.read_move(cases, form.get(TO), form.get(REASON), staff)

        async def act() -> Response:
            if typed.errors:
                return await self._page(request, staff, typed, status=422)
            handover = Handover(cases, staff, typed.to.typed, typed.reason.typed)
            body = repr((cases, staff, handover.to, handover.reason)).encode()
            try:
                await self._mover.move(acting(request), handover, Commit((), key, body, reason=handover.reason))
            except CannotReceive as error:
                numbers = ", ".join(error.numbers)
                problem = _(
                    "Intet er overdraget. %(to)s må ikke se: %(numbers)s. Vælg en anden, eller lad dem blive.",
                    to=handover.to, numbers=numbers,
                )  # fmt: skip
                return await self._page(request, staff, typed, problem, 409)
            except NotHeld:
                problem = _("Intet er overdraget. En af sagerne har skiftet hænder imens; listen er hentet igen.")
                return await self._page(request, staff, typed, problem, 409)
            except KeyReused:
                return await self._page(request, staff, typed, _(SENT_BEFORE), 409)
            return RedirectResponse(move_address(staff), 303)

        return await self._pages.told(request, act)

    async def _page(
        self, request: Request, staff: str, typed: MoveTyped, problem: str | None = None, status: int = 200
    ) -> Response:
        found = await self._mover.held(looking(request), staff or None)
        menu = self._desk.menu(request, MOVE)
        page = caseload_move_views.move_page(found, staff, menu, typed, problem, str(uuid4()))
        return self._pages.render(request, "desk_move.html", status, page=page)


def _chosen(sent: list[str]) -> tuple[UUID, ...]:
    """Return the cases chosen, each once; raises ForeignRequest for what no form of ours sends."""
    try:
        return tuple(dict.fromkeys(map(UUID, sent)))
    except ValueError:
        raise ForeignRequest("form") from None
