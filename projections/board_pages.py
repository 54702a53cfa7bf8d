"""Boards across cases, page by page: rows that say under which text they sort and how they stand, at any position.

The same statement answers for now and for any past position, through the same index.
"""

from bisect import bisect_right
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

import orjson

from domain.case_set import CaseSet
from domain.standing import status_then
from domain.time import write_instant
from ledger.store import Ledger
from projections.boards import PartRow, rows_as_of, rows_at, rows_without
from projections.following import wait_for
from projections.view import CASE_STATE, ROWS, WITHHELD, View


class Group(NamedTuple):
    """What rows that are counted together have in common; the empty text where they are not told apart.

    ``first`` and ``second`` are what they say under two names, ``span`` how many of some texts they do not sort before.
    """

    first: str
    second: str
    span: int
    status: str


Counts = Mapping[Group, int]
"""How many rows there are of each group."""

PART = "part"
"""The name under which rows are told apart by what they are called."""

Place = tuple[str, UUID, str]
"""Where a row stands on a board: its sorting text, its case, its part."""

BEGINNING: Place = ("", UUID(int=0), "")
MOST = 1_000_000
"""How many rows are read at most where all are needed."""


@dataclass(frozen=True, slots=True)
class Moment:
    """As of when a board is asked for: the position on record, and what the clock shows."""

    position: int
    at: datetime


@dataclass(frozen=True, slots=True)
class Selection:
    """Which rows of a view a board shows: parts that begin so, some statuses, levels, a programme; None: whichever.

    ``citizen`` tells clocks of citizens from those of the authority, ``events`` disclosures from what was denied.
    Rows sort from one text on and before another.
    """

    prefix: str = ""
    statuses: tuple[str, ...] | None = None
    levels: tuple[str, ...] | None = None
    programme: str | None = None
    citizen: bool | None = None
    events: tuple[str, ...] | None = None
    sort_from: str | None = None
    sort_before: str | None = None

    def keeps(self, row: PartRow, at: datetime) -> bool:
        """Whether a row that was folded anew is on the board, with the clock showing an instant."""
        value = row.value
        return (
            "sort" in value
            and row.part.startswith(self.prefix)
            and (self.levels is None or value.get("level") in self.levels)
            and (self.programme is None or value.get("programme") == self.programme)
            and (self.citizen is None or value.get("citizen") is self.citizen)
            and (self.events is None or value.get("event") in self.events)
            and (self.sort_from is None or value["sort"] >= self.sort_from)
            and (self.sort_before is None or value["sort"] < self.sort_before)
            and (self.statuses is None or status_then(value, at) in self.statuses)
        )


def place_of(row: PartRow) -> Place:
    """Return where a row stands on its board."""
    return str(row.value["sort"]), row.case, row.part


