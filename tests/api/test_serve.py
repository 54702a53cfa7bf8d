"""Serving: what it refuses, and that nothing of it is left behind, however it ends."""

import os
import shutil
import signal
import socket
import tempfile
import threading
from collections.abc import Generator
from pathlib import Path
from time import monotonic

import httpx2
import orjson
import pytest
from psycopg.conninfo import make_conninfo

from api.json_log import JsonLines
from api.opening import Place
from api.worker import work
from tests.api.client import CANARY
from tests.api.service import STOP_SECONDS, Command, Service, children, complaints, environment, lives, serving, until
from tests.api.signing_in import bearer, session

pytestmark = pytest.mark.slow

QUICK_SECONDS = 15


@pytest.fixture
def fresh_home() -> Generator[Path]:
    """A folder for an embedded server that the server's own user can enter."""
    home = Path(tempfile.mkdtemp(prefix="caseledger-tests-"))
    home.chmod(0o711)
    try:
        yield home
    finally:
        shutil.rmtree(home)


def listed(service: Service) -> list[str]:
    """Return the numbers of the cases that a service lists."""
    response = httpx2.get(f"{service.url}/cases", timeout=30, headers=bearer(service.url, "u-12"))
    assert response.status_code == 200, response.text
    return sorted(item["state"]["number"] for item in response.json()["items"])


def worker_of(service: Service) -> int:
    """Return the id of the worker that a service runs beside itself."""
    for child in children(service.process.pid):
        if b"worker" in Path(f"/proc/{child}/cmdline").read_bytes().split(b"\0"):
            return child
    pytest.fail("the service has no worker")


def test_a_real_clock_is_not_served(real: Place, tmp_path: Path) -> None:
    """Until sign-in exists only demonstrations are served, and asking for one does not turn a real ledger into one."""
    command = Command(environment(real.conninfo, tmp_path / "home"))
    for options in ((), ("--demonstration",)):
        code, line = command.refused("serve", "--port", "0", *options)
        assert code == 1
        assert "real clock" in line


def test_without_a_ledger_nothing_is_served(simulated: Place, tmp_path: Path) -> None:
    """A database without ledger, or without answer, is one line."""
    empty = Command(environment(make_conninfo(simulated.conninfo, dbname="postgres"), tmp_path / "home"))
    code, line = empty.refused("serve", "--port", "0")
    assert code == 1
    assert "caseledger ledger create" in line
    nowhere = Command(environment(f"host={tmp_path} dbname=none connect_timeout=2", tmp_path / "home"))
    code, line = nowhere.refused("serve", "--port", "0")
    assert code == 1
    assert "database" in line


def test_a_taken_port_is_one_line(command: Command) -> None:
    """Where another program listens, the line names the port and what to do."""
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = str(other.getsockname()[1])
        code, line = command.refused("serve", "--port", port)
    assert code == 1
    assert port in line
    assert "--port" in line


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 0), (signal.SIGINT, 130)])
def test_a_signal_stops_web_and_worker(command: Command, tmp_path: Path, number: signal.Signals, code: int) -> None:
    """SIGTERM and Ctrl-C end the service in good order, and its worker with it."""
    with serving(command.variables, tmp_path / "errors.log") as service:
        family = children(service.process.pid)
        assert worker_of(service) in family
        assert httpx2.get(f"{service.url}/healthz").text == "ok\n"
        service.process.send_signal(number)
        assert service.process.wait(STOP_SECONDS) == code
        assert not any(map(lives, family))
        with pytest.raises(httpx2.ConnectError):
            httpx2.get(f"{service.url}/healthz")
    assert complaints(service.log) == []


def test_a_killed_service_takes_its_worker_with_it(command: Command, tmp_path: Path) -> None:
    """After kill -9 the worker ends by itself, and the next start finds nothing in its way."""
    with serving(command.variables, tmp_path / "errors.log") as service:
        worker = worker_of(service)
        service.process.kill()
        service.process.wait(STOP_SECONDS)
        until(lambda: not lives(worker), "the worker ends by itself", 10)
    with serving(command.variables, tmp_path / "errors.log") as service:
        body = b'{"programme": "smaaboernsteam_001", "number": "S-1", "occurred_at": "2026-03-04"}'
        headers = {"Idempotency-Key": "k", "Content-Type": "application/json", **bearer(service.url)}
        assert httpx2.post(f"{service.url}/cases", content=body, headers=headers).status_code == 201


