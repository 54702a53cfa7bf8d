"""The pages over HTTP. Every look goes through the reader; what goes wrong is told in Danish, with the right status."""

from collections.abc import Awaitable, Callable
from typing import Any
from uuid import UUID

from fastapi import APIRouter, Request
from fastapi.responses import RedirectResponse, Response
from jinja2 import Environment, PackageLoader, StrictUndefined

from api.conditions import Cursors, question
from api.door import Forbidden, NotKnown
from api.looks import LookNotRecorded
from api.pages import views
from api.pages.codes import ROLES, word
from api.pages.times import show_instant
from api.pages.views import CASES, KNOWN_AT, NEWEST, VALID_AT
from api.principals import Principal, acting, looking
from api.problems import KINDS, ProblemError, from_exception
from api.reading import CaseReader, InstantInFuture
from ledger.errors import LedgerError, RecordDamaged

CASES_PER_PAGE = 50

_ENVIRONMENT = Environment(
    loader=PackageLoader("api.pages"), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
)
_SORRY = {
    "not-found": ("Sagen findes ikke", "Der er ingen sag på denne adresse, eller den var ikke registreret endnu."),
    "bad-request": (
        "Adressen kan ikke læses",
        "Begynd forfra på siden, og vælg tidspunktet der. I en adresse skrives det som 2024-08-21T07:00:00Z.",
    ),
    "forbidden": (
        "Sagen er ikke åben for dig",
        "Din rolle, tildeling eller enhed giver ikke adgang til det, du bad om. Forsøget er registreret.",
    ),
    "unavailable": (
        "Protokollen svarer ikke",
        "Opslaget kunne ikke registreres, og derfor vises intet. Prøv igen om lidt.",
    ),
    "internal": (
        "Protokollen kan ikke læses",
        "Det, der ligger i protokollen, kan ikke åbnes, som det blev registreret. Sig det til den driftsansvarlige.",
    ),
}
"""Heading and text for each kind of problem; any other is told like an internal one."""

_DAMAGED = (
    "Sagen er ændret siden den blev registreret",
    "Noget af det, der ligger i protokollen, er ikke det, der blev registreret. Sagen vises ikke. "
    "Sig det til revisionen.",
)


def create_pages(reader: CaseReader, cursors: Cursors, *, simulated: bool = False) -> APIRouter:
    """Return the pages over one ledger; ``simulated`` puts the notice of a simulated clock on every page."""
    router = APIRouter(include_in_schema=False)

    def render(request: Request, template: str, status: int = 200, **context: Any) -> Response:
        """Return a page that no cache keeps: what it shows is personal."""
        everywhere = {"reader": _reader(acting(request)), "simulated": simulated}
        html = _ENVIRONMENT.get_template(template).render(everywhere | context)
        return Response(html, status, {"Cache-Control": "no-store"}, "text/html")

    async def told(request: Request, look: Callable[[], Awaitable[Response]], form: views.Form | None) -> Response:
        """Return a page, or one that tells in Danish why there is none."""
        try:
            return await look()
        except InstantInFuture as error:
            clock = f"Tidspunktet er ikke kommet endnu: protokollens ur viser {show_instant(error.now)}."
            if form is not None and error.parameter in {field.name for field in form.fields}:
                return render(request, "as_of.html", 400, form=views.with_error(form, error.parameter, clock))
            return _sorry(render, request, "bad-request", None)
        except RecordDamaged as error:
            title, text = _DAMAGED
            return render(request, "damaged.html", 500, title=title, text=text, faults=error.faults)
        except (Forbidden, NotKnown, LookNotRecorded, LedgerError, ProblemError) as error:
            return _sorry(render, request, from_exception(error).kind, form)

    @router.get("/")
    async def start() -> Response:
        """Send a reader to the cases."""
        return RedirectResponse(CASES, 307)

    @router.get(CASES)
    async def cases(request: Request) -> Response:
        """Show the cases on record."""
        query = request.query_params
        if views.is_submitted(query):
            return submitted(request, CASES)

        async def look() -> Response:
            asked = question(query.get(KNOWN_AT), query.get(VALID_AT))
            context = f"pages|{asked.known_at}|{asked.valid_at}"
            cursor = query.get("cursor")
            after = UUID(cursors.read(cursor, context)) if cursor else UUID(int=0)
            board = await reader.board(looking(request), asked, after, CASES_PER_PAGE)
            following = cursors.write(str(board.following), context) if board.following else None
            return render(request, "cases.html", page=views.board_page(board, following))

        return await told(request, look, _form(CASES, request))

    @router.get(f"{CASES}/{{case_id}}")
    async def case(request: Request, case_id: str) -> Response:
        """Show a case as of the instants asked about."""
        query = request.query_params
        known = _case_id(case_id)
        if known is None:
            return _sorry(render, request, "not-found", None)
        path = views.case_address(known)
        if views.is_submitted(query):
            return submitted(request, path)

        async def look() -> Response:
            asked = question(query.get(KNOWN_AT), query.get(VALID_AT))
            seen = await reader.case(looking(request), known, asked, "case_page")
            page = views.case_page(seen, newest_first=query.get("order") == NEWEST)
            return render(request, "case.html", page=page, simulated=seen.head.simulated)

        return await told(request, look, _form(path, request))

    def submitted(request: Request, path: str) -> Response:
        """Send a reader to the canonical address of what a form asks, or back to the form."""
        sent = views.read_form(path, request.query_params, _order(request))
        if sent.question is None:
            return render(request, "as_of.html", 400, form=sent.form)
        return RedirectResponse(views.address(path, sent.question, order=_order(request)), 303)

    return router


def _sorry(render: Callable[..., Response], request: Request, kind: str, form: views.Form | None) -> Response:
    """Return the page for a problem; it tells of the present where an instant was asked about."""
    title, text = _SORRY.get(kind, _SORRY["internal"])
    asked_past = form is not None and any(name in request.query_params for name in views.LEGENDS)
    now = form.action if form is not None and asked_past else None
    response = render(request, "sorry.html", KINDS[kind].status, title=title, text=text, now=now)
    if response.status_code == 503:
        response.headers["Retry-After"] = "2"
    return response


def _form(path: str, request: Request) -> views.Form | None:
    """Return the form for the instants of an address; None where they cannot be read."""
    try:
        asked = question(request.query_params.get(KNOWN_AT), request.query_params.get(VALID_AT))
    except ProblemError:
        return None
    return views.form_of(path, asked, _order(request))


def _order(request: Request) -> str | None:
    return NEWEST if request.query_params.get("order") == NEWEST else None


def _case_id(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None


def _reader(principal: Principal) -> str:
    """Return who reads, as shown on every page."""
    who = f"{principal.id} ({word(ROLES, principal.role)})"
    return ", ".join(filter(None, (who, principal.organisation))) + f" · formål: {principal.purpose}"
