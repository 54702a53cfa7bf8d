"""One ledger: its database, its keys, its appender. No module globals, so that a process may hold several."""

from collections.abc import Generator, Iterable, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any, LiteralString
from uuid import UUID

import psycopg
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from psycopg_pool import ConnectionPool, PoolTimeout

from ledger.appender import SQL, Appender
from ledger.errors import LedgerUnavailable, NoLedger
from ledger.format import StoredRow
from ledger.keys import KeyStores
from ledger.mapper import EventMapper
from ledger.replica import Replica
from ledger.requests import Answer, Request
from ledger.wire import take_many_ids

APPLICATION_ROLE = "caseledger_app"
WORKER_ROLE = "caseledger_worker"
PAGE = 500
POOL_SIZE = 8
POOL_WAIT_SECONDS = 5.0
CONNECT_SECONDS = 5
SILENCE_MILLISECONDS = 10_000
"""How long a network may swallow everything before a connection over it counts as lost, on both of its ends."""

_KEEPALIVE = {"keepalives_idle": "5", "keepalives_interval": "2", "keepalives_count": "3"}


@dataclass(frozen=True, slots=True)
class Head:
    """Where the ledger stands: identity, kind of clock, number of events, root of the tree, last time written.

    ``frontier`` is what the next append makes the next root of.
    """

    ledger: UUID
    simulated: bool
    size: int
    root: bytes
    recorded_at: datetime
    frontier: bytes


def conninfo_as(conninfo: str, role: str) -> str:
    """Return the address with which a login acts with the rights of ``role`` only, every time arriving in UTC.

    An address of several servers is for each of them, and so is its ``connect_timeout`` (seconds), 5 without one. The
    server is told as well when a silent client is lost: what its session holds, such as a worker's turn, would
    otherwise be held for hours.
    """
    parameters = conninfo_to_dict(conninfo)
    options = f"{parameters.get('options') or ''} -c role={role} -c timezone=UTC".strip()
    options += f" -c tcp_user_timeout={SILENCE_MILLISECONDS}"
    options += "".join(f" -c tcp_{name}={value}" for name, value in _KEEPALIVE.items())
    seconds = str(parameters.get("connect_timeout") or CONNECT_SECONDS)
    return make_conninfo(conninfo, options=options, **waiting_no_longer() | {"connect_timeout": seconds})


def waiting_no_longer() -> dict[str, str]:
    """Return what makes a connection give up on a server that does not answer, or no longer."""
    return {"connect_timeout": str(CONNECT_SECONDS), "tcp_user_timeout": str(SILENCE_MILLISECONDS), **_KEEPALIVE}


