"""Comparing what a view showed at two instants, or under two rule books: for one case or many, each look on record."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from api.dossier_values import BROKEN
from api.looks import Question, Shown
from api.principals import Principal
from api.reading import CaseLook, CaseReader, InstantInFuture
from domain.adoptions import TOPICS as RULE_TOPICS
from domain.authority import Act
from domain.case_set import CaseSet
from domain.erased import erases_case
from domain.events import BY_TOPIC
from domain.rule_book import RuleBook
from domain.time import write_instant, write_moment
from ledger.erasure import ErasureRegister
from ledger.store import Ledger
from projections.view import DEADLINES, View
from replay.compare import KINDS, RULE_CHANGE, Cause, Difference, differences, is_mere_naming
from replay.compare_boards import CASES_AT_ONCE, Ends, cases_by, compared, ends_of_draft, ends_of_instants

MOVES = ("due_earlier", "due_later", "broken_now", "broken_no_more")
"""Which way a clock may move; due dates are texts of fixed width, so they compare as instants do."""

WHAT, WHAT_BOARD = "comparison", "comparison_board"
Values = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is to be compared: two instants of knowledge, or a draft against the rules adopted by the second.

    ``valid_at`` is what the clock shows at both ends; None: it shows the instant of knowledge at each.
    """

    views: tuple[View, ...]
    known_to: datetime
    known_from: datetime | None = None
    valid_at: datetime | None = None
    draft: RuleBook | None = None


@dataclass(slots=True)
class Tally:
    """How many differences there are, of which kinds, and how many have no explanation.

    ``renamed`` counts the clocks that a draft leaves as they are but for the version they run under, ``erased`` the
    cases that were erased whole in between: of those nothing is shown, and their rows are gone for that reason.
    ``moves`` says how many clocks moved which way.
    """

    cases: int = 0
    erased: int = 0
    explained: int = 0
    unexplained: int = 0
    renamed: int = 0
    kinds: Counter[str] = field(default_factory=Counter[str])
    moves: Counter[str] = field(default_factory=Counter[str])

    def add(self, found: Difference, view: str) -> None:
        """Count a difference; of several kinds behind it each counts."""
        if view == DEADLINES.name:
            self.moves.update(_moves(found))
        self.explained += found.explained
        self.unexplained += not found.explained
        self.kinds.update({cause.kind for cause in found.causes if not cause.stands_in})

    def with_more(self, other: "Tally") -> "Tally":
        """Return the sum of two counts."""
        return Tally(
            self.cases + other.cases,
            self.erased + other.erased,
            self.explained + other.explained,
            self.unexplained + other.unexplained,
            self.renamed + other.renamed,
            self.kinds + other.kinds,
            self.moves + other.moves,
        )

    def values(self) -> Values:
        """Return the counts as JSON values."""
        return {
            "cases": self.cases,
            "erased_cases": self.erased,
            "differences": self.explained + self.unexplained,
            "explained": self.explained,
            "unexplained": self.unexplained,
            "renamed": self.renamed,
            "kinds": {kind: self.kinds[kind] for kind in KINDS},
            "moves": {move: self.moves[move] for move in MOVES},
        }


@dataclass(frozen=True, slots=True)
class ViewDifference:
    """A difference, and the view it is of."""

    view: str
    found: Difference


@dataclass(frozen=True, slots=True)
class Compared:
    """What was compared of one case or some: what differs, how far it reaches, and where the look stands.

    ``following`` is the case after which the next page goes on, None after the last; ``version`` that of the one case.
    """

    wanted: Wanted
    ends: Ends
    items: tuple[ViewDifference, ...]
    tally: Tally
    access_position: int
    following: UUID | None = None
    version: int | None = None


