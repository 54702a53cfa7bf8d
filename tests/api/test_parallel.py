"""Many at once, and lines that break: one version is decided on once, one request is recorded once."""

import asyncio
import random
import socket
from collections import Counter
from collections.abc import Iterable
from contextlib import suppress
from uuid import uuid4

import httpx2
import orjson
import pytest

from tests.api.client import JSON, MARCH, Api, note
from tests.api.conftest import Served
from tests.api.service import until
from tests.api.signing_in import bearer

WRITERS = 200


async def _post_all(url: str, path: str, keys: Iterable[str]) -> list[httpx2.Response]:
    limits = httpx2.Limits(max_connections=WRITERS)
    async with httpx2.AsyncClient(base_url=url, timeout=60, limits=limits, headers=bearer(url)) as client:
        body = orjson.dumps({"commands": [note()]})
        requests = [
            client.post(path, content=body, headers={"Idempotency-Key": key, "If-Match": '"1"', "Content-Type": JSON})
            for key in keys
        ]
        return await asyncio.gather(*requests)


def test_of_two_hundred_parallel_commits_one_is_recorded(api: Api, case: str) -> None:
    """All decide on the same version: one gets 201, every other one 412 with the version that won."""
    before = api.size()
    keys = [str(uuid4()) for _ in range(WRITERS)]
    responses = asyncio.run(_post_all(str(api.http.base_url), f"/cases/{case}/commits", keys))
    assert Counter(r.status_code for r in responses) == {201: 1, 412: WRITERS - 1}
    assert {r.json()["current_version"] for r in responses if r.status_code == 412} == {2}
    assert api.size() == before + 1


def test_fifty_parallel_repeats_are_one_commit(api: Api, case: str) -> None:
    """The same request sent many times at once has one answer and is recorded once."""
    before = api.size()
    responses = asyncio.run(_post_all(str(api.http.base_url), f"/cases/{case}/commits", [str(uuid4())] * 50))
    assert {(r.status_code, r.headers["etag"], r.content) for r in responses} == {(201, '"2"', responses[0].content)}
    assert api.size() == before + 1


def test_parallel_openings_with_one_key_are_one_case(api: Api) -> None:
    """Two clicks on the same button open one case."""

    async def open_all() -> list[httpx2.Response]:
        body = orjson.dumps({"programme": "smaaboernsteam_001", "occurred_at": MARCH})
        headers = {"Idempotency-Key": key, "Content-Type": JSON}
        url = str(api.http.base_url)
        async with httpx2.AsyncClient(base_url=url, timeout=60, headers=bearer(url)) as client:
            return await asyncio.gather(*[client.post("/cases", content=body, headers=headers) for _ in range(10)])

    before, key = api.size(), str(uuid4())
    responses = asyncio.run(open_all())
    assert {(r.status_code, r.content) for r in responses} == {(201, responses[0].content)}
    assert api.size() == before + 1


def _cut(port: int, message: bytes, chance: random.Random) -> None:
    """Send a request and break the line at a random point: while sending, before the answer, or within it."""
    with socket.create_connection(("127.0.0.1", port), timeout=10) as line, suppress(OSError):
        sent = chance.choice([chance.randrange(len(message)), len(message), len(message)])
        line.sendall(message[:sent])
        if sent == len(message) and chance.random() < 0.5:
            line.recv(chance.randrange(1, 40))
        if chance.random() < 0.5:
            line.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\x00\x00\x00\x00\x00\x00\x00")  # reset


@pytest.mark.parametrize("seed", range(12))
def test_a_request_cut_five_times_is_recorded_once(api: Api, served: Served, case: str, seed: int) -> None:
    """However often the line breaks, sending the same request again leads to one entry and the one answer."""
    chance, key = random.Random(seed), str(uuid4())
    body = orjson.dumps({"commands": [note(f"Sent with a broken line, {seed}.")]})
    head = (
        f"POST /cases/{case}/commits HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
        f'Idempotency-Key: {key}\r\nIf-Match: "1"\r\nContent-Length: {len(body)}\r\n\r\n'
    ).encode()
    for _ in range(5):
        _cut(api.http.base_url.port or 80, head + body, chance)
    headers = {"Idempotency-Key": key, "If-Match": '"1"', "Content-Type": JSON}
    answers = [api.http.post(f"/cases/{case}/commits", content=body, headers=headers) for _ in range(2)]
    assert [(a.status_code, a.headers["etag"]) for a in answers] == [(201, '"2"')] * 2
    assert answers[0].content == answers[1].content
    until(lambda: api.http.get("/healthz").status_code == 200, "the service goes on", 5)
    assert [e["event"] for e in api.events(case)] == ["CaseOpened", "NoteRecorded"]
    assert "Traceback" not in served.service.log.read_text(), "a broken line is nothing to report"
