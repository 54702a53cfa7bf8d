"""Group commit: callers queue their requests, one writer thread appends all that wait in a single transaction."""

import asyncio
import threading
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from datetime import UTC, datetime
from typing import Any

import psycopg
from psycopg import errors

from ledger.errors import ClockGoesBack, ClocksApart, LedgerError, LedgerUnavailable, NotSimulated
from ledger.queries import load_queries
from ledger.requests import Answer, Appended, Conflict, InTheFuture, Malformed, Mismatched, Request

SQL = load_queries("ledger", "sql/queries.sql")
MAX_BATCH_EVENTS = 1024
REFUSALS: dict[str | None, type[LedgerError]] = {"CL001": ClocksApart, "CL002": NotSimulated, "CL003": ClockGoesBack}

Reply = Callable[[Answer | LedgerError], None]
Waiting = tuple[Request, datetime | None, Reply]


class Appender:
    """Appends requests of any number of threads and tasks through one connection.

    ``connect`` makes an autocommit connection that may execute ``ledger.append``. A lost connection fails the
    requests in flight with LedgerUnavailable and is opened anew for the next ones; whether those in flight were
    committed is answered by sending them again with the same key.
    """

    def __init__(self, connect: Callable[[], psycopg.Connection[Any]]) -> None:
        self._connect = connect
        self._connection: psycopg.Connection[Any] | None = None
        self._inbox: deque[Waiting] = deque()
        self._wake = threading.Event()
        self._closed = False
        self._thread = threading.Thread(target=self._run, name="ledger-appender", daemon=True)
        self._thread.start()

    async def append(self, request: Request, instant: datetime | None = None) -> Answer:
        """Append from a task; raises LedgerError when the ledger refuses or does not answer."""
        loop = asyncio.get_running_loop()
        future: asyncio.Future[Answer] = loop.create_future()

        def settle(answer: Answer | LedgerError) -> None:
            if future.done():
                return
            if isinstance(answer, LedgerError):
                future.set_exception(answer)
            else:
                future.set_result(answer)

        def reply(answer: Answer | LedgerError) -> None:
            loop.call_soon_threadsafe(settle, answer)

        self._put((request, instant, reply))
        return await future

    def append_now(self, request: Request, instant: datetime | None = None) -> Answer:
        """Append from a thread and wait for the answer; raises LedgerError as ``append`` does."""
        future: Future[Answer] = Future()

        def reply(answer: Answer | LedgerError) -> None:
            if isinstance(answer, LedgerError):
                future.set_exception(answer)
            else:
                future.set_result(answer)

        self._put((request, instant, reply))
        return future.result()

    def close(self) -> None:
        """Write what waits, then stop."""
        self._closed = True
        self._wake.set()
        self._thread.join()
        if self._connection is not None:
            self._connection.close()

    def _put(self, waiting: Waiting) -> None:
        if self._closed:
            raise LedgerUnavailable("the ledger is closing: try again")
        self._inbox.append(waiting)
        self._wake.set()

    def _run(self) -> None:
        while True:
            self._wake.wait()
            self._wake.clear()
            while self._inbox:
                self._answer(self._next_batch())
            if self._closed:
                return

    def _next_batch(self) -> list[Waiting]:
        """Take what waits, as long as all of it is to be recorded at the same instant."""
        batch = [self._inbox.popleft()]
        events = _count(batch[0][0])
        while self._inbox and self._inbox[0][1] == batch[0][1] and events < MAX_BATCH_EVENTS:
            batch.append(self._inbox.popleft())
            events += _count(batch[-1][0])
        return batch

    def _answer(self, batch: list[Waiting]) -> None:
        try:
            answers = self._write([request for request, _, _ in batch], batch[0][1])
        except Exception as error:
            refusal = _refusal(error)
            for _, _, reply in batch:
                reply(refusal)
            return
        for (_, _, reply), answer in zip(batch, answers, strict=True):
            reply(answer)

    def _write(self, requests: list[Request], instant: datetime | None) -> list[Answer]:
        if self._connection is None or self._connection.closed:
            self._connection = self._connect()
        try:
            cursor = self._connection.cursor(binary=True)
            rows = cursor.execute(SQL["append"], _columns(requests, instant), prepare=True).fetchall()
        except psycopg.OperationalError:
            self._connection.close()
            raise
        return [_to_answer(row) for row in rows]


def _count(request: Request) -> int:
    return sum(len(part.events) for part in request.parts)


def _columns(requests: list[Request], instant: datetime | None) -> list[Any]:
    """Return the requests as the parallel arrays that the append function takes."""
    parts = [part for request in requests for part in request.parts]
    events = [event for part in parts for event in part.events]
    return [
        [r.key for r in requests],
        [r.fingerprint for r in requests],
        [r.happened for r in requests],
        [len(r.parts) for r in requests],
        [p.stream for p in parts],
        [p.expected for p in parts],
        [len(p.events) for p in parts],
        [e.topic for e in events],
        [e.actor for e in events],
        [e.blind for e in events],
        [e.segments for e in events],
        [e.state for e in events],
        datetime.now(UTC),
        instant,
    ]


def _to_answer(row: tuple[Any, ...]) -> Answer:
    outcome, first, last, recorded_at, stream, version = row
    match outcome:
        case "appended" | "repeated":
            return Appended(first, last, recorded_at, outcome == "repeated")
        case "conflict":
            return Conflict(stream, version)
        case "mismatched":
            return Mismatched()
        case "future":
            return InTheFuture(recorded_at)
        case _:
            return Malformed()


def _refusal(error: Exception) -> LedgerError:
    """Return what callers are told about a failed batch; the cause stays attached."""
    if isinstance(error, LedgerError):
        return error
    state = error.sqlstate if isinstance(error, errors.Error) else None
    refusal = REFUSALS.get(state, LedgerUnavailable)()
    if state == "CL003":
        refusal = ClockGoesBack(str(error).splitlines()[0])
    refusal.__cause__ = error
    return refusal
