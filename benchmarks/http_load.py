"""A load over keep-alive connections, each request sent when the one before is answered. Run as a program of its own.

``commits``, ``decisions`` and ``reads`` load ours, signed in as somebody of the demonstration; ``peer`` posts what the
peer takes. Each decision must come with its proof.

Prints rate, p95 and p50 as JSON. The client speaks just enough HTTP/1.1 to cost little beside the server.
"""

import asyncio
import json
import sys
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import asdict
from itertools import count
from typing import Any
from uuid import uuid4

import uvloop

from benchmarks.measure import load, now

TEXT = "Telephone call with the mother about sleep, feeding and the visit on Thursday. " * 6
Client = Callable[[], Awaitable[None]]
"""Sends one request and waits for its answer."""

OPENING = {"programme": "smaaboernsteam_001", "occurred_at": "2024-01-02T09:00:00Z"}
NOTE = {
    "commands": [
        {
            "event": "NoteRecorded",
            "occurred_at": "2024-01-02T10:00:00Z",
            "data": {"informant": "parent-A", "channel": "phone", "content": TEXT},
        }
    ]
}
DECISION = {
    "commands": [
        {
            "event": "DecisionMade",
            "occurred_at": "2024-01-02T10:00:00Z",
            "data": {"decision": "dec-1", "outcome": "grant", "legal_basis": ["barnets lov § 32"]},
        }
    ]
}
STAFF = "u-90"
ENTRIES = 10
"""How many notes a case holds that is read."""


class Connection:
    """One keep-alive connection, signed in once there is a token."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer
        self._host = "127.0.0.1:{}".format(writer.get_extra_info("peername")[1])
        self._signed_in = ""

    async def sign_in(self, staff: str = STAFF) -> None:
        """Ask for a token of the demonstration and send it from now on."""
        token = (await self.ask("POST", f"/demonstration/tokens/{staff}", 200)).decode()
        self.send_always({"Authorization": f"Bearer {token}", "Purpose": "case-work"})

    def send_always(self, headers: Mapping[str, str]) -> None:
        """Send headers with every request from now on."""
        self._signed_in = "".join(f"{name}: {value}\r\n" for name, value in headers.items())

    @property
    def lost(self) -> bool:
        """Whether the other side has hung up."""
        return self._reader.at_eof() or self._writer.is_closing()

    async def post(self, path: str, body: bytes, status: int = 201, **more: str) -> bytes:
        """Send a POST, which mostly must create something, and return the body of the answer."""
        return await self.ask("POST", path, status, body, "Content-Type: application/json\r\n", **more)

    async def ask(
        self, method: str, path: str, status: int, body: bytes = b"", headers: str = "", **more: str
    ) -> bytes:
        """Send a request that must be answered with a status and return the body of the answer."""
        headers += "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in more.items())
        head = f"{method} {path} HTTP/1.1\r\nHost: {self._host}\r\nContent-Length: {len(body)}\r\n"
        self._writer.write(f"{head}{self._signed_in}{headers}\r\n".encode() + body)
        answer = await self._reader.readuntil(b"\r\n\r\n")
        length = int(answer.lower().partition(b"content-length:")[2].partition(b"\r\n")[0])
        content = await self._reader.readexactly(length)
        if int(answer[9:12]) != status:
            raise RuntimeError(f"{answer[9:12]!r} {content[:200]!r}")
        return content

    def close(self) -> None:
        """Hang up."""
        self._writer.close()


async def run(port: int, connections: int, seconds: float, kind: str) -> dict[str, float]:
    """Load the server for some seconds and return rate, p95 and p50 in milliseconds."""
    opened = [Connection(*await asyncio.open_connection("127.0.0.1", port)) for _ in range(connections)]
    clients = await asyncio.gather(*map(CLIENTS[kind], opened))
    durations: list[float] = []
    start = now()

    async def repeat(client: Client) -> None:
        while now() - start < seconds:
            begun = now()
            await client()
            durations.append(now() - begun)

    await asyncio.gather(*map(repeat, clients))
    measured = load(durations, now() - start)
    for connection in opened:
        connection.close()
    return asdict(measured)


async def _commits(connection: Connection) -> Client:
    """Return what records one more note in a case of its own."""
    path, body, versions = f"{await _open_case(connection)}/commits", json.dumps(NOTE).encode(), count(1)

    async def commit() -> None:
        await connection.post(path, body, Idempotency_Key=str(uuid4()), If_Match=f'"{next(versions)}"')

    return commit


async def _decisions(connection: Connection) -> Client:
    """Return what records one more decision in a case of its own; raises RuntimeError where its proof is not there.

    Decides until there is one before it is measured: the worker starts a moment after the service.
    """
    path, body, versions = f"{await _open_case(connection)}/commits", json.dumps(DECISION).encode(), count(1)

    async def decide() -> str | None:
        answer = await connection.post(path, body, Idempotency_Key=str(uuid4()), If_Match=f'"{next(versions)}"')
        return json.loads(answer)["proof"]

    async def commit() -> None:
        if await decide() is None:
            raise RuntimeError("a decision came without its proof")

    while await decide() is None:
        await asyncio.sleep(0.1)
    return commit


async def _reads(connection: Connection) -> Client:
    """Return what reads a case of its own with some notes."""
    path = await _open_case(connection)
    for version in range(1, ENTRIES + 1):
        body = json.dumps(NOTE).encode()
        await connection.post(f"{path}/commits", body, Idempotency_Key=str(uuid4()), If_Match=f'"{version}"')

    async def read() -> None:
        await connection.ask("GET", path, 200)

    return read


async def _peer(connection: Connection) -> Client:
    body = json.dumps(NOTE).encode()

    async def post() -> None:
        await connection.post("/events", body)

    return post


CLIENTS: dict[str, Callable[[Connection], Awaitable[Client]]] = {
    "commits": _commits,
    "decisions": _decisions,
    "reads": _reads,
    "peer": _peer,
}


async def _open_case(connection: Connection) -> str:
    """Sign in, open a case and return its path."""
    await connection.sign_in()
    answer = await connection.post("/cases", json.dumps(OPENING).encode(), Idempotency_Key=str(uuid4()))
    receipt: dict[str, Any] = json.loads(answer)
    return f"/cases/{receipt['case']}"


if __name__ == "__main__":
    port_, connections_, seconds_, kind_ = sys.argv[1:]
    print(json.dumps(uvloop.run(run(int(port_), int(connections_), float(seconds_), kind_))))