def test_a_worker_that_dies_is_replaced(command: Command, tmp_path: Path) -> None:
    """When the worker is killed another takes over, and the list of cases goes on catching up."""
    with serving(command.variables, tmp_path / "errors.log") as service:
        killed = worker_of(service)
        os.kill(killed, signal.SIGKILL)
        until(lambda: any(child != killed for child in children(service.process.pid)), "another worker", 10)
        body = b'{"programme": "smaaboernsteam_001", "number": "S-1", "occurred_at": "2026-03-04"}'
        headers = {"Idempotency-Key": "k", "Content-Type": "application/json", **bearer(service.url)}
        assert httpx2.post(f"{service.url}/cases", content=body, headers=headers).status_code == 201
        until(lambda: listed(service) == ["S-1"], "the new case in the list", 10)
        assert [line["event"] for line in complaints(service.log)] == ["worker_died"]


def test_the_demonstration_runs_on_a_machine_that_has_nothing(fresh_home: Path, tmp_path: Path) -> None:
    """From an empty folder to six cases on a page; ended by Ctrl-C, kill -9 and SIGTERM, started again each time."""
    variables, log = environment(None, fresh_home), tmp_path / "errors.log"
    lock = fresh_home / "postgres" / "postmaster.pid"
    cases = ["S1", "S2", "S3", "S4", "S5", "S6"]

    with serving(variables, log, "--demonstration") as service:
        due = httpx2.get(f"{service.url}/deadlines", headers=bearer(service.url, "u-12"), timeout=30).json()
        assert due["computed_to"] >= due["as_of_position"] - 1, "the first list anybody asks for is whole"
        assert len(due["items"]) > 10
        assert listed(service) == cases
        page = httpx2.get(f"{service.url}/sager", timeout=30, cookies=session(service.url, "u-12"))
        assert page.status_code == 200
        family = children(service.process.pid)
        assert int(lock.read_text().split()[0]) in family, "the embedded server belongs to the service"
        service.process.send_signal(signal.SIGINT)
        assert service.process.wait(STOP_SECONDS) == 130
        assert not any(map(lives, family))
        assert not lock.exists()

    begun = monotonic()
    with serving(variables, log, "--demonstration") as service:
        assert monotonic() - begun < QUICK_SECONDS
        assert listed(service) == cases
        worker, postgres = worker_of(service), int(lock.read_text().split()[0])
        os.kill(service.process.pid, signal.SIGKILL)
        service.process.wait(STOP_SECONDS)
        until(lambda: not lives(worker), "the worker ends by itself", 10)

    with serving(variables, log) as service:
        assert listed(service) == cases
    assert service.process.returncode == 0
    until(lambda: not lives(postgres) and not lock.exists(), "the last one out stops the database", 10)


@pytest.mark.parametrize("error", [MemoryError(CANARY), RuntimeError(CANARY)], ids=lambda one: type(one).__name__)
def test_a_worker_that_fails_unexpectedly_ends(
    simulated: Place, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str], error: Exception
) -> None:
    """It does not live on with a part of its work undone; the log tells the kind of error and nothing that it says."""
    before = [signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)]

    def fail(_: threading.Event) -> None:
        raise error

    caplog.set_level("INFO")
    try:
        with pytest.raises(SystemExit) as left:
            work(simulated.conninfo, None, fail)
    finally:
        for number, handler in zip((signal.SIGTERM, signal.SIGINT), before, strict=True):
            signal.signal(number, handler)
    assert left.value.code == 1
    (said,) = [orjson.loads(JsonLines().format(record)) for record in caplog.records if record.name == "caseledger"]
    assert (said["event"], said["error"]) == ("worker_failed", type(error).__name__)
    assert CANARY not in caplog.text + "".join(capfd.readouterr())
