"""What was recorded in cases, in the order of the ledger: pointers for whoever follows along, without any content."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from domain.case_set import EVERY_CASE, CaseSet
from domain.events import BY_TOPIC, UnknownEvent
from domain.events.retention import PersonalDataErased
from domain.time import Moment
from ledger.format import StoredRow
from ledger.mapper import read_clear
from ledger.queries import load_queries
from ledger.store import Ledger

FEED = load_queries("projections", "sql/feed.sql")
STRETCH = 20_000
"""How many positions one statement goes through: what is not the reader's costs time too."""

MOST_STRETCHES = 10


@dataclass(frozen=True, slots=True)
class Pointer:
    """That something of a kind was recorded in a case; ``schema`` and ``occurred_at`` are None for an unknown kind."""

    position: int
    case: UUID
    version: int
    topic: str
    schema: int | None
    recorded_at: datetime
    occurred_at: Moment | None


@dataclass(frozen=True, slots=True)
class Stretch:
    """Pointers in order, and up to which position they are all there are."""

    pointers: tuple[Pointer, ...]
    reached: int


def follow(
    ledger: Ledger,
    after: int,
    upto: int,
    limit: int,
    among: CaseSet = EVERY_CASE,
    erased: Collection[UUID] = (),
) -> Stretch:
    """Return what follows a position, of some cases, up to another: at most ``limit`` pointers.

    Of cases ``erased`` whole only the erasure itself is told, so that whoever keeps a copy learns of it. A stretch may
    be empty and still not reach ``upto``: ask again from where it has reached.
    """
    found: list[StoredRow] = []
    reached = after
    for _ in range(MOST_STRETCHES):
        if reached >= upto or len(found) >= limit:
            break
        end = min(reached + STRETCH, upto)
        rows = _entries(ledger, reached, end, limit - len(found), among)
        reached = rows[-1].position if len(rows) == limit - len(found) else end
        found += [row for row in rows if row.stream not in erased or row.topic == PersonalDataErased.TOPIC]
    return Stretch(tuple(map(_pointer, found)), reached)


def _entries(ledger: Ledger, after: int, upto: int, limit: int, among: CaseSet) -> list[StoredRow]:
    values = {"after": after, "upto": upto, "limit": limit, "only": among.only, "but": among.but}
    return [StoredRow(*row) for row in ledger.query(FEED["entries"], values)]


def _pointer(row: StoredRow) -> Pointer:
    try:
        schema, occurred_at = BY_TOPIC[row.topic].VERSION, read_clear(row).occurred_at
    except (UnknownEvent, KeyError, ValueError):  # written by a newer version: that it is there is told all the same
        schema = occurred_at = None
    return Pointer(row.position, row.stream, row.version, row.topic, schema, row.recorded_at, occurred_at)
