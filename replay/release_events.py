"""The events of a release: read in stretches of positions, by one process or several, written in order."""

from collections import defaultdict, deque
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import pairwise
from multiprocessing import get_context
from typing import Any
from uuid import UUID

import psycopg

from ledger.store import APPLICATION_ROLE, conninfo_as
from replay.pseudonyms import Pseudonyms
from replay.release_columns import ClearEvent, Columns, Table
from replay.release_rows import UnreadableEvent, blocks, clear_row, event_of

STRETCH = 20_000
"""Positions read at a time."""

AHEAD = 2
"""Stretches each further process may be ahead of what is written."""


@dataclass(frozen=True, slots=True)
class Reading:
    """What every process needs to know: where the ledger lies, the release's key, which events, what is withheld."""

    conninfo: str
    key: bytes
    topics: tuple[str, ...]
    erased: tuple[UUID, ...]
    restricted: tuple[UUID, ...]
    replaced: Mapping[int, dict[str, Any] | None]


@dataclass(frozen=True, slots=True)
class Stretch:
    """The events of a stretch: a batch for each topic, how many were withheld whole, which could not be read."""

    batches: tuple[tuple[str, Any], ...]
    withheld: int
    unreadable: tuple[int, ...]


class Reader:
    """Reads stretches of events through one connection."""

    def __init__(self, reading: Reading) -> None:
        self._reading = reading
        self._connection = psycopg.connect(conninfo_as(reading.conninfo, APPLICATION_ROLE), autocommit=True)
        columns = Columns(Pseudonyms(reading.key))
        self._tables: dict[str, Table] = {topic: columns.of_event(topic) for topic in reading.topics}

    def close(self) -> None:
        """Let go of the connection."""
        self._connection.close()

    def read(self, after: int, upto: int) -> Stretch:
        """Return the events after a position, up to another."""
        reading, rows, unreadable, withheld = self._reading, defaultdict[str, list[ClearEvent]](list), list[int](), 0
        values = {"after": after, "upto": upto, "topics": list(reading.topics)}
        values |= {"without": list(reading.erased), "restricted": list(reading.restricted)}
        for block in blocks(self._connection, "clear_events", values):
            row = clear_row(block)
            try:
                event = event_of(row)
            except UnreadableEvent as error:
                unreadable.append(error.position)
                continue
            if event.position in reading.replaced:
                shown = reading.replaced[event.position]
                if shown is None:
                    withheld += 1
                    continue
                event = event._replace(clear={**event.clear, "data": shown})
            rows[row.topic].append(event)
        batches = tuple((topic, self._tables[topic].batch(found)) for topic, found in sorted(rows.items()))
        return Stretch(batches, withheld, tuple(unreadable))


_READERS: list[Reader] = []
"""The reader of a further process."""


def _start(reading: Reading) -> None:
    _READERS.append(Reader(reading))


def _read(after: int, upto: int) -> Stretch:
    return _READERS[0].read(after, upto)


@contextmanager
def _reads(reading: Reading, workers: int) -> Generator[Callable[[int, int], Future[Stretch]]]:
    """Yield what begins to read a stretch: here, or in so many further processes."""
    if workers > 1:
        context = get_context("spawn")
        with ProcessPoolExecutor(workers, context, _start, (reading,)) as pool:
            yield lambda after, upto: pool.submit(_read, after, upto)
        return
    reader = Reader(reading)

    def now(after: int, upto: int) -> Future[Stretch]:
        done = Future[Stretch]()
        done.set_result(reader.read(after, upto))
        return done

    try:
        yield now
    finally:
        reader.close()


def stretches(reading: Reading, upto: int, workers: int, notify: Callable[[int, int], None]) -> Iterator[Stretch]:
    """Yield the events up to a position in stretches, in order, however many processes read them."""
    bounds: Sequence[int] = (*range(0, upto, STRETCH), upto)
    with _reads(reading, workers) as read:
        waiting: deque[tuple[int, Future[Stretch]]] = deque()
        for after, end in pairwise(bounds):
            waiting.append((end, read(after, end)))
            while len(waiting) >= (AHEAD * workers if workers > 1 else 1):
                yield _next(waiting, upto, notify)
        while waiting:
            yield _next(waiting, upto, notify)


def _next(waiting: deque[tuple[int, Future[Stretch]]], upto: int, notify: Callable[[int, int], None]) -> Stretch:
    end, future = waiting.popleft()
    stretch = future.result()
    notify(end, upto)
    return stretch
