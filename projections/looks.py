"""The remembered looks at one case or person, newest first, page by page, and how many there are."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
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


@dataclass(frozen=True, slots=True)
class OfPerson:
    """A person of a case, as one asks for the looks that showed their data in it.

    ``persons`` are the ids by which they are known there, ``joined`` the position at which they came into the case.
    A look at the case that does not say whose data it showed counts as of then.
    """

    persons: tuple[UUID, ...]
    case: UUID
    joined: int


Whose = UUID | OfPerson
"""A case or a person, whatever the cases; or a person of one case."""


@dataclass(frozen=True, slots=True)
class Sums:
    """How many looks, by how many people, how many were refused, made in an emergency, or at a closed case."""

    looks: int
    people: int
    refused: int
    break_glass: int
    after_closing: int


def looks_at(
    ledger: Ledger,
    whose: Whose,
    position: int,
    since: datetime | None = None,
    until: datetime | None = None,
    after: int | None = None,
    limit: int | None = 100,
    named: Sequence[int] | None = None,
) -> tuple[Look, ...]:
    """Return looks at a case or person recorded by a position, between two instants, both counted in.

    The newest comes first; ``after`` is the position of the last look of the page before, ``named`` leaves out all
    but those at some positions. Raises LooksIncomplete where the view has not followed that far: an answer about who
    has looked is whole or not given.
    """
    bounds = _bounds(ledger, whose, position, since, until)
    if after is not None:
        bounds["before"] = min(bounds["before"], after)
    rows = ledger.query(LOOKS["looks"], bounds | {"limit": limit, "named": None if named is None else list(named)})
    return tuple(look_of(*row) for row in rows)


def sums_of(
    ledger: Ledger,
    whose: Whose,
    position: int,
    since: datetime | None = None,
    until: datetime | None = None,
    closed: Iterable[tuple[int, int | None]] = (),
) -> Sums:
    """Return how many looks ``looks_at`` finds on all its pages; raises as it does.

    ``closed`` holds the stretches of positions in which the case was closed, the second bound not counted in.
    """
    stretches = list(closed)
    ends = {"closed": [begin for begin, _ in stretches], "opened": [end for _, end in stretches]}
    return Sums(*ledger.query(LOOKS["sums"], _bounds(ledger, whose, position, since, until) | ends)[0])


def _bounds(
    ledger: Ledger, whose: Whose, position: int, since: datetime | None, until: datetime | None
) -> dict[str, Any]:
    if wait_for(ledger, ACCESS, position) < position:
        raise LooksIncomplete
    last = position if until is None else min(position, ledger.position_at(until))
    scope: dict[str, Any] = {"keys": [whose], "case": whose, "joined": None}
    if isinstance(whose, OfPerson):
        scope = {"keys": [*whose.persons, whose.case], "case": whose.case, "joined": whose.joined}
    first = 0 if since is None else ledger.position_at(later(since, -TICK))
    return scope | {"after": first, "before": last + 1}
