"""The HTTP API of boards across cases: clocks, findings, consents and disclosures, as of any instant."""

from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from fastapi.responses import Response

from api import rule_answers, rule_examples
from api.boards import BoardPage, Boards, Wish, known_since, wanted_of
from api.cases import DEFAULT_PAGE, Cursor, KnownAt, Limit, Purpose, ValidAt, answer_json, problems
from api.principals import looking
from domain.deadlines import STATUSES, from_values
from domain.findings.handling import finding_of
from domain.levels import LEVELS
from domain.standing import status_then
from projections.board_pages import Selection
from projections.boards import PartRow
from projections.view import CONSENTS, DEADLINES, FINDINGS

HIDDEN = ("superseded", "not_applicable", "cancelled", "not_started")
"""Statuses of clocks that a board leaves out unless asked for."""

STANDING = ("new", "confirmed", "unfounded", "accepted_reading", "remedied")
"""What may have become of a finding that stands."""

CONSENT_STATUSES = ("not_given", "in_force", "refused", "withdrawn", "expired", "not_yet_valid")
COVERED = ("covered", "not_covered", "not_judged")
UNCOVERED = tuple(status for status in COVERED if status != "covered")

StatusFilter = Annotated[list[str] | None, Query(alias="status", description="Only these statuses")]
StateFilter = Annotated[list[str] | None, Query(alias="state", description=f"Only these: {', '.join(STANDING)}")]
LevelFilter = Annotated[list[str] | None, Query(alias="level", description=f"Only these: {', '.join(LEVELS)}")]
Values = dict[str, Any]


def create_board_router(boards: Boards) -> APIRouter:
    """Return the routes over one ledger."""
    router = APIRouter(tags=["rules"])
    _add_rule_boards(router, boards)
    _add_consent_boards(router, boards)
    return router


def _add_rule_boards(router: APIRouter, boards: Boards) -> None:
    @router.get("/deadlines", summary="The clocks of all cases", responses=rule_examples.DEADLINE_BOARD | problems())
    async def deadlines(
        request: Request,
        known_at: KnownAt = None,
        valid_at: ValidAt = None,
        statuses: StatusFilter = None,
        levels: LevelFilter = None,
        cursor: Cursor = None,
        limit: Limit = DEFAULT_PAGE,
        purpose: Purpose = None,
    ) -> Response:
        """Every clock as known at an instant and as the clock stood then, the soonest due first.

        Clocks about someone who died or a pregnancy that ended are left out: nothing here reminds of them.
        """
        del known_at, valid_at, cursor, purpose
        asked = boards.asked(request, limit, "status", "level")
        wanted = wanted_of("status", statuses, STATUSES) or tuple(one for one in STATUSES if one not in HIDDEN)
        chosen = Selection(statuses=wanted, levels=wanted_of("level", levels, LEVELS))
        page = await boards.page(looking(request), asked, Wish(DEADLINES, lambda _rules, _at: chosen))
        return answer_json(boards.answer(page, asked, [_clock(row, page) for row in page.rows]))

    @router.get("/findings", summary="The findings of all cases", responses=rule_examples.FINDING_BOARD | problems())
    async def findings(
        request: Request,
        known_at: KnownAt = None,
        valid_at: ValidAt = None,
        states: StateFilter = None,
        levels: LevelFilter = None,
        cursor: Cursor = None,
        limit: Limit = DEFAULT_PAGE,
        purpose: Purpose = None,
    ) -> Response:
        """Every finding as known at an instant and as time had brought it by then, the gravest first.

        What the passing of time brings is there without a new entry, but for missing weekly notes: `valid_at` folds
        every case anew and finds those too.
        """
        del known_at, valid_at, cursor, purpose
        asked = boards.asked(request, limit, "state", "level")
        chosen = Selection(
            statuses=wanted_of("state", states, STANDING) or STANDING, levels=wanted_of("level", levels, LEVELS)
        )
        page = await boards.page(looking(request), asked, Wish(FINDINGS, lambda _rules, _at: chosen))
        return answer_json(boards.answer(page, asked, list(map(_finding, page.rows))))


def _clock(row: PartRow, page: BoardPage) -> Values:
    return known_since(row) | rule_answers.deadline(from_values(row.value), page.rules, page.at)


def _finding(row: PartRow) -> Values:
    life = {name: row.value[name] for name in ("state", "since", "handle_by")}
    return known_since(row) | rule_answers.finding(finding_of(row.value)) | life


def _add_consent_boards(router: APIRouter, boards: Boards) -> None:
    @router.get("/consents", summary="The consents of all cases", responses=rule_examples.CONSENT_BOARD | problems())
    async def consents(
        request: Request,
        known_at: KnownAt = None,
        valid_at: ValidAt = None,
        statuses: StatusFilter = None,
        cursor: Cursor = None,
        limit: Limit = DEFAULT_PAGE,
        purpose: Purpose = None,
    ) -> Response:
        """Every consent as the register had it at an instant and as it stood then, the longest untouched first.

        With `known_at` alone as the register said then; with `valid_at` alone as it stood then by all known now.
        """
        del known_at, valid_at, cursor, purpose
        asked = boards.asked(request, limit, "status")
        chosen = Selection("consent/", wanted_of("status", statuses, CONSENT_STATUSES))
        page = await boards.page(looking(request), asked, Wish(CONSENTS, lambda _rules, _at: chosen))
        return answer_json(boards.answer(page, asked, [_consent(row, page) for row in page.rows]))

    @router.get(
        "/disclosures", summary="The disclosures of all cases", responses=rule_examples.DISCLOSURE_BOARD | problems()
    )
    async def disclosures(
        request: Request,
        known_at: KnownAt = None,
        valid_at: ValidAt = None,
        uncovered: bool = False,
        cursor: Cursor = None,
        limit: Limit = DEFAULT_PAGE,
        purpose: Purpose = None,
    ) -> Response:
        """Every disclosure with its cover as known at an instant; `uncovered` leaves only the breaches."""
        del known_at, valid_at, cursor, purpose
        asked = boards.asked(request, limit, "uncovered")
        chosen = Selection("disclosure/", UNCOVERED if uncovered else None)
        page = await boards.page(looking(request), asked, Wish(CONSENTS, lambda _rules, _at: chosen))
        return answer_json(boards.answer(page, asked, list(map(_disclosure, page.rows))))


def _consent(row: PartRow, page: BoardPage) -> Values:
    names = ("kind", "person", "scope", "data_categories", "periods", "last_entry")
    told = {name: row.value[name] for name in names}
    return known_since(row) | {
        "consent": row.part.partition("/")[2],
        "status": status_then(row.value, page.at),
        **told,
    }


def _disclosure(row: PartRow) -> Values:
    names = ("event", "happened", "to", "basis", "by_record_then", "by_all_facts", "gaps")
    return {
        "case": str(row.case),
        "version": int(row.part.partition("/")[2]),
        **{name: row.value[name] for name in names},
    }
