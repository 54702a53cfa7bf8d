"""Checking a whole ledger and what is new in it, against copying the events out and checking nothing.

The peer of a full check is raw COPY of the same rows; that of a check since a kept checkpoint is the full check. Memory
is the most that a process of its own had in use, at a tenth of the events against all of them.
"""

import multiprocessing
import os
import resource
from collections.abc import Callable
from pathlib import Path
from statistics import median
from time import process_time, time
from typing import Any
from uuid import UUID, uuid4

import psycopg
from psycopg.conninfo import make_conninfo

from api.opening import Place
from benchmarks.measure import Figure, compare, now
from ledger.creation import create_database
from ledger.format import Segment, segment_table
from ledger.keys import file_keys
from ledger.proof.publisher import Publisher, default_origin
from ledger.proof.records import ProofRecords
from ledger.proof.signer import FileSigner
from ledger.requests import Appended, NewEvent, Part, Request
from ledger.store import Ledger
from replay.verify import verify_ledger, verify_since
from replay.verify_kept import KeptCheckpoint
from replay.verify_report import Report

EVENTS, NEW = 1_000_000, 1_000
STREAMS, PER_STREAM = 100, 20
"""Streams of a request, and events of each."""

AIM = 50_000.0
ROUNDS = 3
CLEAR = (
    b'{"actor":{"id":"u-1","role":"adviser"},"commit":"00000000-0000-0000-0000-000000000001","data":{"hours_per_week":1,'
    b'"kind":"home_visit"},"occurred_at":"2020-02-01T08:00:00.000000Z","schema":1,"sealed":[["note"]]}'
)
SECRET = os.urandom(600 - len(CLEAR))
COPY = "COPY (SELECT * FROM ledger.event ORDER BY position) TO STDOUT (FORMAT binary)"


def figures(place: Place, folder: Path) -> list[Figure]:
    """Return rates, their share of raw COPY, the time for what is new, and memory."""
    create_database(place.owner, "verified")
    conninfo = make_conninfo(place.conninfo, dbname="verified")
    checked = Place(conninfo, conninfo, file_keys(folder / "verified"))
    checked.create("Verified", None)
    with checked.ledger() as ledger:
        signer = FileSigner(folder / "signer", time)
        signer.create(default_origin(ledger.id))
        publisher = Publisher(conninfo, signer)
        fill(ledger, publisher, EVENTS // 10)
        tenth = _memory(conninfo, folder)
        fill(ledger, publisher, EVENTS - EVENTS // 10)
        whole = _memory(conninfo, folder)
        found = [*_full(checked, ledger), *_since(ledger, publisher)]
        publisher.close()
    memory = compare(f"memory of a full check, {EVENTS:,} events, at a tenth", whole, tenth, "MB", 1.2, "lower")
    return [*found, memory]


def fill(ledger: Ledger, publisher: Publisher, events: int) -> None:
    """Append so many visits with a sealed segment each, and publish as they come."""
    begun = now()
    for _ in range(0, events, STREAMS * PER_STREAM):
        _append(ledger, [uuid4() for _ in range(STREAMS)], PER_STREAM, 0)
        publisher.publish()
    print(f"appended {events:,} events in {now() - begun:.0f} s")


def _append(ledger: Ledger, streams: list[UUID], events: int, version: int) -> None:
    parts = tuple(Part(stream, version, tuple(_event() for _ in range(events))) for stream in streams)
    answer = ledger.append_now(Request(parts))
    if not isinstance(answer, Appended):
        raise RuntimeError(f"not appended: {answer}")


def _event() -> NewEvent:
    secret = Segment(UUID(int=1), len(SECRET), Segment.clear(SECRET).digest, bytes(32))
    return NewEvent("visit_held", os.urandom(32), segment_table([Segment.clear(CLEAR), secret]), CLEAR + SECRET)


def _full(place: Place, ledger: Ledger) -> list[Figure]:
    """Return events a second of a full check and of COPY, each the median of interleaved rounds; and of processor time.

    The peer of the second is the aim itself: it does not depend on what else the machine does.
    """
    size, used = ledger.head().size, process_time()
    _sound(verify_ledger(ledger))
    used = process_time() - used
    ours, peer = _interleaved(lambda: _sound(verify_ledger(ledger)), lambda: _copy(place.conninfo))
    return [
        compare(f"events checked a second, {size:,} events, against raw COPY", size / ours, size / peer, "/s", 0.1),
        compare("events checked a second of processor time, aim 50,000", size / used, AIM, "/s", 1.0),
    ]


def _since(ledger: Ledger, publisher: Publisher) -> list[Figure]:
    """Return the seconds it takes to check what is new in old streams, and to check everything."""
    latest = ProofRecords(ledger).latest()
    if latest is None:
        raise RuntimeError("nothing was published")
    kept = KeptCheckpoint(latest.checkpoint, latest.note)
    _append(ledger, _old_streams(ledger, latest.checkpoint.size), 1, PER_STREAM)
    publisher.publish()
    ours, peer = _interleaved(
        lambda: _sound(verify_since(ledger, kept)), lambda: _sound(verify_ledger(ledger)), rounds=1
    )
    return [compare(f"check of {NEW:,} new events among {EVENTS:,}, against all", ours, peer, "s", 0.1, "lower")]


def _old_streams(ledger: Ledger, size: int) -> list[UUID]:
    """Return streams all over the ledger whose last event is as old as they are."""
    positions = (1 + at * (size // NEW) for at in range(1, NEW))
    found = {ledger.read_range(position, position)[0].stream for position in positions}
    found.discard(ledger.id)
    return list(found)


def _interleaved(ours: Callable[[], object], peer: Callable[[], object], rounds: int = ROUNDS) -> tuple[float, float]:
    taken: tuple[list[float], list[float]] = ([], [])
    for _ in range(rounds):
        for run, kept in zip((ours, peer), taken, strict=True):
            begun = now()
            run()
            kept.append(now() - begun)
    return median(taken[0]), median(taken[1])


def _sound(report: Report) -> None:
    if not report.intact:
        raise RuntimeError(f"not intact: {report.faults[0]}")


def _copy(conninfo: str) -> None:
    with psycopg.connect(conninfo, autocommit=True) as connection, connection.cursor().copy(COPY) as copy:
        for _ in copy:
            pass


def _memory(conninfo: str, folder: Path) -> float:
    """Return the megabytes that a process had in use at most while it checked everything."""
    context: Any = multiprocessing.get_context("spawn")
    with context.Pool(1) as pool:
        return pool.apply(_used, (conninfo, folder))


def _used(conninfo: str, folder: Path) -> float:
    with Place(conninfo, conninfo, file_keys(folder / "verified")).ledger() as ledger:
        _sound(verify_ledger(ledger))
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
