"""Boards across cases, page by page: rows that say under which text they sort and how they stand, at any position.

The same statement answers for now and for any past position, through the same index.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

import orjson

from domain.case_set import CaseSet
from domain.standing import status_then
from domain.time import write_instant
from ledger.store import Ledger
from projections.boards import PartRow, rows_as_of, rows_at, rows_without
from projections.following import wait_for
from projections.view import CASE_STATE, ROWS, WITHHELD, View

Counts = Mapping[tuple[str, str], int]
"""How many rows there are by part or level, or by the empty text where they are not told apart, and by status."""

By = Literal["", "part", "level"]
"""What a count tells apart besides the status."""

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

    def counts(self, chosen: Selection, by: By = "") -> Counts:
        """Return how many rows a board has."""
        found = {(name, status): n for name, status, n in self._ask("board_counts", chosen, {"by": by})}
        for row in self._kept(chosen):
            name = (_name(row, by), status_then(row.value, self.moment.at))
            found[name] = found.get(name, 0) + 1
        return found

    def cases(self, chosen: Selection, groups: Mapping[str, str], apart: Collection[UUID] = ()) -> dict[str, int]:
        """Return how many cases have a row in each group of statuses, but for some cases."""
        named = {"grouped": list(groups), "groups": list(groups.values()), "apart": list(apart)}
        found: dict[str, int] = dict(self._ask("board_cases", chosen, named))
        kept = {
            (groups[status], row.case)
            for row in self._kept(chosen)
            if (status := status_then(row.value, self.moment.at)) in groups and row.case not in apart
        }
        for group, _ in kept:
            found[group] = found.get(group, 0) + 1
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


def _name(row: PartRow, by: By) -> str:
    return row.part if by == "part" else str(row.value.get("level") or "") if by == "level" else ""


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
