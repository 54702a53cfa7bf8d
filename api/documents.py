"""The HTTP API of documents: file bytes or a link, list what is filed, hand out the bytes proven to be those filed."""

import asyncio
from collections.abc import Mapping
from typing import Annotated, Any

from fastapi import APIRouter, Path, Request
from fastapi.responses import Response

from api import answers, bodies, document_examples
from api.cases import KnownAt, Purpose, ValidAt, answer_json, case_id_of, place_of, problems
from api.conditions import etag, expected_version, idempotency_key, question, refuse_unknown_parameters
from api.document_bodies import LinkBody, pieces_of, read_media_type, read_metadata
from api.document_filing import Filer, entry_of
from api.document_reading import AttachedBytes, DocumentReader
from api.drafting import Commit
from api.principals import acting, looking
from api.reading import CaseLook, CaseReader
from api.recording import Recorded
from domain.documents import Filing, filings
from domain.known import Known, many
from domain.time import write_instant
from ledger.store import Ledger

FILING = (
    "malformed", "key-reused", "stale-version", "version-required", "not-found", "body-too-large", "wrong-media-type",
    "refused",
)  # fmt: skip
HANDING_OUT = ("not-found", "document-erased", "document-missing", "document-changed", "damaged")
DocumentPath = Annotated[str, Path(description="The document's id in the case", examples=["letter-1"])]
VersionPath = Annotated[int, Path(description="The document's version", ge=0, lt=10**9)]


def create_documents_router(ledger: Ledger, reader: CaseReader, filer: Filer, handing: DocumentReader) -> APIRouter:
    """Return the routes over the documents of one ledger."""
    router = APIRouter(tags=["documents"])
    _add_filing(router, ledger, filer)
    _add_reading(router, reader, handing)
    return router


def _add_filing(router: APIRouter, ledger: Ledger, filer: Filer) -> None:
    @router.post(
        "/cases/{case_id}/documents",
        status_code=201,
        summary="File a document",
        responses=document_examples.RECEIPT | problems(*FILING),
        openapi_extra=document_examples.filing(),
    )
    async def file_bytes(request: Request) -> Response:
        """Seal the bytes of the body in the content store and file them as a version of a document."""
        key, expected = idempotency_key(request), expected_version(request)
        said, media_type = read_metadata(request), read_media_type(request)
        recorded = await filer.file_bytes(
            acting(request),
            case_id_of(request.path_params["case_id"]),
            expected,
            said,
            media_type,
            pieces_of(request),
            (key, place_of(request)),
        )
        return await _receipt(ledger, recorded)

    @router.post(
        "/cases/{case_id}/documents/links",
        status_code=201,
        summary="File a link to a document",
        responses=document_examples.RECEIPT | problems(*FILING),
        openapi_extra=document_examples.linking(),
    )
    async def file_link(request: Request) -> Response:
        """File a document that stays in the municipality's document system; its bytes are read once, to commit to."""
        key, expected = idempotency_key(request), expected_version(request)
        raw = await bodies.read_body(request)
        said = bodies.parse(LinkBody, raw)
        commit = Commit((), key, place_of(request) + raw)
        case = case_id_of(request.path_params["case_id"])
        return await _receipt(ledger, await filer.file_link(acting(request), case, expected, said, commit))


def _add_reading(router: APIRouter, reader: CaseReader, handing: DocumentReader) -> None:
    @router.get(
        "/cases/{case_id}/documents",
        summary="List a case's documents",
        responses=document_examples.LIST | problems("not-found"),
    )
    async def list_documents(
        request: Request, case_id: str, known_at: KnownAt = None, valid_at: ValidAt = None, purpose: Purpose = None
    ) -> Response:
        """Every version of every document that was filed, and how its bytes stood when they were last checked."""
        del purpose
        refuse_unknown_parameters(request, "known_at", "valid_at")
        asked = question(known_at, valid_at)
        look = await reader.case(looking(request), case_id_of(case_id), asked, "documents")
        return answer_json(_list(look), {"ETag": etag(look.file.version)})

    @router.get(
        "/cases/{case_id}/documents/{document}/{version}",
        summary="Read a document",
        response_class=AttachedBytes,
        responses=document_examples.BYTES | problems(*HANDING_OUT),
    )
    async def read_document(
        request: Request,
        case_id: str,
        document: DocumentPath,
        version: VersionPath,
        known_at: KnownAt = None,
        valid_at: ValidAt = None,
        purpose: Purpose = None,
    ) -> Response:
        """Hand out the bytes of a version as they were filed, once the look is on record and all of them are proven.

        There are none as of an instant before it was filed; headers say as of when the answer is.
        """
        del purpose
        refuse_unknown_parameters(request, "known_at", "valid_at")
        asked = question(known_at, valid_at)
        return await handing.hand_out(looking(request), case_id_of(case_id), document, version, asked)


async def _receipt(ledger: Ledger, recorded: Recorded) -> Response:
    """Answer with the receipt and what was filed, the same for the first request and every repeat."""
    entry = await asyncio.to_thread(entry_of, ledger, recorded)
    location = f"/cases/{recorded.case}/documents/{entry['document']}/{entry['version']}"
    content = answers.receipt(recorded) | {"filed": _filed(entry)}
    return answer_json(content, {"ETag": etag(recorded.version), "Location": location}, 201)


def _filed(data: Mapping[str, Any]) -> dict[str, Any]:
    return {name: data[name] for name in ("document", "version", "media_type", "size", "commitment")}


def _list(look: CaseLook) -> dict[str, Any]:
    """Return the documents of a case: what was said of them as it stands corrected."""
    known = Known(look.entries)
    cut = look.question.valid_at
    return {
        "case": str(look.file.case),
        "version": look.file.version,
        **look.as_of.values,
        "items": [_item(known, one) for one in filings(known) if cut is None or one.entry.happened <= cut],
        "access_event": look.access_position,
    }


def _item(known: Known, filing: Filing) -> dict[str, Any]:
    said = (known.fact(filing.entry.version) or filing.entry).data
    check = filing.check
    return {
        **_filed(filing.entry.data),
        "entry": filing.entry.version,
        "filed_at": write_instant(filing.entry.recorded_at),
        "in_force": filing.in_force,
        "direction": said.get("direction"),
        "theme": said.get("theme"),
        "store": filing.entry.data["store"],
        "subjects": list(many(filing.entry.data.get("subjects"))),
        "received_or_sent_at": said.get("received_or_sent_at"),
        "derived_from": said.get("derived_from"),
        "for_entry": said.get("for_entry"),
        "check": {
            "state": filing.state,
            "checked_at": write_instant(check.recorded_at) if check else None,
            "entry": check.version if check else None,
        },
    }
