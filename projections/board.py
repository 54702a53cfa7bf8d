"""The list of cases at a position, read from the remembered rows of ``case_state``."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from operator import attrgetter
from typing import Any
from uuid import UUID

from domain.case_set import EVERY_CASE, CaseSet
from ledger.store import Ledger
from projections.following import wait_for
from projections.view import CASE_STATE, ROWS

KEYS_AT_FIRST, GROWTH = 2, 4
"""How many keys are asked about for each row wanted, and how many times more each time after."""


@dataclass(frozen=True, slots=True)
class BoardRow:
    """One case with its state as known at the position asked about; ``known_from`` is when that became known."""

    case: UUID
    state: dict[str, Any]
    known_from: int


@dataclass(frozen=True, slots=True)
class Chosen:
    """Which cases a list is narrowed to: by programme, status and who is responsible; None chooses all."""

    programme: str | None = None
    status: str | None = None
    responsible: str | None = None

    def fits(self, state: Mapping[str, Any]) -> bool:
        """Whether a case in a state is among them."""
        return (
            self.programme in (None, state["programme"])
            and self.status in (None, state["enrolment"]["status"])
            and (self.responsible is None or self.responsible in state["responsible"].values())
        )


EVERY = Chosen()


class Board:
    """Reads the remembered case states."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    def page(
        self, position: int, after: UUID, limit: int, among: CaseSet = EVERY_CASE, chosen: Chosen = EVERY
    ) -> tuple[int, list[BoardRow]]:
        """Return how far the view has followed, and the next cases after an id as known at a position.

        ``among`` are the cases that may be shown, ``chosen`` narrows them by their state at that position.

        Waits up to two seconds for the view to reach the position, so that one reads one's own writes.
        """
        computed_to = wait_for(self._ledger, CASE_STATE, position)
        if chosen != EVERY:
            values = {"position": position, "after": after, "limit": limit, "but": among.but, "only": among.only}
            return computed_to, self._rows("board_chosen", values | asdict(chosen))
        if among.all_but:
            values = {"position": position, "after": after, "limit": limit, "but": among.but}
            return computed_to, self._rows("board", values)
        keys = sorted((one for one in among.named if one.int > after.int), key=attrgetter("int"))
        return computed_to, self._rows_of(position, limit, keys)

    def _rows_of(self, position: int, limit: int, keys: list[UUID]) -> list[BoardRow]:
        """Return the first rows of keys in order; asks about a few keys at first, since most have a row."""
        rows: list[BoardRow] = []
        some = KEYS_AT_FIRST * limit
        while keys and len(rows) < limit:
            rows += self._rows("board_of", {"position": position, "limit": limit - len(rows), "only": keys[:some]})
            keys, some = keys[some:], GROWTH * some
        return rows

    def _rows(self, statement: str, values: dict[str, Any]) -> list[BoardRow]:
        return [BoardRow(*row) for row in self._ledger.query(ROWS[statement], values)]
