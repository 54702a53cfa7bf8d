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
SERVE = ["-m", "api", "serve", "--port"]
LIMITS = ("CASELEDGER_REQUESTS_PER_MINUTE", "CASELEDGER_STRICT_REQUESTS_PER_MINUTE")


def figures(place: Place, home: Path) -> list[Figure]:
    """Return throughput and p95 at 32 connections."""
    peer = ["-m", "benchmarks.http_peer", place.conninfo]
    with serving(place, home, SERVE) as ours_port, serving(place, home, peer) as peer_port:
        medians = interleaved(
            {
                "ours": lambda: loaded(ours_port, CONNECTIONS, "commits"),
                "peer": lambda: loaded(peer_port, CONNECTIONS, "peer"),
            }
        )
    mine, other = medians["ours"], medians["peer"]
    return [
        compare("HTTP POST, 32 connections, stock recorder", mine.rate, other.rate, "requests/s", AIM),
        compare("HTTP POST, 32 connections, stock recorder, p95", mine.p95, other.p95, "ms", 1.0, "lower"),
    ]


def loaded(port: int, connections: int, kind: str) -> Load:
    """Load a server with one kind of request for some seconds."""
    command = [sys.executable, "-m", "benchmarks.http_load", str(port), str(connections), str(SECONDS), kind]
    return Load(**json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout))


@contextmanager
def serving(place: Place, home: Path, arguments: list[str]) -> Generator[int]:
    """Run a server, which is told its port last, as long as it is needed; yields the port."""
    port = _free_port()
    environment = {**os.environ, "CASELEDGER_DATABASE_URL": place.conninfo, "CASELEDGER_HOME": str(home)}
    environment |= dict.fromkeys(LIMITS, "1000000000")
    command = [sys.executable, *arguments, str(port)]
    log = home / f"{port}.log"
    with log.open("wb") as errors, subprocess.Popen(command, env=environment, stdout=errors, stderr=errors) as child:
        try:
            _wait_for(port, child)
            yield port
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
