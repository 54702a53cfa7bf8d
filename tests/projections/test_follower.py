"""Following the ledger: nothing missed, doubled or late, whoever is killed; the rows are the fold at every position."""

import os
import random
import signal
import sys
import threading
import time
from collections import Counter
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import replace
from hashlib import sha256
from itertools import pairwise
from pathlib import Path
from subprocess import Popen
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest

from api.opening import Place
from ledger.mapper import read_clear
from ledger.store import Ledger
from projections import follower as follower_module
from projections import writing as writing_module
from projections.board import Board
from projections.folding import Folder
from projections.follower import Follower, HoleInLedger
from projections.view import CASE_STATE, FOLLOW, VIEWS
from replay.rebuild import verify_view
from replay.verify import verify_ledger
from tests.following import catch_up
from tests.ledger.samples import HOURS, appended, connected, fact, one, opening, wait_until
from tests.ledger.writer import STREAMS, stream_of

pytestmark = pytest.mark.slow

NOBODY = UUID(int=0)
COUNT = 1000
UPGRADED = """
import sys
from dataclasses import replace
from api import worker
from projections.view import CASE_STATE

worker.VIEWS = {"case_state": replace(CASE_STATE, version=2)}
worker.work(sys.argv[1])
"""
WORK = "import sys; from api.worker import work; work(sys.argv[1])"


def tracked(place: Place) -> int:
    """Return how far the view has come."""
    with connected(place) as connection:
        rows = connection.execute(FOLLOW["tracked"], ["case_state_v1/1"]).fetchall()
    return rows[0][0] if rows else 0


def active_followers(place: Place) -> list[int]:
    """Return the server processes that hold the lock of the view's follower."""
    with connected(place) as connection:
        rows = connection.execute(
            "SELECT pid FROM pg_locks WHERE locktype = 'advisory' AND granted"
            " AND (classid::bigint << 32) + objid::bigint = hashtextextended('caseledger view case_state', 0)"
            " AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
        ).fetchall()
    return [row[0] for row in rows]


def waiting_followers(place: Place) -> int:
    """Return how many followers have asked for the lock last, and so wait for it."""
    with connected(place) as connection:
        rows = connection.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
            " AND query LIKE '%pg_try_advisory_lock%'"
        ).fetchall()
    return rows[0][0] // len(VIEWS)


def start_worker(place: Place) -> Popen[bytes]:
    """Start a process that follows."""
    return Popen([sys.executable, "-c", WORK, place.conninfo])


def kill(process: Popen[Any]) -> None:
    """End a process the hard way."""
    process.kill()
    assert process.wait() == -signal.SIGKILL


@contextmanager
def following(place: Place) -> Generator[None]:
    """Follow in a thread of this process."""
    stop, follower = threading.Event(), Follower(place.conninfo, CASE_STATE)
    thread = threading.Thread(target=follower.run, args=(stop,))
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()
        follower.close()


def followed(place: Place) -> None:
    """Bring the view up to date."""
    follower = Follower(place.conninfo, CASE_STATE)
    try:
        catch_up(follower)
    finally:
        follower.close()


class Writer:
    """A writing process that is started again under the same name after it was killed."""

    def __init__(self, place: Place, home: Path, name: str, folder: Path) -> None:
        self.name = name
        self._command = [sys.executable, "-m", "tests.ledger.writer", place.conninfo, str(home), name, str(COUNT)]
        self._output = folder / f"{name}.txt"
        self.process = self.start()

    def start(self) -> Popen[bytes]:
        """Start, and note after what was confirmed before."""
        with self._output.open("ab") as output:
            self.process = Popen(self._command, stdout=output)
        return self.process

    def confirmed(self) -> list[int]:
        """Return every confirmation ever seen; a line cut off by a kill does not count."""
        content = self._output.read_bytes()
        return [int(line) for line in content[: content.rfind(b"\n") + 1].split()]


