"""The HTTP API of cases: open, record, read as of any instant."""

from collections.abc import Mapping
from typing import Annotated, Any
from uuid import UUID

import orjson
from fastapi import APIRouter, Header, Path, Query, Request
from fastapi.responses import Response

from api import answers, bodies, examples
from api.conditions import Cursors, etag, expected_version, idempotency_key, question, refuse_unknown_parameters
from api.drafting import Commit
from api.principals import acting, looking
from api.problems import KINDS, MEDIA_TYPE, ProblemError
from api.proving import Prover
from api.reading import CaseLook, CaseReader
from api.recording import CaseRecorder, Recorded
from api.withdrawal import gone_out_by
from domain.time import start_of

PAGE_LIMIT = 500
DEFAULT_PAGE = 100

KnownAt = Annotated[
    str | None,
    Query(description="As recorded by this instant (RFC 3339 with offset)", examples=["2024-08-21T07:00:00Z"]),
]
ValidAt = Annotated[str | None, Query(description="Of what had happened by this instant (RFC 3339 with offset)")]
Cursor = Annotated[str | None, Query(description="`next` of the page before")]
Limit = Annotated[int, Query(ge=1, le=PAGE_LIMIT)]
EntryVersion = Annotated[int, Path(ge=1, le=2**31 - 1, description="Version of the case with the entry")]
Purpose = Annotated[
    str | None,
    Header(
        description="Required: why the record is looked at, with the matter it belongs to where there is one",
        examples=['case-work; ref="S-2025-0412"'],
    ),
]


EVERYWHERE = (
    "bad-request", "not-signed-in", "forbidden", "misdirected", "too-many-requests", "head-too-large", "internal",
    "overloaded", "unavailable",
)  # fmt: skip
"""Problems that any route answers with."""


def problems(*kinds: str) -> dict[int | str, dict[str, Any]]:
    """Return the OpenAPI description of the problems a route answers with."""
    anything = {"description": "Any other problem", "content": {MEDIA_TYPE: {"schema": examples.PROBLEM_SCHEMA}}}
    found: dict[int | str, dict[str, Any]] = {"default": anything}
    for name in (*kinds, *EVERYWHERE):
        kind = KINDS[name]
        example = {"type": f"/problems/{name}", "title": kind.title, "status": kind.status, "detail": kind.explanation}
        response = found.setdefault(kind.status, {"description": kind.title, "content": {MEDIA_TYPE: {"examples": {}}}})
        response["content"][MEDIA_TYPE]["examples"][name] = {"value": example}
        response["content"][MEDIA_TYPE]["schema"] = examples.PROBLEM_SCHEMA
    return found


