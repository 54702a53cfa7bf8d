"""The HTTP API of who has looked: at a case, at a person of it, and the extract that a person is given."""

import asyncio
from hashlib import sha256
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Path, Query, Request
from fastapi.responses import Response

from api import bodies, examples, look_answers, look_examples
from api.bodies import BodyKind
from api.cases import (
    DEFAULT_PAGE,
    Cursor,
    KnownAt,
    Limit,
    Purpose,
    ValidAt,
    answer_json,
    case_id_of,
    place_of,
    problems,
    proven_receipt,
)
from api.conditions import Cursors, etag, idempotency_key, instant, question, refuse_unknown_parameters
from api.drafting import Commit
from api.look_bodies import ExtractBody, ReleaseBody, WithholdingBody
from api.look_extracts import LookExtracts, Made, NoExtract, Wish
from api.look_letter import letter_pdf
from api.look_log import LookLog, Page
from api.paper import PDF, require_paper
from api.principals import acting, looking
from api.problems import ProblemError
from api.reading import CaseReader
from api.recording import CaseRecorder
from domain.events.access import LookupsWithheld, StaffNamesReleased
from domain.time import write_instant
from ledger.store import Ledger

ACTING = ("malformed", "key-reused", "not-found", "body-too-large", "wrong-media-type", "refused")
STEERING = ("since", "until", "known_at", "valid_at", "cursor", "limit")
Since = Annotated[str | None, Query(description="Looks from this instant on (RFC 3339 with offset)")]
Until = Annotated[str | None, Query(description="Looks up to this instant, counted in (RFC 3339 with offset)")]
PersonPath = Annotated[UUID, Path(description="Id of the person, as the case shows it")]
ExtractVersion = Annotated[int, Path(ge=1, le=2**31 - 1, description="Version of the extract's entry")]
CaseQuery = Annotated[str, Query(description="Id of the case that shows the person")]


def create_look_router(ledger: Ledger, recorder: CaseRecorder, reader: CaseReader, cursors: Cursors) -> APIRouter:
    """Return the routes over one ledger."""
    router = APIRouter(tags=["access"])
    _add_logs(router, LookLog(ledger, reader), cursors)
    _add_extracts(router, LookExtracts(ledger, recorder))
    return router


def _add_logs(router: APIRouter, log: LookLog, cursors: Cursors) -> None:
    @router.get(
        "/cases/{case_id}/access-events",
        summary="Who has looked at a case",
        responses=look_examples.OF_CASE | problems("not-found"),
    )
    async def of_case(
        request: Request,
        case_id: str,
        since: Since = None,
        until: Until = None,
        known_at: KnownAt = None,
        valid_at: ValidAt = None,
        cursor: Cursor = None,
        limit: Limit = DEFAULT_PAGE,
        purpose: Purpose = None,
    ) -> Response:
        """Looks at a case, the newest first, refusals too, with the relation of whoever looked to the case then.

        The summary is about all pages. This look goes on record as well and is not on the page.
        """
        del since, until, known_at, valid_at, purpose
        refuse_unknown_parameters(request, *STEERING)
        return await answered(request, case_id_of(case_id), None, cursor, limit)

    @router.get(
        "/persons/{person}/access-events",
        summary="Who has looked at a person's data",
        responses=look_examples.OF_PERSON | problems("not-found"),
    )
    async def of_person(
        request: Request,
        person: PersonPath,
        case: CaseQuery,
        since: Since = None,
        until: Until = None,
        known_at: KnownAt = None,
        valid_at: ValidAt = None,
        cursor: Cursor = None,
        limit: Limit = DEFAULT_PAGE,
        purpose: Purpose = None,
    ) -> Response:
        """Looks at a person's data in a case, the newest first: those that name the person, or nobody of the case."""
        del since, until, known_at, valid_at, purpose
        refuse_unknown_parameters(request, *STEERING, "case")
        return await answered(request, case_id_of(case), person, cursor, limit)

    async def answered(request: Request, case: UUID, person: UUID | None, cursor: str | None, limit: int) -> Response:
        asked = {name: request.query_params.get(name) for name in ("since", "until", "known_at", "valid_at")}
        context = f"looks|{case}|{person}|{asked}"
        page = _page(asked, limit, cursors.read(cursor, context) if cursor else None)
        found = await log.read(looking(request), case, question(asked["known_at"], asked["valid_at"]), page, person)
        place = None if found.following is None else f"{found.position} {found.following}"
        return answer_json(look_answers.log(found, None if place is None else cursors.write(place, context)))


