"""The HTTP API of erasure: propose, reject, decide, and what was erased and who must still be told."""

import asyncio
from operator import itemgetter
from typing import Annotated, Any

from fastapi import APIRouter, Path, Request
from fastapi.responses import Response
from pydantic import Field

from api import bodies, erasure_answers, erasure_examples, examples
from api.bodies import Body
from api.cases import KnownAt, Purpose, ValidAt, answer_json, case_id_of, problems, proven_receipt, receipt_of
from api.conditions import question, refuse_unknown_parameters
from api.erasing import Eraser, carrying_out
from api.principals import acting, looking
from api.problems import ProblemError
from api.reading import CaseReader
from api.recording import CaseRecorder, Recorded
from api.rule_answers import instant
from api.rules_routes import act_of, asked_case, stop_at
from api.search_upkeep import forgetting
from domain.authority import Act
from domain.events.administration import GateStopped
from domain.events.base import Code, EntryRef, PersonRef, Text
from domain.events.retention import ErasureGround, ErasureProposed, ErasureRejected, ErasureScope
from domain.stops import TEXTS
from ledger.content_store import ContentStore
from ledger.store import Ledger

ACTING = (
    "malformed", "key-reused", "stale-version", "version-required", "not-found", "body-too-large", "wrong-media-type",
    "refused",
)  # fmt: skip
MOST_ROWS = 1000
"""How many erasures with recipients still to be told are listed."""

ProposalPath = Annotated[int, Path(description="Version of the entry that proposed it", ge=1, le=2**31 - 1)]


class ProposalBody(Body):
    """An erasure that somebody else is to decide."""

    ground: Annotated[ErasureGround, Field(description="Why")]
    scope: Annotated[ErasureScope, Field(description="What: the case with retention, else one person or some entries")]
    legal_basis: Annotated[tuple[Code, ...], Field(min_length=1, max_length=20)]
    reason: Annotated[Text, Field(description="Why, in words; sealed")]
    subject: Annotated[PersonRef | None, Field(description="The person, where the scope is person")] = None
    entries: Annotated[
        tuple[EntryRef, ...] | None,
        Field(min_length=1, max_length=500, description="Versions, where the scope is entries"),
    ] = None


class RejectionBody(Body):
    """Why a proposal is turned down."""

    reason: Annotated[Text, Field(description="Why the data stay; sealed")]


class ErasureBody(Body):
    """The proposal that is decided."""

    proposal: Annotated[EntryRef, Field(description="Version of the entry that proposed it")]


def create_erasure_router(
    ledger: Ledger, recorder: CaseRecorder, reader: CaseReader, content: ContentStore | None
) -> APIRouter:
    """Return the routes over one ledger; without a content store no files of documents are kept."""
    router = APIRouter(tags=["erasure"])
    eraser = Eraser(ledger, recorder, carrying_out(ledger, content, [forgetting(ledger)]))
    _add_proposals(router, eraser)
    _add_decision(router, ledger, eraser)
    _add_reading(router, ledger, reader)
    _add_board(router, ledger, reader)
    return router


def _add_proposals(router: APIRouter, eraser: Eraser) -> None:
    @router.post(
        "/cases/{case_id}/erasures/proposals",
        status_code=201,
        summary="Propose an erasure",
        responses=examples.RECEIPT | problems(*ACTING),
        openapi_extra=examples.request(ProposalBody, erasure_examples.PROPOSAL, versioned=True),
    )
    async def propose(request: Request) -> Response:
        """Put a proposal on record; nothing is erased before somebody else has decided it."""
        commit, expected, raw = await act_of(request)
        proposed = ErasureProposed(**bodies.parse(ProposalBody, raw).model_dump())
        case = case_id_of(request.path_params["case_id"])
        return receipt_of(await eraser.propose(acting(request), case, expected, proposed, commit))

    @router.post(
        "/cases/{case_id}/erasures/proposals/{version}/rejection",
        status_code=201,
        summary="Reject a proposed erasure",
        responses=examples.RECEIPT | problems(*ACTING),
        openapi_extra=examples.request(RejectionBody, erasure_examples.REJECTION, versioned=True),
    )
    async def reject(request: Request, version: ProposalPath) -> Response:
        """Turn an open proposal down: the data stay."""
        commit, expected, raw = await act_of(request)
        rejected = ErasureRejected(proposal=version, reason=bodies.parse(RejectionBody, raw).reason)
        case = case_id_of(request.path_params["case_id"])
        return await proven_receipt(request, await eraser.reject(acting(request), case, expected, rejected, commit))


