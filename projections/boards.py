"""The remembered clocks, consents and findings of all cases, at any position: what a supervisor's boards read."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from ledger.store import Ledger
from projections.following import wait_for
from projections.view import ROWS, View


@dataclass(frozen=True, slots=True)
class PartRow:
    """One remembered row: of which case, under which name, since which position and instant it is known so."""

    case: UUID
    part: str
    value: dict[str, Any]
    known_from: int
    known_since: datetime


def rows_at(ledger: Ledger, view: View, position: int) -> tuple[int, list[PartRow]]:
    """Return how far a view has followed, and all its rows as known at a position; waits for it a moment."""
    reached = wait_for(ledger, view, position)
    found = ledger.query(ROWS["parts_at"], {"view": view.name, "position": position})
    return reached, [PartRow(*row) for row in found]
