"""The page of an access sample over HTTP."""

import asyncio
from secrets import randbelow

from fastapi import APIRouter, Request
from fastapi.responses import RedirectResponse, Response

from api.conditions import refuse_unknown_parameters
from api.look_sample import LookSampler
from api.pages import sample_views
from api.pages.desk import SAMPLE, Desk
from api.pages.desk_rows import CaseLine
from api.pages.rendering import Pages
from api.pages.sample_views import MONTH, SEED, SHARE, UPTO
from api.pages.views import case_address
from api.principals import looking
from api.reading import CaseReader
from domain.authority import Act
from ledger.store import Ledger

SEEDS = 1_000_000


def create_sample_page(pages: Pages, ledger: Ledger, reader: CaseReader, desk: Desk) -> APIRouter:
    """Return the page over one ledger."""
    router, sampler = APIRouter(include_in_schema=False), LookSampler(ledger, reader)

    @router.get(SAMPLE.address)
    async def sample(request: Request) -> Response:
        """Show a sample; one that was asked for without a seed gets one, and its address draws the same again."""
        return await pages.told(request, lambda: show(request))

    async def show(request: Request) -> Response:
        refuse_unknown_parameters(request, SHARE, SEED, MONTH, UPTO)
        principal, door = looking(request), reader.door
        await door.require(principal, Act.LOOKS_READ, "look_sample")
        size, now = await asyncio.to_thread(lambda: (ledger.head().size, ledger.now()))
        form, draw = sample_views.read_sample(request.query_params, now, size)
        menu = desk.menu(request, SAMPLE)
        if form.errors or not request.query_params:
            status = 400 if form.errors else 200
            return pages.render(request, "desk_sample.html", status, form=form, menu=menu, page=None)
        if draw is None or UPTO not in request.query_params:
            seed = form.seed or str(randbelow(SEEDS))
            return RedirectResponse(sample_views.sample_address(form, seed, size), 303)
        found = await sampler.draw(principal, draw)
        named = {case for one in found.sampled for case in one.cases}
        open_to = door.among(principal, Act.CASE_READ, named)
        cases = {case: CaseLine(door.number(case), case_address(case) if case in open_to else None) for case in named}
        page = sample_views.sample_page(found, cases)
        return pages.render(request, "desk_sample.html", form=form, menu=menu, page=page)

    return router
