"""A read replica: another server that has what the ledger's own has sent it so far, for reads that take long."""

from collections.abc import Sequence
from time import monotonic
from typing import Any, LiteralString

import psycopg
from psycopg_pool import ConnectionPool, PoolTimeout

POOL_SIZE = 8
POOL_WAIT_SECONDS = 0.5
AWAY_SECONDS = 5.0
"""How long a replica that has not answered is not asked again."""


class Replica:
    """Rows as a replica has them. It may lag, be away, or have a history of its own: who asks compares."""

    def __init__(self, conninfo: str) -> None:
        self._pool = ConnectionPool[psycopg.Connection[Any]](
            conninfo,
            min_size=0,
            max_size=POOL_SIZE,
            timeout=POOL_WAIT_SECONDS,
            reconnect_timeout=AWAY_SECONDS,
            kwargs={"autocommit": True},
            open=True,
        )
        self._away_until = 0.0

    def close(self) -> None:
        """Let go of all connections."""
        self._pool.close()

    def rows(self, statement: LiteralString, values: Sequence[Any]) -> list[tuple[Any, ...]] | None:
        """Return the rows of a statement; None where the replica does not answer, or cut the statement off."""
        if monotonic() < self._away_until:
            return None
        try:
            with self._pool.connection() as connection:
                return connection.cursor(binary=True).execute(statement, values).fetchall()
        except (psycopg.Error, PoolTimeout):
            self._away_until = monotonic() + AWAY_SECONDS
            return None
