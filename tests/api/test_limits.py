"""How much one caller may ask: buckets by a clock in the test's hands, and the answer of a service with few tokens."""

from collections.abc import Callable, Generator
from itertools import count
from pathlib import Path
from typing import Any
from uuid import UUID, uuid5

import httpx2
import pytest
from fastapi import FastAPI, Request, Response
from fastapi.testclient import TestClient
from starlette.types import ASGIApp, Receive, Scope, Send

from api.limits import STRICT_PATHS, Buckets, RateLimit
from api.opening import Place
from tests.api.client import CANARY, problem
from tests.api.service import Service, environment, serving

pytestmark = pytest.mark.slow

Ask = Callable[..., int]


class Clock:
    """A monotonic clock that goes when it is told to."""

    def __init__(self) -> None:
        self.seconds = 1000.0

    def __call__(self) -> float:
        """Return the seconds."""
        return self.seconds


@pytest.fixture
def clock() -> Clock:
    """A clock that stands still."""
    return Clock()


def test_a_bucket_holds_a_minutes_worth_and_fills_evenly(clock: Clock) -> None:
    """Sixty at once, then one a second; never more than sixty, however long nobody asks."""
    buckets = Buckets(60, clock)
    assert [buckets.take(b"a") for _ in range(60)] == [0.0] * 60
    assert buckets.take(b"a") == pytest.approx(1.0)
    assert buckets.take(b"b") == 0.0
    clock.seconds += 0.25
    assert buckets.wait(b"a") == pytest.approx(0.75)
    clock.seconds += 0.75
    assert (buckets.take(b"a"), buckets.take(b"a")) == (0.0, pytest.approx(1.0))
    clock.seconds += 86_400
    assert sum(buckets.take(b"a") == 0.0 for _ in range(100)) == 60


def test_refusals_do_not_lengthen_the_wait(clock: Clock) -> None:
    """Whoever keeps asking while there is nothing waits no longer than somebody who does not."""
    buckets = Buckets(60, clock)
    for _ in range(1000):
        buckets.take(b"a")
    assert buckets.wait(b"a") == pytest.approx(1.0)


def test_memory_is_bounded(clock: Clock) -> None:
    """The callers longest unheard of are forgotten first."""
    buckets = Buckets(2, clock, most=100)
    for number in range(1000):
        buckets.take(b"busy")
        buckets.take(str(number).encode())
    assert len(buckets) == 100
    assert buckets.wait(b"busy") > 0
    assert buckets.wait(b"999") == 0


def from_address(app: ASGIApp) -> ASGIApp:
    """Let a request say which address it comes from."""

    async def run(scope: Scope, receive: Receive, send: Send) -> None:
        sent = dict(scope.get("headers", []))
        scope["client"] = (sent.get(b"from", b"192.0.2.1").decode(), 1)
        await app(scope, receive, send)

    return run


@pytest.fixture
def ask(clock: Clock) -> Generator[Ask]:
    """Ask an application that knows the credentials that begin with `good`; ten a minute, three where it is strict."""
    app = FastAPI()

    @app.get("/{path:path}")
    def answer(path: str, request: Request) -> Response:
        """Answer whoever is known."""
        credential = request.headers.get("authorization") or request.headers.get("cookie") or ""
        if credential.startswith("good"):
            request.state.actor = uuid5(UUID(int=0), credential)
        return Response(status_code=401 if path == "cases" and not credential.startswith("good") else 200)

    with TestClient(from_address(RateLimit(app, 10, 3, clock))) as client:

        def status(path: str = "/sager", **headers: str) -> int:
            return client.get(path, headers=headers).status_code

        yield status


def times(ask: Ask, most: int, *arguments: Any, **headers: str) -> int:
    """Return how often one may ask before it is too much."""
    return next((n for n in range(most) if ask(*arguments, **headers) == 429), most)


def test_each_address_has_its_own_bucket(ask: Ask) -> None:
    """Ten from one address leave the next its own ten."""
    assert times(ask, 20) == 10
    assert times(ask, 20, From="192.0.2.2") == 10


