"""Appending 600-byte events: our store against the stock PostgreSQL recorder and against bare INSERTs.

Ours carries every duty: version check, idempotency key, blind, segment table, chain, tree root, one flushed commit.
The stock recorder and the bare INSERT store the same bytes with none of them.
"""

import asyncio
import os
import threading
from collections.abc import Callable
from typing import Any
from uuid import UUID, uuid4

import psycopg
import uvloop
from eventsourcing.persistence import StoredEvent
from eventsourcing.postgres import PostgresApplicationRecorder, PostgresDatastore
from psycopg.conninfo import conninfo_to_dict

from benchmarks.measure import Figure, Load, compare, interleaved, load, now
from ledger.appender import Appender
from ledger.format import Segment, segment_table
from ledger.requests import Appended, NewEvent, Part, Request
from ledger.store import APPLICATION_ROLE, conninfo_as

CALLERS = (1, 8, 64)
SECONDS = 1.5
EVENTS_PER_STREAM = 20
STATE = os.urandom(600)
SEGMENTS = segment_table([Segment.clear(STATE)])
AIMS = {1: (2.5, 0.45), 8: (8.0, 0.45), 64: (30.0, 0.8)}


def figures(conninfo: str) -> list[Figure]:
    """Return throughput and p95 at 1, 8 and 64 callers against both peers."""
    _create_bare_table(conninfo)
    found: list[Figure] = []
    for callers in CALLERS:
        runs: dict[str, Callable[[], Load]] = {
            "ours": lambda n=callers: ours(conninfo, n),
            "stock": lambda n=callers: stock(conninfo, n),
            "bare": lambda n=callers: bare(conninfo, n),
        }
        medians = interleaved(runs)
        stock_aim, bare_aim = AIMS[callers]
        place = f"append, {callers} callers"
        mine, other, plain = medians["ours"], medians["stock"], medians["bare"]
        found += [
            compare(f"{place}, stock recorder", mine.rate, other.rate, "events/s", stock_aim),
            compare(f"{place}, stock recorder, p95", mine.p95, other.p95, "ms", 1.0, "lower"),
            compare(f"{place}, bare INSERT", mine.rate, plain.rate, "events/s", bare_aim),
        ]
    return found


Make = Callable[[UUID, int], NewEvent]
"""Makes the event that is to stand at a version of a stream."""


def clear_event(_stream: UUID, _version: int) -> NewEvent:
    """Return an event of 600 bytes made beforehand."""
    return NewEvent("note_recorded", os.urandom(32), SEGMENTS, STATE)


def ours(conninfo: str, callers: int, make: Make = clear_event, seconds: float = SECONDS) -> Load:
    """Append from tasks of one loop, each waiting for its answer before the next."""
    appender = Appender(lambda: psycopg.connect(conninfo_as(conninfo, APPLICATION_ROLE), autocommit=True))
    try:
        return uvloop.run(_tasks(appender, callers, make, seconds))
    finally:
        appender.close()


async def _tasks(appender: Appender, callers: int, make: Make, seconds: float) -> Load:
    durations: list[float] = []
    start = now()

    async def caller() -> None:
        stream, version = uuid4(), 0
        while now() - start < seconds:
            begun = now()
            event = make(stream, version + 1)
            answer = await appender.append(Request((Part(stream, version, (event,)),), os.urandom(32), STATE[:32]))
            if not isinstance(answer, Appended):
                raise RuntimeError(f"not appended: {answer}")
            durations.append(now() - begun)
            stream, version = (stream, version + 1) if version + 1 < EVENTS_PER_STREAM else (uuid4(), 0)

    await asyncio.gather(*(caller() for _ in range(callers)))
    return load(durations, now() - start)


def stock(conninfo: str, callers: int) -> Load:
    """Insert with the library's own recorder from threads, one connection each."""
    recorder = PostgresApplicationRecorder(stock_datastore(conninfo, callers), events_table_name="stock_events")
    recorder.create_table()
    try:

        def insert(stream: UUID, version: int) -> None:
            recorder.insert_events([StoredEvent(stream, version, "note_recorded", STATE)])

        return _threads(callers, lambda: insert)
    finally:
        recorder.datastore.close()


def bare(conninfo: str, callers: int) -> Load:
    """Insert single rows, one commit each, from threads with one connection each."""

    def connect() -> Callable[[UUID, int], None]:
        cursor = psycopg.connect(conninfo, autocommit=True, prepare_threshold=0).cursor()

        def insert(stream: UUID, version: int) -> None:
            cursor.execute("INSERT INTO bare_events VALUES (%s, %s, %s, %b)", (stream, version, "note_recorded", STATE))

        return insert

    return _threads(callers, connect)


def _threads(callers: int, connect: Callable[[], Callable[[UUID, int], None]]) -> Load:
    durations: list[float] = []
    inserts = [connect() for _ in range(callers)]
    start = now()

    def caller(insert: Callable[[UUID, int], None]) -> None:
        stream, version = uuid4(), 1
        while now() - start < SECONDS:
            begun = now()
            insert(stream, version)
            durations.append(now() - begun)
            stream, version = (stream, version + 1) if version < EVENTS_PER_STREAM else (uuid4(), 1)

    threads = [threading.Thread(target=caller, args=(insert,)) for insert in inserts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return load(durations, now() - start)


def stock_datastore(conninfo: str, callers: int) -> PostgresDatastore:
    """Return the library's datastore with one connection a caller."""
    parameters: dict[str, Any] = conninfo_to_dict(conninfo)
    return PostgresDatastore(
        dbname=parameters["dbname"],
        host=parameters["host"],
        port=parameters.get("port", 5432),
        user=parameters["user"],
        password="",
        pool_size=callers,
        max_overflow=0,
        connect_timeout=30,
    )


def _create_bare_table(conninfo: str) -> None:
    with psycopg.connect(conninfo, autocommit=True) as connection:
        connection.execute(
            "CREATE TABLE IF NOT EXISTS bare_events (stream uuid, version bigint, topic text, state bytea, "
            "position bigserial UNIQUE, PRIMARY KEY (stream, version))"
        )
