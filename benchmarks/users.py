"""Those who use the service in the mixed load, each over a keep-alive connection of their own.

A caseworker reads a case on its page, records a note and reads the case again over the API; a reviewer asks about the
past; a supervisor looks at the boards.
"""

import asyncio
import json
import random
from collections import Counter, defaultdict
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from html import unescape
from typing import Any
from urllib.parse import quote
from uuid import uuid4

import httpx2

from benchmarks.http_load import TEXT, Connection
from benchmarks.measure import now

PROGRAMME = "smaaboernsteam_001"
CASEWORKER, REVIEWER, SUPERVISOR = "u-90", "u-95", "u-12"
NOTES = 30
"""How many notes a case gets before its caseworker opens the next one."""

THINKING = {CASEWORKER: 0.05, REVIEWER: 0.2, SUPERVISOR: 0.5}
"""For how many seconds somebody stops on average between two requests."""

OWN_PAGE = {"Accept": "text/html", "Sec-Fetch-Site": "same-origin"}


@dataclass
class Record:
    """What was measured: seconds of each answer by route, answers that were no success, and the cases there are."""

    durations: defaultdict[str, list[float]] = field(default_factory=lambda: defaultdict[str, list[float]](list))
    errors: Counter[str] = field(default_factory=Counter[str])
    cases: list[tuple[str, datetime]] = field(default_factory=list[tuple[str, datetime]])
    begun: datetime = field(default_factory=lambda: datetime.now(UTC))


class User:
    """Somebody whose every answer is measured; connects again, as browsers do, where the service has hung up."""

    def __init__(self, port: int, headers: Mapping[str, str], record: Record) -> None:
        self._port, self.headers, self.record = port, headers, record
        self._connection: Connection | None = None

    async def read(self, route: str, path: str) -> bytes | None:
        """Ask for something; None where the answer is no success, which is counted."""
        return await self._measured(route, lambda connection: connection.ask("GET", path, 200))

    async def post(self, route: str, path: str, body: Any, status: int = 201, **headers: str) -> Any:
        """Send something, most often to be recorded; returns the answer, or None."""
        content, named = json.dumps(body).encode(), {"Idempotency_Key": str(uuid4()), **headers}
        answer = await self._measured(route, lambda connection: connection.post(path, content, status, **named))
        return None if answer is None else json.loads(answer)

    def takes_gzip(self) -> None:
        """Take compressed answers from now on, as browsers do."""
        self.headers = {**self.headers, "Accept-Encoding": "gzip"}

    async def _connected(self) -> Connection:
        if self._connection is None or self._connection.lost:
            self._connection = Connection(*await asyncio.open_connection("127.0.0.1", self._port))
            self._connection.send_always(self.headers)
        return self._connection

    async def _measured(self, route: str, ask: Callable[[Connection], Awaitable[bytes]]) -> bytes | None:
        begun = now()
        try:
            content = await ask(await self._connected())
        except (RuntimeError, OSError, EOFError) as error:
            self.record.errors[f"{route}: {str(error)[:60]}"] += 1
            return None
        self.record.durations[route].append(now() - begun)
        return content


async def until_ready(port: int, seconds: float) -> None:
    """Wait until the views have followed what is on record; raises TimeoutError where they do not."""
    async with asyncio.timeout(seconds):
        async with httpx2.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=seconds) as http:
            while not await _followed(http):
                await asyncio.sleep(0.5)


async def _followed(http: httpx2.AsyncClient) -> bool:
    told = (await http.get("/readyz")).json()
    return all(view["behind_events"] == 0 for view in told["views"].values())


async def caseworker(port: int, record: Record, until: float) -> None:
    """Open cases and record in them."""
    api, pages = await caller(port, CASEWORKER, record), await browser(port, CASEWORKER, record)
    while now() < until:
        receipt = await api.post("POST /cases", "/cases", _opening())
        if receipt is None:
            continue
        case, version = receipt["case"], receipt["version"]
        record.cases.append((case, datetime.now(UTC)))
        for _ in range(NOTES):
            await pages.read("GET /sager/{case}", f"/sager/{case}")
            noted = await api.post(
                "POST /cases/{case}/commits", f"/cases/{case}/commits", note(), If_Match=f'"{version}"'
            )
            version = version if noted is None else noted["version"]
            await api.read("GET /cases/{case}", f"/cases/{case}")
            await _think(CASEWORKER)
            if now() >= until:
                return


