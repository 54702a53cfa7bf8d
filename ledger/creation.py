"""Making a ledger: schema, head, and the genesis event that says whose it is and what clock it runs on."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

import psycopg
from psycopg import sql

from domain.entries import Draft
from domain.events.administration import LedgerOpened
from domain.events.base import Actor, Envelope
from ledger.appender import SQL
from ledger.errors import LedgerExists, LedgerUnavailable
from ledger.keys import FileKeyStore
from ledger.migrations import migrate
from ledger.requests import Appended, Part, Request
from ledger.store import Ledger


def create_database(maintenance: str, name: str) -> None:
    """Create an empty database on the server of ``maintenance``; quiet when it exists."""
    with connect_owner(maintenance) as connection:
        if connection.execute("SELECT FROM pg_database WHERE datname = %s", [name]).fetchone() is None:
            connection.execute(sql.SQL("CREATE DATABASE {} TEMPLATE template0").format(sql.Identifier(name)))


def drop_database(maintenance: str, name: str) -> None:
    """Remove a database, whoever is connected to it; quiet when it is gone."""
    with connect_owner(maintenance) as connection:
        connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))


def connect_owner(conninfo: str) -> psycopg.Connection[Any]:
    """Open an autocommit connection with the login's own rights; raises LedgerUnavailable."""
    try:
        return psycopg.connect(conninfo, autocommit=True, connect_timeout=5)
    except psycopg.OperationalError as error:
        raise LedgerUnavailable(
            "the database server does not answer: is it running, and is the address right?"
        ) from error


def create_ledger(
    owner: str,
    keys: Callable[[UUID], FileKeyStore],
    name: str,
    *,
    actor: Actor,
    begins_at: datetime | None = None,
) -> UUID:
    """Create the ledger of a database and return its id; raises LedgerExists when there is one.

    ``owner`` connects as the schema's owner. ``begins_at`` makes a simulated ledger, whose clock starts there and
    takes the instants it is given, as long as they do not go back. An attempt that was cut off
    is completed by the next.
    """
    with connect_owner(owner) as connection:
        migrate(connection)
        connection.execute(SQL["open_head"], [uuid4(), begins_at is not None])
        ledger_id = connection.execute(SQL["read_head"]).fetchall()[0][0]
    keys(ledger_id).create_ledger_key()
    ledger = Ledger(owner, keys)
    try:
        if ledger.head().size or ledger.simulated != (begins_at is not None):
            raise LedgerExists
        _open(ledger, name, actor, begins_at)
        return ledger.id
    finally:
        ledger.close()


def _open(ledger: Ledger, name: str, actor: Actor, instant: datetime | None) -> None:
    event = LedgerOpened(ledger=ledger.id, title=name, simulated=ledger.simulated)
    envelope = Envelope(occurred_at=instant or datetime.now(UTC), actor=actor, commit=uuid4())
    genesis = ledger.mapper.to_new_event(Draft(ledger.id, 1, event, envelope))
    answer = ledger.append_now(Request((Part(ledger.id, 0, (genesis,)),)), instant)
    if not isinstance(answer, Appended):
        raise LedgerExists
