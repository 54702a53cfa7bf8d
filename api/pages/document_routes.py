"""The documents of a case for those who read pages: the same bytes, proven and put on record as over the API."""

from uuid import UUID

from fastapi import APIRouter, Request
from fastapi.responses import Response

from api.document_reading import DocumentReader
from api.looks import Question
from api.pages.case_frame import CONSENTS, CaseFrames
from api.pages.rendering import Pages
from api.pages.views import CASES
from api.principals import looking


def create_document_pages(pages: Pages, documents: DocumentReader) -> APIRouter:
    """Return the route that hands out the documents of one ledger."""
    router, frames = APIRouter(include_in_schema=False), CaseFrames(pages)

    @router.get(f"{CASES}/{{case_id}}/dokumenter/{{document}}/{{version}}")
    async def open_document(request: Request, case_id: str, document: str, version: str) -> Response:
        """Hand out the bytes of a version as a file to be saved."""
        if not version.isdecimal() or len(version) > 9:
            return pages.sorry(request, "not-found")

        async def show(case: UUID, question: Question) -> Response:
            return await documents.hand_out(looking(request), case, document, int(version), question)

        return await frames.answer(request, case_id, CONSENTS, show)

    return router
