"""The events of a release: read in stretches of positions, by one process or several, written in order."""

import gc
from collections import defaultdict, deque
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import pairwise
from multiprocessing import get_context
from typing import Any
from uuid import UUID

import psycopg

from ledger.store import APPLICATION_ROLE, conninfo_as
from replay.pseudonyms import Pseudonyms
from replay.release_columns import ClearEvent, Columns, Table
from replay.release_rows import ClearRow, UnreadableEvent, blocks, clear_row, event_of

STRETCH = 20_000
"""Positions read at a time."""

AHEAD = 2
"""Stretches each further process may be ahead of what is written."""


STRANGE = (ValueError, TypeError, LookupError, AttributeError, ArithmeticError)
"""What goes wrong with an event that does not hold what its type says."""


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
        rows, lost, reading = defaultdict[str, list[ClearEvent]](list), _Lost(), self._reading
        values = {"after": after, "upto": upto, "topics": list(reading.topics)}
        values |= {"without": list(reading.erased), "restricted": list(reading.restricted)}
        with _uncollected():
            for row in map(clear_row, blocks(self._connection, "clear_events", values)):
                event = self._event(row, lost)
                if event is not None:
                    rows[row.topic].append(event)
            batches = tuple((topic, self._batch(topic, found, lost)) for topic, found in sorted(rows.items()))
        return Stretch(batches, lost.withheld, tuple(lost.unreadable))

    def _batch(self, topic: str, events: list[ClearEvent], lost: "_Lost") -> Any:
        """Return events as a batch; those that do not hold what their type says are lost, one by one."""
        table = self._tables[topic]
        try:
            return table.batch(events)
        except STRANGE:
            lost.unreadable += [event.position for event in events if not _fits(table, event)]
            return table.batch([event for event in events if event.position not in lost.unreadable])

    def _event(self, row: ClearRow, lost: "_Lost") -> ClearEvent | None:
        """Return an event as it may be shown; None where it is withheld or cannot be read."""
        try:
            event = event_of(row)
        except UnreadableEvent:
            lost.unreadable.append(row.position)
            return None
        if row.position not in self._reading.replaced:
            return event
        shown = self._reading.replaced[row.position]
        if shown is None:
            lost.withheld += 1
            return None
        return event._replace(clear={**event.clear, "data": shown})


def _fits(table: Table, event: ClearEvent) -> bool:
    try:
        table.batch([event])
    except STRANGE:
        return False
    return True


@dataclass(slots=True)
class _Lost:
    """How many events of a stretch were withheld whole, and the positions of those that could not be read."""

    withheld: int = 0
    unreadable: list[int] = field(default_factory=list[int])


@contextmanager
def _uncollected() -> Generator[None]:
    """Do without collecting cycles: events hold none, and looking for some among them takes most of the time."""
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


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