class Comparer:
    """Compares views of one ledger for its readers."""

    def __init__(self, ledger: Ledger, reader: CaseReader) -> None:
        self._ledger, self._reader = ledger, reader
        self._erasures = ErasureRegister(ledger)

    async def case(self, principal: Principal, case: UUID, wanted: Wanted) -> Compared:
        """Return what differs in one case; raises Forbidden, NotKnown, InstantInFuture, WrongOrder."""
        await asyncio.to_thread(self.ends, wanted)  # what cannot be compared is refused before it is looked at
        question = Question(wanted.known_to, wanted.valid_at)
        return await self.of(await self._reader.case(principal, case, question, WHAT), wanted)

    async def of(self, look: CaseLook, wanted: Wanted) -> Compared:
        """Return what differs in a case that was looked up; raises InstantInFuture, WrongOrder."""
        case, ends = look.file.case, await asyncio.to_thread(self.ends, wanted)
        erased = await asyncio.to_thread(self._erased_between, ends, [case])
        gone = any(map(erases_case, look.erasures))
        entries = [] if gone else [entry for entry in look.entries if entry.position <= ends.ends]
        pairs = await asyncio.to_thread(
            lambda: [(v.name, one) for v in wanted.views for one in differences(v, case, entries, ends.span)]
        )
        tally = Tally(cases=1, erased=erased)
        items = _counted(pairs, wanted, tally)
        return Compared(wanted, ends, items, tally, look.access_position, version=look.file.version)

    async def board(
        self, principal: Principal, wanted: Wanted, after: UUID | None = None, limit: int = CASES_AT_ONCE
    ) -> Compared:
        """Return what differs in the next cases one may see after an id; raises as ``case`` does."""
        visible = await self._visible(principal)
        ends = await asyncio.to_thread(self.ends, wanted)
        cases = await asyncio.to_thread(cases_by, self._ledger, ends.ends, visible, after)
        found = await self._some(principal, wanted, ends, cases[:limit])
        return replace(found, following=cases[limit - 1] if len(cases) > limit else None)

    async def whole(
        self, principal: Principal, wanted: Wanted, progress: Callable[[int, int], None] = lambda _done, _of: None
    ) -> AsyncIterator[Compared]:
        """Yield what differs in all cases one may see, some at a time, each with its look on record."""
        visible = await self._visible(principal)
        ends = await asyncio.to_thread(self.ends, wanted)
        cases = await asyncio.to_thread(cases_by, self._ledger, ends.ends, visible)
        done = 0
        for some in _batches(cases):
            yield await self._some(principal, wanted, ends, some)
            progress(done := done + len(some), len(cases))

    def ends(self, wanted: Wanted) -> Ends:
        """Return what is compared; raises InstantInFuture, WrongOrder."""
        now = self._ledger.now()
        instants = (("from", wanted.known_from), ("to", wanted.known_to), ("valid_at", wanted.valid_at))
        for name, instant in instants:
            if instant is not None and instant > now:
                raise InstantInFuture(name, now)
        if wanted.draft is not None or wanted.known_from is None:
            if wanted.draft is None:
                raise ValueError("from is required unless a draft is compared")
            return ends_of_draft(self._ledger, wanted.draft, wanted.known_to)
        return ends_of_instants(self._ledger, wanted.known_from, wanted.known_to, wanted.valid_at)

    def _erased_between(self, ends: Ends, cases: Sequence[UUID]) -> int:
        """Return how many of some cases were erased whole between the two positions."""
        erased = self._erasures.now().cases
        return sum(ends.span.begins < erased[case] <= ends.ends for case in cases if case in erased)

    async def _visible(self, principal: Principal) -> CaseSet:
        return await self._reader.door.visible(principal, Act.BOARD_READ, WHAT_BOARD)

    async def _some(self, principal: Principal, wanted: Wanted, ends: Ends, cases: Sequence[UUID]) -> Compared:
        found = await asyncio.to_thread(
            lambda: list(compared(self._ledger, wanted.views, ends, cases, originals=principal.audits))
        )
        pairs = [(of_case.view, one) for of_case in found for one in of_case.found]
        tally = Tally(cases=len(cases), erased=await asyncio.to_thread(self._erased_between, ends, cases))
        items = _counted(pairs, wanted, tally)
        named = tuple(dict.fromkeys(item.found.case for item in items))
        shown = Shown(WHAT_BOARD, named, position=ends.ends, question=Question(wanted.known_to, wanted.valid_at))
        return Compared(wanted, ends, items, tally, await self._reader.door.looks.record(principal, shown))


def _batches(cases: Sequence[UUID]) -> list[Sequence[UUID]]:
    return [cases[first : first + CASES_AT_ONCE] for first in range(0, len(cases), CASES_AT_ONCE)]


def _counted(pairs: Sequence[tuple[str, Difference]], wanted: Wanted, tally: Tally) -> tuple[ViewDifference, ...]:
    """Return the differences to show, counted; under a draft, rows that only name another version are left out."""
    items: list[ViewDifference] = []
    for view, one in pairs:
        if wanted.draft is not None and is_mere_naming(one):
            tally.renamed += 1
            continue
        tally.add(one, view)
        items.append(ViewDifference(view, one))
    return tuple(items)


def _moves(found: Difference) -> Iterator[str]:
    """Yield which way a clock moved: its due date, and whether it is broken."""
    before, after = found.before or {}, found.after or {}
    former, present = before.get("due"), after.get("due")
    if former is not None and present is not None and former != present:
        yield "due_earlier" if present < former else "due_later"
    broken = [value.get("status") in BROKEN for value in (before, after)]
    if broken[0] is not broken[1]:
        yield "broken_now" if broken[1] else "broken_no_more"


def values_of(item: ViewDifference) -> Values:
    """Return a difference as JSON values."""
    found = item.found
    return {
        "case": str(found.case),
        "view": item.view,
        "part": found.part,
        "before": None if found.before is None else dict(found.before),
        "after": None if found.after is None else dict(found.after),
        "changed": list(found.changed),
        "because": [_cause(cause) for cause in found.causes],
        "explained": found.explained,
    }


def _cause(cause: Cause) -> Values:
    """Return one thing behind a difference; of a rule change which book was adopted, None for a draft."""
    entry = cause.entry
    if entry is None:
        return {"kind": cause.kind} | ({"draft": True} if cause.kind == RULE_CHANGE else {})
    told: Values = {
        "kind": cause.kind,
        "position": entry.position,
        "version": entry.version,
        "event": BY_TOPIC[entry.topic].name(),
        "happened": write_moment(entry.occurred_at),
        "recorded_at": write_instant(entry.recorded_at),
        "stands_in": cause.stands_in,
    }
    if entry.topic in RULE_TOPICS:
        told |= {"rule_book": entry.data.get("rule_book"), "rule_book_version": entry.data.get("version")}
    return told


def frame_of(found: Compared) -> Values:
    """Return what an answer says of itself."""
    wanted, span = found.wanted, found.ends.span
    return {
        "from": None if wanted.known_from is None else write_instant(wanted.known_from),
        "from_position": span.begins,
        "to": write_instant(wanted.known_to),
        "to_position": found.ends.ends,
        "valid_at": None if wanted.valid_at is None else write_instant(wanted.valid_at),
        "clock_from": write_instant(span.clock_from),
        "clock_to": write_instant(span.clock_to),
        "views": [view.name for view in wanted.views],
        "draft": None if wanted.draft is None else wanted.draft.book.model_dump(mode="json"),
    }
