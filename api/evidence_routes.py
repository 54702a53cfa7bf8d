"""The HTTP API of evidence bundles: what a recipient of access can check without our server."""

from base64 import b64encode
from typing import Annotated, Any

from fastapi import APIRouter, Request
from fastapi.responses import Response
from pydantic import Field

from api import bodies, examples
from api.bodies import Body
from api.cases import Purpose, case_id_of, place_of, problems
from api.conditions import etag, idempotency_key
from api.drafting import Commit
from api.evidence import EvidenceMaker, MadeBundle
from api.principals import looking
from domain.events.base import EntryRef, Instant
from domain.events.fields import Position
from replay.bundle import Wish
from replay.bundle_zip import MEDIA_TYPE

ANSWERS = (
    "malformed", "key-reused", "not-found", "body-too-large", "wrong-media-type", "refused", "not-signed-yet",
    "damaged",
)  # fmt: skip
EXAMPLE: dict[str, Any] = {"answer": 24, "known_at": "2026-03-27T10:00:00+01:00"}
_TEXT = {"schema": {"type": "string"}}
MADE: dict[int | str, dict[str, Any]] = {
    201: {
        "description": "The bundle (docs/bundle.md); that it was made and handed out is on record",
        "headers": {
            "ETag": {"description": "Version of the last entry in it", **_TEXT},
            "Content-Disposition": {"description": "A name that says nothing about anybody", **_TEXT},
            "Content-Digest": {"description": "SHA-256 of the bytes (RFC 9530)", **_TEXT},
            "Access-Event": {"description": "Position of this look", **_TEXT},
        },
        "content": {MEDIA_TYPE: {"schema": {"type": "string", "format": "binary"}, "example": "PK..."}},
    }
}


class BundleBody(Body):
    """From which decision a bundle is made, as recorded by when, of which entries."""

    answer: Annotated[EntryRef, Field(description="The answer to a request for access that gives it, by its version")]
    known_at: Annotated[Instant | None, Field(description="As recorded by this instant; None: now")] = None
    entries: Annotated[
        tuple[EntryRef, ...] | None,
        Field(min_length=1, max_length=10_000, description="Only these, and no word of others; None: every entry"),
    ] = None
    kept: Annotated[
        Position | None, Field(description="Size of a checkpoint the recipient has, to be shown to be the same log's")
    ] = None


def create_evidence_router(maker: EvidenceMaker) -> APIRouter:
    """Return the route over one ledger."""
    router = APIRouter(tags=["evidence"])

    @router.post(
        "/cases/{case_id}/evidence-bundles",
        status_code=201,
        summary="Make an evidence bundle",
        response_class=Response,
        responses=MADE | problems(*ANSWERS),
        openapi_extra=examples.request(BundleBody, EXAMPLE),
    )
    async def make(request: Request, case_id: str, purpose: Purpose = None) -> Response:
        """Hand out what proves a case's entries to somebody without our server, told as far as the decision goes."""
        del purpose  # read with the sign-in
        principal, key = looking(request), idempotency_key(request)
        raw = await bodies.read_body(request)
        body = bodies.parse(BundleBody, raw)
        entries = None if body.entries is None else frozenset(body.entries)
        wish = Wish(case_id_of(case_id), body.known_at, body.answer, entries, body.kept)
        return _answer(await maker.make(principal, wish, Commit((), key, place_of(request) + raw)))

    return router


def _answer(made: MadeBundle) -> Response:
    content = made.bundle.content
    digest = b64encode(bytes.fromhex(made.bundle.sha256)).decode()
    headers = {
        "Cache-Control": "no-store",
        "Content-Disposition": f'attachment; filename="bevispakke-{made.bundle.sha256[:12]}.zip"',
        "Content-Digest": f"sha-256=:{digest}:",
        "ETag": etag(made.bundle.version),
        "Access-Event": str(made.access_position),
    }
    return Response(content, 201, headers, MEDIA_TYPE)
