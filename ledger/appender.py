"""Group commit: callers queue their requests, and one of them appends all that wait in a single transaction."""

import asyncio
import select
import threading
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from datetime import UTC, datetime
from typing import Any, Generic, TypeVar, cast

import psycopg
from psycopg import generators, pq, waiting
from psycopg.pq.abc import PGresult

from ledger import wire
from ledger.errors import ClockGoesBack, ClocksApart, LedgerError, LedgerUnavailable, NotSimulated
from ledger.queries import load_queries
from ledger.requests import Answer, Appended, Conflict, InTheFuture, Malformed, Mismatched, Request
from ledger.spans import Span, span
from ledger.wire import ARRAY_OF, BYTEA, INT4, INT8, TEXT, TIMESTAMPTZ, UUID_TYPE, array

SQL = load_queries("ledger", "sql/queries.sql")
MAX_BATCH_EVENTS = 1024
WAKE_SECONDS = 0.1
"""How often the driver looks up while it waits for an answer; with its default it does so all the time."""

STATEMENT = b"append"
_ELEMENTS = [BYTEA, BYTEA, TIMESTAMPTZ, INT4, UUID_TYPE, INT8, INT4, TEXT, UUID_TYPE, BYTEA, BYTEA, BYTEA]
TYPES = [*(ARRAY_OF[element] for element in _ELEMENTS), TIMESTAMPTZ, TIMESTAMPTZ]
FORMATS = [1] * len(TYPES)
BINARY = 1
ANSWER_SECONDS = 20.0
"""How long tasks wait for a commit, such as one that waits for a standby, before they are told that it is not known."""

WARNING = "WARNING"
"""An append gives none, but a commit that has stopped waiting for its standby does: it is written, perhaps here alone.
"""

REFUSALS: dict[str, type[LedgerError]] = {"CL001": ClocksApart, "CL002": NotSimulated, "CL003": ClockGoesBack}

Outcome = Answer | LedgerError
AnyFuture = TypeVar("AnyFuture", bound="asyncio.Future[Answer] | Future[Answer]")


class Appender:
    """Appends requests of any number of tasks and threads; those that wait are committed together.

    ``connect`` makes an autocommit connection that may execute ``ledger.append``; the tasks of an event loop share
    one, threads another. A lost connection fails the requests in flight with LedgerUnavailable and is opened anew for
    the next ones; whether those in flight were committed is answered by sending them again with the same key. So it is
    where a commit takes longer than ``ANSWER_SECONDS``, or stops waiting for a standby.
    """

    def __init__(self, connect: Callable[[], psycopg.Connection[Any]]) -> None:
        self._connect = connect
        self._of_loops: dict[asyncio.AbstractEventLoop, _Line[asyncio.Future[Answer]]] = {}
        self._of_threads: _Line[Future[Answer]] = _Line(connect)
        self._turn = threading.Lock()
        self._closed = False

    async def append(self, request: Request, instant: datetime | None = None) -> Answer:
        """Append from a task; raises LedgerError when the ledger refuses or does not answer.

        One task writes for all that wait. It is started, not awaited, so that a caller who gives up does not end it,
        and it starts when the tasks that were woken together have queued together.
        """
        self._refuse_when_closed()
        loop = asyncio.get_running_loop()
        future: asyncio.Future[Answer] = loop.create_future()
        line = self._of_loops.get(loop) or self._line_of(loop)
        if line.stuck:
            raise LedgerUnavailable
        with span("append", events=request.size) as told:
            line.queue(request, instant, future)
            if line.writing is None or line.writing.done():
                line.writing = loop.create_task(line.write_while_any_wait())
            return _told(told, await future)

    def append_now(self, request: Request, instant: datetime | None = None) -> Answer:
        """Append from a thread and wait for the answer; raises LedgerError as ``append`` does.

        The thread whose turn it is writes for all that wait.
        """
        self._refuse_when_closed()
        future: Future[Answer] = Future()
        with span("append", events=request.size) as told:
            self._of_threads.queue(request, instant, future)
            with self._turn:
                while not future.done():
                    self._of_threads.write_once()
            return _told(told, future.result())

    @property
    def stuck(self) -> bool:
        """Whether a commit of tasks has been waiting for longer than they do; nothing is taken in meanwhile."""
        return any(line.stuck for line in [*self._of_loops.values()])

    def close(self) -> None:
        """Take no more and let go of the connections; threads whose turn it is are answered first."""
        self._closed = True
        with self._turn:
            for line in (self._of_threads, *self._of_loops.values()):
                line.close()

    def _line_of(self, loop: asyncio.AbstractEventLoop) -> "_Line[asyncio.Future[Answer]]":
        """Return the line of an event loop met for the first time, and let go of those of loops that are over."""
        with self._turn:
            for other in [known for known in self._of_loops if known.is_closed()]:
                self._of_loops.pop(other).close()
            return self._of_loops.setdefault(loop, _Line(self._connect))

    def _refuse_when_closed(self) -> None:
        if self._closed:
            raise LedgerUnavailable("the ledger is closing: try again")


