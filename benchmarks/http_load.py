"""A load of POSTs over keep-alive connections, each sent when the one before is answered. Run as a program of its own.

Prints ``{"rate": ..., "p95": ...}``. The client speaks just enough HTTP/1.1 to cost little beside the server.
"""

import asyncio
import json
import sys
from typing import Any
from uuid import uuid4

import uvloop

from benchmarks.measure import load, now

TEXT = "Telephone call with the mother about sleep, feeding and the visit on Thursday. " * 6
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


class Connection:
    """One keep-alive connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer

    async def post(self, path: str, body: bytes, headers: str = "") -> tuple[int, bytes]:
        """Send a POST and return status and body of the answer."""
        head = f"POST {path} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n"
        self._writer.write(f"{head}{headers}\r\n".encode() + body)
        answer = await self._reader.readuntil(b"\r\n\r\n")
        length = int(answer.lower().partition(b"content-length:")[2].partition(b"\r\n")[0])
        return int(answer[9:12]), await self._reader.readexactly(length)

    def close(self) -> None:
        """Hang up."""
        self._writer.close()


async def run(port: int, connections: int, seconds: float, ours: bool) -> dict[str, float]:
    """Load the server for some seconds and return rate and p95 in milliseconds."""
    open_connections = [Connection(*await asyncio.open_connection("127.0.0.1", port)) for _ in range(connections)]
    cases = [await _open_case(c) if ours else "" for c in open_connections]
    durations: list[float] = []
    start = now()

    async def client(connection: Connection, case: str) -> None:
        version, body = 1, json.dumps(NOTE).encode()
        while now() - start < seconds:
            begun = now()
            headers = f'Idempotency-Key: {uuid4()}\r\nIf-Match: "{version}"\r\n' if ours else ""
            status, answer = await connection.post(f"/cases/{case}/commits" if ours else "/events", body, headers)
            if status != 201:
                raise RuntimeError(f"{status} {answer[:200]!r}")
            durations.append(now() - begun)
            version += 1

    await asyncio.gather(*(client(c, case) for c, case in zip(open_connections, cases, strict=True)))
    measured = load(durations, now() - start)
    for connection in open_connections:
        connection.close()
    return {"rate": measured.rate, "p95": measured.p95}


async def _open_case(connection: Connection) -> str:
    status, answer = await connection.post("/cases", json.dumps(OPENING).encode(), f"Idempotency-Key: {uuid4()}\r\n")
    if status != 201:
        raise RuntimeError(f"{status} {answer[:200]!r}")
    receipt: dict[str, Any] = json.loads(answer)
    return receipt["case"]


if __name__ == "__main__":
    arguments = sys.argv[1:]
    print(
        json.dumps(uvloop.run(run(int(arguments[0]), int(arguments[1]), float(arguments[2]), arguments[3] == "ours")))
    )
