"""The pages about access over HTTP: the emergency door, its review, who has looked."""

import re
from urllib.parse import urlencode
from uuid import UUID, uuid4

from fastapi import APIRouter, Request
from fastapi.responses import RedirectResponse, Response

from api.access_acts import AccessKeeper
from api.access_reading import AccessReader
from api.conditions import Cursors
from api.drafting import Commit
from api.look_log import LookLog, Page
from api.looks import Question
from api.pages import access_views, desk
from api.pages.access_views import QUEUE, EmergencyForm, TextField, Verdict
from api.pages.case_frame import LOOKS, CaseFrames
from api.pages.desk import Desk
from api.pages.language import _
from api.pages.rendering import CASE_CLOSED, Pages, case_of
from api.pages.views import CASES, case_address
from api.principals import acting, looking
from api.recording import KeyReused
from api.sign_in.identity import ForeignRequest, Form, SignIn
from domain.authority import Act
from domain.errors import Refused
from domain.events.reach import BreakGlassReviewed

JUDGED_SHOWN = 20
LOOKS_PER_PAGE = 50
ENTRY = re.compile(r"[1-9][0-9]{0,8}")
LOOKS_CLOSED = "Du kan ikke se, hvem der har set sagen"
SENT_BEFORE = "Formularen er sendt før med en anden tekst. Læs den igennem, og send den igen."


class AccessPages:
    """Answers for the pages about access of one ledger."""

    def __init__(
        self,
        pages: Pages,
        keeper: AccessKeeper,
        reader: AccessReader,
        log: LookLog,
        cursors: Cursors,
        sign_in: SignIn,
        places: Desk,
    ) -> None:
        self._pages, self._keeper, self._reader, self._log = pages, keeper, reader, log
        self._cursors, self._sign_in, self._frames, self._desk = cursors, sign_in, CaseFrames(pages), places

    def routes(self) -> APIRouter:
        """Return the routes."""
        router = APIRouter(include_in_schema=False)
        router.get(QUEUE)(self.queue)
        router.get(f"{CASES}/{{case_id}}{LOOKS.path}")(self.looks)
        router.post(f"{CASES}/{{case_id}}/noedadgang")(self.open)
        router.post(f"{CASES}/{{case_id}}/noedadgang/{{entry}}/gennemgang")(self.review)
        return router

    async def queue(self, request: Request) -> Response:
        """Show the emergency accesses to review."""
        return await self._pages.told(request, lambda: self._queue(request))

    async def looks(self, request: Request, case_id: str) -> Response:
        """Show who has looked at a case."""
        case = case_of(case_id)
        if case is None:
            return self._pages.sorry(request, "not-found")

        async def look() -> Response:
            context, cursor = f"opslag|{case}", request.query_params.get("cursor")
            position, after = map(int, self._cursors.read(cursor, context).split()) if cursor else (None, None)
            page = Page(None, None, LOOKS_PER_PAGE, position, after)
            found = await self._log.read(looking(request), case, Question(), page)
            place = f"{found.position} {found.following}" if found.following else None
            following = None if place is None else self._cursors.write(place, context)
            shown = access_views.looks_page(found, self._pages.door.number(case), following)
            menu = self._frames.menu(request, case, Question(), LOOKS)
            return self._pages.render(request, "looks.html", page=shown, menu=menu)

        return await self._pages.told(request, look, closed=LOOKS_CLOSED)

    async def open(self, request: Request, case_id: str) -> Response:
        """Open a case in an emergency and go there; what cannot be taken is asked for again."""
        form = await self._sign_in.require_form(request)
        case, key = case_of(case_id), form_key(form)
        if case is None:
            return self._pages.sorry(request, "not-found")
        return await self._pages.told(request, lambda: self._open(request, case, key, form), closed=CASE_CLOSED)

    async def review(self, request: Request, case_id: str, entry: str) -> Response:
        """Take a verdict on an emergency access and go back to the queue."""
        form = await self._sign_in.require_form(request)
        case, key = case_of(case_id), form_key(form)
        if case is None or not ENTRY.fullmatch(entry):
            return self._pages.sorry(request, "not-found")
        missing = _("Vælg, om nødadgangen var berettiget.")
        typed = access_views.read_verdict(case, int(entry), form.get("vurdering"), form.get("begrundelse"), missing)
        return await self._pages.told(request, lambda: self._review(request, key, typed))

    async def _open(self, request: Request, case: UUID, key: str, form: Form) -> Response:
        principal = acting(request)
        text = access_views.read_text(form.get("begrundelse"), _("Skriv, hvorfor sagen skal åbnes nu."))
        if text.error is not None:
            await self._pages.door.require_in(principal, Act.BREAK_GLASS_OPEN, case, Act.BREAK_GLASS_OPEN.value)
            return self._ask_again(request, case, key, text)
        try:
            await self._keeper.break_glass(principal, case, text.typed, _commit(request, key, reason=text.typed))
        except Refused:
            pass  # the case is open already, and that is what was wanted
        except KeyReused:
            if not self._pages.door.among(principal, Act.CASE_READ, [case]):
                return self._ask_again(request, case, str(uuid4()), TextField(text.typed, _(SENT_BEFORE)))
        return RedirectResponse(case_address(case), 303)

    def _ask_again(self, request: Request, case: UUID, key: str, text: TextField) -> Response:
        form = EmergencyForm(access_views.emergency_address(case), key, text)
        return self._pages.render(request, "emergency.html", 422, emergency=form)

    async def _review(self, request: Request, key: str, typed: Verdict) -> Response:
        if not access_views.is_complete(typed):
            return await self._queue(request, typed, 422)
        grounds = typed.grounds.typed
        verdict = BreakGlassReviewed(opening=typed.entry, justified=typed.choice == "yes", grounds=grounds)
        commit = _commit(request, key, choice=typed.choice, grounds=grounds)
        try:
            await self._keeper.review_break_glass(acting(request), typed.case, None, verdict, commit)
        except (Refused, KeyReused):
            return await self._queue(request, access_views.refused(typed), 409)
        return RedirectResponse(QUEUE, 303)

    async def _queue(self, request: Request, typed: Verdict | None = None, status: int = 200) -> Response:
        principal = looking(request)
        found = await self._reader.queue(principal, JUDGED_SHOWN, reasons=True)
        open_to = self._pages.door.among(principal, Act.CASE_READ, [one.case for one in found.reviews])
        page = access_views.queue_page(found, principal.id, open_to, uuid4(), typed)
        return self._pages.render(request, "queue.html", status, page=page, desk=self._desk.menu(request, desk.QUEUE))


def form_key(form: Form) -> str:
    """Return the key a form was given out with: a second click is the same request; raises ForeignRequest."""
    try:
        return str(UUID(form.get("noegle", "")))
    except ValueError:
        raise ForeignRequest("form") from None


def _commit(request: Request, key: str, **sent: str) -> Commit:
    """Return the empty commit of an act, recognised again by its address and by what was sent."""
    return Commit((), key, f"{request.url.path}\n{urlencode(sent)}".encode())
