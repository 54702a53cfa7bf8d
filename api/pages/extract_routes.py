"""The pages of a person's extract of who has looked over HTTP."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, time, timedelta
from urllib.parse import urlencode
from uuid import UUID, uuid4

from fastapi import APIRouter, Request
from fastapi.responses import RedirectResponse, Response

from api.drafting import Commit
from api.look_extracts import LookExtracts, Made, NoExtract, Wish
from api.look_routes import letter_of
from api.looks import Question
from api.pages import extract_views
from api.pages.access_routes import ENTRY, form_key
from api.pages.case_frame import EXTRACT, CaseFrames
from api.pages.extract_views import extract_address
from api.pages.language import _
from api.pages.production_views import is_filled, read_day_parts
from api.pages.rendering import CASE_CLOSED, Pages, case_of
from api.pages.times import Unreadable, read_parts
from api.pages.views import CASES
from api.paper import require_paper
from api.principals import acting, looking
from api.problems import ProblemError
from api.recording import KeyReused
from api.sign_in.identity import Form, SignIn
from domain.errors import Malformed, Refused
from domain.time import COPENHAGEN, copenhagen_day, utc

Show = Callable[[UUID], Awaitable[Response]]


class ExtractPages:
    """Answers for the pages of extracts of one ledger."""

    def __init__(self, pages: Pages, extracts: LookExtracts, sign_in: SignIn) -> None:
        self._pages, self._extracts = pages, extracts
        self._sign_in, self._frames = sign_in, CaseFrames(pages)

    def routes(self) -> APIRouter:
        """Return the routes."""
        router = APIRouter(include_in_schema=False)
        case = f"{CASES}/{{case_id}}"
        router.get(f"{case}{EXTRACT.path}")(self.extract)
        router.post(f"{case}{EXTRACT.path}")(self.make_extract)
        router.get(f"{case}{EXTRACT.path}/{{version}}.pdf")(self.letter)
        router.get(f"{case}{EXTRACT.path}/{{version}}")(self.extracted)
        return router

    async def extract(self, request: Request, case_id: str) -> Response:
        """Show the form by which a person's extract of who has looked is made."""

        async def show(case: UUID) -> Response:
            return await self._form(request, case, {}, str(uuid4()))

        return await self._of_extract(request, case_id, show)

    async def make_extract(self, request: Request, case_id: str) -> Response:
        """Make an extract and go there; what cannot be read is asked for again."""
        form = await self._sign_in.require_form(request)
        key = form_key(form)

        async def show(case: UUID) -> Response:
            wish, errors = _wish(form)
            if wish is None:
                return await self._form(request, case, form, key, errors)
            said = {name: str(value) for name, value in form.items() if name not in ("csrf", "noegle")}
            commit = Commit((), key, f"{request.url.path}\n{urlencode(said)}".encode())
            try:
                made = await self._extracts.make(acting(request), case, wish, commit)
            except (Malformed, KeyReused, Refused):
                return await self._form(request, case, form, str(uuid4()), [("person", _("Vælg på listen."))])
            return RedirectResponse(extract_address(case, made.entry.version), 303)

        return await self._of_extract(request, case_id, show)

    async def extracted(self, request: Request, case_id: str, version: str) -> Response:
        """Show an extract as the person is told it."""

        async def show(case: UUID) -> Response:
            made = await self._again(request, case, version)
            label = _("Udskrift nr. %(version)s", version=made.entry.version)
            frame = self._frames.frame(request, case, EXTRACT, Question(), made.access_position, label)
            page = extract_views.extract_page(made)
            return self._pages.render(request, "extract_made.html", frame=replace(frame, form=None), page=page)

        return await self._of_extract(request, case_id, show)

    async def letter(self, request: Request, case_id: str, version: str) -> Response:
        """Return an extract as a letter."""

        async def show(case: UUID) -> Response:
            require_paper()
            return await letter_of(await self._again(request, case, version))

        return await self._of_extract(request, case_id, show)

    async def _again(self, request: Request, case: UUID, version: str) -> Made:
        try:
            if not ENTRY.fullmatch(version):
                raise NoExtract
            return await self._extracts.again(looking(request), case, int(version))
        except NoExtract as error:
            raise ProblemError("not-found", str(error)) from None

    async def _of_extract(self, request: Request, case_id: str, show: Show) -> Response:
        case = case_of(case_id)
        if case is None:
            return self._pages.sorry(request, "not-found")
        return await self._pages.told(request, lambda: show(case), closed=CASE_CLOSED)

    async def _form(
        self, request: Request, case: UUID, typed: Mapping[str, str], key: str, errors: Sequence[tuple[str, str]] = ()
    ) -> Response:
        found = await self._extracts.choices(looking(request), case)
        frame = self._frames.frame(request, case, EXTRACT, Question(), found.access_position)
        page = extract_views.extract_form(found, typed, key, errors)
        status = 422 if errors else 200
        return self._pages.render(request, "extract.html", status, frame=replace(frame, form=None), page=page)


def _wish(form: Form) -> tuple[Wish | None, list[tuple[str, str]]]:
    """Return for whom and of when an extract is wanted; days are counted in whole."""
    errors: list[tuple[str, str]] = []
    days: dict[str, datetime | None] = {}
    for name in ("fra", "til"):
        parts = read_day_parts(form, name)
        try:
            days[name] = read_parts(replace(parts, clock="00.00")) if is_filled(parts) else None
        except Unreadable as error:
            errors.append((name, str(error)))
    person, request = form.get("person", ""), form.get("anmodning", "")
    if not person or len(person) > 80:
        errors.append(("person", _("Vælg, hvem udskriften er til.")))
    if request and not ENTRY.fullmatch(request):
        errors.append(("anmodning", _("Vælg på listen.")))
    if errors:
        return None, errors
    until = days["til"] and _end_of(days["til"])
    return Wish(person, days["fra"], until, int(request) if request else None), []


def _end_of(day: datetime) -> datetime:
    """Return the last instant of the day that begins at one."""
    following = datetime.combine(copenhagen_day(day) + timedelta(days=1), time(), COPENHAGEN)
    return utc(following) - timedelta(microseconds=1)
