"""The HTTP API of dossiers: everything about one decision, the same bytes whenever it is asked again."""

from typing import Annotated

from fastapi import APIRouter, Query, Request
from fastapi.responses import Response

from api.cases import KnownAt, Purpose, case_id_of, problems
from api.conditions import etag, instant, refuse_unknown_parameters
from api.dossier import DossierMaker, MadeDossier, NoDecision
from api.dossier_examples import DOSSIER, PAPER
from api.dossier_paper import Paper, PaperMaker
from api.paper import PDF, NoTypst
from api.principals import looking
from api.problems import ProblemError

Answer = Annotated[
    int | None, Query(ge=1, description="The answer to a request for access whose grant the bundle follows, by version")
]


def create_dossier_router(maker: DossierMaker, paper: PaperMaker) -> APIRouter:
    """Return the routes over one ledger."""
    router = APIRouter(tags=["dossiers"])

    @router.get(
        "/cases/{case_id}/decisions/{version}/dossier",
        summary="Read a decision's dossier",
        responses=DOSSIER | problems("not-found"),
    )
    async def read_dossier(
        request: Request, case_id: str, version: int, known_at: KnownAt = None, purpose: Purpose = None
    ) -> Response:
        """Everything about a decision: what was on record when it was made, what was not, and what came since.

        For one reader the bytes are the same as long as nothing more of the case goes on record, and always with the
        same `known_at`. What is withheld or erased is judged now.
        """
        del known_at, purpose
        made = await _made(request, maker, case_id, version)
        return Response(made.content, 200, _headers(made), "application/json")

    @router.get(
        "/cases/{case_id}/decisions/{version}/dossier.pdf",
        summary="Read a decision's dossier on paper",
        response_class=Response,
        responses=PAPER | problems("not-found", "not-signed-yet"),
    )
    async def read_paper(
        request: Request,
        case_id: str,
        version: int,
        known_at: KnownAt = None,
        answer: Answer = None,
        purpose: Purpose = None,
    ) -> Response:
        """The same as PDF/A-3a and PDF/UA-1, with itself as data and an evidence bundle of the case attached.

        Whoever may make evidence bundles may ask. Without an answer that grants access, the bundle tells nothing.
        """
        del known_at, purpose
        refuse_unknown_parameters(request, "known_at", "answer")
        instant_known = instant("known_at", request.query_params.get("known_at"))
        try:
            made = await paper.make(looking(request), case_id_of(case_id), version, instant_known, answer)
        except NoDecision as error:
            raise ProblemError("not-found", str(error)) from None
        except NoTypst as error:
            raise ProblemError("unavailable", str(error)) from None
        name = {"Content-Disposition": f'attachment; filename="dossier-{made.sha256[:12]}.pdf"'}
        return Response(made.content, 200, _headers(made) | name, PDF)

    return router


async def _made(request: Request, maker: DossierMaker, case_id: str, version: int) -> MadeDossier:
    refuse_unknown_parameters(request, "known_at")
    known_at = instant("known_at", request.query_params.get("known_at"))
    try:
        return await maker.make(looking(request), case_id_of(case_id), version, known_at)
    except NoDecision as error:
        raise ProblemError("not-found", str(error)) from None


def _headers(made: MadeDossier | Paper) -> dict[str, str]:
    return {"Cache-Control": "no-store", "ETag": etag(made.version), "Access-Event": str(made.access_position)}
