"""Growing the tiles of the tree by the events that were appended since."""

from collections.abc import Iterable
from typing import Any

import psycopg

from ledger.errors import LedgerError
from ledger.format import published_entry
from ledger.merkle import leaf_hash
from ledger.proof.tiles import HASH_BYTES, WIDTH, tile_root
from ledger.queries import load_queries

SQL = load_queries("ledger", "sql/proof.sql")
STRETCH = 256 * WIDTH
"""How many events one transaction takes in."""


class TreeBroken(LedgerError):
    """What the tiles hold, or the events they are made from, is not what the ledger's head says."""


class Edge:
    """The last tile of each level while leaves are added; what changed is written together."""

    def __init__(self, rows: Iterable[tuple[int, int, bytes]]) -> None:
        self._edge = {level: (number, bytearray(hashes)) for level, number, hashes in rows}
        self._full: dict[tuple[int, int], bytes] = {}
        self._touched: set[int] = set()

    @property
    def size(self) -> int:
        """How many leaves there are."""
        number, hashes = self._edge.get(0, (0, b""))
        return number * WIDTH + len(hashes) // HASH_BYTES

    def add(self, hash_: bytes, level: int = 0) -> None:
        """Append a leaf hash, or at another level the root of a full tile below."""
        number, hashes = self._edge.get(level, (0, bytearray()))
        if len(hashes) == WIDTH * HASH_BYTES:
            number, hashes = number + 1, bytearray()
        hashes += hash_
        self._edge[level] = number, hashes
        self._touched.add(level)
        if len(hashes) == WIDTH * HASH_BYTES:
            self._full[level, number] = bytes(hashes)
            self.add(tile_root(hashes), level + 1)

    def changed(self) -> list[tuple[int, int, bytes]]:
        """Return the tiles that grew since this was asked last: level, number, hashes."""
        partial = {(level, self._edge[level][0]): bytes(self._edge[level][1]) for level in self._touched}
        found = [(level, number, hashes) for (level, number), hashes in (self._full | partial).items()]
        self._full, self._touched = {}, set()
        return found


def grow(connection: psycopg.Connection[Any], size: int) -> None:
    """Bring the tiles up to a size, stretch by stretch; quiet where they are that far.

    A run that was cut off is completed by the next. Raises TreeBroken where events are missing.
    """
    edge = Edge(connection.execute(SQL["edge"]).fetchall())
    while edge.size < size:
        first, last = edge.size, min(edge.size + STRETCH, size)
        with connection.transaction(), connection.cursor(binary=True) as cursor:
            for position, commitment in cursor.execute(SQL["commitments"], [first, last]):
                if position != edge.size + 1:
                    raise TreeBroken(f"The event at position {edge.size + 1} is missing.")
                edge.add(leaf_hash(published_entry(commitment)))
            if edge.size != last:
                raise TreeBroken(f"The event at position {edge.size + 1} is missing.")
            cursor.executemany(SQL["write_tile"], edge.changed())
