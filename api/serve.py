"""Serving a demonstration ledger: one web process, one worker beside it, both stopped with it."""

import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Generator
from contextlib import contextmanager
from types import FrameType
from typing import NoReturn

import uvicorn

from api.app import create_app
from api.demonstration import NotADemonstration
from api.opening import Place
from ledger.erasure import apply_erasures

HOST = "127.0.0.1"
WORKER_STOP_SECONDS = 10
WORKER_LOOK_SECONDS = 0.5


class PortTaken(Exception):
    """Another program listens on this port: choose another with PORT= or --port."""


def serve(place: Place, port: int) -> None:
    """Serve a simulated ledger on loopback until SIGTERM or Ctrl-C; refuses any other until sign-in exists."""
    listener = _listen(port)
    with place.ledger() as ledger, _worker(place):
        if not ledger.simulated:
            raise NotADemonstration
        apply_erasures(ledger, place.documents(ledger).content)
        config = uvicorn.Config(
            create_app(ledger, place.documents(ledger)),
            log_level="warning",
            access_log=False,
            server_header=False,
            timeout_graceful_shutdown=5,
        )
        _announce(listener.getsockname()[1])
        uvicorn.Server(config).run(sockets=[listener])


def leave_by_exception_on_sigterm() -> None:
    """Make SIGTERM unwind the stack: the server re-raises it after shutting down, past every exit handler."""

    def leave(_number: int, _frame: FrameType | None) -> NoReturn:
        sys.exit(0)

    signal.signal(signal.SIGTERM, leave)


def _listen(port: int) -> socket.socket:
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((HOST, port))
    except OSError:
        listener.close()
        raise PortTaken(f"Port {port} is taken: choose another with PORT= or --port.") from None
    listener.listen(1024)
    return listener


@contextmanager
def _worker(place: Place) -> Generator[None]:
    """Keep a worker running beside this process, and stop it in the end."""
    stop = threading.Event()
    keeper = threading.Thread(target=_keep_working, args=(place, stop), name="worker-keeper")
    keeper.start()
    try:
        yield
    finally:
        stop.set()
        keeper.join()


def _keep_working(place: Place, stop: threading.Event) -> None:
    """Run the worker as a child, and another when it dies; its address travels where other users cannot read it."""
    environment = {**os.environ, "CASELEDGER_DATABASE_URL": place.conninfo}
    command = [sys.executable, "-m", "api", "worker", "--parent", str(os.getpid())]
    while not stop.is_set():
        child = subprocess.Popen(command, env=environment)  # noqa: S603
        while child.poll() is None and not stop.wait(WORKER_LOOK_SECONDS):
            pass
        if child.poll() is not None and not stop.wait(WORKER_LOOK_SECONDS):
            sys.stderr.write("caseledger: the worker has died; starting another\n")
        _end(child)


def _end(child: "subprocess.Popen[bytes]") -> None:
    child.terminate()
    try:
        child.wait(WORKER_STOP_SECONDS)
    except subprocess.TimeoutExpired:
        child.kill()
        child.wait()


def _announce(port: int) -> None:
    address = f"http://{HOST}:{port}"
    sys.stdout.write(
        f"""
caseledger - demonstration with fictional cases and a simulated clock

  Open   {address}/sager                the cases (Danish)
         {address}/openapi.json         the API

  Try    curl {address}/cases
         open case S6 and set "Registreret senest" to 21-08-2024 kl. 09.00:
         the note that was recorded on 26 August is not there yet
         .venv/bin/caseledger verify          every stored payload hashed again

  Stop with Ctrl-C; the data stay in .caseledger
"""
    )
    sys.stdout.flush()
