"""Removing the content of look-ups whose time has come, as the owner of the schema; an event on record says which."""

from collections.abc import Iterable
from typing import Any
from uuid import UUID

import psycopg
from psycopg.errors import InsufficientPrivilege

from domain.events.access import LookupsExpired
from ledger.errors import LedgerError
from ledger.format import StoredRow
from ledger.mapper import read_clear
from ledger.queries import load_queries
from ledger.store import Ledger

SQL = load_queries("ledger", "sql/looks.sql")
STRETCH = 10_000
"""How many positions one transaction goes through."""


class RemovalRefused(LedgerError):
    """This login does not own the schema: name one that does in CASELEDGER_OWNER_URL."""


def any_left(owner: psycopg.Connection[Any], upto: int, kept: Iterable[UUID]) -> bool:
    """Return whether a look-up at or before a position still has content and showed no case that is kept."""
    return bool(_ask(owner, "any_left", upto, list(map(str, kept))))


def remove_looks(owner: psycopg.Connection[Any], upto: int) -> int:
    """Empty the expired look-ups at or before a position, stretch by stretch; returns how many.

    ``owner`` is an autocommit connection. A run that was cut off is completed by the next. Raises RemovalRefused for
    a login that does not own the schema.
    """
    stretches = range(0, upto, STRETCH)
    return sum(int(_ask(owner, "remove_looks", min(after + STRETCH, upto), after)) for after in stretches)


def expiries(ledger: Ledger) -> list[StoredRow]:
    """Return the rows of the expiries on record, in order."""
    return ledger.read_kinds([ledger.id], [LookupsExpired.TOPIC])


def expired_upto(rows: Iterable[StoredRow]) -> int:
    """Return the last position whose look-up may have no content by some expiries; 0 for none."""
    return max((int(read_clear(row).data["upto"]) for row in rows), default=0)


def _ask(owner: psycopg.Connection[Any], name: str, *values: Any) -> Any:
    try:
        return owner.execute(SQL[name], values).fetchall()[0][0]
    except InsufficientPrivilege as error:
        raise RemovalRefused from error
