"""The pages of decisions over HTTP: the list, the dossier of one, and its paper and evidence bundle to take away."""

import asyncio
import re
from collections.abc import Awaitable, Callable
from dataclasses import replace
from uuid import UUID, uuid4

from fastapi import APIRouter, Request
from fastapi.responses import Response

from api.conditions import instant
from api.dossier import DossierMaker, NoDecision
from api.dossier_paper import PaperMaker
from api.drafting import Commit
from api.evidence import EvidenceMaker
from api.looks import Question
from api.pages import approval_views, dossier_views, views
from api.pages.bundle_views import bundle_form
from api.pages.case_frame import BUNDLE, DECISIONS, CaseFrames, Frame
from api.pages.language import _
from api.pages.rendering import CASE_CLOSED, Pages, case_of
from api.pages.views import CASES, KNOWN_AT, VALID_AT
from api.paper import PDF, NoTypst
from api.principals import acting, looking
from api.problems import ProblemError
from api.reading import CaseReader
from api.recording import KeyReused
from api.sign_in.identity import ForeignRequest, SignIn
from domain.approvals import submissions
from domain.authority import Act
from domain.errors import Malformed, Refused
from domain.known import Known
from ledger.store import Ledger
from projections.boards import adopted_upto
from replay.bundle import NotProvenYet, Wish
from replay.bundle_zip import MEDIA_TYPE
from replay.questions import CaseQuestions

ENTRY = re.compile(r"[1-9][0-9]{0,8}")
LIST, BUNDLE_FORM = "decisions", "bundle_form"


class DossierPages:
    """Answers for the pages of decisions of one ledger."""

    def __init__(
        self, pages: Pages, ledger: Ledger, reader: CaseReader, maker: DossierMaker, evidence: EvidenceMaker,
        sign_in: SignIn,
    ) -> None:  # fmt: skip
        self._pages, self._ledger, self._reader, self._maker = pages, ledger, reader, maker
        self._paper, self._evidence = PaperMaker(maker, evidence), evidence
        self._sign_in, self._frames = sign_in, CaseFrames(pages)

    def routes(self) -> APIRouter:
        """Return the routes."""
        router, place = APIRouter(include_in_schema=False), f"{CASES}/{{case_id}}{DECISIONS.path}"
        router.get(place)(self.decisions)
        router.get(f"{place}/{{version}}")(self.dossier)
        router.get(f"{place}/{{version}}/dossier.pdf")(self.paper)
        router.get(f"{CASES}/{{case_id}}{BUNDLE.path}")(self.bundle_page)
        router.post(f"{CASES}/{{case_id}}{BUNDLE.path}")(self.bundle)
        return router

    async def decisions(self, request: Request, case_id: str) -> Response:
        """Show the decisions of a case."""

        async def show(case: UUID, asked: Question) -> Response:
            look = await self._reader.case(looking(request), case, asked, LIST)
            rules = await asyncio.to_thread(adopted_upto, self._ledger, look.position)
            questions = CaseQuestions(Known(tuple(look.entries)), rules)
            made = [entry.version for entry in look.effective if entry.topic == "decision_made"]
            found = await asyncio.to_thread(lambda: [questions.dossier(version) for version in made])
            page = dossier_views.decisions_page(look, [one for one in found if one is not None])
            frame = self._frames.frame(request, case, DECISIONS, asked, look.access_position)
            sent = approval_views.submissions_table(look, submissions(look.entries))
            return self._pages.render(request, "decisions.html", frame=frame, page=page, sent=sent)

        return await self._frames.answer(request, case_id, DECISIONS, show)

    async def dossier(self, request: Request, case_id: str, version: str) -> Response:
        """Show everything about one decision."""
        if not ENTRY.fullmatch(version):
            return self._pages.sorry(request, "not-found")
        place = replace(DECISIONS, path=f"{DECISIONS.path}/{version}")

        async def show(case: UUID, asked: Question) -> Response:
            if asked.valid_at is not None:
                raise ProblemError("bad-request", "A dossier is about one decision: it takes known_at alone.")
            made = await self._maker.make(looking(request), case, int(version), asked.known_at)
            may = bool(self._reader.door.among(acting(request), Act.EVIDENCE_MAKE, [case]))
            page = dossier_views.dossier_page(made, str(uuid4()), may_hand_out=may)
            label = _("Afgørelse nr. %(version)s", version=version)
            frame = self._frames.frame(request, case, place, asked, made.access_position, label)
            menu = self._frames.menu(request, case, asked, DECISIONS)
            shown = replace(frame, menu=menu, form=_known_only(frame))
            simulated = made.look.head.simulated
            return self._pages.render(request, "dossier.html", frame=shown, page=page, simulated=simulated)

        return await self._frames.answer(request, case_id, place, _or_not_found(show))

    async def paper(self, request: Request, case_id: str, version: str) -> Response:
        """Hand out the dossier on paper, its data and an evidence bundle attached."""
        case = case_of(case_id)
        if case is None or not ENTRY.fullmatch(version):
            return self._pages.sorry(request, "not-found")

        async def make() -> Response:
            known_at = instant(KNOWN_AT, request.query_params.get(KNOWN_AT))
            try:
                made = await self._paper.make(looking(request), case, int(version), known_at)
            except NoTypst:
                raise ProblemError("unavailable", "Install the extra pdf to get dossiers on paper.") from None
            return _download(made.content, PDF, f"dossier-{made.sha256[:12]}.pdf", made.access_position)

        return await self._pages.told(request, _or_told(make), closed=CASE_CLOSED)

    async def bundle_page(self, request: Request, case_id: str) -> Response:
        """Show the form by which an evidence bundle of a case is handed out."""

        async def show(case: UUID, asked: Question) -> Response:
            if asked.valid_at is not None:
                raise ProblemError("bad-request", "A bundle holds what was recorded: it takes known_at alone.")
            return await self._bundle_form(request, case, asked)

        return await self._frames.answer(request, case_id, BUNDLE, show)

    async def _bundle_form(self, request: Request, case: UUID, asked: Question, kept: str | None = None) -> Response:
        """Return the form for a bundle; ``kept`` is a size typed before that no bundle can be tied to."""
        await self._reader.door.require_in(looking(request), Act.EVIDENCE_MAKE, case, BUNDLE_FORM, asked)
        look = await self._reader.case(looking(request), case, asked, BUNDLE_FORM)
        frame = self._frames.frame(request, case, BUNDLE, asked, look.access_position)
        page = bundle_form(look, str(uuid4()), kept)
        shown = replace(frame, form=_known_only(frame))
        return self._pages.render(request, "bundle.html", 200 if kept is None else 422, frame=shown, page=page)

    async def bundle(self, request: Request, case_id: str) -> Response:
        """Hand out an evidence bundle, told as far as the answer chosen goes; a second click is the same request."""
        form = await self._sign_in.require_form(request)
        case, answer, known_at = case_of(case_id), form.get("svar", ""), form.get(KNOWN_AT)
        key = _key(form.get("noegle", ""))
        named = re.findall(r"[^\s,]+", form.get("numre", ""))
        if case is None or not (answer == "" or ENTRY.fullmatch(answer)):
            return self._pages.sorry(request, "not-found")
        if not all(map(ENTRY.fullmatch, named)):
            return self._pages.sorry(request, "malformed")
        kept = form.get("kendt", "").strip()

        async def make() -> Response:
            entries, asked = frozenset(map(int, named)) or None, Question(instant(KNOWN_AT, known_at))
            if kept and not ENTRY.fullmatch(kept):
                return await self._bundle_form(request, case, asked, kept)
            wish = Wish(case, asked.known_at, int(answer) if answer else None, entries, int(kept) if kept else None)
            commit = Commit((), key, f"{request.url.path}\n{answer}\n{known_at}\n{named}\n{kept}".encode())
            try:
                made = await self._evidence.make(looking(request), wish, commit)
            except Malformed as error:
                if not any(one.pointer == "/kept" for one in error.problems):
                    raise
                return await self._bundle_form(request, case, asked, kept)
            name = f"bevispakke-{made.bundle.sha256[:12]}.zip"
            return _download(made.bundle.content, MEDIA_TYPE, name, made.access_position)

        return await self._pages.told(request, _or_told(make), closed=CASE_CLOSED)


