"""POSTs over HTTP at 32 connections: ours, with every duty, against FastAPI with the stock recorder.

Ours parses and validates strictly, seals the text, appends with chain, tree and idempotency key, and answers with the
new version. The peer validates loosely and inserts the bytes. Both are one process with the same server and loop.
"""

import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from api.opening import Place
from benchmarks.measure import Figure, Load, compare, interleaved

CONNECTIONS = 32
SECONDS = 3.0
AIM = 8.0


def figures(place: Place, home: Path) -> list[Figure]:
    """Return throughput and p95 at 32 connections."""
    ours_port, peer_port = _free_port(), _free_port()
    environment = {**os.environ, "CASELEDGER_DATABASE_URL": place.conninfo, "CASELEDGER_HOME": str(home)}
    environment["CASELEDGER_REQUESTS_PER_MINUTE"] = "1000000"
    ours = ["-m", "api", "serve", "--port", str(ours_port)]
    peer = ["-m", "benchmarks.http_peer", place.conninfo, str(peer_port)]
    with _program(ours, environment, ours_port), _program(peer, environment, peer_port):
        medians = interleaved({"ours": lambda: _load(ours_port, "ours"), "peer": lambda: _load(peer_port, "peer")})
    mine, other = medians["ours"], medians["peer"]
    return [
        compare("HTTP POST, 32 connections, stock recorder", mine.rate, other.rate, "requests/s", AIM),
        compare("HTTP POST, 32 connections, stock recorder, p95", mine.p95, other.p95, "ms", 1.0, "lower"),
    ]


def _load(port: int, kind: str) -> Load:
    command = [sys.executable, "-m", "benchmarks.http_load", str(port), str(CONNECTIONS), str(SECONDS), kind]
    return Load(**json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout))


@contextmanager
def _program(arguments: list[str], environment: dict[str, str], port: int) -> Generator[None]:
    """Run a server until it is no longer needed."""
    with subprocess.Popen([sys.executable, *arguments], env=environment, stdout=subprocess.DEVNULL) as child:
        try:
            _wait_for(port, child)
            yield
        finally:
            child.terminate()


def _wait_for(port: int, child: "subprocess.Popen[bytes]") -> None:
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline and child.poll() is None:
        try:
            socket.create_connection(("127.0.0.1", port), 0.2).close()
        except OSError:
            time.sleep(0.05)
        else:
            return
    raise RuntimeError("a server to measure did not start")


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]
