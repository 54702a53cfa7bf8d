"""POSTs over HTTP: ours, with every duty, against FastAPI with the stock recorder and against FastAPI with one INSERT.

Ours verifies the token, judges who may, parses and validates strictly, seals the text, appends with chain, tree and
idempotency key, and answers with the new version, while its worker folds eight views of each event on the same cores.
The peers validate loosely and insert the bytes. Each is one process with the same server and loop.
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
STOCK_AIM, INSERT_AIM, INSERT_LATENCY_AIM = 8.0, 0.5, 2.0
SERVE = ["-m", "api", "serve", "--port"]
LIMITS = ("CASELEDGER_REQUESTS_PER_MINUTE", "CASELEDGER_STRICT_REQUESTS_PER_MINUTE")


def figures(place: Place, home: Path) -> list[Figure]:
    """Return throughput and p95 at 32 connections against both peers, and the median of a lone caller."""
    stock, insert = (["-m", "benchmarks.http_peer", place.conninfo, kind] for kind in ("stock", "insert"))
    with (
        serving(place, home, SERVE) as ours_port,
        serving(place, home, stock) as stock_port,
        serving(place, home, insert) as insert_port,
    ):
        many = interleaved(
            {
                "ours": lambda: loaded(ours_port, CONNECTIONS, "commits"),
                "stock": lambda: loaded(stock_port, CONNECTIONS, "peer"),
                "insert": lambda: loaded(insert_port, CONNECTIONS, "peer"),
            }
        )
        alone = interleaved(
            {"ours": lambda: loaded(ours_port, 1, "commits"), "insert": lambda: loaded(insert_port, 1, "peer")}
        )
    mine, stock_load, insert_load = many["ours"], many["stock"], many["insert"]
    return [
        compare("HTTP POST, 32 connections, stock recorder", mine.rate, stock_load.rate, "requests/s", STOCK_AIM),
        compare("HTTP POST, 32 connections, stock recorder, p95", mine.p95, stock_load.p95, "ms", 1.0, "lower"),
        compare("HTTP POST, 32 connections, one INSERT", mine.rate, insert_load.rate, "requests/s", INSERT_AIM),
        compare(
            "HTTP POST, 32 connections, one INSERT, p95", mine.p95, insert_load.p95, "ms", INSERT_LATENCY_AIM, "lower"
        ),
        compare("HTTP POST, 1 connection, one INSERT, p50", alone["ours"].p50, alone["insert"].p50, "ms", 3.0, "lower"),
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
