"""The HTTP API of access: emergency access and its review, restrictions, conflicts of interest, grants, notices."""

from collections.abc import Awaitable, Callable
from typing import Annotated, Any, TypeVar

from fastapi import APIRouter, Path, Query, Request
from fastapi.responses import Response

from api import access_answers, access_examples, bodies, examples
from api.access_acts import AccessKeeper
from api.access_bodies import (
    ConflictBody,
    EmergencyBody,
    GrantBody,
    GrantEndBody,
    ReasonBody,
    RestrictionBody,
    RestrictionReviewBody,
    VerdictBody,
)
from api.access_reading import AccessReader
from api.bodies import Body
from api.cases import KnownAt, Purpose, ValidAt, answer_json, case_id_of, place_of, problems, receipt_of
from api.conditions import idempotency_key, question, refuse_unknown_parameters, wished_version
from api.drafting import Commit
from api.looks import Question
from api.principals import acting, looking
from api.reading import CaseReader
from api.recording import CaseRecorder
from domain.events.base import CODE_PATTERN
from domain.events.reach import (
    AccessEnded,
    AccessGranted,
    BreakGlassReviewed,
    CaseRestricted,
    ConflictOfInterestEnded,
    ConflictOfInterestRecorded,
    RestrictionReviewed,
)
from ledger.store import Ledger

ACTING = (
    "malformed", "key-reused", "stale-version", "not-found", "body-too-large", "wrong-media-type", "refused",
)  # fmt: skip
READING = ("not-found",)
BodyKind = TypeVar("BodyKind", bound=Body)
EntryPath = Annotated[int, Path(ge=1, le=2**31 - 1, description="Version of the entry")]
StaffPath = Annotated[str, Path(min_length=1, max_length=80, pattern=CODE_PATTERN, description="Staff id")]
Waiting = Annotated[bool, Query(description="Only those that wait for a verdict")]


def create_access_router(ledger: Ledger, recorder: CaseRecorder, reader: CaseReader) -> APIRouter:
    """Return the routes over one ledger."""
    router = APIRouter(tags=["access"])
    keeper = AccessKeeper(ledger, recorder)
    _add_emergencies(router, keeper)
    _add_restrictions(router, keeper)
    _add_conflicts(router, keeper)
    lists = AccessReader(ledger, reader)
    _add_grants(router, keeper, lists)
    _add_lists(router, lists)
    return router


async def _sent(request: Request, kind: type[BodyKind]) -> tuple[BodyKind, Commit, int | None]:
    """Return the body of an act, the empty commit it is recorded with, and the version it was decided on, if named."""
    key, expected = idempotency_key(request), wished_version(request)
    raw = await bodies.read_body(request)
    return bodies.parse(kind, raw), Commit((), key, place_of(request) + raw), expected


def _act(
    router: APIRouter, path: str, kind: type[Body], example: dict[str, Any], summary: str
) -> Callable[[Callable[..., Awaitable[Response]]], Callable[..., Awaitable[Response]]]:
    """Declare the address of an act."""
    return router.post(
        path,
        status_code=201,
        summary=summary,
        responses=examples.RECEIPT | problems(*ACTING),
        openapi_extra=examples.request(kind, example, wished=True),
    )


def _add_emergencies(router: APIRouter, keeper: AccessKeeper) -> None:
    @_act(
        router, "/cases/{case_id}/break-glass", EmergencyBody, access_examples.EMERGENCY, "Open a case in an emergency"
    )
    async def break_glass(request: Request, case_id: str) -> Response:
        """Open a case that is closed to you, for three hours and a reason; it is told to its holders and reviewed."""
        body, commit, _ = await _sent(request, EmergencyBody)
        return receipt_of(await keeper.break_glass(acting(request), case_id_of(case_id), body.reason, commit))

    @_act(
        router,
        "/cases/{case_id}/break-glass/{version}/review",
        VerdictBody,
        access_examples.VERDICT,
        "Review an emergency access",
    )
    async def review(request: Request, case_id: str, version: EntryPath) -> Response:
        """Say whether somebody else's emergency access was justified."""
        body, commit, expected = await _sent(request, VerdictBody)
        verdict = BreakGlassReviewed(opening=version, justified=body.justified, grounds=body.grounds)
        case = case_id_of(case_id)
        return receipt_of(await keeper.review_break_glass(acting(request), case, expected, verdict, commit))


def _add_restrictions(router: APIRouter, keeper: AccessKeeper) -> None:
    @_act(router, "/cases/{case_id}/restrictions", RestrictionBody, access_examples.RESTRICTION, "Restrict a case")
    async def restrict(request: Request, case_id: str) -> Response:
        """Let only the people named reach a case, to be reviewed by a day."""
        body, commit, expected = await _sent(request, RestrictionBody)
        restriction = CaseRestricted(**dict(body))
        return receipt_of(await keeper.restrict(acting(request), case_id_of(case_id), expected, restriction, commit))

    @_act(
        router,
        "/cases/{case_id}/restrictions/{version}/review",
        RestrictionReviewBody,
        access_examples.RESTRICTION_REVIEW,
        "Review a restriction",
    )
    async def review(request: Request, case_id: str, version: EntryPath) -> Response:
        """Renew a restriction until another day, perhaps with other people, or lift it."""
        body, commit, expected = await _sent(request, RestrictionReviewBody)
        reviewed = RestrictionReviewed(restriction=version, **dict(body))
        case = case_id_of(case_id)
        return receipt_of(await keeper.review_restriction(acting(request), case, expected, reviewed, commit))


