"""The pages of consents, disclosures and single events of a case over HTTP. Every look goes through the reader."""

import asyncio
import re
from collections.abc import Collection
from dataclasses import replace
from uuid import UUID

from fastapi import APIRouter, Request
from fastapi.responses import PlainTextResponse, Response

from api.document_reading import DocumentReader
from api.door import NotKnown
from api.log_routes import OF_ENTRY, proof_text
from api.looks import Question
from api.pages import consent_views, disclosure_views, event_views
from api.pages.case_frame import CONSENTS, DISCLOSURES, CaseFrames
from api.pages.consent_history_views import TOPICS
from api.pages.consent_words import ALL, FILTERS, KNOWLEDGE, THEN
from api.pages.rendering import CASE_CLOSED, Pages, case_of
from api.pages.views import CASES, banner, case_address
from api.principals import looking
from api.problems import ProblemError
from api.proving import Prover
from api.reading import CaseReader
from api.rules_routes import questions_to
from ledger.store import Ledger

CHOICE = "vis"
"""What of an address says which part of a page to show."""

VERSION = re.compile(r"[1-9][0-9]{0,8}")
PROOF_SECONDS = 0.5
"""How long the page of an event waits for a checkpoint that holds it; a file of its own waits longer."""

FILE_SECONDS = 2.0


class RecordPages:
    """Answers for the pages of one ledger that show what was consented to, what went out, and one event."""

    def __init__(
        self, pages: Pages, ledger: Ledger, reader: CaseReader, prover: Prover, documents: DocumentReader | None = None
    ) -> None:
        """``documents`` is None where none are served."""
        self._pages, self._ledger, self._reader, self._prover = pages, ledger, reader, prover
        self._documents = documents
        self._frames = CaseFrames(pages)

    def routes(self) -> APIRouter:
        """Return the routes."""
        router = APIRouter(include_in_schema=False)
        router.get(f"{CASES}/{{case_id}}{CONSENTS.path}")(self.consents)
        router.get(f"{CASES}/{{case_id}}{DISCLOSURES.path}")(self.disclosures)
        router.get(f"{CASES}/{{case_id}}/haendelser/{{version}}")(self.event)
        router.get(f"{CASES}/{{case_id}}/haendelser/{{version}}{event_views.PROOF}")(self.proof)
        return router

    async def consents(self, request: Request, case_id: str) -> Response:
        """Show the consents of a case: as registered at an instant, or beside it what is known of them today."""

        async def show(case: UUID, question: Question) -> Response:
            chosen = _chosen(request, KNOWLEDGE, THEN)
            read = consent_views.asked_of(question, chosen)
            then = await asyncio.to_thread(self._reader.as_of, question, self._ledger.head())
            look = await self._reader.case(looking(request), case, read, "consents")
            if look.entries[0].position > then.position:
                raise NotKnown
            asked = await questions_to(self._ledger, look)
            inquiry = asked.questions.inquiry(asked.at)
            filed = [] if self._documents is None else await self._documents.standing(look, TOPICS)
            page = await asyncio.to_thread(consent_views.consents_page, look, question, inquiry, chosen, filed)
            kept = {} if chosen == THEN else {CHOICE: chosen}
            frame = self._frames.frame(request, case, CONSENTS, question, look.access_position, **kept)
            if read != question:
                now = case_address(case) + CONSENTS.path
                frame = replace(frame, banner=banner(question, consent_views.TITLE, None, now))
            return self._pages.render(request, "consents.html", frame=frame, page=page)

        return await self._frames.answer(request, case_id, CONSENTS, show, CHOICE)

    async def disclosures(self, request: Request, case_id: str) -> Response:
        """Show what was passed on and obtained in a case."""

        async def show(case: UUID, question: Question) -> Response:
            chosen = _chosen(request, FILTERS, ALL)
            look = await self._reader.case(looking(request), case, question, "disclosures")
            asked = await questions_to(self._ledger, look)
            page = await asyncio.to_thread(disclosure_views.disclosures_page, look, asked.known, asked.at, chosen)
            kept = {} if chosen == ALL else {CHOICE: chosen}
            frame = self._frames.frame(request, case, DISCLOSURES, question, look.access_position, **kept)
            return self._pages.render(request, "disclosures.html", frame=frame, page=page)

        return await self._frames.answer(request, case_id, DISCLOSURES, show, CHOICE)

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


def _chosen(request: Request, choices: Collection[str], usual: str) -> str:
    """Return which part of a page is asked for; raises ProblemError for one there is not."""
    chosen = request.query_params.get(CHOICE, usual)
    if chosen not in choices:
        raise ProblemError("bad-request", f"{CHOICE} must be one of {', '.join(choices)}.")
    return chosen
