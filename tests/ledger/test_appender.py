"""Group commit from tasks, threads and processes: one winner, lost connections, answers that never come, the end."""

import asyncio
import socket
import threading
from collections.abc import Generator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from subprocess import PIPE, Popen
from sys import executable
from time import process_time
from typing import Any
from uuid import uuid4

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from api.opening import Place
from ledger.appender import Appender
from ledger.errors import LedgerUnavailable
from ledger.requests import Answer, Appended, Conflict, Mismatched, NewEvent, Part, Request
from ledger.store import Ledger, conninfo_as
from replay.verify import verify_ledger
from tests.ledger.samples import appended, connected, fact, one, opening, wait_until

KEY = b"k" * 32
APPENDING = "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND query LIKE '%ledger.append(%'"


async def append_all(ledger: Ledger, requests: list[Request]) -> list[Answer]:
    """Append requests all at once and return their answers in order."""
    return await asyncio.gather(*(ledger.appender.append(request) for request in requests))


def appending(connection: psycopg.Connection[Any], waiting: bool = False) -> list[int]:
    """Return the server processes that append or have just appended, all or those that wait for a lock."""
    query = f"{APPENDING} AND pid <> pg_backend_pid() AND (wait_event_type = 'Lock' OR NOT {waiting})"
    return [row[0] for row in connection.execute(query.encode()).fetchall()]


def end_connection(connection: psycopg.Connection[Any]) -> None:
    """End the connection of the ledger's writer and wait until its server process is gone."""
    (pid,) = appending(connection)
    connection.execute("SELECT pg_terminate_backend(%s)", [pid])
    wait_until(lambda: not appending(connection))


def test_of_two_hundred_commits_on_one_version_one_wins(real: Place, ledger: Ledger) -> None:
    """Threads and tasks over two connections all decide on version 1: one is appended, all others are told 2."""
    stream = uuid4()
    appended(ledger.append_now(one(stream, 0, opening())))
    with real.ledger() as other, ThreadPoolExecutor(20) as threads:
        from_threads = [threads.submit(other.append_now, one(stream, 1)) for _ in range(100)]
        from_tasks = asyncio.run(append_all(ledger, [one(stream, 1) for _ in range(100)]))
        answers = from_tasks + [future.result() for future in from_threads]
    assert sum(isinstance(answer, Appended) for answer in answers) == 1
    assert sum(answer == Conflict(stream, 2) for answer in answers) == 199
    assert ledger.head().size == 3


def test_of_many_with_one_key_one_is_appended(real: Place, ledger: Ledger) -> None:
    """The same request sent at once over two connections is in the ledger once, and all get the same answer."""
    request = one(uuid4(), 0, key=KEY)
    with real.ledger() as other, ThreadPoolExecutor(20) as threads:
        from_threads = [threads.submit(other.append_now, request) for _ in range(40)]
        answers = asyncio.run(append_all(ledger, [request] * 40)) + [future.result() for future in from_threads]
    assert {(appended(a).first_position, appended(a).recorded_at) for a in answers} == {
        (2, appended(answers[0]).recorded_at)
    }
    assert sum(not appended(answer).repeated for answer in answers) == 1


@pytest.mark.slow
def test_two_processes_append_densely_and_chained(real: Place, ledger: Ledger, tmp_path: Path) -> None:
    """Two writers in processes of their own leave dense positions, versions and an intact chain and tree."""
    command = [executable, "-m", "tests.ledger.writer", real.conninfo, str(tmp_path / "home")]
    with connected(real) as holder, connected(real) as watcher, holder.transaction():
        holder.execute("SELECT FROM ledger.head FOR UPDATE")
        writers = [Popen([*command, name, "400"], stdout=PIPE, text=True) for name in ("one", "two")]
        wait_until(lambda: len(appending(watcher, waiting=True)) == 2)
    confirmed = [writer.communicate(timeout=30)[0].split() for writer in writers]
    assert confirmed == [[str(number) for number in range(400)]] * 2
    report = verify_ledger(ledger)
    assert report.intact
    assert (report.events, report.streams) == (801, 101)


def test_appends_that_wait_for_the_lock_at_once_follow_each_other(real: Place, ledger: Ledger) -> None:
    """Two connections that have both begun to append decide one after the other, on what is then there."""
    stream = uuid4()
    with real.ledger() as other, ThreadPoolExecutor(2) as threads, connected(real) as watcher:
        with connected(real) as holder, holder.transaction():
            holder.execute("SELECT FROM ledger.head FOR UPDATE")
            racing = [threads.submit(each.append_now, one(stream, 0)) for each in (ledger, other)]
            wait_until(lambda: len(appending(watcher, waiting=True)) == 2)
        answers = [future.result(timeout=10) for future in racing]
    assert sorted(type(answer).__name__ for answer in answers) == ["Appended", "Conflict"]
    assert Conflict(stream, 1) in answers


