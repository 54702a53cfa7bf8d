"""The pages on which it is decided what is handed out of a case over HTTP, and where the papers are."""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from urllib.parse import urlencode
from uuid import UUID, uuid4

from fastapi import APIRouter, Request
from fastapi.responses import RedirectResponse, Response

from api.conditions import question
from api.drafting import Commit
from api.looks import Question
from api.pages import production_views
from api.pages.access_routes import ENTRY, form_key
from api.pages.access_views import TEXT_LIMIT, TextField
from api.pages.case_frame import PRODUCTION, CaseFrames
from api.pages.language import _
from api.pages.production_views import MOST_SHOWN, NEW, Typed, is_filled, production_address
from api.pages.rendering import CASE_CLOSED, Pages, case_of
from api.pages.times import Unreadable, read_parts
from api.pages.views import CASES
from api.paper import require_paper
from api.principals import looking
from api.problems import ProblemError
from api.production_routes import paper_of
from api.productions import Asked, NoProduction, Preview, Produced, Productions, Wanted
from api.recording import KeyReused
from api.sign_in.identity import Form, SignIn
from domain.entries import Entry
from domain.errors import Malformed
from domain.evidence import COURT
from domain.exemptions import CHOSEN
from domain.production import REASON_LIMIT, Redaction, check_redactions, read_redaction, read_stretches
from domain.time import COPENHAGEN, copenhagen_day

REDACT, MAKE = "undtag", "udlever"
SENT_BEFORE = "Formularen er sendt før med et andet indhold. Læs den igennem, og send den igen."


class _TooMany(Exception):
    """More entries than anybody can have gone through on the page."""


@dataclass(frozen=True, slots=True)
class _Sent:
    """A form as it came: what was typed, and how it is carried on."""

    typed: Typed
    key: str
    action: str


