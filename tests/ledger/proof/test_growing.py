"""Tiles grow with the events: stretch by stretch, cut off anywhere, and are what a tree built at once would be."""

import subprocess
import sys
from collections.abc import Generator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from api.opening import Place
from ledger.merkle import root_of
from ledger.proof import growing
from ledger.proof.growing import TreeBroken, grow
from ledger.proof.merkle_proofs import range_root
from ledger.proof.publisher import read_tile
from ledger.proof.tiles import subtree_from
from ledger.store import WORKER_ROLE
from tests.ledger.proof.filling import fill, leaves, rows_at_once, rows_stored
from tests.ledger.samples import connected, unhindered, wait_until

ROOT = Path(__file__).parents[3]
Connection = psycopg.Connection[Any]


@pytest.fixture
def owner(real: Place) -> Generator[Connection]:
    """A connection of the superuser."""
    with connected(real) as connection:
        yield connection


@pytest.fixture
def worker(real: Place) -> Generator[Connection]:
    """A connection with the rights of the worker, which is what grows tiles."""
    with connected(real, WORKER_ROLE) as connection:
        yield connection


def root_by_tiles(connection: Connection, size: int) -> bytes:
    """Return the root of a size from the tiles alone."""
    return range_root(subtree_from(lambda level, number: read_tile(connection, level, number)), 0, size)


@pytest.mark.parametrize("sizes", [[1], [255], [256], [257], [1, 2, 255, 256, 257, 511, 512, 513], [700, 700, 701]])
def test_grown_in_steps_it_is_the_tree_built_at_once(owner: Connection, worker: Connection, sizes: list[int]) -> None:
    """After each step the rows are those of the whole tree, and so is the root of every size before."""
    for size in sizes:
        fill(owner, size)
        grow(worker, size)
        hashes = leaves(owner, size)
        assert len(hashes) == size
        assert rows_stored(owner) == rows_at_once(hashes)
    for size in sizes:
        assert root_by_tiles(worker, size) == root_of(leaves(owner, size))


def test_small_stretches_make_the_same_rows(
    owner: Connection, worker: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whether one transaction takes in seven events or all of them."""
    monkeypatch.setattr(growing, "STRETCH", 7)
    fill(owner, 600)
    grow(worker, 600)
    assert rows_stored(owner) == rows_at_once(leaves(owner, 600))


@pytest.mark.slow
@pytest.mark.parametrize("steps", [[65_535, 65_536, 65_537], [65_537, 131_073]])
def test_a_third_level(owner: Connection, worker: Connection, steps: list[int]) -> None:
    """Around a full tile of full tiles."""
    for size in steps:
        fill(owner, size)
        grow(worker, size)
        hashes = leaves(owner, size)
        rows = rows_stored(owner)
        assert rows == rows_at_once(hashes)
        assert ((2, 0) in rows) == (size >= 65_536)
        assert root_by_tiles(worker, size) == root_of(hashes)


def test_a_run_that_was_cut_off_is_completed(
    owner: Connection, worker: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whichever stretch it was cut off in: what is stored is whole, and the next run ends it."""
    monkeypatch.setattr(growing, "STRETCH", 100)
    fill(owner, 600)
    changed = growing.Edge.changed
    for cut in range(1, 7):
        seen = 0

        def ending(edge: growing.Edge, cut: int = cut) -> list[tuple[int, int, bytes]]:
            nonlocal seen
            seen += 1
            if seen == cut:
                raise KeyboardInterrupt
            return changed(edge)

        with owner.transaction(force_rollback=True), monkeypatch.context() as patched:
            patched.setattr(growing.Edge, "changed", ending)
            with pytest.raises(KeyboardInterrupt):
                grow(owner, 600)
            patched.undo()
            assert rows_stored(owner) == rows_at_once(leaves(owner, 100 * (cut - 1)))
            grow(owner, 600)
            assert rows_stored(owner) == rows_at_once(leaves(owner, 600))
    assert rows_stored(owner) == {}
    grow(worker, 600)


@pytest.mark.slow
def test_killed_in_the_middle_it_is_completed(real: Place, owner: Connection, worker: Connection) -> None:
    """By SIGKILL, while hundreds of thousands of events are taken in."""
    size = 400_000
    fill(owner, size)
    command = [sys.executable, "-m", "tests.ledger.proof.grower", real.conninfo, str(size)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"growing\n"
        wait_until(lambda: owner.execute("SELECT FROM proof.tile LIMIT 1").fetchone() is not None)
        process.kill()
    ((tiles,),) = owner.execute("SELECT count(*) FROM proof.tile WHERE level = 0").fetchall()
    assert 0 < tiles < size // 256
    grow(worker, size)
    hashes = leaves(owner, size)
    assert rows_stored(owner) == rows_at_once(hashes)
    assert root_by_tiles(worker, size) == root_of(hashes)


@pytest.mark.parametrize("missing", [1, 2, 300, 599, 600])
def test_a_missing_event_is_named(owner: Connection, worker: Connection, missing: int) -> None:
    """Nothing of its stretch is stored."""
    fill(owner, 600)
    with unhindered(owner, keep=True):
        owner.execute("DELETE FROM ledger.event WHERE position = %s", [missing])
    with pytest.raises(TreeBroken, match=f"position {missing} is missing"):
        grow(worker, 600)
    assert rows_stored(owner) == {}


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE proof.tile SET hashes = substr(hashes, 1, length(hashes) - 32) WHERE level = 0",
        "UPDATE proof.tile SET hashes = overlay(hashes PLACING '\\xff'::bytea FROM 5) WHERE level = 1",
        "UPDATE proof.tile SET number = number + 7",
        "UPDATE proof.tile SET level = level + 7",
        "DELETE FROM proof.tile",
        "TRUNCATE proof.tile",
    ],
)
def test_a_tile_only_grows(owner: Connection, worker: Connection, statement: str) -> None:
    """Also for the owner of the schema, by trigger; for the worker by right."""
    fill(owner, 300)
    grow(worker, 300)
    before = rows_stored(owner)
    for connection in (owner, worker):
        with pytest.raises(psycopg.DatabaseError, match=r"is refused|permission denied"):
            connection.execute(statement.encode())
    assert rows_stored(owner) == before


@pytest.mark.parametrize("hashes", [b"", b"\x01" * 31, b"\x01" * 33, b"\x01" * (8192 + 32)])
def test_a_tile_holds_whole_hashes(worker: Connection, hashes: bytes) -> None:
    """One to 256 of them."""
    with pytest.raises(psycopg.errors.CheckViolation):
        worker.execute("INSERT INTO proof.tile VALUES (0, 0, %s)", [hashes])
