"""The pages of an access sample over HTTP: drawing it, judging its looks, and the sample on paper."""

import asyncio
import re
from collections.abc import Mapping
from secrets import randbelow
from urllib.parse import urlencode
from uuid import UUID, uuid4

from fastapi import APIRouter, Request
from fastapi.responses import RedirectResponse, Response

from api.conditions import refuse_unknown_parameters
from api.drafting import Commit
from api.look_sample import LookSampler
from api.look_sample_paper import PAPER, sample_pdf
from api.look_verdicts import LookJudge
from api.pages import sample_views
from api.pages.access_routes import form_key
from api.pages.desk import SAMPLE, Desk
from api.pages.desk_rows import CaseLine
from api.pages.language import _
from api.pages.rendering import Pages
from api.pages.sample_views import JUDGED, MONTH, SEED, SHARE, UPTO, Judging, SampleForm, read_choice
from api.pages.views import case_address
from api.paper import PDF, require_paper
from api.principals import acting, looking
from api.problems import ProblemError
from api.reading import CaseReader
from api.recording import KeyReused
from api.sign_in.identity import Form, SignIn
from domain.authority import Act
from domain.errors import Malformed, Refused
from ledger.store import Ledger
from projections.look_sample import Draw

SEEDS = 1_000_000
DRAWN_BY = (SHARE, SEED, MONTH, UPTO)
NUMBER = re.compile(r"[1-9][0-9]{0,17}")


class SamplePages:
    """Answers for the pages of access samples of one ledger."""

    def __init__(self, pages: Pages, ledger: Ledger, reader: CaseReader, desk: Desk, sign_in: SignIn) -> None:
        self._pages, self._ledger, self._door, self._desk = pages, ledger, reader.door, desk
        self._sign_in, self._sampler = sign_in, LookSampler(ledger, reader)
        self._judge = LookJudge(ledger, self._sampler)

    def routes(self) -> APIRouter:
        """Return the routes."""
        router = APIRouter(include_in_schema=False)
        router.get(SAMPLE.address)(self.sample)
        router.get(f"{SAMPLE.address}.pdf")(self.paper)
        router.post(f"{SAMPLE.address}/vurdering")(self.judge)
        return router

    async def sample(self, request: Request) -> Response:
        """Show a sample; one that was asked for without a seed gets one, and its address draws the same again."""
        return await self._pages.told(request, lambda: self._show(request))

    async def paper(self, request: Request) -> Response:
        """Return a sample with its verdicts, as on record at a position, as PDF."""
        return await self._pages.told(request, lambda: self._paper(request))

    async def judge(self, request: Request) -> Response:
        """Take a verdict on a look of a sample and go back to it there."""
        form = await self._sign_in.require_form(request)
        return await self._pages.told(request, lambda: self._take(request, form, form_key(form)))

    async def _show(self, request: Request) -> Response:
        refuse_unknown_parameters(request, *DRAWN_BY)
        await self._door.require(looking(request), Act.LOOKS_READ, "look_sample")
        form, draw, size = await self._read(request.query_params)
        if form.errors or not request.query_params:
            menu, status = self._desk.menu(request, SAMPLE), 400 if form.errors else 200
            return self._pages.render(request, "desk_sample.html", status, form=form, menu=menu, page=None)
        if draw is None or UPTO not in request.query_params:
            seed = form.seed or str(randbelow(SEEDS))
            return RedirectResponse(sample_views.sample_address(form, seed, size), 303)
        return await self._drawn(request, form, draw)

    async def _drawn(
        self, request: Request, form: SampleForm, draw: Draw, wrong: int | None = None, problem: str | None = None
    ) -> Response:
        principal = looking(request)
        found = await self._sampler.draw(principal, draw)
        named = {case for one in found.sampled for case in one.cases}
        open_to = self._door.among(principal, Act.CASE_READ, named)
        cases = {case: self._line(case, is_open=case in open_to) for case in named}
        judging = Judging(principal.id, self._door.allows(principal, Act.LOOK_JUDGE), uuid4(), wrong, problem)
        head = (await asyncio.to_thread(self._ledger.head)).size
        page = sample_views.sample_page(found, cases, form, judging, head)
        menu, status = self._desk.menu(request, SAMPLE), 422 if wrong else 409 if problem else 200
        return self._pages.render(request, "desk_sample.html", status, form=form, menu=menu, page=page)

    async def _paper(self, request: Request) -> Response:
        refuse_unknown_parameters(request, *DRAWN_BY, JUDGED)
        principal = looking(request)
        await self._door.require(principal, Act.LOOKS_READ, PAPER)
        require_paper()
        _form, draw, size = await self._read(request.query_params)
        judged = request.query_params.get(JUDGED, "")
        if draw is None or not NUMBER.fullmatch(judged) or int(judged) > size:
            raise ProblemError("bad-request", "The address must name a sample and how far its verdicts are read.")
        found = await self._sampler.draw(principal, draw, int(judged), PAPER)
        numbers = {case: self._door.number(case) for one in found.sampled for case in one.cases}
        content = await asyncio.to_thread(sample_pdf, found, numbers)
        name = {"Content-Disposition": f'attachment; filename="stikproeve-{draw.seed}.pdf"'}
        return Response(content, 200, {"Access-Event": str(found.access_position), **name}, PDF)

    async def _take(self, request: Request, form: Form, key: str) -> Response:
        typed, draw, _size = await self._read(form)
        look, choice = form.get("opslag", ""), read_choice(form.get("vurdering", ""))
        if draw is None or not NUMBER.fullmatch(look):
            return self._pages.sorry(request, "not-found")
        if choice is None:
            return await self._drawn(request, typed, draw, wrong=int(look))
        sent = {name: form.get(name, "") for name in (*DRAWN_BY, "opslag", "vurdering")}
        commit = Commit((), key, f"{request.url.path}\n{urlencode(sent)}".encode())
        try:
            await self._judge.judge(acting(request), draw, int(look), *choice, commit)
        except (Refused, KeyReused, Malformed):
            problem = _(
                "Vurderingen er ikke registreret: opslaget er vurderet før, er dit eget eller kan ikke vurderes af dig."
            )
            return await self._drawn(request, typed, draw, problem=problem)
        return RedirectResponse(f"{sample_views.sample_address(typed, draw.seed, draw.upto)}#opslag-{look}", 303)

    async def _read(self, asked: Mapping[str, str]) -> tuple[SampleForm, Draw | None, int]:
        size, now = await asyncio.to_thread(lambda: (self._ledger.head().size, self._ledger.now()))
        return *sample_views.read_sample(asked, now, size), size

    def _line(self, case: UUID, *, is_open: bool) -> CaseLine:
        return CaseLine(self._door.number(case), case_address(case) if is_open else None)
