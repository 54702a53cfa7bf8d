"""Two generations of a view held against each other: every row, every remembered range, and where they part first."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

import psycopg

from domain.erased import erases_case
from ledger.format import StoredRow
from ledger.mapper import read_clear
from projections.folding import expiry_of
from projections.view import FOLLOW, AnyView, EntryView
from replay.shares import SHARES


@dataclass(frozen=True, slots=True)
class Difference:
    """The first place where the live view and the fold part: of which key and part, and at which event.

    ``expected`` is what the fold holds there, ``found`` what the live view does; None: nothing. Neither holds texts.
    ``topic``, ``stream``, ``version`` and ``schema`` are those of the event; None where no event stands there.
    """

    key: UUID
    part: str
    position: int
    topic: str | None
    stream: UUID | None
    version: int | None
    schema: int | None
    expected: Any
    found: Any


@dataclass(frozen=True, slots=True)
class Comparison:
    """The live view against the same view folded anew, up to a position.

    ``rows`` and ``keys`` are those of the fold; ``replaced`` is the version of the live view's code.
    """

    view: str
    version: int
    replaced: int
    position: int
    rows: int
    keys: int
    differing: int
    first: Difference | None

    @property
    def equal(self) -> bool:
        """True when both have the same rows."""
        return not self.differing

    @property
    def sound(self) -> bool:
        """True when both have the same rows, or another version of the code was to give others."""
        return self.equal or self.version != self.replaced


def compare(
    connection: psycopg.Connection[Any],
    view: AnyView,
    live: int,
    new: int,
    upto: int,
    replaced: int | None = None,
) -> Comparison:
    """Compare two generations, the new one folded up to a position, as far as the live one has come.

    It is done in one snapshot, so that a follower that meets an erasure meanwhile changes nothing.
    """
    with connection.transaction():
        connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        reached = connection.execute(FOLLOW["reached"], [view.name]).fetchone()
        position = min(upto, reached[0] if reached else 0)
        differing, first = _differences(connection, view, live, new, position)
        rows, keys = connection.execute(SHARES["count_rows"], [view.name, new, position]).fetchall()[0]
    version = view.version
    return Comparison(view.name, version, replaced or version, position, rows, keys, differing, first)


def _differences(
    connection: psycopg.Connection[Any], view: AnyView, live: int, new: int, position: int
) -> tuple[int, Difference | None]:
    values = {
        "view": view.name,
        "one": live,
        "other": new,
        "position": position,
        "leaving": _leaving(connection, position),
        "expired": _expired(connection, view, position),
    }
    found = connection.execute(SHARES["differences"], values).fetchone()
    if found is None:
        return 0, None
    count, key, part, live_value, live_to, new_value, new_to, at = found
    event = connection.cursor(binary=True).execute(SHARES["event_at"], [at]).fetchone()
    row = StoredRow(*event) if event else None

    def value(generation: int, own: Any, ends: int | None) -> Any:
        """Return what a generation holds there: by the row that differs where that one stands, else by another."""
        if own is not None and (ends is None or ends > at):
            return own
        held = connection.execute(SHARES["value_at"], [view.name, generation, key, part, at, at]).fetchone()
        return held[0] if held else None

    return count, Difference(
        key,
        part,
        at,
        row.topic if row else None,
        row.stream if row else None,
        row.version if row else None,
        read_clear(row).schema if row else None,
        value(new, new_value, new_to),
        value(live, live_value, live_to),
    )


def _leaving(connection: psycopg.Connection[Any], position: int) -> list[UUID]:
    """Return the cases erased whole after a position."""
    rows = connection.cursor(binary=True).execute(FOLLOW["erasures_after"], [position]).fetchall()
    return list({row.stream for row in (StoredRow(*one) for one in rows) if erases_case(read_clear(row))})


def _expired(connection: psycopg.Connection[Any], view: AnyView, position: int) -> int:
    """Return up to where rows of a view go by entries beyond a position: one of the two may have met those already."""
    if not isinstance(view, EntryView):
        return 0
    later = connection.cursor(binary=True).execute(FOLLOW["later_in_own_stream"], [position, sorted(view.topics)])
    expiries = (expiry_of(view, StoredRow(*row)) for row in later.fetchall())
    return max((expiry.upto for expiry in expiries if expiry is not None), default=0)