def test_waiting_for_the_database_leaves_the_processor_to_others(real: Place, ledger: Ledger) -> None:
    """A task whose append takes half a second uses next to none of it."""

    async def held_up() -> float:
        await ledger.appender.append(one(uuid4(), 0))
        with connected(real) as holder:
            with holder.transaction():
                holder.execute("SELECT FROM ledger.head FOR UPDATE")
                waiting = asyncio.create_task(ledger.appender.append(one(uuid4(), 0)))
                begun = process_time()
                await asyncio.sleep(0.5)
                assert not waiting.done()
                used = process_time() - begun
            appended(await waiting)
        return used

    assert asyncio.run(held_up()) < 0.1


def test_connection_ended_while_idle_costs_nothing(real: Place, ledger: Ledger) -> None:
    """The first append after a connection was lost goes through another one."""
    stream = uuid4()
    appended(ledger.append_now(one(stream, 0)))
    with connected(real) as connection:
        end_connection(connection)
    assert appended(ledger.append_now(one(stream, 1))).first_position == 3


def test_connection_ended_in_flight_before_the_commit(real: Place, ledger: Ledger) -> None:
    """An append cut off while it waits for the lock was not committed, and sending it again appends it."""
    appended(ledger.append_now(one(uuid4(), 0)))
    request = one(uuid4(), 0, key=KEY)
    with connected(real) as holder, connected(real) as connection, ThreadPoolExecutor(1) as threads:
        with holder.transaction():
            holder.execute("SELECT FROM ledger.head FOR UPDATE")
            in_flight = threads.submit(ledger.append_now, request)
            wait_until(lambda: appending(connection, waiting=True))
            end_connection(connection)
        with pytest.raises(LedgerUnavailable):
            in_flight.result(timeout=10)
    again = appended(ledger.append_now(request))
    assert (again.first_position, again.repeated) == (3, False)


class DeafWire:
    """A socket between program and server that can swallow the server's next answer and then break."""

    def __init__(self, folder: Path, conninfo: str) -> None:
        self.cut = threading.Event()
        self._server = f"{conninfo_to_dict(conninfo)['host']}/.s.PGSQL.5432"
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(folder / ".s.PGSQL.5432"))
        self._listener.listen()
        self.conninfo = make_conninfo(conninfo, host=str(folder), requirepeer="")
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        """Take no more connections."""
        self._listener.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                program, server = self._listener.accept()[0], socket.socket(socket.AF_UNIX)
                server.connect(self._server)
                threading.Thread(target=self._pass_on, args=(program, server, False), daemon=True).start()
                threading.Thread(target=self._pass_on, args=(server, program, True), daemon=True).start()

    def _pass_on(self, source: socket.socket, target: socket.socket, answers: bool) -> None:
        with suppress(OSError):
            while content := source.recv(65536):
                if answers and self.cut.is_set():
                    break
                target.sendall(content)
        for end in (source, target):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
            end.close()


@pytest.fixture
def wire(real: Place, tmp_path: Path) -> Generator[DeafWire]:
    """A wire to the server that can be cut."""
    wire = DeafWire(tmp_path, real.conninfo)
    yield wire
    wire.close()


def test_connection_lost_after_the_commit(ledger: Ledger, wire: DeafWire) -> None:
    """When the answer of a committed append is lost, sending the request again with its key tells so."""
    appender = Appender(lambda: psycopg.connect(conninfo_as(wire.conninfo, "caseledger_app"), autocommit=True))
    request = one(uuid4(), 0, key=KEY)
    appended(appender.append_now(one(uuid4(), 0)))
    wire.cut.set()
    with pytest.raises(LedgerUnavailable):
        appender.append_now(request)
    wire.cut.clear()
    again = appended(appender.append_now(request))
    assert (again.first_position, again.repeated) == (3, True)
    assert appender.append_now(one(uuid4(), 0, key=KEY, body=b"b" * 32)) == Mismatched()
    appender.close()
    assert ledger.head().size == 3


def test_server_that_does_not_answer_is_unavailable(real: Place) -> None:
    """An appender whose server is not there refuses each request and does not end."""
    appender = Appender(lambda: psycopg.connect(make_conninfo(real.conninfo, host="/nowhere"), autocommit=True))
    for _ in range(2):
        with pytest.raises(LedgerUnavailable):
            appender.append_now(one(uuid4(), 0))
    appender.close()


def test_caller_that_has_given_up_stops_nobody_else(real: Place, ledger: Ledger) -> None:
    """A task that stopped waiting, and whose loop ends, hinders nobody; its key tells what became of its request."""
    stream = uuid4()
    request = one(stream, 0, key=KEY)

    async def give_up() -> None:
        task = asyncio.create_task(ledger.appender.append(request))
        await asyncio.sleep(0.05)
        task.cancel()

    with connected(real) as holder, holder.transaction():
        holder.execute("SELECT FROM ledger.head FOR UPDATE")
        asyncio.run(give_up())
    with ThreadPoolExecutor(1) as threads:
        assert isinstance(threads.submit(ledger.append_now, request).result(timeout=10), Appended)
        assert isinstance(threads.submit(ledger.append_now, one(stream, 1)).result(timeout=10), Appended)
    assert len(ledger.read_stream(stream)) == 2


