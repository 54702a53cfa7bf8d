"""The pages of the supervisor's desk over HTTP. Every board goes through the boards, which put the look on record."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from fastapi import APIRouter, Request
from fastapi.responses import Response

from api.boards import BoardAsked, BoardPage, Boards, Wish, wanted_of
from api.desk_reading import DeskReader
from api.pages import desk_views, overview_views
from api.pages.codes import PROGRAMMES
from api.pages.deadline_words import LEVELS
from api.pages.desk import (
    BAROMETER,
    BREACHES,
    CASELOAD,
    DEADLINES,
    FINDINGS,
    LEVEL,
    MOVE,
    PROGRAMME,
    RESPONSIBLE,
    STATE,
    Desk,
    DeskPlace,
    Filter,
    asked_for,
    choice,
    common_filters,
)
from api.pages.desk_rows import Beside, beside
from api.pages.desk_views import EVERY, STATUTE
from api.pages.desk_words import COVERS, HEADINGS, LIVES, STANDS
from api.pages.language import _
from api.pages.overview_views import ANSWER, QUESTION
from api.pages.rendering import DESK, DESK_LABEL, Pages
from api.principals import looking
from api.reading import CaseReader
from api.review_routes import READING, STEERING_RULE, caseload
from domain.barometer import ANSWERS, QUESTIONS
from domain.rules import Rules
from domain.steering import headings
from ledger.store import Ledger
from projections.board_pages import PART, BoardRows, Counts, Selection
from projections.caseload import ENROLMENT
from projections.overview import open_cases
from projections.view import BAROMETER as ANSWERED
from projections.view import CASELOAD as ENROLLED
from projections.view import CONSENTS, View
from projections.view import DEADLINES as CLOCKS
from projections.view import FINDINGS as FOUND

Chosen = Callable[[Rules, datetime], Selection]
More = Callable[[BoardRows, Rules], Any]
Total = Callable[[Any], int] | None

COMMON = (PROGRAMME, RESPONSIBLE)
CITIZEN = "borger"


class DeskPages:
    """Answers for the boards of the desk of one ledger."""

    def __init__(self, pages: Pages, ledger: Ledger, reader: CaseReader, boards: Boards) -> None:
        self._pages, self._ledger, self._reader, self._boards = pages, ledger, reader, boards
        self.desk, self._desk_reader = Desk(pages, boards), DeskReader(ledger, reader)

    def routes(self) -> APIRouter:
        """Return the routes."""
        router = APIRouter(include_in_schema=False)
        router.get(DESK)(self.start)
        router.get(DEADLINES.address)(self.deadlines)
        router.get(BREACHES.address)(self.breaches)
        router.get(FINDINGS.address)(self.findings)
        router.get(CASELOAD.address)(self.caseload)
        router.get(BAROMETER.address)(self.barometer)
        return router

    async def start(self, request: Request) -> Response:
        """Show where the desk leads, with what waits there now."""

        async def show() -> Response:
            look = await self._desk_reader.numbers(looking(request), desk_views.WAITING)
            lines = desk_views.desk_lines(self.desk.menu(request, None), look)
            return self._pages.render(
                request, "desk.html", label=_(DESK_LABEL), lines=lines, access=look.access_position
            )

        return await self._pages.told(request, show)

    async def deadlines(self, request: Request) -> Response:
        """Show the clocks of all cases under a heading: those overdue unless another is asked for."""

        async def show(asked: BoardAsked) -> Response:
            citizen = request.query_params.get(CITIZEN) == "1"
            stands = desk_views.CITIZEN_STANDS if citizen else desk_views.AUTHORITY_STANDS
            stand = _one(request, STATE, stands, "udloebet" if citizen else "overskredet")
            level = _one(request, LEVEL, (*LEVELS, EVERY), EVERY if citizen else STATUTE)

            def wanted(_rules: Rules, at: datetime) -> Selection:
                return desk_views.clocks_selected(stand, None if level == EVERY else level, at, citizen=citizen)

            def total(counts: desk_views.ClockCounts) -> int:
                return desk_views.clock_number(counts, level, stand, citizen=citizen)

            wish = self._wish(request, CLOCKS, wanted, _clock_counts, total)
            page, near = await self._read(request, asked, wish)
            kept = _kept(request)
            filters = (
                *common_filters(request),
                Filter(LEVEL, _("Niveau"), level, choice(LEVEL, "", {**LEVELS, EVERY: "alle"}, level).options[1:]),
                Filter(STATE, _("Stand"), stand, choice(STATE, "", {s: STANDS[s] for s in stands}, stand).options[1:]),
                *((Filter(CITIZEN, "", "1"),) if citizen else ()),
            )
            return self._show(
                request, DEADLINES, asked, page, filters, "desk_deadlines.html",
                totals=desk_views.clock_totals(page.more, asked.question, kept, None if citizen else (level, stand)),
                theirs=desk_views.citizen_totals(page.more, asked.question, kept, stand if citizen else ""),
                citizen=citizen,
                heading=_(STANDS[stand]),
                level=_(LEVELS[level]) if level != EVERY else _("alle niveauer"),
                rows=[desk_views.clock_row(row, near) for row in page.rows],
            )  # fmt: skip

        return await self.desk.answer(request, DEADLINES, show, *COMMON, LEVEL, STATE, CITIZEN)

    async def breaches(self, request: Request) -> Response:
        """Show the disclosures that nothing covered."""

        async def show(asked: BoardAsked) -> Response:
            stand = _one(request, STATE, ("brud", *COVERS), "brud")

            def more(rows: BoardRows, _rules: Rules) -> Mapping[str, int]:
                return desk_views.breach_numbers(rows)

            chosen = desk_views.breaches_selected(stand)
            wish = self._wish(request, CONSENTS, lambda _rules, _at: chosen, more, lambda numbers: numbers[stand])
            page, near = await self._read(request, asked, wish)
            return self._show(
                request, BREACHES, asked, page, (*common_filters(request), Filter(STATE, "", stand)),
                "desk_breaches.html",
                totals=desk_views.breach_totals(page.more, asked.question, _kept(request), stand),
                rows=[desk_views.breach_row(row, near) for row in page.rows],
            )  # fmt: skip

        return await self.desk.answer(request, BREACHES, show, *COMMON, STATE)

    async def findings(self, request: Request) -> Response:
        """Show the findings of all cases, those nobody has assessed unless others are asked for."""

        async def show(asked: BoardAsked) -> Response:
            state = _one(request, STATE, tuple(LIVES), "new")
            level = _one(request, LEVEL, (*LEVELS, EVERY), EVERY)
            levels = None if level == EVERY else (level,)
            chosen = Selection(statuses=(state,), levels=levels)

            def more(rows: BoardRows, _rules: Rules) -> Any:
                return rows.counts(Selection(statuses=tuple(LIVES)), "level")

            def total(counts: Counts) -> int:
                return desk_views.finding_number(counts, level, state)

            wish = self._wish(request, FOUND, lambda _rules, _at: chosen, more, total)
            page, near = await self._read(request, asked, wish)
            filters = (
                *common_filters(request),
                Filter(LEVEL, _("Niveau"), level, choice(LEVEL, "", {**LEVELS, EVERY: "alle"}, level).options[1:]),
                Filter(STATE, _("Stand"), state, choice(STATE, "", LIVES, state).options[1:]),
            )
            return self._show(
                request, FINDINGS, asked, page, filters, "desk_findings.html",
                totals=desk_views.finding_totals(page.more, asked.question, _kept(request), (level, state)),
                level=_(LEVELS[level]) if level != EVERY else _("alle niveauer"),
                stand=_(LIVES[state]),
                rows=[desk_views.finding_row(row, near) for row in page.rows],
            )  # fmt: skip

        return await self.desk.answer(request, FINDINGS, show, *COMMON, LEVEL, STATE)

    async def caseload(self, request: Request) -> Response:
        """Show where the families of each programme stand, and who holds how many cases."""

        async def show(asked: BoardAsked) -> Response:
            programme, stand = asked_for(request, PROGRAMME), _one(request, STATE, tuple(HEADINGS), None)

            def wanted(rules: Rules, _at: datetime) -> Selection:
                return _enrolments(rules, programme, stand)

            def more(rows: BoardRows, rules: Rules) -> Any:
                names = [programme] if programme else _programmes(rules)
                told = {name: one | {"owes": _owes(rules, name)} for name, one in caseload(rows, rules, names).items()}
                return told, self._held(rows, programme)

            wish = Wish(ENROLLED, wanted, more=more, responsible=asked_for(request, RESPONSIBLE))
            page = await self._boards.page(looking(request), asked, wish)
            told, held = page.more
            named = [UUID(one["case"]) for numbers in told.values() for one in numbers["published_this_year"]]
            near = await beside(self._ledger, self._reader, looking(request), page, named)
            filters = (*common_filters(request), choice(STATE, _("Stand"), HEADINGS, stand))
            reading = page.rules.setting(READING)
            return self._show(
                request, CASELOAD, asked, page, filters, "desk_caseload.html",
                programmes=[
                    overview_views.programme_line(name, one, near, (programme, stand)) for name, one in told.items()
                ],
                holders=overview_views.holder_lines(
                    held, asked.question, programme, movable=self._pages.door.allows(looking(request), MOVE.act)
                ),
                rows=[overview_views.enrolment_row(row, near, reading) for row in page.rows],
            )  # fmt: skip

        return await self.desk.answer(request, CASELOAD, show, *COMMON, STATE)

    async def barometer(self, request: Request) -> Response:
        """Show how many cases answer each question of the yearly review how, and the cases behind one number."""

        async def show(asked: BoardAsked) -> Response:
            question = _one(request, QUESTION, tuple(QUESTIONS), None)
            said = _one(request, ANSWER, ANSWERS, None)
            chosen = Selection(question or "", (said,) if said else None)

            def more(rows: BoardRows, _rules: Rules) -> Any:
                return rows.counts(Selection(), PART)

            wish = self._wish(request, ANSWERED, lambda _rules, _at: chosen, more, listed=question is not None)
            page, near = await self._read(request, asked, wish)
            filters = (*common_filters(request), Filter(QUESTION, "", question or ""), Filter(ANSWER, "", said or ""))
            shown = (question, said)
            return self._show(
                request, BAROMETER, asked, page, filters, "desk_barometer.html",
                totals=overview_views.question_totals(page.more, asked.question, _kept(request), shown),
                listed=None if question is None else overview_views.question_line(QUESTIONS[question]),
                rows=[overview_views.answered_row(row, near, page) for row in page.rows],
            )  # fmt: skip

        return await self.desk.answer(request, BAROMETER, show, *COMMON, QUESTION, ANSWER)

    def _wish(
        self, request: Request, view: View, chosen: Chosen, more: More, total: Total = None, *, listed: bool = True
    ) -> Wish:
        return Wish(view, chosen, listed, more, total, asked_for(request, PROGRAMME), asked_for(request, RESPONSIBLE))

    def _held(self, rows: BoardRows, programme: str | None) -> Mapping[str, Mapping[str, int]]:
        """Return how many cases that are not closed each holds, by status of their latest enrolment."""
        moment, index = rows.moment, self._reader.door.index
        found: dict[str, dict[str, int]] = {}
        for case, how in open_cases(self._ledger, moment.position, rows.every, programme).items():
            reach = index.case_as_of(case, moment.position)
            for staff in reach.holders(moment.at) if reach else ():
                numbers = found.setdefault(staff, {})
                numbers[how] = numbers.get(how, 0) + 1
        return found

    async def _read(self, request: Request, asked: BoardAsked, wish: Wish) -> tuple[BoardPage, Beside]:
        principal = looking(request)
        page = await self._boards.page(principal, asked, wish)
        return page, await beside(self._ledger, self._reader, principal, page)

    def _show(
        self,
        request: Request,
        place: DeskPlace,
        asked: BoardAsked,
        page: BoardPage,
        filters: tuple[Filter, ...],
        template: str,
        **content: Any,
    ) -> Response:
        frame = self.desk.frame(request, place, asked, page, filters)
        return self._pages.render(request, template, frame=frame, total=page.total, **content)


def _clock_counts(rows: BoardRows, _rules: Rules) -> Any:
    return desk_views.clock_counts(rows)


def _one(request: Request, name: str, known: tuple[str, ...], usual: Any) -> Any:
    """Return the value of a filter, the usual one where it is left out; raises ProblemError for an unknown one."""
    text = asked_for(request, name)
    return usual if text is None else (wanted_of(name, [text], known) or (usual,))[0]


def _kept(request: Request) -> Mapping[str, str | None]:
    """Return the filters that every number of a page keeps."""
    return {name: asked_for(request, name) for name in COMMON}


def _enrolments(rules: Rules, programme: str | None, stand: str | None) -> Selection:
    """Return which courses are listed."""
    under = headings(rules.setting(READING))
    statuses = tuple(status for status, name in under.items() if name in ((stand,) if stand else HEADINGS))
    return Selection(f"{ENROLMENT}/", statuses, programme=programme)


def _owes(rules: Rules, programme: str) -> bool:
    """Whether the rule book of a programme asks for an overview to be published."""
    books = (one.book for one in rules.adoptions if one.book.book.programme == programme)
    return any(rule.id == STEERING_RULE for book in books for rule in book.rule)


def _programmes(rules: Rules) -> list[str]:
    """Return the programmes of which a rule book was adopted, those known first."""
    adopted = {one.book.book.programme for one in rules.adoptions if one.book.book.programme is not None}
    return [name for name in PROGRAMMES if name in adopted] + sorted(adopted - PROGRAMMES.keys())
