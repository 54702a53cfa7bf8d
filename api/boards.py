"""Boards across cases: read page by page as of any instant; each page is a look that names the cases it shows."""

import asyncio
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from fastapi import Request

from api import rule_answers
from api.conditions import Cursors, question, refuse_unknown_parameters
from api.looks import AsOf, Dated, Question, Shown
from api.principals import Principal
from api.problems import ProblemError
from api.reading import CaseReader
from domain.authority import Act
from domain.case_set import CaseSet
from domain.rules import Rules
from domain.time import read_instant, write_instant
from ledger.store import Ledger
from projections.board_pages import (
    BEGINNING,
    BoardRows,
    Moment,
    Place,
    Selection,
    cases_of_programme,
    folded,
    place_of,
    remembered,
)
from projections.boards import PartRow, adopted_upto
from projections.following import wait_for
from projections.view import View

STEERING = ("known_at", "valid_at", "cursor", "limit")


@dataclass(frozen=True, slots=True)
class Start:
    """Where a page goes on: as of which position and instant the first one was, how many rows there are, the last row.

    None of it for the first page.
    """

    position: int | None = None
    at: datetime | None = None
    total: int = 0
    place: Place = BEGINNING


@dataclass(frozen=True, slots=True)
class BoardAsked:
    """What is asked of a board: as of when, where the page goes on, how many rows, and the context of its cursors."""

    question: Question
    start: Start
    limit: int
    context: str


@dataclass(frozen=True, slots=True)
class BoardPage(Dated):
    """A page of a board as one reader sees it at one instant.

    ``at`` is what the clock shows, ``computed_to`` how far the view has followed, ``total`` how many rows the board
    has on all pages. ``erased_cases`` counts the cases on record at that instant that were erased whole since.
    ``more`` is what else was read from the same rows.
    """

    at: datetime
    rules: Rules
    computed_to: int
    rows: tuple[PartRow, ...]
    total: int
    erased_cases: int
    following: Place | None
    more: Any = None


@dataclass(frozen=True, slots=True)
class Wish:
    """Which board: of which view, which rows, given the rules, and what else is read from the same rows.

    ``listed`` is false where no row is wanted. ``total`` says how many rows there are where what else is read tells it.
    ``programme`` and ``responsible`` limit the board to the cases that were of the one and held by the other as then on
    record.
    """

    view: View
    chosen: Callable[[Rules, datetime], Selection]
    listed: bool = True
    more: Callable[[BoardRows, Rules], Any] | None = None
    total: Callable[[Any], int] | None = None
    programme: str | None = None
    responsible: str | None = None