def _told(told: Span, answer: Answer) -> Answer:
    told.facts["outcome"] = type(answer).__name__
    if isinstance(answer, Appended):
        told.facts["position"] = answer.last_position
    return answer


_Batch = list[tuple[Request, datetime | None, AnyFuture]]


class _Line(Generic[AnyFuture]):
    """A queue of requests and the connection they go through."""

    def __init__(self, connect: Callable[[], psycopg.Connection[Any]]) -> None:
        self._connect = connect
        self._connection: psycopg.Connection[Any] | None = None
        self._waiting: deque[tuple[Request, datetime | None, AnyFuture]] = deque()
        self.writing: asyncio.Task[None] | None = None
        self.stuck = self._cut_off = False

    def queue(self, request: Request, instant: datetime | None, future: AnyFuture) -> None:
        """Let a request wait for its turn."""
        self._waiting.append((request, instant, future))

    def next_batch(self) -> "_Batch[AnyFuture]":
        """Take what waits, as long as all of it is to be recorded at the same instant; empty when nothing waits."""
        batch: _Batch[AnyFuture] = []
        events = 0
        while self._waiting and events < MAX_BATCH_EVENTS and (not batch or self._waiting[0][1] == batch[0][1]):
            batch.append(self._waiting.popleft())
            events += batch[-1][0].size
        return batch

    def write_once(self) -> None:
        """Append what waits, blocking the thread."""
        batch = self.next_batch()
        try:
            outcomes: Sequence[Outcome] = self._write(batch)
        except Exception as error:
            outcomes = [_refusal(error)] * len(batch)
        _settle(batch, outcomes)

    async def write_while_any_wait(self) -> None:
        """Append what waits, and what has queued meanwhile, while the event loop goes on."""
        while batch := self.next_batch():
            watch = asyncio.get_running_loop().call_later(ANSWER_SECONDS, self._give_up, batch)
            try:
                outcomes: Sequence[Outcome] = await self._write_async(batch)
            except Exception as error:
                outcomes = [_refusal(error)] * len(batch)
            except BaseException:
                self.close()  # the loop ends in the middle of an exchange
                raise
            finally:
                watch.cancel()
                self.stuck = False
            _settle(batch, outcomes)

    def _give_up(self, batch: "_Batch[AnyFuture]") -> None:
        """Tell whoever waits that it is not known; the commit is waited for further, and nothing is taken in until."""
        self.stuck = True
        waiting = [*batch, *self._waiting]
        self._waiting.clear()
        _settle(waiting, [LedgerUnavailable()] * len(waiting))

    def _write(self, batch: "_Batch[AnyFuture]") -> list[Answer]:
        connection = self._opened()
        return self._read(connection.pgconn.exec_prepared(STATEMENT, _columns(batch), FORMATS, BINARY))

    async def _write_async(self, batch: "_Batch[AnyFuture]") -> list[Answer]:
        connection = self._connection
        if connection is None or _is_lost(connection):
            connection = await asyncio.to_thread(self._opened)
        try:
            connection.pgconn.send_query_prepared(STATEMENT, _columns(batch), FORMATS, BINARY)
            executing = generators.execute(connection.pgconn)
            results = await waiting.wait_async(executing, connection.pgconn.socket, WAKE_SECONDS)
        except psycopg.OperationalError:
            connection.close()
            raise
        return self._read(results[-1])

    def _opened(self) -> psycopg.Connection[Any]:
        """Return the connection with the append prepared on it, opened anew where it was lost."""
        if self._connection is None or _is_lost(self._connection):
            self._connection = self._connect()
            self._connection.add_notice_handler(self._notice)
            self._cut_off = False
            prepared = self._connection.pgconn.prepare(STATEMENT, SQL["append"].encode(), TYPES)
            if prepared.status != pq.ExecStatus.COMMAND_OK:
                self._connection.close()
                raise _AppendFailed(prepared)
        return self._connection

    def close(self) -> None:
        """Let go of the connection."""
        if self._connection is not None:
            self._connection.close()

    def _notice(self, said: psycopg.errors.Diagnostic) -> None:
        self._cut_off = self._cut_off or said.severity_nonlocalized == WARNING

    def _read(self, result: PGresult) -> list[Answer]:
        cut_off, self._cut_off = self._cut_off, False
        if cut_off:
            raise LedgerUnavailable
        if result.status == pq.ExecStatus.TUPLES_OK:
            return [_to_answer(result, row) for row in range(result.ntuples)]
        if self._connection is not None and self._connection.pgconn.status != pq.ConnStatus.OK:
            self._connection.close()
        raise _AppendFailed(result)


