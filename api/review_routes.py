"""The HTTP API of what is reviewed: a programme's caseload, and the yearly review's questions to each case."""

import asyncio
from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from fastapi.responses import Response

from api import review_examples
from api.boards import BoardPage, Boards, Wish, known_since, wanted_of
from api.cases import DEFAULT_PAGE, Cursor, KnownAt, Limit, Purpose, ValidAt, answer_json, problems
from api.principals import looking
from api.problems import ProblemError
from api.reading import CaseReader
from api.rules_routes import asked_case
from domain.barometer import ANSWERS, QUESTIONS, Question, answers
from domain.rules import Rules
from domain.standing import step_then
from domain.steering import heading
from domain.time import copenhagen_day, read_instant
from ledger.store import Ledger
from projections.board_pages import PART, BoardRows, Counts, Group, Selection
from projections.boards import PartRow, adopted_upto
from projections.overview import COUNTED, enrolments_of, families, is_programme, published
from projections.view import BAROMETER, CASELOAD

STEERING_RULE = "P001-STEERING-2PY"
"""The rule that says how often the steering group looks at the overview."""

READING = "A17"
"""The setting of what counts as on the way in."""

Values = dict[str, Any]
ProgrammeQuery = Annotated[str, Query(min_length=1, max_length=80, description="The programme's name")]
AnyProgramme = Annotated[str | None, Query(min_length=1, max_length=80, description="Only cases of this programme")]
QuestionQuery = Annotated[
    str | None, Query(alias="question", description=f"List the cases by this question: {', '.join(QUESTIONS)}")
]
AnswerQuery = Annotated[
    str | None, Query(alias="answer", description=f"List only those with this answer: {', '.join(ANSWERS)}")
]


def create_review_router(ledger: Ledger, reader: CaseReader, boards: Boards) -> APIRouter:
    """Return the routes over one ledger."""
    router = APIRouter(tags=["reviews"])
    _add_caseload(router, ledger, boards)
    _add_barometer(router, ledger, reader, boards)
    return router


def _add_caseload(router: APIRouter, ledger: Ledger, boards: Boards) -> None:
    @router.get(
        "/caseload",
        summary="The steering group's overview of a programme",
        responses=review_examples.CASELOAD | problems("not-found"),
    )
    async def read_caseload(
        request: Request,
        programme: ProgrammeQuery,
        known_at: KnownAt = None,
        valid_at: ValidAt = None,
        cursor: Cursor = None,
        limit: Limit = DEFAULT_PAGE,
        purpose: Purpose = None,
    ) -> Response:
        """Families on the way in, ongoing and on the way out at an instant, and the overviews published that year."""
        del known_at, valid_at, cursor, purpose
        asked = boards.asked(request, limit, "programme")

        def wanted(rules: Rules, _at: datetime) -> Selection:
            return enrolments_of(programme, rules.setting(READING))

        def more(rows: BoardRows, rules: Rules) -> Values:
            return caseload(rows, rules, [programme])[programme]

        page = await boards.page(looking(request), asked, Wish(CASELOAD, wanted, more=more))
        if not page.total and not await asyncio.to_thread(_is_known, ledger, programme):
            raise ProblemError("not-found", "No case and no adopted rule book is of that programme: check its name.")
        reading = page.rules.setting(READING)
        items = [_enrolment(row, reading) for row in page.rows]
        return answer_json(boards.answer(page, asked, items) | {"programme": programme, **page.more})


def caseload(rows: BoardRows, rules: Rules, names: Sequence[str]) -> dict[str, Values]:
    """Return the numbers of programmes at a moment."""
    only, at = names[0] if len(names) == 1 else None, rows.moment.at
    found = families(rows, only, rules.setting(READING))
    told = [row for row in published(rows, only) if _of_this_year(row, at)]
    return {
        name: {
            "families": {heading: found.get((name, heading), 0) for heading in COUNTED},
            "required_per_year": rules.limit(STEERING_RULE, "per_year", at),
            "published_this_year": [_published(row) for row in told if row.value["programme"] == name],
        }
        for name in names
    }


def _of_this_year(row: PartRow, at: datetime) -> bool:
    """Whether something had happened by an instant, and in its year."""
    happened = read_instant(row.value["happened"])
    return happened <= at and copenhagen_day(happened).year == copenhagen_day(at).year