class ProductionPages:
    """Answers for the pages about what is handed out of the cases of one ledger."""

    def __init__(self, pages: Pages, productions: Productions, sign_in: SignIn) -> None:
        self._pages, self._productions = pages, productions
        self._sign_in, self._frames = sign_in, CaseFrames(pages)

    def routes(self) -> APIRouter:
        """Return the routes."""
        router = APIRouter(include_in_schema=False)
        case = f"{CASES}/{{case_id}}"
        router.get(f"{case}{PRODUCTION.path}")(self.production)
        router.post(f"{case}{PRODUCTION.path}")(self.decide)
        router.get(f"{case}{PRODUCTION.path}/{{version}}.pdf")(self.paper)
        router.get(f"{case}{PRODUCTION.path}/{{version}}.json")(self.data)
        router.get(f"{case}{PRODUCTION.path}/{{version}}")(self.produced)
        return router

    async def production(self, request: Request, case_id: str) -> Response:
        """Show what would be handed out of a case, to whom the address says."""

        async def show(case: UUID, asked: Question) -> Response:
            query = request.query_params
            chosen, entries = query.get("anmodning", ""), query.get("poster", "")
            typed = Typed(request=chosen, entries=entries, present=asked.known_at is None)
            return await self._production(request, case, asked, typed, str(uuid4()))

        return await self._frames.answer(request, case_id, PRODUCTION, show, "anmodning", "poster")

    async def decide(self, request: Request, case_id: str) -> Response:
        """Take what is chosen to be left out, or decide that the rest is handed out."""
        form = await self._sign_in.require_form(request)
        case, key = case_of(case_id), form_key(form)
        if case is None:
            return self._pages.sorry(request, "not-found")
        sent = _Sent(_typed(form), key, form.get("handling", ""))

        async def look() -> Response:
            asked = question(form.get("known_at"), form.get("valid_at"))
            return await self._decided(request, case, asked, sent)

        return await self._pages.told(request, look, closed=CASE_CLOSED, emergency_in=case)

    async def produced(self, request: Request, case_id: str, version: str) -> Response:
        """Show one decision and where its papers are."""

        async def show(case: UUID, made: Produced) -> Response:
            label = _("Udlevering nr. %(version)s", version=made.version)
            frame = self._frames.frame(request, case, PRODUCTION, Question(), made.access_position, label)
            page = production_views.produced_page(made, case)
            return self._pages.render(request, "production_made.html", frame=replace(frame, form=None), page=page)

        return await self._of_decision(request, case_id, version, show)

    async def paper(self, request: Request, case_id: str, version: str) -> Response:
        """Return what was handed out, on paper."""

        async def show(case: UUID, made: Produced) -> Response:
            del case
            return await paper_of(made)

        return await self._of_decision(request, case_id, version, show, paper=True, proven=True)

    async def data(self, request: Request, case_id: str, version: str) -> Response:
        """Return what was handed out, as data."""

        async def show(case: UUID, made: Produced) -> Response:
            del case
            headers = {"Cache-Control": "no-store", "Content-Disposition": 'attachment; filename="evidence.json"'}
            return Response(made.content, 200, headers, "application/json")

        return await self._of_decision(request, case_id, version, show, proven=True)

    async def _of_decision(
        self, request: Request, case_id: str, version: str, show: Any, *, paper: bool = False, proven: bool = False
    ) -> Response:
        case = case_of(case_id)
        if case is None or not ENTRY.fullmatch(version):
            return self._pages.sorry(request, "not-found")

        async def look() -> Response:
            if paper:
                require_paper()
            try:
                made = await self._productions.make(looking(request), case, int(version), proven=proven)
            except NoProduction as error:
                raise ProblemError("not-found", str(error)) from None
            return await show(case, made)

        return await self._pages.told(request, look, closed=CASE_CLOSED, emergency_in=case)

    async def _production(
        self, request: Request, case: UUID, asked: Question, typed: Typed, key: str, status: int = 200
    ) -> Response:
        """Show the case as far as it would go out; what cannot be read of what was typed is said beside it."""
        principal = looking(request)
        found = await self._productions.preview(principal, case, None, asked)
        typed, chosen = _chosen(found, typed)
        if typed.request:
            wanted = _wanted(found, typed, asked, chosen)
            if wanted is None:
                typed = _unlisted(typed)
            else:
                try:
                    found = replace(found, out=await self._productions.judged(case, found, wanted))
                except Malformed:
                    typed = _unlisted(typed)
        shown = Question(None, asked.valid_at) if typed.present else asked
        frame = self._frames.frame(request, case, PRODUCTION, shown, found.look.access_position)
        page = production_views.production_page(found, typed, chosen, key)
        context = {"page": page, "limit": REASON_LIMIT, "make": MAKE, "redact": REDACT}
        return self._pages.render(
            request, "production.html", 422 if typed.errors else status, frame=replace(frame, form=None),
            form=frame.form, **context,
        )  # fmt: skip

    async def _decided(self, request: Request, case: UUID, asked: Question, sent: _Sent) -> Response:
        typed = sent.typed
        if sent.action == MAKE and not typed.marked:
            try:
                return await self._make(request, case, asked, sent)
            except _TooMany:
                text = _("Vælg højst %(number)s poster, så de kan gennemses.", number=MOST_SHOWN)
                typed = replace(typed, errors=(("poster", text),))
            except KeyReused:
                typed = replace(typed, errors=(("udlever", _(SENT_BEFORE)),))
            except Malformed:
                typed = replace(typed, errors=(("poster", _("Ret det, der er valgt: noget af det er ikke i sagen.")),))
            return await self._production(request, case, asked, typed, str(uuid4()))
        errors = [(place, text) for place, text in _faults(typed, making=sent.action == MAKE)]
        if errors:
            return await self._production(request, case, asked, replace(typed, errors=tuple(errors)), sent.key)
        places = {one.place for one in typed.redactions}
        added = [one for mark in sorted(typed.marked) if (one := _redaction(mark, typed)).place not in places]
        typed = replace(typed, redactions=(*typed.redactions, *added), marked=frozenset(), code="", reason=TextField())
        return await self._production(request, case, asked, typed, sent.key)

    async def _make(self, request: Request, case: UUID, asked: Question, sent: _Sent) -> Response:
        principal = looking(request)
        wanted = _request_of(sent.typed, asked)
        if wanted is None:
            raise Malformed([])
        if wanted.entries is None or len(wanted.entries) > MOST_SHOWN:
            raise _TooMany
        body = f"{request.url.path}\n{urlencode(_said(sent.typed, asked))}".encode()
        recorded = await self._productions.decide(principal, case, wanted, Commit((), sent.key, body))
        return RedirectResponse(production_address(case, recorded.version), 303)


def _typed(form: Form) -> Typed:
    """Return what a form of the page sent; what was chosen before and is taken away again is left out."""
    taken = set(form.getlist("fjern"))
    kept = (read_redaction(text) for text in form.getlist("skjult") if text not in taken)
    return Typed(
        request=form.get("anmodning", ""),
        entries=form.get("poster", ""),
        redactions=tuple(one for one in kept if one is not None),
        marked=frozenset(form.getlist("undtag")),
        code=form.get("kode", ""),
        reason=TextField(form.get("hvorfor", "")),
        grounds=form.get("begrundelse", ""),
        received=production_views.read_day_parts(form, "modtaget"),
        present=form.get("nu") == "1",
    )