def _known_only(frame: Frame) -> views.Form | None:
    """Return the form for the instant of knowledge alone: a decision is judged by the instant it was made."""
    form = frame.form
    return None if form is None else replace(form, fields=tuple(one for one in form.fields if one.name != VALID_AT))


def _or_not_found(
    show: Callable[[UUID, Question], Awaitable[Response]],
) -> Callable[[UUID, Question], Awaitable[Response]]:
    async def shown(case: UUID, asked: Question) -> Response:
        try:
            return await show(case, asked)
        except NoDecision:
            raise ProblemError("not-found", "That entry is no decision in force.") from None

    return shown


def _or_told(make: Callable[[], Awaitable[Response]]) -> Callable[[], Awaitable[Response]]:
    """Let what cannot be made now be told as such: no decision, nothing signed yet, another text under the same key."""

    async def made() -> Response:
        try:
            return await make()
        except NoDecision:
            raise ProblemError("not-found", "That entry is no decision in force.") from None
        except NotProvenYet:
            raise ProblemError("unavailable", "The log is not signed yet with the last entry of the case.") from None
        except (KeyReused, Refused):
            raise ProblemError(
                "malformed", "The form was sent before with another choice, or it grants nothing."
            ) from None

    return made


def _download(content: bytes, media_type: str, name: str, access: int) -> Response:
    headers = {
        "Cache-Control": "no-store",
        "Content-Disposition": f'attachment; filename="{name}"',
        "Access-Event": str(access),
    }
    return Response(content, 200, headers, media_type)


def _key(sent: str) -> str:
    """Return the key a form was given out with; raises ForeignRequest."""
    try:
        return str(UUID(sent))
    except ValueError:
        raise ForeignRequest("form") from None