class Ledger:
    """An open ledger. Reads come from a pool, appends go through one connection; both with application rights only.

    Streams may come from a ``replica``, where their last commitments there are those of the ledger's own server.
    """

    def __init__(self, conninfo: str, keys: KeyStores, replica: str | None = None) -> None:
        _require_ledger(conninfo)
        self._pool = ConnectionPool[psycopg.Connection[Any]](
            conninfo_as(conninfo, APPLICATION_ROLE),
            min_size=0,
            max_size=POOL_SIZE,
            timeout=POOL_WAIT_SECONDS,
            # Given up and begun anew at the next read; otherwise the pauses between attempts grow to minutes.
            reconnect_timeout=POOL_WAIT_SECONDS,
            kwargs={"autocommit": True},
            configure=take_many_ids,
            open=True,
        )
        try:
            head = self.head()
            self.keys = keys(head.ledger)
            self.keys.digest("open", b"")
        except BaseException:
            self._pool.close()
            raise
        self.id = head.ledger
        self.simulated = head.simulated
        self.mapper = EventMapper(self.keys)
        self.conninfo = conninfo
        self._replica = Replica(conninfo_as(replica, APPLICATION_ROLE)) if replica else None
        self.appender = Appender(lambda: psycopg.connect(conninfo_as(conninfo, APPLICATION_ROLE), autocommit=True))

    def close(self) -> None:
        """Write what waits, then let go of all connections."""
        self.appender.close()
        self._pool.close()
        if self._replica is not None:
            self._replica.close()

    def pool_use(self) -> dict[str, int]:
        """Return how the connections for reading are used: how many there are, are free, and who waits or waited."""
        stats = self._pool.get_stats()
        named = {
            "size": "pool_size",
            "free": "pool_available",
            "waiting": "requests_waiting",
            "refused": "requests_errors",
        }
        return {name: stats.get(key, 0) for name, key in named.items()}

    def append_now(self, request: Request, instant: datetime | None = None) -> Answer:
        """Append and wait; see Appender."""
        return self.appender.append_now(request, instant)

    def head(self) -> Head:
        """Return where the ledger stands; raises NoLedger when the database holds none."""
        try:
            rows = self._rows("read_head")
        except (psycopg.errors.UndefinedTable, psycopg.errors.InvalidSchemaName) as error:
            raise NoLedger from error
        if not rows:
            raise NoLedger
        return Head(*rows[0])

    def now(self) -> datetime:
        """Return the ledger's clock: the database's, and never before what was last recorded."""
        return self._rows("now")[0][0]

    def position_at(self, instant: datetime) -> int:
        """Return the last position recorded at or before ``instant``; 0 before the first."""
        return self._rows("position_at", instant)[0][0]

    def read_stream(self, stream: UUID, upto: int | None = None) -> list[StoredRow]:
        """Return the rows of one stream in order, up to and including a position (None: all)."""
        return self._streams("read_stream", stream, [stream], _bound(upto))

    def read_recent(self, stream: UUID, limit: int) -> list[StoredRow]:
        """Return the last rows of one stream, the last one first."""
        return self._stored("read_recent", stream, limit)

    def read_streams(self, streams: Sequence[UUID], upto: int | None = None) -> list[StoredRow]:
        """Return the rows of several streams, each in order, up to and including a position (None: all)."""
        return self._streams("read_streams", list(streams), list(streams), _bound(upto))

    def read_kinds(self, streams: Sequence[UUID], topics: Iterable[str]) -> list[StoredRow]:
        """Return the rows of some topics of several streams, each in order."""
        return self._stored("read_kinds", list(streams), sorted(topics))

    def read_topic(self, topic: str, upto: int | None = None) -> list[StoredRow]:
        """Return all rows of one topic in order, up to and including a position (None: all)."""
        return self._stored("read_topic", topic, _bound(upto))

    def read_topic_after(self, topic: str, after: int) -> list[StoredRow]:
        """Return all rows of one topic in order that follow a position."""
        return self._stored("read_topic_after", topic, after)

    def remove_entries(self, erasure: int) -> int:
        """Remove the sealed bytes of the entries that the erasure at a position names; returns of how many."""
        return self._rows("remove_entries", erasure)[0][0]

    def read_range(self, first: int, last: int) -> list[StoredRow]:
        """Return the rows from position ``first`` to ``last``, both included."""
        return self._stored("read_range", first, last)

    def read_page(self, after: int, limit: int = PAGE) -> list[StoredRow]:
        """Return the next rows after a position."""
        return self._stored("read_page", after, limit)

    def find_request(self, key: bytes) -> tuple[bytes, int, int] | None:
        """Return fingerprint, first and last position of the request with this key, or None."""
        rows = self._rows("find_request", key)
        return rows[0] if rows else None

    def _streams(self, name: str, asked: Any, streams: list[UUID], upto: int) -> list[StoredRow]:
        """Return the rows of streams as the ledger's own server has them now, wherever they are read.

        An entry binds all entries of its stream before it: where the last ones are the same, everything is.
        """
        if self._replica is not None:
            ends: dict[UUID, bytes] = dict(self._rows("stream_ends", streams, upto))
            found = [StoredRow(*row) for row in self._replica.rows(SQL[name], [asked, upto]) or []]
            if ends == {row.stream: row.commitment for row in found}:
                return found
        return self._stored(name, asked, upto)

    def _stored(self, name: str, *values: Any) -> list[StoredRow]:
        return [StoredRow(*row) for row in self._rows(name, *values)]

    def _rows(self, name: str, *values: Any) -> list[tuple[Any, ...]]:
        return self.query(SQL[name], values)

    def query(
        self, statement: LiteralString, values: Sequence[Any] | Mapping[str, Any], prepare: bool | None = None
    ) -> list[tuple[Any, ...]]:
        """Return the rows of a statement; raises LedgerUnavailable when the database does not answer.

        It is sent again where its connection was lost, perhaps after it was carried out: twice must do what once does.
        Without ``prepare`` (False) it is planned anew each time, for the values at hand.
        """
        try:
            with self._pool.connection() as connection:
                return _rows_of(connection, statement, values, prepare)
        except PoolTimeout as error:
            raise LedgerUnavailable from error
        except psycopg.OperationalError:
            with self.connection() as connection:
                return _rows_of(connection, statement, values, prepare)

    @contextmanager
    def connection(self) -> Generator[psycopg.Connection[Any]]:
        """Lend a living autocommit connection with application rights; raises LedgerUnavailable."""
        try:
            self._pool.check()
            with self._pool.connection() as connection:
                yield connection
        except (psycopg.OperationalError, PoolTimeout) as error:
            raise LedgerUnavailable from error


def _rows_of(
    connection: psycopg.Connection[Any],
    statement: LiteralString,
    values: Sequence[Any] | Mapping[str, Any],
    prepare: bool | None,
) -> list[tuple[Any, ...]]:
    return connection.cursor(binary=True).execute(statement, values, prepare=prepare).fetchall()


def _require_ledger(conninfo: str) -> None:
    """Raise LedgerUnavailable or NoLedger at once, before a pool tries for seconds to connect in a role."""
    try:
        with psycopg.connect(conninfo, autocommit=True, connect_timeout=CONNECT_SECONDS) as connection:
            row = connection.execute(SQL["may_work"], [APPLICATION_ROLE]).fetchone()
    except psycopg.OperationalError as error:
        raise LedgerUnavailable("The database server does not answer: is it running, is the address right?") from error
    if row is None:
        raise NoLedger
    if not row[0]:
        raise LedgerUnavailable(f"This login may not work on the ledger: grant it {APPLICATION_ROLE}.")


def _bound(upto: int | None) -> int:
    return 2**63 - 1 if upto is None else upto
