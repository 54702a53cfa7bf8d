"""The HTTP API of handing out a case: decide, then make the papers, again and again the same."""

import asyncio
from hashlib import sha256
from typing import Annotated

from fastapi import APIRouter, Path, Request
from fastapi.responses import Response

from api import bodies, examples, production_examples
from api.cases import Purpose, case_id_of, place_of, problems, proven_receipt
from api.conditions import idempotency_key, refuse_unknown_parameters
from api.drafting import Commit
from api.paper import PDF, require_paper
from api.principals import looking
from api.problems import ProblemError
from api.production_bodies import ProductionBody, RedactionBody
from api.production_pdf import production_pdf
from api.productions import Asked, NoProduction, Produced, Productions, Wanted
from domain.errors import Malformed, Problem
from domain.production import Redaction

ACTING = ("malformed", "key-reused", "not-found", "body-too-large", "wrong-media-type", "refused")
AnswerVersion = Annotated[int, Path(ge=1, le=2**31 - 1, description="Version of the answer that hands it out")]


def create_production_router(productions: Productions) -> APIRouter:
    """Return the routes over one ledger."""
    router = APIRouter(tags=["evidence"])

    @router.post(
        "/cases/{case_id}/productions",
        status_code=201,
        summary="Decide what is handed out",
        responses=examples.RECEIPT | problems(*ACTING),
        openapi_extra=examples.request(ProductionBody, production_examples.BODY),
    )
    async def decide(request: Request, case_id: str, purpose: Purpose = None) -> Response:
        """Answer a request for access with a selection of entries, some places left out by code and reason.

        What the record itself closes to the recipient is left out whatever is chosen. The papers are read below.
        """
        del purpose
        principal, key = looking(request), idempotency_key(request)
        raw = await bodies.read_body(request)
        wanted = _wanted(bodies.parse(ProductionBody, raw))
        recorded = await productions.decide(
            principal, case_id_of(case_id), wanted, Commit((), key, place_of(request) + raw)
        )
        return await proven_receipt(request, recorded)

    @router.get(
        "/cases/{case_id}/productions/{version}.pdf",
        summary="Read what was handed out on paper",
        response_class=Response,
        responses=production_examples.PAPER | problems("not-found", "refused", "not-signed-yet"),
    )
    async def paper(request: Request, case_id: str, version: AnswerVersion, purpose: Purpose = None) -> Response:
        """The same as PDF/A-3a and PDF/UA-1, with itself as data attached: fit for filing."""
        del purpose
        require_paper()
        return await paper_of(await _made(request, productions, case_id, version))

    @router.get(
        "/cases/{case_id}/productions/{version}",
        summary="Read what was handed out",
        responses=production_examples.READ | problems("not-found", "refused", "not-signed-yet"),
    )
    async def read(request: Request, case_id: str, version: AnswerVersion, purpose: Purpose = None) -> Response:
        """What an answer hands out, as data: the same bytes each time; rights and erasures are judged now."""
        del purpose
        made = await _made(request, productions, case_id, version)
        return Response(made.content, 200, _headers(made), "application/json")

    return router


async def paper_of(made: Produced) -> Response:
    """Return what was handed out as an answer with a PDF."""
    content = await asyncio.to_thread(production_pdf, made)
    name = f'attachment; filename="udlevering-{sha256(content).hexdigest()[:12]}.pdf"'
    return Response(content, 200, _headers(made) | {"Content-Disposition": name}, PDF)


async def _made(request: Request, productions: Productions, case_id: str, version: int) -> Produced:
    refuse_unknown_parameters(request)
    try:
        return await productions.make(looking(request), case_id_of(case_id), version)
    except NoProduction as error:
        raise ProblemError("not-found", str(error)) from None


def _headers(made: Produced) -> dict[str, str]:
    return {"Cache-Control": "no-store", "Access-Event": str(made.access_position)}


def _wanted(body: ProductionBody) -> Wanted:
    request = body.request if body.asked is None else Asked(**dict(body.asked))
    if request is None or (body.request is not None and body.asked is not None):
        raise Malformed([Problem("/request", "must name a request on record, or stand back for asked: one of the two")])
    return Wanted(
        request,
        body.known_at,
        body.valid_at,
        None if body.entries is None else tuple(sorted(set(body.entries))),
        tuple(map(_redaction, body.redactions)),
        body.grounds,
    )


def _redaction(body: RedactionBody) -> Redaction:
    return Redaction(body.entry, body.field, body.paragraph, body.code, body.reason)
