"""My day: the deadlines of the cases one is responsible for, the one with least time left first."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from fastapi import APIRouter, Request
from fastapi.responses import Response

from api.boards import BoardPage, Boards, Wish
from api.pages.codes import word
from api.pages.language import _, language
from api.pages.receipt_views import due_text
from api.pages.rendering import Pages
from api.pages.times import show_instant, show_length
from api.pages.views import case_address
from api.pages.write_acts import BY_TOPIC
from api.pages.write_words import STATUS_WORDS
from api.principals import looking
from domain.deadlines import Deadline, from_values, late_by, status
from domain.events import EVENTS
from domain.rule_book import Rule
from projections.board_pages import Selection
from projections.boards import PartRow
from projections.view import DEADLINES

MY_DAY = "/min-dag"
MOST = 500
"""How many clocks are read; those that were met late are among them and are not shown."""

STANDING = ("open", "warning", "extended", "breached", "over_guideline", "exceeded_with_preliminary")
RED, AMBER = ("breached", "exceeded_with_preliminary"), ("warning", "over_guideline")


@dataclass(frozen=True, slots=True)
class DayLine:
    """One deadline: what is to be done in which case, until when, and where that is recorded."""

    number: str
    case: str
    duty: str
    citation: str
    due: str
    left: str
    state: str
    colour: str
    write: str
    act: str


@dataclass(frozen=True, slots=True)
class DayPage:
    """The deadlines of a day."""

    now: str
    lines: tuple[DayLine, ...]
    further: bool
    late: int
    access: int
    handed_over: bool


def create_day(pages: Pages, boards: Boards) -> APIRouter:
    """Return the page of one's day."""
    router = APIRouter(include_in_schema=False)

    @router.get(MY_DAY)
    async def day(request: Request) -> Response:
        """Show what is due in the reader's cases."""

        async def look() -> Response:
            asked = boards.asked(request, MOST, "overdraget")
            chosen = Selection(statuses=STANDING)
            found = await boards.page(looking(request), asked, Wish(DEADLINES, lambda _rules, _at: chosen))
            page = day_page(found, pages.door.number, handed_over="overdraget" in request.query_params)
            return pages.render(request, "day.html", page=page)

        return await pages.told(request, look)

    return router


def day_page(board: BoardPage, number: Callable[[UUID], str], *, handed_over: bool) -> DayPage:
    """Return what the page of a day shows."""
    waiting = [row for row in board.rows if from_values(row.value).satisfied_at is None]
    lines = tuple(_line(row, board, number) for row in waiting)
    late = sum(line.colour == "error" for line in lines)
    return DayPage(show_instant(board.at), lines, board.following is not None, late, board.access_position, handed_over)


def _line(row: PartRow, board: BoardPage, number: Callable[[UUID], str]) -> DayLine:
    clock = from_values(row.value)
    rule = board.rules.as_adopted(clock.book, clock.book_version, clock.rule, clock.rule_version)
    state = status(clock, board.at)
    path, act = _done_by(clock, rule)
    address = case_address(row.case)
    return DayLine(
        number=number(row.case),
        case=address,
        duty=clock.rule if rule is None else rule.danish if language() == "da" else rule.english,
        citation=rule.citation if rule else "",
        due=due_text(clock),
        left=time_left(clock, board.at),
        state=word(STATUS_WORDS, state),
        colour="error" if state in RED else "warning" if state in AMBER else "info",
        write=f"{address}/registrer{path}",
        act=act,
    )


def time_left(clock: Deadline, at: datetime) -> str:
    """Return how long there is left of a deadline, or by how much it is passed."""
    late = late_by(clock, at)
    if late is not None:
        return _("%(length)s over", length=show_length(late))
    if clock.due is None:
        return ""
    return _("%(length)s tilbage", length=show_length(max(clock.due, at) - at))


def _done_by(clock: Deadline, rule: Rule | None) -> tuple[str, str]:
    """Return where what meets a deadline is recorded: the end of the address, and what that is called."""
    for pattern in rule.satisfied_by if rule else ():
        topic = EVENTS[pattern.event].TOPIC
        if topic in BY_TOPIC:
            refers = f"?{pattern.refers}={clock.trigger}" if pattern.refers else ""
            return f"/{BY_TOPIC[topic].path}{refers}", _(EVENTS[pattern.event].LABEL_DA)
    return "", _("Registrér")