def create_router(recorder: CaseRecorder, reader: CaseReader, cursors: Cursors) -> APIRouter:
    """Return the routes over one ledger."""
    router = APIRouter(tags=["cases"])

    @router.post(
        "/cases",
        status_code=201,
        summary="Open a case",
        responses=examples.RECEIPT | problems("malformed", "key-reused", "body-too-large", "wrong-media-type"),
        openapi_extra=examples.request(bodies.CaseBody, examples.OPEN_CASE),
    )
    async def open_case(request: Request) -> Response:
        """Open a case, register its persons and record first facts: together or not at all."""
        key = idempotency_key(request)
        raw = await bodies.read_body(request)
        body = bodies.parse(bodies.CaseBody, raw)
        commit = Commit(
            bodies.facts(body.commands, body.occurred_at), key, place_of(request) + raw, body.reason, body.legal_basis
        )
        persons = [bodies.new_person(person) for person in body.persons]
        recorded = await recorder.open_case(
            acting(request), body.number, body.programme, persons, body.occurred_at, commit
        )
        return await proven_receipt(request, recorded)

    @router.post(
        "/cases/{case_id}/commits",
        status_code=201,
        summary="Record what happened",
        responses=examples.COMMIT_RECEIPT
        | problems(
            "malformed", "key-reused", "stale-version", "version-required", "not-found", "body-too-large",
            "wrong-media-type", "refused",
        ),
        openapi_extra=examples.request(bodies.CommitBody, examples.COMMIT, versioned=True),
    )  # fmt: skip
    async def record(request: Request) -> Response:
        """Record 1..100 facts of a case as one commit, decided on the version named by If-Match.

        Where it takes a consent back, the receipt lists what had gone out on it and who has to be told.
        """
        key, expected = idempotency_key(request), expected_version(request)
        raw = await bodies.read_body(request)
        body = bodies.parse(bodies.CommitBody, raw)
        facts = bodies.facts(body.commands, body.occurred_at)
        commit = Commit(facts, key, place_of(request) + raw, body.reason, body.legal_basis)
        case = case_id_of(request.path_params["case_id"])
        recorded = await recorder.record(acting(request), case, expected, commit)
        return await proven_receipt(request, recorded, gone_out=await gone_out_by(recorder, recorded))

    @router.post(
        "/cases/{case_id}/persons",
        status_code=201,
        summary="Register a person and add them to the case",
        responses=examples.RECEIPT
        | problems(
            "malformed", "key-reused", "stale-version", "version-required", "not-found", "body-too-large",
            "wrong-media-type",
        ),
        openapi_extra=examples.request(bodies.JoinBody, examples.JOIN, versioned=True),
    )  # fmt: skip
    async def add_person(request: Request) -> Response:
        """Register a person and let them join the case, for example a child at birth."""
        key, expected = idempotency_key(request), expected_version(request)
        raw = await bodies.read_body(request)
        body = bodies.parse(bodies.JoinBody, raw)
        commit = Commit((), key, place_of(request) + raw, body.reason, body.legal_basis)
        person = bodies.new_person(body.person)
        recorded = await recorder.add_person(
            acting(request), case_id_of(request.path_params["case_id"]), expected, person, body.occurred_at, commit
        )
        return receipt_of(recorded)

    @router.get("/cases", summary="List cases", responses=examples.BOARD | problems())
    async def list_cases(
        request: Request,
        known_at: KnownAt = None,
        valid_at: ValidAt = None,
        cursor: Cursor = None,
        limit: Limit = DEFAULT_PAGE,
        purpose: Purpose = None,
    ) -> Response:
        """List the cases that were on record at an instant, with the state known then."""
        del purpose  # read with the sign-in
        refuse_unknown_parameters(request, "known_at", "valid_at", "cursor", "limit")
        context = f"cases|{known_at}|{valid_at}"
        after = UUID(cursors.read(cursor, context)) if cursor else UUID(int=0)
        look = await reader.board(looking(request), question(known_at, valid_at), after, limit)
        following = cursors.write(str(look.following), context) if look.following else None
        return answer_json(answers.board(look, following))

    @router.get("/cases/{case_id}", summary="Read a case", responses=examples.CASE | problems("not-found"))
    async def read_case(
        request: Request, case_id: str, known_at: KnownAt = None, valid_at: ValidAt = None, purpose: Purpose = None
    ) -> Response:
        """Read where a case stood: as recorded by `known_at`, of what had happened by `valid_at`."""
        del purpose
        refuse_unknown_parameters(request, "known_at", "valid_at")
        look = await _look(request, case_id, known_at, valid_at, "case")
        return answer_json(answers.case(look), {"ETag": etag(look.file.version)})

    @router.get(
        "/cases/{case_id}/events", summary="Read a case's entries", responses=examples.EVENTS | problems("not-found")
    )
    async def read_events(
        request: Request,
        case_id: str,
        known_at: KnownAt = None,
        valid_at: ValidAt = None,
        cursor: Cursor = None,
        limit: Limit = DEFAULT_PAGE,
        purpose: Purpose = None,
    ) -> Response:
        """Read the entries in the order recorded, as written, with every correction and annulment beside them."""
        del purpose  # read with the sign-in
        refuse_unknown_parameters(request, "known_at", "valid_at", "cursor", "limit")
        context = f"{case_id}|{known_at}|{valid_at}"
        after = int(cursors.read(cursor, context)) if cursor else 0
        look = await _look(request, case_id, known_at, valid_at, "events")
        cut = look.question.valid_at
        shown = [e for e in look.entries if e.version > after and (cut is None or start_of(e.occurred_at) <= cut)]
        following = cursors.write(str(shown[limit - 1].version), context) if len(shown) > limit else None
        return answer_json(answers.events(look, shown[:limit], following), {"ETag": etag(look.file.version)})

    @router.get(
        "/cases/{case_id}/events/{version}", summary="Read one entry", responses=examples.EVENT | problems("not-found")
    )
    async def read_event(
        request: Request,
        case_id: str,
        version: EntryVersion,
        known_at: KnownAt = None,
        valid_at: ValidAt = None,
        purpose: Purpose = None,
    ) -> Response:
        """Read one entry as written, with every correction and annulment of it."""
        del purpose
        refuse_unknown_parameters(request, "known_at", "valid_at")
        look = await _look(request, case_id, known_at, valid_at, "event")
        cut = look.question.valid_at
        found = [
            one for one in look.entries if one.version == version and (cut is None or start_of(one.occurred_at) <= cut)
        ]
        if not found:
            raise ProblemError("not-found", "The case had no such entry as of the instants asked about.")
        return answer_json(answers.event(look, found[0]), {"ETag": etag(look.file.version)})

    async def _look(request: Request, case_id: str, known_at: str | None, valid_at: str | None, what: str) -> CaseLook:
        return await reader.case(looking(request), case_id_of(case_id), question(known_at, valid_at), what)

    return router


def place_of(request: Request) -> bytes:
    """Return what a repeat must be sent to, beside having the same body."""
    return f"{request.method} {request.scope['path']}\n".encode()


def case_id_of(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        raise ProblemError("not-found", "There is no case with this id.") from None


async def proven_receipt(request: Request, recorded: Recorded, **more: Any) -> Response:
    """Answer with a receipt, and with the proof where a commit has one at once."""
    prover: Prover = request.app.state.prover
    return receipt_of(recorded, proof=await prover.of_receipt(recorded), **more)


def receipt_of(recorded: Recorded, **more: Any) -> Response:
    """Answer with a receipt and what more there is to say of it."""
    headers = {"ETag": etag(recorded.version), "Location": f"/cases/{recorded.case}"}
    return answer_json(answers.receipt(recorded) | more, headers, 201)


def answer_json(content: Any, headers: Mapping[str, str] | None = None, status: int = 200) -> Response:
    """Answer with JSON that no cache keeps: what it holds is personal."""
    everywhere = {"Cache-Control": "no-store", **(headers or {})}
    if "access_event" in content:
        everywhere["Access-Event"] = str(content["access_event"])
    return Response(orjson.dumps(content), status, everywhere, "application/json")
