"""Serving a ledger: one web process, one worker beside it, both stopped with it."""

import gc
import logging
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

from api import json_log
from api.app import create_app
from api.feed import Feed
from api.health import HealthReader
from api.hygiene import guarded
from api.listening import BoundedWaits, Listening, listener, listening, tls_context
from api.opening import Place
from api.search_upkeep import forgetting
from api.sign_in.choice import sign_in_for
from ledger.erasure import apply_erasures
from ledger.settings import Settings
from ledger.store import Ledger

WORKER_STOP_SECONDS = 10
WORKER_LOOK_SECONDS = 0.5
YOUNG_OBJECTS = 10_000
"""How many objects more there are when the collector looks at those made last."""


def serve(place: Place, settings: Settings, port: int, *, publish_log: bool) -> None:
    """Serve a ledger until SIGTERM or Ctrl-C; where the log is published anybody reads its checkpoint and tiles.

    A ledger with a real clock is served with sign-in at the provider of the settings only; raises SignInNotUsable,
    NotServable and PortTaken.
    """
    json_log.configure()
    where = listening(settings)
    context = tls_context(where)
    with listener(where, port) as listening_socket, place.ledger() as ledger, _worker(place):
        apply_erasures(ledger, place.documents(ledger).content, [forgetting(ledger)])
        limits = (
            settings.requests_per_minute,
            settings.strict_requests_per_minute,
            settings.requests_at_once,
        )
        app = create_app(
            ledger,
            sign_in_for(ledger, settings, where.name),
            place.documents(ledger),
            publish_log=publish_log,
            health=HealthReader(ledger, settings.witness_policy, settings.witness_beat_seconds),
        )
        config = uvicorn.Config(
            guarded(app, where.hosts, *limits, app.state.requests),
            http=BoundedWaits,
            ws="none",
            ssl_context_factory=(lambda _config, _default: context) if context else None,
            proxy_headers=False,  # anybody on this machine could otherwise say which address a request comes from
            log_config=None,
            log_level="warning",
            access_log=False,
            server_header=False,
            timeout_graceful_shutdown=5,
        )
        _settle_memory()
        _announce(where, listening_socket.getsockname()[1], ledger, settings)
        _Server(config, app.state.feed).run(sockets=[listening_socket])


class _Server(uvicorn.Server):
    """A server that lets go of whoever follows along before it waits for what is under way."""

    def __init__(self, config: uvicorn.Config, feed: Feed) -> None:
        super().__init__(config)
        self._feed = feed

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """End the streams, then everything else."""
        self._feed.closing = True
        await super().shutdown(sockets)


def _settle_memory() -> None:
    """Let the garbage collector pass over what lives as long as the process, and look less often at what is new.

    The application is half a million objects: to go through them all stopped every request for a tenth of a second.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(YOUNG_OBJECTS)


def leave_by_exception_on_sigterm() -> None:
    """Make SIGTERM unwind the stack: the server re-raises it after shutting down, past every exit handler."""

    def leave(_number: int, _frame: FrameType | None) -> NoReturn:
        sys.exit(0)

    signal.signal(signal.SIGTERM, leave)


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
            json_log.log("worker_died", logging.ERROR, remedy="another is started")
        _end(child)


def _end(child: "subprocess.Popen[bytes]") -> None:
    child.terminate()
    try:
        child.wait(WORKER_STOP_SECONDS)
    except subprocess.TimeoutExpired:
        child.kill()
        child.wait()


def _announce(where: Listening, port: int, ledger: Ledger, settings: Settings) -> None:
    address = f"{where.scheme}://{where.name}:{port}"
    kind = "demonstration with fictional cases and a simulated clock" if ledger.simulated else "ledger"
    tries = "" if settings.oidc_issuer else _DEMONSTRATION.format(address=address)
    sys.stdout.write(f"{_WELCOME.format(address=address, kind=kind)}{tries}\n  Stop with Ctrl-C; the data stay\n\n")
    sys.stdout.flush()


_WELCOME = """
caseledger - {kind}

  Open   {address}/sager                the cases (Danish)
         {address}/openapi.json         the API
         {address}/log/checkpoint       what the log has signed last
"""

_DEMONSTRATION = """
  Log in as one of a few fictional people; u-25 holds case S6, u-12 leads the unit, u-95 audits.

  Try    open case S6 and set "Registreret senest" to 21-08-2024 kl. 09.00:
         the note that was recorded on 26 August is not there yet
         TOKEN=$(curl -s -X POST {address}/demonstration/tokens/u-12)
         curl -H "Authorization: Bearer $TOKEN" -H "Purpose: supervision" {address}/cases
         .venv/bin/caseledger verify          every stored payload hashed again
"""
"""What a visitor can do with a demonstration."""
