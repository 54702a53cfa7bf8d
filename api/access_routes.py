"""The HTTP API of access: emergency access and its review, restrictions, conflicts of interest, grants, notices."""

from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Annotated, Any, TypeVar
from uuid import UUID

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
from api.bodies import Body
from api.cases import Purpose, answer_json, case_id_of, place_of, problems, receipt_of
from api.conditions import idempotency_key, refuse_unknown_parameters, wished_version
from api.door import Door
from api.drafting import Commit
from api.looks import Question, Shown
from api.principals import acting, looking
from api.reading import CaseReader
from api.recording import CaseRecorder
from domain.authority import Act
from domain.emergencies import LEVELS, Review, review_of, told
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
from domain.time import copenhagen_day
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
    _add_grants(router, keeper, recorder.door)
    _add_lists(router, recorder.door, reader)
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
        openapi_extra=examples.request(kind, example),
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


def _add_grants(router: APIRouter, keeper: AccessKeeper, door: Door) -> None:
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
    async def grants(request: Request, staff: StaffPath, purpose: Purpose = None) -> Response:
        """What was granted to a member of staff, and which roles were ended."""
        del purpose
        refuse_unknown_parameters(request)
        principal = looking(request)
        await door.require(principal, Act.STAFF_GRANT, "grants")
        position = await door.looks.record(principal, Shown("grants"))
        return answer_json(access_answers.grants(staff, door.index.staff(staff), position))


def _urgency(review: Review) -> tuple[int, datetime]:
    """Return what sorts a review among others: those that have climbed first, then by age; what is done comes last."""
    climbed = -LEVELS.index(review.level) if review.level in LEVELS else 1
    return climbed, review.emergency.opened_at


def _add_lists(router: APIRouter, door: Door, reader: CaseReader) -> None:
    @router.get(
        "/break-glass",
        summary="The review queue of emergency access",
        responses=access_examples.QUEUE | problems(*READING),
    )
    async def queue(request: Request, waiting: Waiting = True, purpose: Purpose = None) -> Response:
        """Emergency accesses in the cases you review, with the level each has climbed to, the longest waiting first."""
        del purpose
        refuse_unknown_parameters(request, "waiting")
        principal = looking(request)
        visible = await door.visible(principal, Act.BREAK_GLASS_REVIEW, "break_glass_queue")
        reviews = [
            (case, review_of(emergency, door.index.now))
            for case, reach in door.index.cases.items()
            if case in visible
            for emergency in reach.emergencies
        ]
        wanted = [(case, one) for case, one in reviews if not (waiting and one.done)]
        wanted.sort(key=lambda pair: _urgency(pair[1]))
        shown = Shown("break_glass_queue", list(dict.fromkeys(case for case, _ in wanted)))
        position = await door.looks.record(principal, shown)
        return answer_json(access_answers.queue(wanted, position))

    @router.get(
        "/cases/{case_id}/break-glass",
        summary="Read a case's emergency accesses",
        responses=access_examples.EMERGENCIES | problems(*READING),
    )
    async def emergencies(request: Request, case_id: str, purpose: Purpose = None) -> Response:
        """Every emergency access to a case with its reason, and what became of its review."""
        del purpose
        refuse_unknown_parameters(request)
        case = case_id_of(case_id)
        look = await reader.case(looking(request), case, Question(), "break_glass", Act.BREAK_GLASS_REVIEW)
        reach = door.index.case(case)
        reviews = [review_of(one, door.index.now) for one in (reach.emergencies if reach else ())]
        return answer_json(access_answers.emergencies(look, reviews))

    @router.get(
        "/restrictions", summary="The restricted cases", responses=access_examples.RESTRICTIONS | problems(*READING)
    )
    async def restrictions(request: Request, purpose: Purpose = None) -> Response:
        """The restricted cases you look after, with who may reach them, the soonest to be reviewed first."""
        del purpose
        refuse_unknown_parameters(request)
        principal = looking(request)
        visible = await door.visible(principal, Act.REACH_WRITE, "restrictions")
        found = [
            (case, reach.restriction)
            for case, reach in door.index.cases.items()
            if reach.restriction is not None and case in visible
        ]
        found.sort(key=lambda pair: (pair[1].review_by, str(pair[0])))
        position = await door.looks.record(principal, Shown("restrictions", [case for case, _ in found]))
        return answer_json(access_answers.restrictions(found, copenhagen_day(door.index.now), position))

    @router.get("/notices", summary="What you are to be told", responses=access_examples.NOTICES | problems(*READING))
    async def notices(request: Request, purpose: Purpose = None) -> Response:
        """Emergency accesses of others to the cases you hold."""
        del purpose
        refuse_unknown_parameters(request)
        principal = looking(request)
        await door.require(principal, Act.BOARD_READ, "notices")
        now = door.index.now
        found = [(case, one) for case, reach in door.index.cases.items() for one in told(reach, principal.id, now)]
        cases: list[UUID] = list(dict.fromkeys(case for case, _ in found))
        position = await door.looks.record(principal, Shown("notices", cases))
        return answer_json(access_answers.notices(found, now, position))