def _add_conflicts(router: APIRouter, keeper: AccessKeeper) -> None:
    @_act(
        router,
        "/cases/{case_id}/conflicts-of-interest",
        ConflictBody,
        access_examples.CONFLICT,
        "Record a conflict of interest",
    )
    async def record(request: Request, case_id: str) -> Response:
        """Keep somebody out of a case, also in an emergency; anybody may declare their own conflict."""
        body, commit, expected = await _sent(request, ConflictBody)
        conflict = ConflictOfInterestRecorded(**dict(body))
        return receipt_of(
            await keeper.record_conflict(acting(request), case_id_of(case_id), expected, conflict, commit)
        )

    @_act(
        router,
        "/cases/{case_id}/conflicts-of-interest/{version}/end",
        ReasonBody,
        access_examples.REASON,
        "End a conflict of interest",
    )
    async def end(request: Request, case_id: str, version: EntryPath) -> Response:
        """Say that a conflict of interest no longer stands."""
        body, commit, expected = await _sent(request, ReasonBody)
        ended = ConflictOfInterestEnded(conflict=version, reason=body.reason)
        return receipt_of(await keeper.end_conflict(acting(request), case_id_of(case_id), expected, ended, commit))


def _add_grants(router: APIRouter, keeper: AccessKeeper, lists: AccessReader) -> None:
    responses = access_examples.GRANTED | problems(*ACTING)

    @router.post(
        "/staff/{staff}/grants",
        status_code=201,
        summary="Grant access",
        responses=responses,
        openapi_extra=examples.request(GrantBody, access_examples.GRANT),
    )
    async def grant(request: Request, staff: StaffPath) -> Response:
        """Grant somebody a case, an organisation or a role; nobody grants anything to themselves."""
        body, commit, _ = await _sent(request, GrantBody)
        appended = await keeper.grant(acting(request), AccessGranted(staff=staff, **dict(body)), commit)
        return answer_json(access_answers.granted(staff, appended), status=201)

    @router.post(
        "/staff/{staff}/grants/end",
        status_code=201,
        summary="End access",
        responses=responses,
        openapi_extra=examples.request(GrantEndBody, access_examples.GRANT_END),
    )
    async def end(request: Request, staff: StaffPath) -> Response:
        """End what was granted, or a role as such: that holds whatever somebody signs in with."""
        body, commit, _ = await _sent(request, GrantEndBody)
        appended = await keeper.grant(acting(request), AccessEnded(staff=staff, **dict(body)), commit)
        return answer_json(access_answers.granted(staff, appended), status=201)

    @router.get(
        "/staff/{staff}/grants",
        summary="Read what was granted to somebody",
        responses=access_examples.GRANTS | problems(*READING),
    )
    async def grants(
        request: Request, staff: StaffPath, known_at: KnownAt = None, valid_at: ValidAt = None, purpose: Purpose = None
    ) -> Response:
        """What was granted to a member of staff, and which roles were ended."""
        del purpose
        asked = asked_of(request, known_at, valid_at)
        return answer_json(access_answers.grants(await lists.grants(looking(request), staff, asked)))


def asked_of(request: Request, known_at: str | None, valid_at: str | None, *more: str) -> Question:
    """Return the instants asked about; raises ProblemError for a misspelt parameter or what is no instant."""
    refuse_unknown_parameters(request, "known_at", "valid_at", *more)
    return question(known_at, valid_at)


def _add_lists(router: APIRouter, lists: AccessReader) -> None:
    @router.get(
        "/break-glass",
        summary="The review queue of emergency access",
        responses=access_examples.QUEUE | problems(*READING),
    )
    async def queue(
        request: Request,
        waiting: Waiting = True,
        known_at: KnownAt = None,
        valid_at: ValidAt = None,
        purpose: Purpose = None,
    ) -> Response:
        """Emergency accesses in the cases you review, with the level each has climbed to, the longest waiting first."""
        del purpose
        asked = asked_of(request, known_at, valid_at, "waiting")
        return answer_json(access_answers.queue(await lists.queue(looking(request), 0 if waiting else None, asked)))

    @router.get(
        "/cases/{case_id}/break-glass",
        summary="Read a case's emergency accesses",
        responses=access_examples.EMERGENCIES | problems(*READING),
    )
    async def emergencies(
        request: Request, case_id: str, known_at: KnownAt = None, valid_at: ValidAt = None, purpose: Purpose = None
    ) -> Response:
        """Every emergency access to a case with its reason, and what became of its review."""
        del purpose
        asked = asked_of(request, known_at, valid_at)
        return answer_json(
            access_answers.emergencies(await lists.emergencies(looking(request), case_id_of(case_id), asked))
        )

    @router.get(
        "/restrictions", summary="The restricted cases", responses=access_examples.RESTRICTIONS | problems(*READING)
    )
    async def restrictions(
        request: Request, known_at: KnownAt = None, valid_at: ValidAt = None, purpose: Purpose = None
    ) -> Response:
        """The restricted cases you look after, with who may reach them, the soonest to be reviewed first."""
        del purpose
        asked = asked_of(request, known_at, valid_at)
        return answer_json(access_answers.restrictions(await lists.restrictions(looking(request), asked)))

    @router.get("/notices", summary="What you are to be told", responses=access_examples.NOTICES | problems(*READING))
    async def notices(
        request: Request, known_at: KnownAt = None, valid_at: ValidAt = None, purpose: Purpose = None
    ) -> Response:
        """Emergency accesses of others to the cases you hold."""
        del purpose
        asked = asked_of(request, known_at, valid_at)
        return answer_json(access_answers.notices(await lists.notices(looking(request), asked)))
