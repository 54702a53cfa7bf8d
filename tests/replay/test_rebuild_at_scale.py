"""Rebuilding a ledger of many cases: bounded memory, processes killed on the way, a disk that is really full."""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import tracemalloc
from collections.abc import Generator
from pathlib import Path
from subprocess import PIPE, Popen
from uuid import uuid4

import pytest

from api.opening import Place
from ledger.requests import Part, Request
from ledger.store import Ledger
from projections.follower import Follower
from projections.view import CASE_STATE
from replay import shares
from replay.rebuild import DiskFull, Progressed, rebuild_view, verify_view
from tests.conftest import Server
from tests.following import catch_up
from tests.ledger.samples import HOURS, appended, connected, fact, opening, wait_until

pytestmark = pytest.mark.slow

REBUILD = """
import sys
from projections.view import CASE_STATE
from replay import rebuild, shares

shares.PIECE_EVENTS = 100
rebuild.SHARE_EVENTS = 500

if __name__ == "__main__":
    rebuild.WORTH_HELP_SECONDS = 0.0
    rebuild.rebuild_view(sys.argv[1], CASE_STATE, lambda told: print(told.events, flush=True), workers=2)
"""


def fill(ledger: Ledger, cases: int, hours: int = 3) -> None:
    """Open cases with some events each."""
    for _ in range(0, cases, 100):
        events = (opening(), *(fact(HOURS, hours_per_week=n) for n in range(1, hours + 1)))
        appended(ledger.append_now(Request(tuple(Part(uuid4(), 0, events) for _ in range(100)))))


def followed(place: Place) -> None:
    """Let a follower bring the view up to date."""
    follower = Follower(place.conninfo, CASE_STATE)
    try:
        catch_up(follower)
    finally:
        follower.close()


def children(process: int) -> list[int]:
    """Return the processes that a process has started."""
    return [int(child) for child in Path(f"/proc/{process}/task/{process}/children").read_text().split()]


def peak(place: Place) -> int:
    """Return how many bytes a rebuild had in use at most."""
    tracemalloc.start()
    try:
        rebuild_view(place.conninfo, CASE_STATE)
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def test_memory_does_not_grow_with_the_ledger(real: Place, ledger: Ledger) -> None:
    """Ten times the cases take no more memory."""
    fill(ledger, 500)
    few = peak(real)
    fill(ledger, 4500)
    assert peak(real) < 1.5 * few
    assert verify_view(real.conninfo, CASE_STATE).rows == 5000 * 4


def test_killed_among_processes_it_is_gone_on_with(real: Place, ledger: Ledger, tmp_path: Path) -> None:
    """With ``kill -9`` in the middle of two processes' work all end, and the next start keeps what they did."""
    fill(ledger, 2000)
    followed(real)
    program = tmp_path / "rebuild_and_tell.py"
    program.write_text(REBUILD)
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).parents[2])}
    command = [sys.executable, str(program), real.conninfo]
    with Popen(command, stdout=PIPE, env=environment) as process:
        assert process.stdout is not None
        while (folded := int(process.stdout.readline())) < 2000:
            continue
        started = children(process.pid)
        os.kill(process.pid, signal.SIGKILL)
    assert started
    wait_until(lambda: not any(Path(f"/proc/{child}").exists() for child in started))
    told: list[Progressed] = []
    assert rebuild_view(real.conninfo, CASE_STATE, told.append).equal
    assert told[0].note is not None
    assert told[0].note.startswith("goes on where it was cut off")
    assert folded <= told[0].events <= told[0].of == 8000
    assert verify_view(real.conninfo, CASE_STATE).rows == 8000


@pytest.fixture
def small_disk(server: Server) -> Generator[Path]:
    """A file system of six megabytes, where this may be mounted."""
    folder = Path(tempfile.mkdtemp(prefix="caseledger-small-"))
    mounting = ["mount", "-t", "tmpfs", "-o", "size=6m,mode=0777", "tmpfs", str(folder)]
    if os.geteuid() != 0 or subprocess.run(mounting, check=False, capture_output=True).returncode:
        folder.rmdir()
        pytest.skip("no file system can be mounted here")
    owner = server.postgres.data.stat()
    os.chown(folder, owner.st_uid, owner.st_gid)
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=False)
        shutil.rmtree(folder, ignore_errors=True)


def test_disk_that_is_really_full(
    real: Place, ledger: Ledger, small_disk: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Readers keep what they have, what was written goes, and with room the rebuild works."""
    monkeypatch.setattr(shares, "PIECE_EVENTS", 500)
    fill(ledger, 2000)
    followed(real)
    name = uuid4().hex[:8]
    with connected(real) as connection:
        connection.execute(f"CREATE TABLESPACE small_{name} LOCATION '{small_disk}'".encode())
        try:
            connection.execute(f"ALTER TABLE view.remembered_v1 SET TABLESPACE small_{name}".encode())
            with pytest.raises(DiskFull, match="view case_state: the database's disk is full"):
                rebuild_view(real.conninfo, CASE_STATE)
            assert connection.execute("SELECT DISTINCT generation FROM view.remembered_v1").fetchall() != []
            assert connection.execute("SELECT count(*) FROM view.rebuild").fetchone() == (0,)
            assert connection.execute(
                "SELECT count(*) FROM view.remembered_v1 WHERE generation <> (SELECT generation FROM view.current)"
            ).fetchone() == (0,)
        finally:
            connection.execute("ALTER TABLE view.remembered_v1 SET TABLESPACE pg_default")
            connection.execute(f"DROP TABLESPACE small_{name}".encode())
    rebuild_view(real.conninfo, CASE_STATE)
    assert verify_view(real.conninfo, CASE_STATE).equal
