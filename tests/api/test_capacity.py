"""Too many requests at once: some are told to come again, the others are answered, and soon all are again."""

import asyncio
from collections import Counter
from collections.abc import AsyncGenerator, Generator
from pathlib import Path
from time import monotonic
from uuid import uuid4

import httpx2
import psycopg
import pytest
from fastapi import FastAPI
from fastapi.responses import PlainTextResponse, StreamingResponse

from api.capacity import Capacity
from api.opening import Place
from tests.api.client import problem
from tests.api.service import Service, complaints, environment, log_lines, serving
from tests.api.signing_in import bearer

OPENING = {"programme": "smaaboernsteam_001", "occurred_at": "2024-01-02T09:00:00Z"}
AT_ONCE, CALLERS, SECONDS = 4, 48, 4.0


class Doors:
    """An application whose answers wait until they are let go."""

    def __init__(self, most: int) -> None:
        self.opened = asyncio.Event()
        app = FastAPI()

        @app.get("/slow")
        async def slow() -> PlainTextResponse:  # pyright: ignore[reportUnusedFunction]
            await self.opened.wait()
            return PlainTextResponse("done")

        @app.get("/failing")
        async def failing() -> PlainTextResponse:  # pyright: ignore[reportUnusedFunction]
            await self.opened.wait()
            raise RuntimeError

        @app.get("/stream")
        async def stream() -> StreamingResponse:  # pyright: ignore[reportUnusedFunction]
            async def lines() -> AsyncGenerator[bytes]:
                yield b": hello\n\n"
                await self.opened.wait()

            return StreamingResponse(lines(), media_type="text/event-stream")

        @app.get("/healthz")
        async def healthz() -> PlainTextResponse:  # pyright: ignore[reportUnusedFunction]
            return PlainTextResponse("ok")

        transport = httpx2.ASGITransport(Capacity(app, most), raise_app_exceptions=False)
        self.http = httpx2.AsyncClient(transport=transport, base_url="http://127.0.0.1")

    async def begun(self, path: str, times: int) -> list[asyncio.Task[httpx2.Response]]:
        """Send requests and return them once they wait, or are answered."""
        tasks = [asyncio.create_task(self.http.get(path)) for _ in range(times)]
        for _ in range(20):
            await asyncio.sleep(0)
        return tasks


@pytest.mark.parametrize("path", ["/slow", "/failing"])
def test_beyond_the_bound_callers_are_told_at_once(path: str) -> None:
    """Those under way end as they would have, and give their places back, whether they succeed or fail."""

    async def crowd() -> None:
        doors = Doors(2)
        tasks = await doors.begun(path, 5)
        refused = [task.result() for task in tasks if task.done()]
        assert len(refused) == 3
        for answer in refused:
            problem(answer, 503, "overloaded")
            assert int(answer.headers["retry-after"]) >= 1
        doors.opened.set()
        ended = await asyncio.gather(*tasks)
        assert Counter(answer.status_code for answer in ended)[503] == 3
        again = await asyncio.gather(*(doors.http.get("/slow") for _ in range(2)))
        assert [answer.status_code for answer in again] == [200, 200]

    asyncio.run(crowd())


def test_a_caller_who_goes_away_leaves_a_place() -> None:
    """A request that is broken off counts no longer."""

    async def crowd() -> None:
        doors = Doors(1)
        (gone,) = await doors.begun("/slow", 1)
        gone.cancel()
        await asyncio.gather(gone, return_exceptions=True)
        doors.opened.set()
        assert (await doors.http.get("/slow")).status_code == 200

    asyncio.run(crowd())


def test_health_is_told_and_followers_take_no_place() -> None:
    """Who follows along may do so all day; who looks after the service hears of it when there is too much to do."""

    async def crowd() -> None:
        doors = Doors(1)
        await doors.begun("/stream", 1)
        (slow,) = await doors.begun("/slow", 1)
        assert not slow.done()
        problem(await doors.http.get("/slow"), 503, "overloaded")
        assert (await doors.http.get("/healthz")).status_code == 200
        doors.opened.set()
        assert (await slow).status_code == 200

    asyncio.run(crowd())


@pytest.fixture
def narrow(simulated: Place, tmp_path: Path) -> Generator[Service]:
    """A service that answers four requests at a time."""
    variables = environment(simulated.conninfo, tmp_path / "home")
    variables["CASELEDGER_REQUESTS_AT_ONCE"] = str(AT_ONCE)
    with serving(variables, tmp_path / "errors.log") as service:
        yield service


@pytest.mark.slow
def test_an_overload_is_told_and_passes(narrow: Service, simulated: Place, tmp_path: Path) -> None:
    """Twelve times as many callers as places: cases are opened all along, what is refused is not recorded, and a moment
    after the crowd has gone everybody is answered."""
    headers = bearer(narrow.url)
    statuses: Counter[int] = Counter()

    async def caller(http: httpx2.AsyncClient, until: float) -> None:
        while monotonic() < until:
            key = {"Idempotency-Key": str(uuid4())}
            answer = await http.post("/cases", json=OPENING, headers=key)
            statuses[answer.status_code] += 1
            if answer.status_code == 503:
                problem(answer, 503, "overloaded")
                await asyncio.sleep(min(0.1, int(answer.headers["retry-after"])))

    async def watcher(http: httpx2.AsyncClient, until: float) -> None:
        while monotonic() < until:
            assert (await http.get("/healthz")).status_code == 200
            await asyncio.sleep(0.1)

    async def crowd() -> None:
        limits = httpx2.Limits(max_connections=CALLERS + 1)
        async with httpx2.AsyncClient(base_url=narrow.url, headers=headers, limits=limits, timeout=30) as http:
            until = monotonic() + SECONDS
            await asyncio.gather(watcher(http, until), *(caller(http, until) for _ in range(CALLERS)))
            begun = monotonic()
            for _ in range(AT_ONCE):
                answer = await http.post("/cases", json=OPENING, headers={"Idempotency-Key": str(uuid4())})
                assert answer.status_code == 201
            assert monotonic() - begun < 2

    asyncio.run(crowd())
    assert set(statuses) == {201, 503}
    with psycopg.connect(simulated.conninfo) as connection:
        opened = connection.execute("SELECT count(*) FROM ledger.event WHERE topic = 'case_opened'").fetchone()
    assert opened == (statuses[201] + AT_ONCE,)
    assert statuses[201] > AT_ONCE
    assert statuses[503] > 0
    logged = Counter(line["status"] for line in log_lines(tmp_path / "errors.log") if line["event"] == "request")
    assert logged[503] == statuses[503]
    assert {line["status"] for line in complaints(tmp_path / "errors.log")} == {503}
