"""The list of cases at a position, read from the remembered rows of ``case_state``."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from domain.case_set import EVERY_CASE, CaseSet
from ledger.store import Ledger
from projections.following import wait_for
from projections.view import CASE_STATE, ROWS


@dataclass(frozen=True, slots=True)
class BoardRow:
    """One case with its state as known at the position asked about; ``known_from`` is when that became known."""

    case: UUID
    state: dict[str, Any]
    known_from: int


class Board:
    """Reads the remembered case states."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    def page(self, position: int, after: UUID, limit: int, among: CaseSet = EVERY_CASE) -> tuple[int, list[BoardRow]]:
        """Return how far the view has followed, and the next cases after an id as known at a position.

        ``among`` are the cases that may be shown.

        Waits up to two seconds for the view to reach the position, so that one reads one's own writes.
        """
        computed_to = wait_for(self._ledger, CASE_STATE, position)
        values = {"position": position, "after": after, "limit": limit, "only": among.only, "but": among.but}
        rows = self._ledger.query(ROWS["board"], values)
        return computed_to, [BoardRow(key, value, known_from) for key, value, known_from in rows]