def _is_lost(connection: psycopg.Connection[Any]) -> bool:
    """Whether a connection that nobody is using has ended, for example because the server was restarted meanwhile.

    An idle server says nothing unasked but that it goes, or that a setting changed: either way a new one is opened.
    """
    if connection.closed:
        return True
    idle = select.poll()
    idle.register(connection.pgconn.socket, select.POLLIN)
    if idle.poll(0):
        connection.close()
    return connection.closed


class _AppendFailed(Exception):
    """The database did not carry out an append; ``state`` is its SQLSTATE."""

    def __init__(self, result: PGresult) -> None:
        super().__init__((result.error_field(pq.DiagnosticField.MESSAGE_PRIMARY) or b"").decode())
        self.state = (result.error_field(pq.DiagnosticField.SQLSTATE) or b"").decode()


def _settle(batch: _Batch[AnyFuture], outcomes: Sequence[Outcome]) -> None:
    """Tell everybody of a batch what became of their request."""
    for (_, _, future), outcome in zip(batch, outcomes, strict=True):
        if future.done():
            continue
        if isinstance(outcome, LedgerError):
            future.set_exception(outcome)
        else:
            future.set_result(outcome)


def _columns(batch: _Batch[AnyFuture]) -> list[bytes]:
    """Return the requests of a batch as the parallel arrays that the append function takes."""
    requests = [request for request, _, _ in batch]
    instant = batch[0][1]
    parts = [part for request in requests for part in request.parts]
    events = [event for part in parts for event in part.events]
    columns = [
        array(BYTEA, [r.key for r in requests]),
        array(BYTEA, [r.fingerprint for r in requests]),
        array(TIMESTAMPTZ, [r.happened and wire.instant(r.happened) for r in requests]),
        array(INT4, [wire.int4(len(r.parts)) for r in requests]),
        array(UUID_TYPE, [p.stream.bytes for p in parts]),
        array(INT8, [None if p.expected is None else wire.int8(p.expected) for p in parts]),
        array(INT4, [wire.int4(len(p.events)) for p in parts]),
        array(TEXT, [e.topic.encode() for e in events]),
        array(UUID_TYPE, [e.actor.bytes for e in events]),
        array(BYTEA, [e.blind for e in events]),
        array(BYTEA, [e.segments for e in events]),
        array(BYTEA, [e.state for e in events]),
        wire.instant(datetime.now(UTC)),
        instant and wire.instant(instant),
    ]
    return cast(list[bytes], columns)  # None is NULL to the driver, which its types do not say


def _to_answer(result: PGresult, row: int) -> Answer:
    outcome, first, last, recorded_at, stream, version = (result.get_value(row, column) for column in range(6))
    match outcome:
        case b"appended" | b"repeated" if first and last and recorded_at:
            positions = wire.read_int8(first), wire.read_int8(last)
            return Appended(*positions, wire.read_instant(recorded_at), outcome == b"repeated")
        case b"conflict" if stream and version:
            return Conflict(wire.read_uuid(stream), wire.read_int8(version))
        case b"mismatched":
            return Mismatched()
        case b"future" if recorded_at:
            return InTheFuture(wire.read_instant(recorded_at))
        case _:
            return Malformed()


def _refusal(error: Exception) -> LedgerError:
    """Return what callers are told about a failed batch; the cause stays attached."""
    if isinstance(error, LedgerError):
        return error
    state = error.state if isinstance(error, _AppendFailed) else ""
    refusal = REFUSALS.get(state, LedgerUnavailable)()
    if state == "CL003":
        refusal = ClockGoesBack(str(error))
    refusal.__cause__ = error
    return refusal
