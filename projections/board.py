"""The list of cases at a position, read from the remembered rows of ``case_state``."""

import time
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from ledger.store import Ledger
from projections.view import CASE_STATE, FOLLOW, ROWS

WAIT_SECONDS = 2.0
POLL_SECONDS = 0.02


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

    def page(self, position: int, after: UUID, limit: int) -> tuple[int, list[BoardRow]]:
        """Return how far the view has followed, and the next cases after an id as known at a position.

        Waits up to two seconds for the view to reach the position, so that one reads one's own writes.
        """
        computed_to = self._wait_for(position)
        values = {"position": position, "after": after, "limit": limit}
        rows = self._ledger.query(ROWS["board"], values)
        return computed_to, [BoardRow(key, value, known_from) for key, value, known_from in rows]

    def _wait_for(self, position: int) -> int:
        deadline = time.monotonic() + WAIT_SECONDS
        while True:
            reached = self._reached()
            if reached >= position or time.monotonic() > deadline:
                return reached
            time.sleep(POLL_SECONDS)

    def _reached(self) -> int:
        current = self._ledger.query(FOLLOW["peek_generation"], [CASE_STATE.name])
        if not current:
            return 0
        tracked = self._ledger.query(FOLLOW["tracked"], [CASE_STATE.follower(current[0][0])])
        return tracked[0][0] if tracked else 0