def _page(asked: dict[str, str | None], limit: int, place: str | None) -> Page:
    since, until = (instant(name, asked[name]) for name in ("since", "until"))
    if since is not None and until is not None and since > until:
        raise ProblemError("bad-request", f"until must not lie before since, {write_instant(since)}.")
    position, after = map(int, place.split()) if place is not None else (None, None)
    return Page(since, until, limit, position, after)


async def _sent(request: Request, kind: type[BodyKind]) -> tuple[BodyKind, Commit]:
    """Return the body of an act and the empty commit it is recorded with."""
    key = idempotency_key(request)
    raw = await bodies.read_body(request)
    return bodies.parse(kind, raw), Commit((), key, place_of(request) + raw)


async def letter_of(made: Made) -> Response:
    """Return an extract as an answer with a PDF."""
    content = await asyncio.to_thread(letter_pdf, made)
    headers = {
        "Cache-Control": "no-store",
        "Access-Event": str(made.access_position),
        "Content-Disposition": f'attachment; filename="opslag-{sha256(content).hexdigest()[:12]}.pdf"',
    }
    return Response(content, 200, headers, PDF)


async def _again(request: Request, extracts: LookExtracts, case_id: str, version: int) -> Made:
    refuse_unknown_parameters(request)
    try:
        return await extracts.again(looking(request), case_id_of(case_id), version)
    except NoExtract as error:
        raise ProblemError("not-found", str(error)) from None


def _add_extracts(router: APIRouter, extracts: LookExtracts) -> None:
    @router.post(
        "/cases/{case_id}/look-extracts",
        status_code=201,
        summary="Make a person's extract of who has looked",
        responses=look_examples.MADE | problems(*ACTING),
        openapi_extra=examples.request(ExtractBody, look_examples.EXTRACT),
    )
    async def make(request: Request, case_id: str) -> Response:
        """Dates, purposes and roles of the looks at a person's data; the extract is on record before it is answered.

        Who looked is named only where a decision on record releases it, and left out only what one withholds.
        """
        body, commit = await _sent(request, ExtractBody)
        made = await extracts.make(acting(request), case_id_of(case_id), Wish(**dict(body)), commit)
        headers = {
            "ETag": etag(made.entry.version),
            "Location": f"/cases/{made.entry.stream}/look-extracts/{made.entry.version}",
            "Access-Event": str(made.access_position),
        }
        return answer_json(look_answers.made(made), headers, 201)

    @router.get(
        "/cases/{case_id}/look-extracts/{version}.pdf",
        summary="Read an extract as a letter",
        response_class=Response,
        responses=look_examples.LETTER | problems("not-found", "refused"),
    )
    async def letter(request: Request, case_id: str, version: ExtractVersion, purpose: Purpose = None) -> Response:
        """An extract on record as PDF/A-3a and PDF/UA-1, the same bytes each time; reading it is a look, too."""
        del purpose
        require_paper()
        return await letter_of(await _again(request, extracts, case_id, version))

    @router.get(
        "/cases/{case_id}/look-extracts/{version}",
        summary="Read an extract that was made",
        responses=look_examples.AGAIN | problems("not-found", "refused"),
    )
    async def again(request: Request, case_id: str, version: ExtractVersion, purpose: Purpose = None) -> Response:
        """An extract on record as it was made, by the version of its entry."""
        del purpose
        made = await _again(request, extracts, case_id, version)
        return answer_json(look_answers.made(made), {"Access-Event": str(made.access_position)})

    @router.post(
        "/cases/{case_id}/look-withholdings",
        status_code=201,
        summary="Withhold look-ups from a person's extract",
        responses=examples.RECEIPT | problems(*ACTING),
        openapi_extra=examples.request(WithholdingBody, look_examples.WITHHOLDING),
    )
    async def withhold(request: Request, case_id: str) -> Response:
        """Decide about these look-ups alone that a person is not told of them, and whether they may be counted."""
        body, commit = await _sent(request, WithholdingBody)
        decision = LookupsWithheld(**dict(body))
        recorded = await extracts.withhold(acting(request), case_id_of(case_id), decision, commit)
        return await proven_receipt(request, recorded)

    @router.post(
        "/cases/{case_id}/staff-name-releases",
        status_code=201,
        summary="Release who looked",
        responses=examples.RECEIPT | problems(*ACTING),
        openapi_extra=examples.request(ReleaseBody, look_examples.RELEASE),
    )
    async def release(request: Request, case_id: str) -> Response:
        """Decide that a person is told who looked: needed for their rights, or looked outside instruction."""
        body, commit = await _sent(request, ReleaseBody)
        decision = StaffNamesReleased(**dict(body))
        recorded = await extracts.release(acting(request), case_id_of(case_id), decision, commit)
        return await proven_receipt(request, recorded)