def test_addresses_of_one_household_share(ask: Ask) -> None:
    """The 64 bits that one subscriber can choose from make no new caller."""
    assert sum(times(ask, 1, From=f"2001:db8::{n:x}") for n in range(1, 31)) == 10
    assert times(ask, 20, From="2001:db8:0:1::1") == 10


@pytest.mark.parametrize("header", ["Authorization", "Cookie"])
def test_an_accepted_credential_has_its_own_bucket(ask: Ask, header: str) -> None:
    """Colleagues behind one address do not use up each other's; from another address it is the same caller."""
    for name in ("good a", "good b"):
        assert ask(**{header: name}) == 200
    assert times(ask, 20, **{header: "good a"}) == 10
    assert times(ask, 20, **{header: "good b"}) == 10
    assert ask(**{header: "good a", "From": "192.0.2.3"}) == 429
    assert times(ask, 20) == 8


def test_made_up_credentials_get_no_bucket_each(ask: Ask) -> None:
    """Somebody who sends another cookie each time is one caller."""
    made_up = count()
    assert sum(ask(Cookie=f"bad {next(made_up)}") == 200 for _ in range(30)) == 10


def test_refused_credentials_use_up_the_strict_bucket(ask: Ask) -> None:
    """After three refused tokens an address may guess no more; those who are known there go on."""
    assert ask("/cases", Authorization="good a") == 200
    assert [ask("/cases", Authorization=f"bad {n}") for n in range(6)] == [401] * 3 + [429] * 3
    assert ask("/cases", Authorization="good a") == 200
    assert ask("/cases", Authorization="bad 7", From="192.0.2.9") == 401


@pytest.mark.parametrize("path", [*STRICT_PATHS, "/demonstration/tokens/u-90", "/log-ind/tilbage"])
def test_sign_in_and_search_are_strict(ask: Ask, path: str) -> None:
    """Fewer there; elsewhere one can go on."""
    assert times(ask, 20, path) == 3
    assert ask() == 200


def test_a_minute_later_all_is_well(ask: Ask, clock: Clock) -> None:
    """The buckets fill again."""
    assert times(ask, 20, "/searches") == 3
    clock.seconds += 60
    assert times(ask, 20, "/searches") == 3


def test_no_credential_and_no_address_is_kept(clock: Clock) -> None:
    """What the limit remembers are digests under a key of this process."""
    limit = RateLimit(FastAPI(), 10, 3, clock)
    with TestClient(from_address(limit)) as client:
        client.get("/", headers={"Authorization": CANARY, "Cookie": CANARY, "From": "192.0.2.77"})
    kept = repr([limit.__dict__, *(vars(value) for value in limit.__dict__.values() if isinstance(value, Buckets))])
    assert CANARY not in kept
    assert "192.0.2.77" not in kept
    assert repr(bytes([192, 0, 2, 77]))[2:-1] not in kept


@pytest.fixture
def scarce(simulated: Place, tmp_path: Path) -> Generator[Service]:
    """A service that answers five requests a minute."""
    variables = environment(simulated.conninfo, tmp_path / "home")
    variables["CASELEDGER_REQUESTS_PER_MINUTE"] = "5"
    with serving(variables, tmp_path / "errors.log") as service:
        yield service


def test_too_many_requests_are_a_problem_with_a_time(scarce: Service) -> None:
    """The sixth is told when to come again; claiming to come from elsewhere does not help."""
    answers = [
        httpx2.get(f"{scarce.url}/healthz", headers={"X-Forwarded-For": f"192.0.2.{n}"}, timeout=30) for n in range(6)
    ]
    assert [response.status_code for response in answers[:5]] == [200] * 5
    problem(answers[5], 429, "too-many-requests")
    assert 1 <= int(answers[5].headers["retry-after"]) <= 12
    assert answers[5].headers["cache-control"] == "no-store"
