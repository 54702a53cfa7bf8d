"""The remembered clocks, consents and findings of all cases, at any position: what a supervisor's boards read."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from domain.adoptions import TOPICS, adopted
from domain.entries import Entry
from domain.rules import Rules
from ledger.mapper import read_clear
from ledger.shipped import shipped_calendar
from ledger.store import Ledger
from projections.following import wait_for
from projections.view import FOLLOW, ROWS, View


@dataclass(frozen=True, slots=True)
class PartRow:
    """One remembered row: of which case, under which name, since which position and instant it is known so."""

    case: UUID
    part: str
    value: dict[str, Any]
    known_from: int
    known_since: datetime | None


def rows_as_of(ledger: Ledger, view: View, position: int, valid_at: datetime) -> list[PartRow]:
    """Fold every case anew as of an instant in the world, from what was on record at a position."""
    cases = [key for (key,) in ledger.query(FOLLOW["keys_upto"], [position])]
    entries: dict[UUID, list[Entry]] = {case: [] for case in cases}
    for stored in ledger.read_streams(cases, position):
        entries[stored.stream].append(read_clear(stored))
    rules = adopted_upto(ledger, position)
    return [
        PartRow(case, part, value, position, None)
        for case, known in entries.items()
        for part, value in view.parts(view.state(known), rules, valid_at).items()
    ]


def adopted_upto(ledger: Ledger, position: int | None = None) -> Rules:
    """Return the rules adopted by a position (None: now)."""
    rows = [row for topic in sorted(TOPICS) for row in ledger.read_topic(topic, position)]
    return adopted(map(read_clear, rows), shipped_calendar())


def rows_at(ledger: Ledger, view: View, position: int) -> tuple[int, list[PartRow]]:
    """Return how far a view has followed, and all its rows as known at a position; waits for it a moment."""
    reached = wait_for(ledger, view, position)
    found = ledger.query(ROWS["parts_at"], {"view": view.name, "position": position})
    return reached, [PartRow(*row) for row in found]