def test_waiting_task_that_is_cancelled_takes_no_other_task_with_it(real: Place, ledger: Ledger) -> None:
    """Of tasks whose requests are in one batch, one that gives up does not end the others."""

    async def race() -> list[Answer | BaseException]:
        tasks = [asyncio.create_task(ledger.appender.append(one(uuid4(), 0))) for _ in range(5)]
        await asyncio.sleep(0.05)
        tasks[0].cancel()
        release.set()
        return await asyncio.gather(*tasks, return_exceptions=True)

    release = threading.Event()
    with connected(real) as holder, ThreadPoolExecutor(1) as threads, holder.transaction():
        holder.execute("SELECT FROM ledger.head FOR UPDATE")
        racing = threads.submit(asyncio.run, race())
        assert release.wait(10)
    outcomes = racing.result(timeout=10)
    assert [type(outcome) for outcome in outcomes] == [asyncio.CancelledError, *[Appended] * 4]


def test_closing_writes_what_waits_and_then_refuses(real: Place) -> None:
    """Every request put in before the close is answered, every later one is refused, and none waits for ever."""
    with real.ledger() as opened, ThreadPoolExecutor(8) as threads:
        answers = [threads.submit(opened.append_now, one(uuid4(), 0)) for _ in range(50)]
        wait_until(lambda: any(answer.done() for answer in answers))
        opened.appender.close()
        outcomes = [type(answer.exception(timeout=10) or answer.result()) for answer in answers]
        assert set(outcomes) <= {Appended, LedgerUnavailable}
        assert opened.head().size == 1 + outcomes.count(Appended)
        with pytest.raises(LedgerUnavailable):
            opened.append_now(one(uuid4(), 0))
        with pytest.raises(LedgerUnavailable):
            asyncio.run(append_all(opened, [one(uuid4(), 0)]))


@pytest.mark.parametrize(
    ("topic", "blind"), [("note", b"short"), ("with a zero \x00", bytes(32)), ("half a letter \ud800", bytes(32))]
)
def test_event_that_cannot_be_stored_is_refused_where_it_is_made(topic: str, blind: bytes) -> None:
    """A blind of another length and a topic that is no text are refused before they can fail the whole batch."""
    event = fact()
    with pytest.raises(ValueError, match="blind of 32 bytes and a printable topic"):
        NewEvent(topic, blind, event.segments, event.state)


@pytest.mark.parametrize(
    ("expected", "fields"),
    [
        (0, {"key": b"short", "fingerprint": KEY}),
        (0, {"key": KEY, "fingerprint": b"short"}),
        (0, {"key": KEY}),
        (0, {"happened": datetime.now(UTC).replace(tzinfo=None)}),
        (-1, {}),
        (2**63, {}),
    ],
)
def test_request_that_would_fail_its_batch_is_refused_where_it_is_made(expected: int, fields: dict[str, Any]) -> None:
    """Digests of another length, a naive time and a version beyond all counting fail their caller alone."""
    with pytest.raises(ValueError, match=r"key|offset|version"):
        Request((Part(uuid4(), expected, (fact(),)),), **fields)


def test_request_needs_events_and_one_part_per_stream() -> None:
    """A request without parts, without events or with a stream twice is refused where it is made."""
    stream = uuid4()
    for parts in ((), (Part(stream, 0, ()),), (Part(stream, 0, (fact(),)), Part(stream, 1, (fact(),)))):
        with pytest.raises(ValueError, match="one part per stream"):
            Request(parts)


def test_loop_that_stops_for_ever_stops_nobody_else(ledger: Ledger) -> None:
    """A loop that stops right after a task has put its request in does not keep later requests waiting."""
    loop = asyncio.new_event_loop()
    task = loop.create_task(ledger.appender.append(one(uuid4(), 0)))
    loop.call_soon(loop.stop)
    loop.run_forever()
    with ThreadPoolExecutor(1) as threads:
        answers = threads.submit(lambda: asyncio.run(append_all(ledger, [one(uuid4(), 0)]))).result(timeout=10)
    assert isinstance(answers[0], Appended)
    assert isinstance(loop.run_until_complete(asyncio.wait_for(task, 10)), Appended)
    loop.close()


def test_closing_leaves_no_task_waiting_for_ever(real: Place) -> None:
    """Tasks whose requests are in the queue or on their way when the appender closes are answered or refused."""

    async def close_meanwhile() -> list[Answer | BaseException]:
        with real.ledger() as opened:
            tasks = [asyncio.create_task(opened.appender.append(one(uuid4(), 0))) for _ in range(200)]
            await asyncio.sleep(0)
            await asyncio.to_thread(opened.appender.close)
            return await asyncio.wait_for(asyncio.gather(*tasks, return_exceptions=True), 10)

    outcomes = [type(outcome) for outcome in asyncio.run(close_meanwhile())]
    assert set(outcomes) <= {Appended, LedgerUnavailable}
    with real.ledger() as opened:
        assert opened.head().size == 1 + outcomes.count(Appended)
