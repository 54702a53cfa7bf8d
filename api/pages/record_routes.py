"""The pages of consents, disclosures and single events of a case over HTTP. Every look goes through the reader."""

import asyncio
import re
from uuid import UUID

from fastapi import APIRouter, Request
from fastapi.responses import PlainTextResponse, Response

from api.log_routes import OF_ENTRY, proof_text
from api.looks import Question
from api.pages import event_views
from api.pages.case_frame import CaseFrames
from api.pages.rendering import CASE_CLOSED, Pages, case_of
from api.pages.views import CASES
from api.principals import looking
from api.problems import ProblemError
from api.proving import Prover
from api.reading import CaseReader
from ledger.store import Ledger

VERSION = re.compile(r"[1-9][0-9]{0,8}")
PROOF_SECONDS = 0.5
"""How long the page of an event waits for a checkpoint that holds it; a file of its own waits longer."""

FILE_SECONDS = 2.0


class RecordPages:
    """Answers for the pages of one ledger that show what was consented to, what went out, and one event."""

    def __init__(self, pages: Pages, ledger: Ledger, reader: CaseReader, prover: Prover) -> None:
        self._pages, self._ledger, self._reader, self._prover = pages, ledger, reader, prover
        self._frames = CaseFrames(pages)

    def routes(self) -> APIRouter:
        """Return the routes."""
        router = APIRouter(include_in_schema=False)
        router.get(f"{CASES}/{{case_id}}/haendelser/{{version}}")(self.event)
        router.get(f"{CASES}/{{case_id}}/haendelser/{{version}}{event_views.PROOF}")(self.proof)
        return router

    async def event(self, request: Request, case_id: str, version: str) -> Response:
        """Show one event of a case."""
        if not VERSION.fullmatch(version):
            return self._pages.sorry(request, "not-found")
        number, place = int(version), event_views.place_of(int(version))

        async def show(case: UUID, asked: Question) -> Response:
            look = await self._reader.case(looking(request), case, asked, "event")
            label = event_views.event_label(number)
            frame = self._frames.frame(request, case, place, asked, look.access_position, label)
            found = event_views.found_event(look, number)
            if found is None:
                return self._pages.render(request, "no_event.html", 404, frame=frame)
            published = await self._prover.covering(found.position, PROOF_SECONDS)
            proof = None
            if published is not None:
                proof = await asyncio.to_thread(proof_text, self._ledger, self._prover, look, number, published)
            page = event_views.event_page(look, found, published, proof)
            return self._pages.render(request, "event.html", frame=frame, page=page)

        return await self._frames.answer(request, case_id, place, show)

    async def proof(self, request: Request, case_id: str, version: str) -> Response:
        """Hand out the proof of an event as a file, in the smallest signed checkpoint that holds it."""
        case = case_of(case_id)
        if case is None or not VERSION.fullmatch(version):
            return self._pages.sorry(request, "not-found")
        number = int(version)

        async def look() -> Response:
            seen = await self._reader.case(looking(request), case, Question(), OF_ENTRY)
            if number > seen.file.version:
                raise ProblemError("not-found", "The case has no such entry.")
            published = await self._prover.covering(seen.entries[number - 1].position, FILE_SECONDS)
            if published is None:
                raise ProblemError("unavailable", "No checkpoint holds this entry yet.")
            text = await asyncio.to_thread(proof_text, self._ledger, self._prover, seen, number, published)
            name = f'attachment; filename="haendelse-{number}.tlog-proof"'
            headers = {
                "Content-Disposition": name,
                "Cache-Control": "no-store",
                "Access-Event": str(seen.access_position),
            }
            return PlainTextResponse(text, headers=headers)

        return await self._pages.told(request, look, closed=CASE_CLOSED, emergency_in=case)