class Boards:
    """The boards of one ledger."""

    def __init__(self, ledger: Ledger, reader: CaseReader, cursors: Cursors) -> None:
        self._ledger, self._reader, self._cursors = ledger, reader, cursors

    def asked(self, request: Request, limit: int, *known: str) -> BoardAsked:
        """Return what a request asks; raises ProblemError for what cannot be read or is not known here."""
        refuse_unknown_parameters(request, *STEERING, *known)
        query = request.query_params
        steered = sorted((name, value) for name, value in query.multi_items() if name not in ("cursor", "limit"))
        context = f"board|{request.url.path}|{steered}"
        cursor = query.get("cursor")
        start = _read_place(self._cursors.read(cursor, context)) if cursor else Start()
        return BoardAsked(question(query.get("known_at"), query.get("valid_at")), start, limit, context)

    async def page(self, principal: Principal, asked: BoardAsked, wish: Wish) -> BoardPage:
        """Return a page of a board, with the look on record; raises Forbidden, InstantInFuture, LookNotRecorded."""
        (page,) = await self.together(principal, asked, (wish,), f"{wish.view.name}_board")
        return page

    async def together(
        self, principal: Principal, asked: BoardAsked, wishes: Sequence[Wish], what: str, beside: Iterable[UUID] = ()
    ) -> tuple[BoardPage, ...]:
        """Return pages of boards that are shown together, as one look; ``beside`` are cases named next to them.

        Raises as ``page`` does.
        """
        visible = await self._reader.door.visible(principal, Act.BOARD_READ, what)
        read = [await asyncio.to_thread(self._read, asked, wish, visible, principal) for wish in wishes]
        cases = tuple(dict.fromkeys([*(row.case for one in read for row in one["rows"]), *beside]))
        shown = Shown(what, cases, position=read[0]["as_of"].position, question=asked.question)
        position = await self._reader.door.looks.record(principal, shown)
        return tuple(BoardPage(access_position=position, **one) for one in read)

    def answer(self, page: BoardPage, asked: BoardAsked, items: Sequence[dict[str, Any]]) -> dict[str, Any]:
        """Return what every board answers, with its items."""
        return {
            **page.as_of.values,
            "clock": write_instant(page.at),
            "computed_to": page.computed_to,
            "erased_cases": page.erased_cases,
            "items": list(items),
            "total": page.total,
            "next": self.following(page, asked),
            "access_event": page.access_position,
        }

    def following(self, page: BoardPage, asked: BoardAsked) -> str | None:
        """Return the cursor of the next page; None after the last one."""
        if page.following is None:
            return None
        sort, case, part = page.following
        place = f"{page.position} {write_instant(page.at)} {page.total} {case} {part}\0{sort}"
        return self._cursors.write(place, asked.context)

    def _read(self, asked: BoardAsked, wish: Wish, visible: CaseSet, principal: Principal) -> dict[str, Any]:
        as_of, at = self._as_of(asked)
        rules = adopted_upto(self._ledger, as_of.position)
        erased, gone = self._reader.erased_cases(as_of.position, visible)
        moment = Moment(as_of.position, at)
        dated = asked.question.valid_at is not None
        computed_to = as_of.position if dated else wait_for(self._ledger, wish.view, as_of.position)
        present = asked.question.known_at is None and asked.start.position is None
        source = folded if dated else remembered
        among = visible.without(erased)
        if wish.programme is not None:
            among = cases_of_programme(self._ledger, as_of.position, among, wish.programme)
        if wish.responsible is not None:
            among = among.among(self._reader.door.index.held_by(wish.responsible, as_of.position, at))
        originals = principal.audits or (present and not dated)  # present rows hold nothing that is withheld
        rows = source(self._ledger, wish.view, moment, among, originals=originals)
        chosen = wish.chosen(rules, at)
        found = rows.page(chosen, asked.start.place, asked.limit + 1) if wish.listed else []
        more = None if wish.more is None else wish.more(rows, rules)
        shown = tuple(found[: asked.limit])
        return {
            "as_of": as_of,
            "at": at,
            "rules": rules,
            "computed_to": computed_to,
            "rows": shown,
            "total": _total(asked, wish, rows, chosen, found, more),
            "erased_cases": gone,
            "following": place_of(shown[-1]) if len(found) > asked.limit else None,
            "more": more,
        }

    def _as_of(self, asked: BoardAsked) -> tuple[AsOf, datetime]:
        """Return as of when a page is read: later ones as the first, so that the list adds up to its total."""
        head = self._ledger.head()
        if (asked.start.position or 0) > head.size:
            raise ProblemError("bad-request", "cursor goes on from events that are no longer there: start without one.")
        as_of = self._reader.as_of(asked.question, head, asked.start.position)
        return as_of, asked.start.at or as_of.at(self._ledger.now())


def _total(
    asked: BoardAsked, wish: Wish, rows: BoardRows, chosen: Selection, found: Sequence[PartRow], more: Any
) -> int:
    """Return how many rows a list has, by its first page; one that holds them all is not counted once more."""
    if asked.start.position is not None or not wish.listed:
        return asked.start.total
    if len(found) <= asked.limit:
        return len(found)
    return sum(rows.counts(chosen).values()) if wish.total is None else wish.total(more)


def _read_place(text: str) -> Start:
    position, at, total, case, rest = text.split(" ", 4)
    part, _, sort = rest.partition("\0")
    return Start(int(position), read_instant(at), int(total), (sort, UUID(case), part))


def known_since(row: PartRow) -> dict[str, Any]:
    """Return of which case a row is and since when it is known so."""
    return {"case": str(row.case), "known_since": rule_answers.instant(row.known_since)}


def wanted_of(name: str, asked: Sequence[str] | None, known: Sequence[str]) -> tuple[str, ...] | None:
    """Return the values a filter names; raises ProblemError for one that is not known, which would find nothing."""
    if not asked:
        return None
    if set(asked) - set(known):
        raise ProblemError("bad-request", f"{name} must be of: {', '.join(known)}.")
    return tuple(asked)