def _add_decision(router: APIRouter, ledger: Ledger, eraser: Eraser) -> None:
    @router.post(
        "/cases/{case_id}/erasures",
        status_code=201,
        summary="Decide and carry out an erasure",
        responses=examples.RECEIPT | problems(*ACTING),
        openapi_extra=examples.request(ErasureBody, erasure_examples.ERASURE, versioned=True),
    )
    async def erase(request: Request) -> Response:
        """Erase what somebody else proposed, or be told what stands against it; the stop goes on record."""
        commit, expected, raw = await act_of(request)
        proposal = bodies.parse(ErasureBody, raw).proposal
        case = case_id_of(request.path_params["case_id"])
        return await _outcome(request, ledger, await eraser.decide(acting(request), case, expected, proposal, commit))


def _add_reading(router: APIRouter, ledger: Ledger, reader: CaseReader) -> None:
    @router.get(
        "/cases/{case_id}/erasures",
        summary="Read a case's erasures",
        responses=erasure_examples.ERASURES | problems("not-found"),
    )
    async def read_erasures(
        request: Request, case_id: str, known_at: KnownAt = None, valid_at: ValidAt = None, purpose: Purpose = None
    ) -> Response:
        """Proposals with what stands against each, what was erased, and which recipients have been told."""
        del known_at, valid_at, purpose
        asked = await asked_case(ledger, reader, request, case_id, "erasures", act=Act.ERASURE_READ)
        return asked.answer(asked.frame | erasure_answers.erasures(asked.look.file, asked.known, asked.at))


def _add_board(router: APIRouter, ledger: Ledger, reader: CaseReader) -> None:
    @router.get(
        "/erasures", summary="Recipients to be told of erasures", responses=erasure_examples.UNTOLD | problems()
    )
    async def erasures_board(
        request: Request, known_at: KnownAt = None, valid_at: ValidAt = None, purpose: Purpose = None
    ) -> Response:
        """The erasures of all cases, those erased whole too, whose recipients have not all been told; oldest first."""
        del purpose
        refuse_unknown_parameters(request, "known_at", "valid_at")
        look = await reader.erasures(looking(request), question(known_at, valid_at))
        at = look.as_of.at(ledger.now())
        items = [item for case, known in look.cases.items() for item in erasure_answers.untold(case, known, at)]
        items.sort(key=itemgetter("recorded_at", "case", "erasure"))
        return answer_json(
            {
                **look.as_of.values,
                "clock": instant(at),
                "items": items[:MOST_ROWS],
                "total": len(items),
                "access_event": look.access_position,
            }
        )


async def _outcome(request: Request, ledger: Ledger, recorded: Recorded) -> Response:
    """Answer with the receipt of an erasure, or with the problem of one that was stopped, the same for every repeat."""
    version, position, event = recorded.entries[-1]
    if event != GateStopped.name():
        return await proven_receipt(request, recorded)
    codes = await asyncio.to_thread(stop_at, ledger, position)
    explained: dict[str, Any] = {code: TEXTS[code] for code in codes}
    detail = "Nothing was erased; the stop is on record. No reason lets an erasure pass: put right what `stops` name."
    raise ProblemError(
        "refused", detail, stops=codes, explained=explained, entry=version, current_version=recorded.version
    )
