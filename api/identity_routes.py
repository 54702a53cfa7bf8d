"""The HTTP API of who the persons of a case are: name and number now and before, and what they are called from now."""

from typing import Annotated, Any, Self
from uuid import UUID

from fastapi import APIRouter, Request
from fastapi.responses import Response
from pydantic import Field, model_validator

from api import bodies, examples
from api.bodies import Body
from api.cases import KnownAt, Purpose, ValidAt, answer_json, case_id_of, place_of, problems
from api.conditions import etag, expected_version, idempotency_key, question, refuse_unknown_parameters
from api.drafting import Commit
from api.examples import CASE_ID, COMMIT_ID
from api.identities import Identified, IdentityRecorder
from api.principals import Principal, acting, looking
from api.problems import ProblemError
from api.reading import CaseLook, CaseReader, NamedPerson
from api.recording import CaseRecorder
from domain.authority import Act
from domain.cpr import kind_of, read_person_number
from domain.entries import Entry
from domain.events import BY_TOPIC
from domain.events.administration import PersonIdentified
from domain.events.base import Code, MomentField, Text
from domain.events.fields import Identifier
from domain.time import write_instant, write_moment
from ledger.store import Ledger

RECORDING = (
    "malformed", "key-reused", "stale-version", "version-required", "not-found", "body-too-large", "wrong-media-type",
    "refused",
)  # fmt: skip

EXAMPLE: dict[str, Any] = {
    "full_name": "Asta Eksempel",
    "identifier": "610199-0001",
    "because": "born",
    "occurred_at": "2026-03-04",
}

_IDENTITY: dict[str, Any] = {
    "case": CASE_ID,
    "known_at": None,
    "valid_at": None,
    "as_of_position": 4690,
    "root": examples.ROOT,
    "ref": "child-A",
    "person": COMMIT_ID,
    "version": 2,
    "full_name": "Asta Eksempel",
    "identifier": "6101990001",
    "identifier_kind": "replacement",
    "check_digit_fits": False,
    "history": [
        {
            "version": 2,
            "event": "PersonIdentified",
            "occurred_at": "2026-03-04",
            "recorded_at": "2026-03-05T08:12:09.120004Z",
            "full_name": "Asta Eksempel",
            "identifier": "6101990001",
            "because": "born",
            "reason": None,
            "erased": [],
        }
    ],
    "access_event": 4715,
}

_IDENTIFIED: dict[str, Any] = {
    "person": COMMIT_ID,
    "version": 2,
    "position": 4711,
    "recorded_at": "2026-03-05T08:12:09.120004Z",
}

IDENTITY = examples.answer(200, "Who a person of a case is", _IDENTITY, etag=True)
IDENTIFIED = examples.answer(201, "Recorded; a repeat of the same request gets this same answer", _IDENTIFIED, True)


class IdentityBody(Body):
    """What a person is called from now on: a name, a number, or both."""

    full_name: Annotated[Text | None, Field(description="Sealed under the person's own key")] = None
    identifier: Annotated[Identifier | None, Field(description="CPR or replacement number, DDMMYY-SSSS; sealed")] = None
    because: Annotated[Code | None, Field(examples=["born", "married", "number_assigned"])] = None
    occurred_at: MomentField
    reason: Annotated[Text | None, Field(description="Why this is recorded; sealed")] = None
    legal_basis: Annotated[tuple[Code, ...], Field(max_length=20)] = ()

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        """Refuse an account that gives neither name nor number."""
        if self.full_name is None and self.identifier is None:
            raise ValueError("must give full_name, identifier or both")
        return self

    def event(self, person: UUID) -> PersonIdentified:
        """Return the event that the body describes, of one person."""
        return PersonIdentified(
            person=person, full_name=self.full_name, identifier=self.identifier, because=self.because
        )


def create_identity_router(ledger: Ledger, recorder: CaseRecorder, reader: CaseReader) -> APIRouter:
    """Return the routes over one ledger."""
    router = APIRouter(tags=["people"])
    identities = IdentityRecorder(ledger)

    @router.get(
        "/cases/{case_id}/persons/{ref}/identity",
        summary="Read who a person of a case is",
        responses=IDENTITY | problems("not-found"),
    )
    async def read_identity(
        request: Request,
        case_id: str,
        ref: str,
        known_at: KnownAt = None,
        valid_at: ValidAt = None,
        purpose: Purpose = None,
    ) -> Response:
        """Name and number at an instant, and every name and number before; the look names the person."""
        del purpose
        refuse_unknown_parameters(request, "known_at", "valid_at")
        principal, asked_at = looking(request), question(known_at, valid_at)
        look = await reader.person(principal, case_id_of(case_id), ref, asked_at)
        named = next(one for one in look.persons if one.person.ref == ref)
        return answer_json(_identity(look, named), {"ETag": etag(named.identities[-1].version)})

    @router.post(
        "/cases/{case_id}/persons/{ref}/identities",
        status_code=201,
        summary="Record what a person is called now",
        responses=IDENTIFIED | problems(*RECORDING),
        openapi_extra=examples.request(IdentityBody, EXAMPLE, versioned=True),
    )
    async def identify(request: Request, case_id: str, ref: str) -> Response:
        """Record another name or number of a person of a case, decided on the version of the person in If-Match."""
        key, expected = idempotency_key(request), expected_version(request)
        raw = await bodies.read_body(request)
        body = bodies.parse(IdentityBody, raw)
        commit = Commit((), key, place_of(request) + raw, body.reason, body.legal_basis)
        principal = acting(request)
        person = await _person(recorder, principal, case_id_of(case_id), ref)
        identified = await identities.record(principal, expected, body.event(person), body.occurred_at, commit)
        return answer_json(_identified(identified), {"ETag": etag(identified.version)}, 201)

    return router


async def _person(recorder: CaseRecorder, principal: Principal, case: UUID, ref: str) -> UUID:
    """Return who a reference of a case means, for somebody who may record in it."""
    await recorder.door.require_in(principal, Act.CASE_WRITE, case, "identify")
    found = (await recorder.read_file(case)).persons.get(ref)
    if found is None:
        raise ProblemError("not-found", "There is no such person in this case: use a reference that it shows.")
    return found.person


def _identity(look: CaseLook, named: NamedPerson) -> dict[str, Any]:
    number = named.identifier if kind_of(named.identifier) else None
    return {
        "case": str(look.file.case),
        **look.as_of.values,
        "ref": named.person.ref,
        "person": str(named.person.person),
        "version": named.identities[-1].version,
        "full_name": named.full_name,
        "identifier": named.identifier,
        "identifier_kind": kind_of(named.identifier),
        "check_digit_fits": read_person_number(number).check_digit_fits if number else None,
        "history": [_said(entry) for entry in named.identities],
        "access_event": look.access_position,
    }


def _said(entry: Entry) -> dict[str, Any]:
    return {
        "version": entry.version,
        "event": BY_TOPIC[entry.topic].name(),
        "occurred_at": write_moment(entry.occurred_at),
        "recorded_at": write_instant(entry.recorded_at),
        "full_name": entry.data.get("full_name"),
        "identifier": entry.data.get("identifier"),
        "because": entry.data.get("because"),
        "reason": entry.reason,
        "erased": list(entry.erased),
    }


def _identified(identified: Identified) -> dict[str, Any]:
    return {
        "person": str(identified.person),
        "version": identified.version,
        "position": identified.position,
        "recorded_at": write_instant(identified.recorded_at),
    }
