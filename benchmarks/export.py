"""A release for analysts and working files, against raw COPY of the same rows, and how both grow.

The rows are events with a sealed segment, 600 bytes each; their views are left out, being other rows than the peer's.
Memory is the most that a process of its own had in use.
"""

import multiprocessing
import resource
import shutil
from collections.abc import Callable
from pathlib import Path
from statistics import median
from time import time
from typing import Any

import psycopg
from psycopg.conninfo import make_conninfo

from api.opening import Place
from benchmarks.measure import Figure, compare, now
from benchmarks.verify import COPY, fill
from ledger.creation import create_database
from ledger.keys import file_keys
from ledger.proof.publisher import Publisher, default_origin
from ledger.proof.signer import FileSigner
from ledger.store import Ledger
from replay.release import Wish, write_release
from replay.working import write_working

SIZES = (10_000, 100_000, 1_000_000)
TABLES = ("visit_held",)
ROUNDS = 3
SHARES = 16
AIM = 0.3


def figures(place: Place, folder: Path) -> list[Figure]:
    """Return rows a second at each size, with one process and two, each against COPY in the same rounds."""
    create_database(place.owner, "exported")
    conninfo = make_conninfo(place.conninfo, dbname="exported")
    exported = Place(conninfo, conninfo, file_keys(folder / "exported"))
    exported.create("Exported", None)
    found, memory = list[Figure](), list[float]()
    with exported.ledger() as ledger:
        signer = FileSigner(folder / "export-signer", time)
        signer.create(default_origin(ledger.id))
        publisher = Publisher(conninfo, signer)
        for size in SIZES:
            fill(ledger, publisher, size - ledger.head().size // 2_000 * 2_000)
            found += _at(ledger, conninfo, folder / "export")
            memory.append(_memory(conninfo, folder))
        publisher.close()
    name = f"memory of a release, {SIZES[-1]:,} events, at {SIZES[-2]:,}"
    return [*found, compare(name, memory[-1], memory[-2], "MB", 1.5, "lower")]


def _at(ledger: Ledger, conninfo: str, folder: Path) -> list[Figure]:
    size = ledger.head().size
    runs: dict[str, Callable[[], object]] = {
        "COPY": lambda: _copy(conninfo),
        "release, 1 process": lambda: write_release(ledger, Wish("b", size, TABLES), bytes(32), folder, _quiet),
        "release, 2 processes": lambda: write_release(ledger, Wish("b", size, TABLES, 2), bytes(32), folder, _quiet),
        "working files": lambda: write_working(ledger, size, SHARES, folder, _quiet),
    }
    taken: dict[str, list[float]] = {name: [] for name in runs}
    for _ in range(ROUNDS):
        for name, run in runs.items():
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir()
            begun = now()
            run()
            taken[name].append(now() - begun)
    peer = size / median(taken.pop("COPY"))
    return [
        compare(f"{name}: rows a second, {size:,} events, against raw COPY", size / median(times), peer, "/s", AIM)
        for name, times in taken.items()
    ]


def _copy(conninfo: str) -> None:
    with psycopg.connect(conninfo, autocommit=True) as connection, connection.cursor().copy(COPY) as copy:
        for _ in copy:
            pass


def _memory(conninfo: str, folder: Path) -> float:
    """Return the megabytes that a process had in use at most while it made a release."""
    context: Any = multiprocessing.get_context("spawn")
    with context.Pool(1) as pool:
        return pool.apply(_used, (conninfo, folder))


def _used(conninfo: str, folder: Path) -> float:
    target = folder / "export"
    shutil.rmtree(target, ignore_errors=True)
    target.mkdir()
    with Place(conninfo, conninfo, file_keys(folder / "exported")).ledger() as ledger:
        write_release(ledger, Wish("b", ledger.head().size, TABLES), bytes(32), target, _quiet)
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def _quiet(_done: int, _all: int) -> None:
    pass
