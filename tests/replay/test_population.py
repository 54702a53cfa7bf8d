"""Views folded from working files: the rows of the live view, in processes and on a cluster that loses a worker."""

import asyncio
import os
import signal
import socket
import sys
import time
from collections.abc import Generator
from concurrent.futures import Executor, Future
from contextlib import contextmanager
from pathlib import Path
from subprocess import DEVNULL, PIPE, Popen
from typing import Any
from uuid import UUID

import orjson
import pytest

from api.door import Door
from api.exporting import make_working_files
from api.looks import Shown
from api.opening import Place
from api.principals import command_line_principal
from api.rule_adoption import adopt_shipped
from ledger.mapper import read_clear
from ledger.store import Ledger
from projections.view import DEADLINES, VIEWS, AnyView
from replay.population import (
    NotWorkingFiles,
    Row,
    fold_share,
    folded,
    on_cluster,
    on_processes,
    read_folded,
    replay_population,
)
from replay.working import COMMON, read_share, share_name
from tests.ledger.samples import appended, connected, fact, one
from tests.replay.releasing import follow

pytestmark = pytest.mark.slow

OPERATOR = command_line_principal("operations", internal=True)
SHARES = 3
LIVE = """
SELECT key, part, known_from, known_to, value FROM view.remembered_v1
WHERE view = %s AND generation = (SELECT generation FROM view.current WHERE view = %s)
"""
ROOT = Path(__file__).parents[2]


class Here(Executor):
    """An executor that does everything at once, here."""

    def submit(self, fn: Any, /, *args: Any, **kwargs: Any) -> Future[Any]:
        """Do it."""
        done = Future[Any]()
        done.set_result(fn(*args, **kwargs))
        return done


@pytest.fixture
def opened(stories: Place) -> Generator[Ledger]:
    """The six stories; a case of them erased, two looked at, the rules adopted in the end; every view up to date."""
    with stories.ledger() as ledger:
        cases = [row.stream for row in ledger.read_topic("case_opened")]
        looks = Door(ledger).looks
        for case in cases[:2]:
            asyncio.run(looks.record(OPERATOR, Shown("case", (case,))))
        event = fact("personal_data_erased", basis="x", approved_by="u-2", scope="case", ground="unlawful")
        appended(ledger.append_now(one(cases[2], None, event)))
        adopt_shipped(ledger, command_line_principal("create"), ledger.now())
        expired = fact(
            "lookups_expired", upto=ledger.head().size, recorded_before=ledger.now().isoformat(), months_kept=1
        )
        asyncio.run(looks.record(OPERATOR, Shown("case", (cases[3],))))
        appended(ledger.append_now(one(ledger.id, None, expired)))
        follow(stories)
        yield ledger


@pytest.fixture
def working(opened: Ledger, tmp_path: Path) -> Path:
    """The working files of it."""
    folder = tmp_path / "working"
    make_working_files(opened, OPERATOR, folder, SHARES, None, lambda _done, _all: None)
    return folder


def live(place: Place, view: AnyView) -> list[Row]:
    """Return the rows that readers of a view see, in the order of a replay."""
    with connected(place) as connection:
        rows = [Row(*row) for row in connection.execute(LIVE, [view.name, view.name])]
    return sorted(rows, key=order)


def order(row: Row) -> tuple[UUID, str, int]:
    """Return by what the rows of a view are ordered."""
    return row.key, row.part, row.known_from


@pytest.mark.parametrize("view", VIEWS.values(), ids=VIEWS)
def test_the_rows_are_those_of_the_live_view(stories: Place, working: Path, view: AnyView) -> None:
    """Row for row, with the positions in which each was known, also after an erasure and an expiry."""
    done = replay_population(working, view, Here())
    found = sorted(read_folded(working, view.name), key=order)
    assert found == live(stories, view)
    assert (done.rows, done.shares) == (len(found), SHARES)


def test_processes_give_the_same_bytes(working: Path) -> None:
    """One after the other here, or two at a time in processes of their own."""
    here = replay_population(working, DEADLINES, Here())
    with on_processes(2) as executor:
        assert replay_population(working, DEADLINES, executor) == here


def test_a_share_is_folded_from_its_file_and_what_all_need(working: Path) -> None:
    """Without the rules that all need there are no clocks."""
    for number in range(SHARES):
        assert folded(DEADLINES, read_share(working / f"{share_name(number)}.parquet")) == []
        fold_share(str(working), "deadlines", number)
    assert list(read_folded(working, "deadlines"))


def test_working_files_hold_no_erased_case_and_nothing_sealed(opened: Ledger, working: Path) -> None:
    """Of a case erased whole the erasure alone; of every other the clear part, byte for byte."""
    names = [*map(share_name, range(SHARES)), COMMON]
    events = {row.position: row for name in names for row in read_share(working / f"{name}.parquet")}
    erasure = opened.read_topic("personal_data_erased")[0]
    gone = {row.position for row in opened.read_stream(erasure.stream)} - {erasure.position}
    exported = read_clear(opened.read_topic("exported")[0])
    assert events.keys() == set(range(1, exported.position)) - gone
    for row in opened.read_range(1, exported.position - 1):
        if row.position in events:
            assert events[row.position].clear == row.state[: int.from_bytes(row.segments[18:22])]
    assert exported.data["what"] == "working_files"
    assert "without pseudonyms" in orjson.loads((working / "working.json").read_bytes())["warning"]
    assert working.stat().st_mode & 0o077 == 0


def test_a_folder_without_working_files_is_refused(tmp_path: Path) -> None:
    """With what to run."""
    with pytest.raises(NotWorkingFiles, match="caseledger replay working"):
        replay_population(tmp_path, DEADLINES, Here())


def _free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


@contextmanager
def _started(*arguments: str) -> Generator["Popen[bytes]"]:
    """Run a command of dask as a process of its own, and end it."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    process = Popen([sys.executable, "-m", *arguments], stdout=DEVNULL, stderr=PIPE, env=environment)
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::ResourceWarning")
def test_a_cluster_that_loses_a_worker_gives_the_same_bytes(opened: Ledger, tmp_path: Path) -> None:
    """A scheduler and two workers as processes; one is killed while shares are folded, the other folds them all."""
    working = tmp_path / "many"
    make_working_files(opened, OPERATOR, working, 40, None, lambda _done, _all: None)
    here = replay_population(working, DEADLINES, Here())
    address = f"tcp://127.0.0.1:{_free_port()}"
    port = address.rpartition(":")[2]
    worker = ("distributed.cli.dask_worker", address, "--nthreads", "1", "--no-nanny", "--no-dashboard")
    scheduler = ("distributed.cli.dask_scheduler", "--host", "127.0.0.1", "--port", port, "--no-dashboard")
    with _started(*scheduler), _started(*worker, "--name", "a") as lost, _started(*worker, "--name", "b"):
        killed: list[int] = []

        def kill(done: int, _all: int) -> None:
            if done == 5:
                os.kill(lost.pid, signal.SIGKILL)
                killed.append(done)

        with on_cluster(address) as executor:
            _await_workers(executor)
            assert replay_population(working, DEADLINES, executor, kill) == here
        assert killed
        assert lost.wait(10) == -signal.SIGKILL


def _await_workers(executor: Any) -> None:
    """Wait until both workers are there, so that both have shares when one is killed."""
    deadline = time.monotonic() + 60
    while len(executor._client.scheduler_info()["workers"]) < 2:
        assert time.monotonic() < deadline, "the workers did not come"
        time.sleep(0.1)