def test_nothing_is_missed_or_doubled_whoever_is_killed(real: Place, ledger: Ledger, tmp_path: Path) -> None:
    """Two writers and a follower are killed again and again; in the end ledger and view are complete and exact."""
    writers = [Writer(real, tmp_path / "home", name, tmp_path) for name in ("one", "two")]
    worker = start_worker(real)
    kills = interrupted = 0
    try:
        for part in (1, 2, 3):
            wait_until(lambda: len(writers[0].confirmed()) > part * 100)  # noqa: B023
            writers[0].process.kill()
            interrupted += writers[0].process.wait() == -signal.SIGKILL
            wait_until(lambda: tracked(real) > part * 150)  # noqa: B023
            kill(worker)
            kills += 1
            worker = start_worker(real)
            writers[0].start()
            writers.reverse()
        for writer in writers:
            assert writer.process.wait(40) == 0
        wait_until(lambda: tracked(real) == ledger.head().size)
    finally:
        for process in (worker, *(writer.process for writer in writers)):
            process.kill()
            process.wait()

    assert kills == 3
    assert interrupted, "a slow machine lets later writers finish first, never the one killed at once"
    assert ledger.head().size == 1 + 2 * COUNT
    report = verify_ledger(ledger)
    assert report.intact
    hours = Counter(
        (row.stream, read_clear(row).data.get("hours_per_week"))
        for row in ledger.read_range(1, ledger.head().size)
        if row.topic == HOURS
    )
    assert hours == Counter((stream_of(w.name, n), n) for w in writers for n in range(STREAMS, COUNT))
    for writer in writers:
        assert set(writer.confirmed()) == set(range(COUNT))
        keys = [sha256(f"{writer.name} {number}".encode()).digest() for number in (0, STREAMS, COUNT - 1)]
        assert all(ledger.find_request(key) for key in keys)
    comparison = verify_view(real.conninfo, CASE_STATE)
    assert comparison.equal
    assert (comparison.position, comparison.keys) == (ledger.head().size, 2 * STREAMS)
    assert comparison.rows == 2 * COUNT


def test_second_follower_takes_over_when_the_first_is_killed(real: Place, ledger: Ledger) -> None:
    """Of two followers one is active and the other waits; when the first is killed, the second goes on."""
    first = start_worker(real)
    second: Popen[bytes] | None = None
    try:
        appended(ledger.append_now(one(uuid4(), 0, opening())))
        wait_until(lambda: tracked(real) == 2)
        (active,) = active_followers(real)
        second = start_worker(real)
        wait_until(lambda: waiting_followers(real) == 1)
        appended(ledger.append_now(one(uuid4(), 0, opening())))
        wait_until(lambda: tracked(real) == 3)
        assert active_followers(real) == [active]
        kill(first)
        appended(ledger.append_now(one(uuid4(), 0, opening())))
        wait_until(lambda: tracked(real) == 4)
        assert active_followers(real) != [active]
        assert len(active_followers(real)) == 1
    finally:
        for process in (first, second):
            if process is not None:
                process.kill()
                process.wait()
    assert verify_view(real.conninfo, CASE_STATE).equal


def test_worker_goes_on_after_its_connections_were_ended(real: Place, ledger: Ledger) -> None:
    """A worker whose connections the server ends connects again and misses nothing; it stops when told to."""
    worker = start_worker(real)
    try:
        wait_until(lambda: active_followers(real))
        with connected(real) as connection:
            for pid in active_followers(real):
                connection.execute("SELECT pg_terminate_backend(%s)", [pid])
        position = appended(ledger.append_now(one(uuid4(), 0, opening()))).last_position
        wait_until(lambda: tracked(real) == position)
        os.kill(worker.pid, signal.SIGTERM)
        assert worker.wait(10) == 0
    finally:
        worker.kill()
        worker.wait()


def test_upgraded_workers_fold_the_new_version_and_go_on_with_it(real: Place, ledger: Ledger) -> None:
    """Without anybody's hand: old rows until the new ones have caught up, then those; of two workers one folds."""
    case = uuid4()
    appended(ledger.append_now(one(case, 0, opening())))
    with following(real):
        wait_until(lambda: tracked(real) == 2)
    workers = [Popen([sys.executable, "-c", UPGRADED, real.conninfo]) for _ in range(2)]
    try:
        with connected(real) as connection:
            query = "SELECT generation, version FROM view.current WHERE view = 'case_state'"
            wait_until(lambda: connection.execute(query).fetchone() == (2, 2))
            position = appended(ledger.append_now(one(case, None, fact(hours_per_week=3)))).last_position
            reached = "SELECT application_name, notification_id FROM view.notification_tracking"
            wait_until(lambda: connection.execute(reached).fetchall() == [("case_state_v2/2", position)])
    finally:
        for process in workers:
            process.terminate()
            assert process.wait(20) in (0, -signal.SIGTERM)
    assert verify_view(real.conninfo, replace(CASE_STATE, version=2)).equal


