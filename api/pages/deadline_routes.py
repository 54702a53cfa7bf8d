"""The pages of a case's clocks and of the yearly review's questions to it, over HTTP."""

import asyncio
from uuid import UUID

from fastapi import APIRouter, Request
from fastapi.responses import Response

from api.looks import Question
from api.pages import barometer_views, deadline_views
from api.pages.case_frame import BAROMETER, DEADLINES, CaseFrames
from api.pages.rendering import Pages
from api.pages.views import CASES
from api.principals import looking
from api.reading import CaseReader
from api.rules_routes import ask_case
from api.warning_opening import WarningOpener
from domain.authority import Act
from domain.barometer import answers
from ledger.store import Ledger


def create_deadline_pages(pages: Pages, ledger: Ledger, reader: CaseReader, opener: WarningOpener) -> APIRouter:
    """Return the pages over one ledger."""
    router, frames = APIRouter(include_in_schema=False), CaseFrames(pages)

    @router.get(f"{CASES}/{{case_id}}{DEADLINES.path}")
    async def deadlines(request: Request, case_id: str) -> Response:
        """Show the clocks of a case; whoever was warned of them has opened the warnings then."""

        async def show(case: UUID, question: Question) -> Response:
            asked = await ask_case(ledger, reader, looking(request), case, question, "deadlines", Act.CASE_READ)
            opened = await opener.opened(looking(request), asked.look)
            told = asked.look, asked.questions, asked.at, opened
            page = await asyncio.to_thread(
                deadline_views.deadlines_page, *told, records=frames.records(request, case, question)
            )
            frame = frames.frame(request, case, DEADLINES, question, asked.look.access_position)
            return pages.render(request, "deadlines.html", frame=frame, page=page)

        return await frames.answer(request, case_id, DEADLINES, show)

    @router.get(f"{CASES}/{{case_id}}{BAROMETER.path}")
    async def barometer(request: Request, case_id: str) -> Response:
        """Show what the yearly review would find in a case."""

        async def show(case: UUID, question: Question) -> Response:
            asked = await ask_case(ledger, reader, looking(request), case, question, "barometer", Act.CASE_READ)
            found = await asyncio.to_thread(answers, asked.questions.inquiry(asked.at), asked.at)
            page = barometer_views.case_page(asked.look, found)
            frame = frames.frame(request, case, BAROMETER, question, asked.look.access_position)
            return pages.render(request, "case_barometer.html", frame=frame, page=page)

        return await frames.answer(request, case_id, BAROMETER, show)

    return router
