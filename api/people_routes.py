"""The HTTP API of the people of a case, and of moving entries to the case they belong to."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Request
from fastapi.responses import Response
from pydantic import Field

from api import bodies, examples, people_answers, people_examples
from api.bodies import Body
from api.cases import KnownAt, Purpose, ValidAt, case_id_of, problems, receipt_of
from api.moving import Move, Mover
from api.principals import acting
from api.reading import CaseReader
from api.recording import CaseRecorder
from api.rules_routes import act_of, asked_case
from domain.events.base import EntryRef, PersonRef, Text
from domain.events.fields import Whole
from ledger.documents import Documents
from ledger.store import Ledger

MOVING = (
    "malformed", "key-reused", "stale-version", "version-required", "not-found", "body-too-large", "wrong-media-type",
)  # fmt: skip


class MoveBody(Body):
    """Entries that stand on the wrong case or person, and where they belong."""

    entries: Annotated[tuple[EntryRef, ...], Field(min_length=1, max_length=50, description="Versions, in order")]
    to: Annotated[UUID, Field(strict=False, description="The case they belong to")]
    to_version: Annotated[Whole, Field(description="The version of that case this is decided on")]
    kind: Annotated[str, Field(pattern="^wrong_(case|person)$", examples=["wrong_case"])]
    reason: Annotated[Text, Field(description="Why they belong there; sealed")]
    persons: Annotated[
        dict[PersonRef, PersonRef],
        Field(description="Who of the other case is meant by a reference here", default_factory=dict),
    ]

    def move(self) -> Move:
        """Return the move the body describes."""
        return Move(self.entries, self.to, self.to_version, self.kind, self.reason, self.persons)


def create_people_router(
    ledger: Ledger, recorder: CaseRecorder, reader: CaseReader, documents: Documents | None
) -> APIRouter:
    """Return the routes over one ledger."""
    router = APIRouter(tags=["people"])
    mover = Mover(ledger, recorder, documents)

    @router.get(
        "/cases/{case_id}/people",
        summary="Read who is in a case",
        responses=people_examples.PEOPLE | problems("not-found"),
    )
    async def read_people(
        request: Request, case_id: str, known_at: KnownAt = None, valid_at: ValidAt = None, purpose: Purpose = None
    ) -> Response:
        """Parties and their rights per child, custody, representatives, protection, and who is responsible."""
        del known_at, valid_at, purpose
        asked = await asked_case(ledger, reader, request, case_id, "people")
        return asked.answer(asked.frame | people_answers.people(asked.look, asked.known, asked.at))

    @router.post(
        "/cases/{case_id}/moves",
        status_code=201,
        summary="Move entries to the case they belong to",
        responses=examples.RECEIPT | problems(*MOVING),
        openapi_extra=examples.request(MoveBody, people_examples.MOVE, versioned=True),
    )
    async def move(request: Request) -> Response:
        """Withhold entries here and record them in the other case, together or not at all."""
        commit, expected, raw = await act_of(request)
        act = bodies.parse(MoveBody, raw).move()
        case = case_id_of(request.path_params["case_id"])
        return receipt_of(await mover.move(acting(request), case, expected, act, commit))

    return router