def _is_known(ledger: Ledger, programme: str) -> bool:
    """Whether there is a programme now: before its first case it was empty, and a misspelt one is none."""
    books = {one.book.book.programme for one in adopted_upto(ledger).adoptions}
    return programme in books or is_programme(ledger, programme)


def _enrolment(row: PartRow, reading: str | None) -> Values:
    status = row.value["status"]
    return known_since(row) | {
        "enrolment": row.value["enrolment"],
        "status": status,
        "heading": heading(status, reading),
    }


def _published(row: PartRow) -> Values:
    return {
        "case": str(row.case),
        "version": int(row.part.partition("/")[2]),
        "happened": row.value["happened"],
        "counts": [{"heading": name, "number": number} for name, number in row.value["counts"].items()],
    }


def _add_barometer(router: APIRouter, ledger: Ledger, reader: CaseReader, boards: Boards) -> None:
    @router.get(
        "/barometer",
        summary="The yearly review's questions, counted over all cases",
        responses=review_examples.BAROMETER | problems(),
    )
    async def read_barometer(
        request: Request,
        programme: AnyProgramme = None,
        code: QuestionQuery = None,
        said: AnswerQuery = None,
        known_at: KnownAt = None,
        valid_at: ValidAt = None,
        cursor: Cursor = None,
        limit: Limit = DEFAULT_PAGE,
        purpose: Purpose = None,
    ) -> Response:
        """How many cases answer yes, no or not stated to each question, as known at an instant and as time stood then.

        With `question` the cases are listed too, with the entries behind each answer.
        """
        del known_at, valid_at, cursor, purpose
        asked = boards.asked(request, limit, "programme", "question", "answer")
        (question,) = wanted_of("question", [code] if code else None, tuple(QUESTIONS)) or (None,)
        statuses = wanted_of("answer", [said] if said else None, ANSWERS)
        if statuses is not None and question is None:
            raise ProblemError("bad-request", "answer goes with question: name the question whose cases to list.")
        chosen = Selection(question or "", statuses, programme=programme)

        def counts(rows: BoardRows, _: Rules) -> Counts:
            return rows.counts(Selection(programme=programme), PART)

        wish = Wish(BAROMETER, lambda _rules, _at: chosen, listed=question is not None, more=counts)
        page = await boards.page(looking(request), asked, wish)
        items = [_answered(row, page) for row in page.rows]
        return answer_json(boards.answer(page, asked, items) | _sums(page, programme))

    @router.get(
        "/cases/{case_id}/barometer",
        summary="The yearly review's questions to a case",
        responses=review_examples.CASE_BAROMETER | problems("not-found"),
    )
    async def read_case_barometer(
        request: Request, case_id: str, known_at: KnownAt = None, valid_at: ValidAt = None, purpose: Purpose = None
    ) -> Response:
        """Yes, no or not stated to each question, with the versions of the entries behind the answer."""
        del known_at, valid_at, purpose
        asked = await asked_case(ledger, reader, request, case_id, "barometer")
        inquiry = asked.questions.inquiry(asked.at)
        found = await asyncio.to_thread(answers, inquiry, asked.at)
        items = [_question(one) | _said(found[code].answer, found[code].entries) for code, one in QUESTIONS.items()]
        return asked.answer(asked.frame | {"items": items})


def _question(one: Question) -> Values:
    return {"question": one.code, "text": {"da": one.danish, "en": one.english}, "citation": one.citation}


def _said(answer: str, entries: Sequence[int]) -> Values:
    return {"answer": answer, "entries": list(entries)}


def _answered(row: PartRow, page: BoardPage) -> Values:
    step = step_then(row.value, page.at)
    said = _said(row.value["status"], row.value["entries"]) if step is None else _said(step[1], step[2])
    return known_since(row) | {"question": row.part, **said}


def _sums(page: BoardPage, programme: str | None) -> Values:
    """Return the numbers of each question, and what ``total`` is about."""
    return {
        "programme": programme,
        "questions": [
            _question(one) | {said: page.more.get(Group(code, "", 0, said), 0) for said in ANSWERS}
            for code, one in QUESTIONS.items()
        ],
    }
