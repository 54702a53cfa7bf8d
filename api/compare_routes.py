"""The HTTP API of comparisons: what moved between two instants, and why, in a case and across cases."""

import asyncio
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query, Request
from fastapi.responses import Response

from api.cases import Cursor, Purpose, ValidAt, answer_json, case_id_of, problems
from api.compare_examples import CASE_COMPARED, COMPARED_CASES
from api.comparing import Compared, Comparer, Wanted, frame_of, values_of
from api.conditions import Cursors, etag, instant, refuse_unknown_parameters
from api.principals import looking
from api.problems import ProblemError
from ledger.store import Ledger
from replay.compare_boards import ALL, COMPARED, UnknownView, WrongOrder, views_named

MOST_CASES = 100
From = Annotated[
    str | None,
    Query(alias="from", description="Required: as recorded by this instant", examples=["2024-08-21T07:00:00Z"]),
]
To = Annotated[str | None, Query(description="Against what was recorded by this instant; now unless given")]
ViewName = Annotated[str, Query(description=f"One of {', '.join(COMPARED)}, or {ALL}")]
Limit = Annotated[int, Query(ge=1, le=MOST_CASES, description="Of how many cases")]


def create_compare_router(ledger: Ledger, comparer: Comparer, cursors: Cursors) -> APIRouter:
    """Return the routes over one ledger."""
    router = APIRouter(tags=["comparisons"])

    @router.get(
        "/cases/{case_id}/compare",
        summary="Compare a case between two instants",
        responses=CASE_COMPARED | problems("not-found"),
    )
    async def compare_case(
        request: Request,
        case_id: str,
        since: From = None,
        to: To = None,
        view: ViewName = ALL,
        valid_at: ValidAt = None,
        purpose: Purpose = None,
    ) -> Response:
        """Every difference of its views between what was recorded by `from` and by `to`, with what lies behind it.

        The clock shows each of the two; `valid_at` lets it show one instant at both, so that only knowledge differs.
        """
        del purpose
        refuse_unknown_parameters(request, "from", "to", "view", "valid_at")
        wanted = await _wanted(ledger, since, to, view, valid_at)
        with_case = case_id_of(case_id)
        try:
            found = await comparer.case(looking(request), with_case, wanted)
        except WrongOrder as error:
            raise ProblemError("bad-request", f"from and to: {error}") from None
        return answer_json({"case": str(with_case)} | _answer(found), {"ETag": etag(found.version or 0)})

    @router.get("/compare", summary="Compare cases between two instants", responses=COMPARED_CASES | problems())
    async def compare_cases(
        request: Request,
        since: From = None,
        to: To = None,
        view: ViewName = "deadlines",
        valid_at: ValidAt = None,
        cursor: Cursor = None,
        limit: Limit = MOST_CASES,
        purpose: Purpose = None,
    ) -> Response:
        """What differs in the cases one may see, page by page of cases, in order of their ids."""
        del purpose
        refuse_unknown_parameters(request, "from", "to", "view", "valid_at", "cursor", "limit")
        principal, wanted = looking(request), await _wanted(ledger, since, to, view, valid_at)
        context = f"compare|{since}|{to}|{view}|{valid_at}"
        after = UUID(cursors.read(cursor, context)) if cursor else None
        try:
            found = await comparer.board(principal, wanted, after, limit)
        except WrongOrder as error:
            raise ProblemError("bad-request", f"from and to: {error}") from None
        following = cursors.write(str(found.following), context) if found.following else None
        return answer_json(_answer(found) | {"next": following})

    return router


async def _wanted(ledger: Ledger, since: str | None, to: str | None, view: str, valid_at: str | None) -> Wanted:
    """Return what a request asks to compare; raises ProblemError."""
    known_from = instant("from", since)
    if known_from is None:
        raise ProblemError("bad-request", "from is required: an instant with offset such as 2024-08-21T07:00:00Z.")
    known_to: datetime = instant("to", to) or await asyncio.to_thread(ledger.now)
    try:
        return Wanted(views_named(view), known_to, known_from, instant("valid_at", valid_at))
    except UnknownView as error:
        raise ProblemError("bad-request", f"{error}.") from None


def _answer(found: Compared) -> dict[str, Any]:
    items = [values_of(item) for item in found.items]
    return frame_of(found) | {"items": items} | found.tally.values() | {"access_event": found.access_position}
