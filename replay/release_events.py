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
from replay.release_rows import Sent, UnreadableEvent, event_of, sent_events

STRETCH = 20_000
"""Positions read at a time."""

PAGE = 1_000
"""Events of a type turned into columns at a time: few enough to stay in the processor's cache meanwhile."""

WORTH_A_PROCESS = 5
"""Stretches for which a further process is worth the second that it takes to start."""

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
    """The events of a stretch: batches of each topic, how many were withheld whole, which could not be read."""

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
        lost, reading = _Lost(), self._reading
        values = {"after": after, "upto": upto, "topics": list(reading.topics)}
        values |= {"without": list(reading.erased), "restricted": list(reading.restricted)}
        waiting, batches = defaultdict[str, list[ClearEvent]](list), list[tuple[str, Any]]()
        with _uncollected():
            for sent in sent_events(self._connection, values):
                event = self._event(sent, lost)
                if event is None:
                    continue
                topic = sent[3]
                events = waiting[topic]
                events.append(event)
                if len(events) == PAGE:
                    batches.append((topic, self._batch(topic, events, lost)))
                    events.clear()
            batches += [(topic, self._batch(topic, events, lost)) for topic, events in waiting.items() if events]
        return Stretch(tuple(batches), lost.withheld, lost.positions())

    def _batch(self, topic: str, events: list[ClearEvent], lost: "_Lost") -> Any:
        """Return events as a batch; those that do not hold what their type says are lost, one by one."""
        table = self._tables[topic]
        try:
            return table.batch(events)
        except STRANGE:
            unfit = {event.position for event in events if not _fits(table, event)}
            lost.unfit += [(topic, position) for position in unfit]
            return table.batch([event for event in events if event.position not in unfit])

    def _event(self, sent: Sent, lost: "_Lost") -> ClearEvent | None:
        """Return an event as it may be shown; None where it is withheld or cannot be read."""
        position = sent[0]
        try:
            event = event_of(sent)
        except UnreadableEvent:
            lost.unreadable.append(position)
            return None
        if position not in self._reading.replaced:
            return event
        shown = self._reading.replaced[position]
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
    """What of a stretch is missing: how many events were withheld whole, which do not read, or not as their type."""

    withheld: int = 0
    unreadable: list[int] = field(default_factory=list[int])
    unfit: list[tuple[str, int]] = field(default_factory=list[tuple[str, int]])

    def positions(self) -> tuple[int, ...]:
        """Return the positions of events that could not be read, in the order in which manifests name them."""
        return (*self.unreadable, *(position for _, position in sorted(self.unfit)))


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
    workers = min(workers, len(bounds) // WORTH_A_PROCESS)
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