async def reviewer(port: int, record: Record, until: float) -> None:
    """Ask what was on record at instants of the past: of one case, and of all."""
    user = await caller(port, REVIEWER, record)
    while now() < until:
        if record.cases:
            case, opened = random.choice(record.cases)
            await user.read("GET /cases/{case}?known_at", f"/cases/{case}?known_at={_since(opened)}")
            await user.read("GET /cases/{case}/events", f"/cases/{case}/events")
        await user.read("GET /cases?known_at", f"/cases?known_at={_since(record.begun)}")
        await user.read("GET /deadlines?known_at", f"/deadlines?known_at={_since(record.begun)}")
        await _think(REVIEWER)


async def supervisor(port: int, record: Record, until: float) -> None:
    """Look at the boards, on pages and over the API."""
    api, pages = await caller(port, SUPERVISOR, record), await browser(port, SUPERVISOR, record)
    while now() < until:
        for path in ("/deadlines", "/findings", f"/caseload?programme={PROGRAMME}"):
            await api.read(f"GET {path.partition('?')[0]}", path)
            await _think(SUPERVISOR)
        await pages.read("GET /ledelse", "/ledelse")
        await _think(SUPERVISOR)


ROLES: dict[Callable[[int, Record, float], Awaitable[None]], int] = {caseworker: 12, reviewer: 3, supervisor: 3}
"""How many there are of each."""


def _since(begin: datetime) -> str:
    """Return some instant between one and now, as a query has it."""
    passed = datetime.now(UTC) - begin
    return quote((begin + passed * random.random()).isoformat())


async def _think(who: str) -> None:
    await asyncio.sleep(random.expovariate(1 / THINKING[who]))


async def caller(port: int, staff: str, record: Record | None = None) -> User:
    """Return somebody who asks the API."""
    token = await asyncio.to_thread(httpx2.post, f"http://127.0.0.1:{port}/demonstration/tokens/{staff}")
    return User(port, {"Authorization": f"Bearer {token.text}", "Purpose": "case-work"}, record or Record())


async def browser(port: int, staff: str, record: Record | None = None) -> User:
    """Return somebody who opens pages."""
    return User(port, {"Cookie": await asyncio.to_thread(_cookie, port, staff), **OWN_PAGE}, record or Record())


def _cookie(port: int, staff: str) -> str:
    """Sign in to the pages of the demonstration and return the cookie."""
    with httpx2.Client(base_url=f"http://127.0.0.1:{port}", headers=OWN_PAGE, timeout=30) as browser:
        admitted = browser.post("/log-ind", data={"medarbejder": staff})
        page = browser.get(admitted.headers["location"]).text
        token = unescape(page.split('name="csrf" value="')[1].split('"')[0])
        browser.post("/log-ind/formaal", data={"formaal": "case-work", "csrf": token})
        return "; ".join(f"{name}={value}" for name, value in browser.cookies.items())


def _opening() -> dict[str, Any]:
    at = _lately(timedelta(hours=2))
    received = {"notifier_kind": "private", "identity_known": True, "channel": "phone", "about": ["child-A"]}
    return {
        "programme": PROGRAMME,
        "occurred_at": at,
        "commands": [{"event": "NotificationReceived", "data": received | {"received_at": at, "concern": TEXT}}],
    }


def note() -> dict[str, Any]:
    """Return a commit of one note."""
    data = {"informant": "parent-A", "channel": "phone", "content": TEXT}
    return {"commands": [{"event": "NoteRecorded", "occurred_at": _lately(timedelta(hours=1)), "data": data}]}


def _lately(ago: timedelta) -> str:
    return (datetime.now(UTC) - ago).isoformat()
