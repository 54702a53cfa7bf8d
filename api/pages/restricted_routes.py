"""The page of restricted cases over HTTP: who may reach them, and renewing or lifting a restriction."""

from datetime import datetime
from urllib.parse import urlencode
from uuid import uuid4

from fastapi import APIRouter, Request
from fastapi.responses import RedirectResponse, Response

from api.access_acts import AccessKeeper
from api.access_reading import AccessReader
from api.drafting import Commit
from api.pages import access_views, restricted_views
from api.pages.access_routes import ENTRY, form_key
from api.pages.access_views import Verdict
from api.pages.desk import RESTRICTED, Desk
from api.pages.language import _
from api.pages.rendering import Pages, case_of
from api.pages.restricted_views import RENEW
from api.pages.views import CASES
from api.principals import acting, looking
from api.recording import KeyReused
from api.sign_in.identity import SignIn
from domain.authority import Act
from domain.errors import DomainError
from domain.events.reach import RestrictionReviewed
from domain.time import copenhagen_day


class RestrictedPages:
    """Answers for the restricted cases of one ledger."""

    def __init__(self, pages: Pages, keeper: AccessKeeper, reader: AccessReader, sign_in: SignIn, desk: Desk) -> None:
        self._pages, self._keeper, self._reader, self._sign_in, self._desk = pages, keeper, reader, sign_in, desk

    def routes(self) -> APIRouter:
        """Return the routes."""
        router = APIRouter(include_in_schema=False)
        router.get(RESTRICTED.address)(self.restricted)
        router.post(f"{CASES}/{{case_id}}/begraensning/{{entry}}/gennemgang")(self.review)
        return router

    async def restricted(self, request: Request) -> Response:
        """Show the restricted cases."""
        return await self._pages.told(request, lambda: self._page(request))

    async def review(self, request: Request, case_id: str, entry: str) -> Response:
        """Take what becomes of a restriction and go back to the list."""
        form = await self._sign_in.require_form(request)
        case, key = case_of(case_id), form_key(form)
        if case is None or not ENTRY.fullmatch(entry):
            return self._pages.sorry(request, "not-found")
        missing = _("Vælg, om begrænsningen skal fortsætte.")
        typed = access_views.read_verdict(case, int(entry), form.get("gennemgang"), form.get("begrundelse"), missing)
        return await self._pages.told(request, lambda: self._review(request, key, typed))

    async def _review(self, request: Request, key: str, typed: Verdict) -> Response:
        if not access_views.is_complete(typed):
            return await self._page(request, typed, 422)
        principal, reason = acting(request), typed.grounds.typed
        await self._pages.door.require_in(principal, Act.REACH_WRITE, typed.case, Act.REACH_WRITE.value)
        body = f"{request.url.path}\n{urlencode({'choice': typed.choice, 'reason': reason})}".encode()
        try:
            await self._keeper.review_restriction(
                principal, typed.case, None, _review_of(typed, self._pages.door.index.now), Commit((), key, body)
            )
        except (DomainError, KeyReused):
            return await self._page(request, restricted_views.refused(typed), 409)
        return RedirectResponse(RESTRICTED.address, 303)

    async def _page(self, request: Request, typed: Verdict | None = None, status: int = 200) -> Response:
        found = await self._reader.restrictions(looking(request))
        open_to = self._pages.door.among(looking(request), Act.CASE_READ, [one.case for one in found.restricted])
        page = restricted_views.restricted_page(found, open_to, uuid4(), typed)
        return self._pages.render(
            request, "restricted.html", status, page=page, desk=self._desk.menu(request, RESTRICTED)
        )


def _review_of(typed: Verdict, now: datetime) -> RestrictionReviewed:
    """Return a restriction renewed for as long as may be, or lifted."""
    renewed = typed.choice == RENEW
    day = restricted_views.review_day(copenhagen_day(now)) if renewed else None
    return RestrictionReviewed(restriction=typed.entry, renewed=renewed, reason=typed.grounds.typed, review_by=day)
