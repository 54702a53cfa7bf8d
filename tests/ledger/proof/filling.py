"""A ledger with a great many events, put in by SQL: what a tree over them must be is computed apart."""

from typing import Any

import psycopg

from ledger.format import published_entry
from ledger.merkle import leaf_hash, root_of
from ledger.proof.tiles import HASH_BYTES, WIDTH

FILL = """
INSERT INTO ledger.event (position, stream, version, topic, recorded_at, actor, blind, segments, state, commitment)
SELECT n, gen_random_uuid(), 1, 'sample', clock_timestamp(), gen_random_uuid(), sha256(int8send(n)), '\\x0000', '',
    sha256(int8send(n))
FROM generate_series(%s::bigint + 1, %s::bigint) AS n
"""


def fill(owner: psycopg.Connection[Any], size: int) -> None:
    """Put events into the ledger, with commitments of their own, until there are so many; passes every trigger."""
    with owner.transaction():
        owner.execute("SET LOCAL session_replication_role = replica")
        ((before,),) = owner.execute("SELECT coalesce(max(position), 0) FROM ledger.event").fetchall()
        owner.execute(FILL, [before, size])


def leaves(owner: psycopg.Connection[Any], size: int) -> list[bytes]:
    """Return the leaf hashes of the first events."""
    asked = "SELECT commitment FROM ledger.event WHERE position <= %s ORDER BY position"
    return [leaf_hash(published_entry(row[0])) for row in owner.execute(asked, [size])]


def rows_at_once(hashes: list[bytes]) -> dict[tuple[int, int], bytes]:
    """Return the rows of tiles of a tree, level by level, made from all its leaves at once."""
    rows: dict[tuple[int, int], bytes] = {}
    level = 0
    while hashes:
        groups = [hashes[at : at + WIDTH] for at in range(0, len(hashes), WIDTH)]
        rows |= {(level, number): b"".join(group) for number, group in enumerate(groups)}
        hashes = [root_of(group) for group in groups if len(group) == WIDTH]
        level += 1
    return rows


def rows_stored(owner: psycopg.Connection[Any]) -> dict[tuple[int, int], bytes]:
    """Return the rows of tiles as they are stored."""
    found = owner.execute("SELECT level, number, hashes FROM proof.tile").fetchall()
    assert all(len(hashes) % HASH_BYTES == 0 for _, _, hashes in found)
    return {(level, number): bytes(hashes) for level, number, hashes in found}
