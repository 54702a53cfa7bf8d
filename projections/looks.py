"""The remembered looks at one case or person, newest first, page by page."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from domain.looks import Look, look_of
from domain.time import later
from ledger.errors import LedgerUnavailable
from ledger.queries import load_queries
from ledger.store import Ledger
from projections.following import wait_for
from projections.view import ACCESS

LOOKS = load_queries("projections", "sql/looks.sql")
TICK = timedelta(microseconds=1)


class LooksIncomplete(LedgerUnavailable):
    """Who has looked is not brought up to date yet: ask again in a moment."""


def looks_at(
    ledger: Ledger,
    key: UUID,
    position: int,
    since: datetime | None = None,
    until: datetime | None = None,
    after: int | None = None,
    limit: int = 100,
) -> tuple[Look, ...]:
    """Return looks at a case or person recorded by a position, between two instants, both counted in.

    The newest comes first; ``after`` is the position of the last look of the page before. Raises LooksIncomplete
    where the view has not followed that far: an answer about who has looked is whole or not given.
    """
    if wait_for(ledger, ACCESS, position) < position:
        raise LooksIncomplete
    last = position if until is None else min(position, ledger.position_at(until))
    bounds = {
        "key": key,
        "after": 0 if since is None else ledger.position_at(later(since, -TICK)),
        "before": last + 1 if after is None else min(last + 1, after),
        "limit": limit,
    }
    return tuple(look_of(key, *row) for row in ledger.query(LOOKS["looks_of_key"], bounds))


@dataclass(frozen=True, slots=True)
class LookCounts:
    """How many looks there were, of how many members of staff, how many were refused, and how many in an emergency."""

    looks: int
    viewers: int
    refused: int
    break_glass: int


def look_counts(ledger: Ledger, key: UUID, position: int) -> LookCounts:
    """Return the counts of the looks at a case or person recorded by a position, as far as the view has followed."""
    return LookCounts(*ledger.query(LOOKS["counts_of_key"], {"key": key, "position": position})[0])