def _faults(typed: Typed, *, making: bool) -> list[tuple[str, str]]:
    """Return what is missing before what was marked is left out; unmarked, a form without reason only takes away."""
    if making:
        return [("undtag", _("Noget er markeret: undtag det først, eller fjern markeringen."))]
    found: list[tuple[str, str]] = []
    if not typed.marked:
        return found if not typed.reason.typed.strip() else [("undtag", _("Markér det, der skal undtages."))]
    if typed.code not in CHOSEN:
        found.append(("kode", _("Vælg, efter hvilken kode det undtages.")))
    if not typed.reason.typed.strip() or len(typed.reason.typed) > REASON_LIMIT:
        found.append(("hvorfor", _("Skriv, hvorfor det undtages, med højst %(limit)s tegn.", limit=REASON_LIMIT)))
    return found


def _redaction(mark: str, typed: Typed) -> Redaction:
    """Return what a mark such as ``12.content.2`` leaves out; what names nothing is found out when it is judged."""
    entry, _dot, rest = mark.partition(".")
    field, _dot, number = rest.partition(".")
    version = int(entry) if ENTRY.fullmatch(entry) else 0
    paragraph = int(number) if number.isdecimal() else None
    return Redaction(version, field or None, paragraph, typed.code, typed.reason.typed.strip())


def _chosen(found: Preview, typed: Typed) -> tuple[Typed, tuple[Entry, ...]]:
    """Return the entries that were named, every one where none was; with what is wrong about how they were named."""
    if not typed.entries.strip():
        return typed, found.entries
    try:
        named = frozenset(read_stretches(typed.entries))
    except ValueError:
        text = _("Skriv poster som 2-26, 30.")
        return replace(typed, errors=(*typed.errors, ("poster", text))), found.entries
    chosen = tuple(entry for entry in found.entries if entry.version in named)
    if len(chosen) == len(named):
        return typed, chosen
    text = _("Sagen har ikke alle de poster på det tidspunkt.")
    return replace(typed, errors=(*typed.errors, ("poster", text))), chosen or found.entries


def _wanted(found: Preview, typed: Typed, asked: Question, chosen: tuple[Entry, ...]) -> Wanted | None:
    """Return what is wanted, without redactions that name nothing; None where nobody is there to hand out to."""
    wanted = _request_of(typed, asked)
    if wanted is None or (isinstance(wanted.request, int) and not _is_asked(found, wanted.request)):
        return None
    return replace(wanted, entries=tuple(one.version for one in chosen), redactions=_known(typed.redactions, chosen))


def _unlisted(typed: Typed) -> Typed:
    return replace(typed, request="", errors=(*typed.errors, ("anmodning", _("Vælg på listen."))))


def _is_asked(found: Preview, version: int) -> bool:
    return version in {one.version for one in found.requests}


def _known(redactions: tuple[Redaction, ...], chosen: tuple[Entry, ...]) -> tuple[Redaction, ...]:
    kept: list[Redaction] = []
    for one in redactions:
        try:
            check_redactions([*kept, one], chosen)
        except Malformed:
            continue
        kept.append(one)
    return tuple(kept)


def _request_of(typed: Typed, asked: Question) -> Wanted | None:
    entries = None
    if typed.entries.strip():
        try:
            entries = read_stretches(typed.entries)
        except ValueError:
            return None
    request = _asked(typed)
    if request is None:
        return None
    grounds = typed.grounds.strip()[:TEXT_LIMIT] or None
    return Wanted(request, asked.known_at, asked.valid_at, entries, typed.redactions, grounds)


def _asked(typed: Typed) -> int | Asked | None:
    """Return the request that was chosen: one on record by its version, or a new one by kind and who asks."""
    if ENTRY.fullmatch(typed.request):
        return int(typed.request)
    new, _colon, rest = typed.request.partition(":")
    kind, _colon, who = rest.partition(":")
    if new != NEW or kind not in (COURT, "party_access", "gdpr_art15") or not who or len(who) > 80:
        return None
    try:
        received = read_parts(replace(typed.received, clock="00.00")) if is_filled(typed.received) else None
    except Unreadable:
        return None
    day = copenhagen_day(received or datetime.now(COPENHAGEN))
    return Asked(kind, who, None, day)


def _said(typed: Typed, asked: Question) -> dict[str, str]:
    """Return what a decision was sent with, by which a second click is recognised."""
    return {
        "anmodning": typed.request,
        "poster": typed.entries,
        "undtaget": str([(one.place, one.code, one.reason) for one in typed.redactions]),
        "begrundelse": typed.grounds,
        "instants": str((asked.known_at, asked.valid_at)),
    }