def test_follower_is_woken_by_the_append(real: Place, ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was appended is in the view well within two seconds, also when waiting alone would take much longer."""
    monkeypatch.setattr(follower_module, "WAKE_SECONDS", 20.0)
    case = uuid4()
    appended(ledger.append_now(one(case, 0, opening())))
    lags: list[float] = []
    with following(real):
        wait_until(lambda: tracked(real) == 2)
        for hours in range(10):
            position = appended(ledger.append_now(one(case, None, fact(hours_per_week=hours)))).last_position
            begun = time.monotonic()
            wait_until(lambda: tracked(real) == position)  # noqa: B023
            lags.append(time.monotonic() - begun)
        monkeypatch.setattr(follower_module, "WAKE_SECONDS", 0.1)
        appended(ledger.append_now(one(case, None)))
    assert max(lags) < 2


@pytest.mark.parametrize(("batch", "states", "changes"), [(1, 20_000, 1), (7, 1, 2), (500, 3, 1), (500, 3, 10_000)])
def test_rows_do_not_depend_on_batches_or_memory(
    stories: Place, monkeypatch: pytest.MonkeyPatch, batch: int, states: int, changes: int
) -> None:
    """However small the batches and pieces, and however often states are loaded again, the rows are the same."""
    monkeypatch.setattr(writing_module, "MOST_CHANGES", changes)
    monkeypatch.setattr(follower_module, "BATCH", batch)
    monkeypatch.setattr(writing_module, "MOST_ENTRIES", states)
    followed(stories)
    monkeypatch.undo()
    comparison = verify_view(stories.conninfo, CASE_STATE)
    assert comparison.equal
    assert (comparison.keys, comparison.rows > 50) == (6, True)


def test_rows_at_a_position_are_the_fold_of_the_first_events(stories: Place) -> None:
    """For positions all over the ledger, the board shows what folding exactly the events up to there gives."""
    followed(stories)
    chance = random.Random(7)
    with stories.ledger() as ledger:
        size = ledger.head().size
        rows = list(ledger.read_range(1, ledger.head().size))
        for position in (0, 1, 2, size - 1, size, *(chance.randrange(size) for _ in range(60))):
            folder = Folder(CASE_STATE)
            changes = [change for row in rows[:position] for change in folder.add(row)]
            values = {change.key: (change.value, change.position) for change in changes}
            board = Board(ledger).page(position, NOBODY, 1000)[1]
            assert {row.case: (row.state, row.known_from) for row in board} == values


def test_rows_of_a_case_follow_each_other_without_gap(stories: Place) -> None:
    """Each row of a case ends where the next begins, only the last is open, and no two neighbours are the same."""
    followed(stories)
    with connected(stories) as connection:
        rows = connection.execute(
            "SELECT key, known_from, known_to, value FROM view.remembered_v1 ORDER BY key, known_from"
        ).fetchall()
    for key in {row[0] for row in rows}:
        of_case = [row[1:] for row in rows if row[0] == key]
        assert [row[1] for row in of_case] == [*(row[0] for row in of_case[1:]), None]
        assert all(one[2] != other[2] for one, other in pairwise(of_case))


def test_hole_in_the_ledger_is_an_alarm(stories: Place) -> None:
    """A missing position stops the follower with an error that names it, and nothing past it is taken in."""
    with connected(stories) as connection:
        connection.execute("SET session_replication_role = replica")
        connection.execute("DELETE FROM ledger.event WHERE position = 100")
    with pytest.raises(HoleInLedger, match="positions after 0 are not dense: run `caseledger verify`"):
        followed(stories)
    assert tracked(stories) == 0


def test_batch_is_taken_in_whole_or_not_at_all(stories: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    """When the connection is lost after rows were written, neither rows nor progress remain; a new start is exact."""
    follower = Follower(stories.conninfo, CASE_STATE)
    real_fold = follower_module.take_in

    def fold_and_lose(cursor: psycopg.Cursor[Any], *more: Any) -> None:
        real_fold(cursor, *more)
        with connected(stories) as connection:
            connection.execute("SELECT pg_terminate_backend(%s)", [cursor.connection.info.backend_pid])

    monkeypatch.setattr(follower_module, "take_in", fold_and_lose)
    with pytest.raises(psycopg.OperationalError):
        follower.step()
    follower.close()
    monkeypatch.undo()
    with connected(stories) as connection:
        assert connection.execute("SELECT count(*) FROM view.remembered_v1").fetchone() == (0,)
    assert tracked(stories) == 0
    followed(stories)
    assert verify_view(stories.conninfo, CASE_STATE).equal