class BoardRows:
    """The rows of a view at a moment, of the cases one reader may see: remembered, but for those folded anew.

    ``among`` are the cases whose rows are read as remembered, ``anew`` the rows of all others, ``every`` all of them.
    """

    def __init__(
        self,
        ledger: Ledger,
        view: View,
        moment: Moment,
        among: CaseSet,
        anew: Sequence[PartRow],
        every: CaseSet | None = None,
    ) -> None:
        self._ledger, self._view, self.moment = ledger, view, moment
        self.every = among if every is None else every
        self._among, self._anew = among, anew

    def page(self, chosen: Selection, after: Place, limit: int) -> list[PartRow]:
        """Return the next rows of a board after a place, in its order."""
        sort, key, part = after
        bounds = {"sort": sort, "key": key, "part": part, "limit": limit}
        found = [row for row in self._kept(chosen) if place_of(row) > after]
        found += [PartRow(*row) for row in self._ask("board_page", chosen, bounds)]
        return sorted(found, key=place_of)[:limit]

    def rare(self, kind: str, programme: str | None = None) -> list[PartRow]:
        """Return all rows of a kind of which there are few, in no order: of a programme or (None) of any.

        Which kinds these are is said by an index: links between families and overviews that were published.
        """
        chosen = Selection(f"{kind}/", programme=programme)
        return [*self._kept(chosen), *(PartRow(*row) for row in self._ask("board_rare", chosen, {"kind": kind}))]

    def counts(self, chosen: Selection, first: str = "", second: str = "", spans: Sequence[str] = ()) -> Counts:
        """Return how many rows a board has by status, told apart by two names in their values and by where they sort.

        ``spans`` are texts in their order. All of it is read in one pass, however much is told apart.
        """
        asked = {"first": first, "second": second, "spans": list(spans)}
        found = Counter({Group(*group): number for *group, number in self._ask("board_counts", chosen, asked)})
        for row in self._kept(chosen):
            span = bisect_right(spans, str(row.value["sort"]))
            found[Group(_said(row, first), _said(row, second), span, status_then(row.value, self.moment.at))] += 1
        return found

    def cases(
        self, chosen: Selection, groups: Mapping[str, str], apart: Collection[UUID] = ()
    ) -> dict[tuple[str, str], int]:
        """Return how many cases of each programme have a row in each group of statuses, but for some cases."""
        named = {"grouped": list(groups), "groups": list(groups.values()), "apart": list(apart)}
        found = Counter({(programme, group): n for programme, group, n in self._ask("board_cases", chosen, named)})
        kept = {
            (str(row.value["programme"]), groups[status], row.case)
            for row in self._kept(chosen)
            if (status := status_then(row.value, self.moment.at)) in groups and row.case not in apart
        }
        found.update((programme, group) for programme, group, _ in kept)
        return found

    def of(self, chosen: Selection, cases: Collection[UUID]) -> list[PartRow]:
        """Return the rows of a board of some cases."""
        some = BoardRows(self._ledger, self._view, self.moment, self._among.among(cases), self._anew)
        return [row for row in some.page(chosen, BEGINNING, MOST) if row.case in cases]

    def _kept(self, chosen: Selection) -> list[PartRow]:
        return [row for row in self._anew if chosen.keeps(row, self.moment.at)]

    def _ask(self, statement: str, chosen: Selection, more: Mapping[str, Any]) -> list[tuple[Any, ...]]:
        if self._among == NO_CASE:
            return []
        values: dict[str, Any] = {
            "view": self._view.name,
            "position": self.moment.position,
            "at": orjson.dumps({"at": write_instant(self.moment.at)}).decode(),
            "only": self._among.only,
            "but": self._among.but,
            "prefix": chosen.prefix,
            "statuses": None if chosen.statuses is None else list(chosen.statuses),
            "levels": None if chosen.levels is None else list(chosen.levels),
            "programme": chosen.programme,
            "citizen": chosen.citizen,
            "events": None if chosen.events is None else list(chosen.events),
            "sort_from": chosen.sort_from,
            "sort_before": chosen.sort_before,
            **more,
        }
        return self._ledger.query(ROWS[statement], values, prepare=False)


NO_CASE = CaseSet()


def _said(row: PartRow, name: str) -> str:
    """Return what a row says under a name, as its JSON text; empty where it says nothing."""
    said = row.part if name == PART else row.value.get(name)
    return said if isinstance(said, str) else "" if said is None else orjson.dumps(said).decode()


def remembered(ledger: Ledger, view: View, moment: Moment, among: CaseSet, *, originals: bool) -> BoardRows:
    """Return the rows known at a position; of cases in which something is withheld now they are folded without it.

    A reader of ``originals`` is shown what is withheld.
    """
    apart = frozenset[UUID]() if originals else _withholding(ledger, among)
    if not apart:
        return BoardRows(ledger, view, moment, among, ())
    _, rows = rows_at(ledger, view, moment.position, CaseSet(apart))
    anew = rows_without(ledger, view, moment.position, rows)
    return BoardRows(ledger, view, moment, among.without(apart), anew, among)


def folded(ledger: Ledger, view: View, moment: Moment, among: CaseSet, *, originals: bool) -> BoardRows:
    """Return the rows that follow from what had happened by the instant of a moment: every case is folded anew."""
    anew = rows_as_of(ledger, view, moment.position, moment.at, among, originals=originals)
    return BoardRows(ledger, view, moment, NO_CASE, anew, among)


def _withholding(ledger: Ledger, among: CaseSet) -> frozenset[UUID]:
    """Return the cases that may be shown in which something is withheld now."""
    _, rows = rows_at(ledger, WITHHELD, ledger.head().size)
    return frozenset(row.case for row in rows if row.case in among)


def cases_of_programme(ledger: Ledger, position: int, among: CaseSet, programme: str) -> CaseSet:
    """Return those of some cases that were of a programme as known at a position; waits a moment."""
    wait_for(ledger, CASE_STATE, position)
    values = {"position": position, "only": among.only, "but": among.but, "programme": programme}
    return CaseSet(frozenset(case for (case,) in ledger.query(ROWS["cases_of_programme"], values)))
