"""The log of the service: one line a request that helps the operator and says nothing about anybody."""

import re
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import httpx2
import orjson
import pytest
from fastapi import Request, Response
from fastapi.testclient import TestClient

from api.app import create_app
from api.hygiene import guarded
from api.json_log import JsonLines
from api.opening import Place
from api.sign_in.local import LocalSignIn
from ledger.errors import LedgerUnavailable
from ledger.store import Ledger
from tests.api.client import ALMA, CANARY, Api, note
from tests.api.conftest import Served
from tests.api.service import log_lines, until

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
HEADERS = (
    "Authorization",
    "Cookie",
    "Purpose",
    "User-Agent",
    "Referer",
    "Idempotency-Key",
    "If-Match",
    "X-Forwarded-For",
    "Forwarded",
    "traceparent",
    "Accept",
    "Accept-Language",
    "Content-Type",
    "Origin",
    "Access-Event",
    CANARY,
)
FIELDS = {"time", "level", "event", "request", "method", "route", "status", "ms", "bytes"}


def line_of(served: Served, response: httpx2.Response) -> dict[str, Any]:
    """Return the line of an answer, which is written a moment after it."""
    found: list[dict[str, Any]] = []

    def there() -> bool:
        lines = log_lines(served.service.log)
        found[:] = [line for line in lines if line.get("request") == response.headers["request-id"]]
        return bool(found)

    until(there, "the line of an answer", 10)
    assert len(found) == 1
    return found[0]


def logged(caplog: pytest.LogCaptureFixture) -> dict[str, Any]:
    """Return the last line that was logged in this process."""
    return orjson.loads(JsonLines().format([record for record in caplog.records if record.name == "caseledger"][-1]))


def test_each_request_is_one_line(api: Api, served: Served, case: str) -> None:
    """It names the template of the route, the outcome and the size, and neither ids nor instants asked about."""
    response = api.get(f"/cases/{case}", known_at="2100-01-01T00:00:00Z")
    assert response.status_code == 400
    response = api.get(f"/cases/{case}")
    line = line_of(served, response)
    assert set(line) == FIELDS | {"actor", "access_event"}
    assert line["access_event"] == response.json()["access_event"]
    assert "u-90" not in served.service.log.read_text()
    assert (line["event"], line["method"], line["status"], line["level"]) == ("request", "GET", 200, "info")
    assert line["route"] == "/cases/{case_id}"
    assert line["bytes"] == len(response.content)
    assert 0 < line["ms"] < 30_000
    assert abs(datetime.fromisoformat(line["time"]) - datetime.now(UTC)) < timedelta(minutes=5)
    assert case not in served.service.log.read_text()


@pytest.mark.parametrize(
    ("method", "path", "route"),
    [
        ("GET", "/sager", "/sager"),
        ("GET", "/static/caseledger.css", "/static"),
        ("GET", "/static/nothing-Eksempel.css", "/static"),
        ("GET", "/nothing-Eksempel", "none"),
        ("DELETE", "/cases", "/cases"),
        ("LOCK", "/cases", "/cases"),
        ("GET", "/healthz", "/healthz"),
        ("GET", "/problems/nothing-Eksempel", "/problems/{name}"),
    ],
)
def test_route_is_a_template(api: Api, served: Served, method: str, path: str, route: str) -> None:
    """What does not meet a route is told as such."""
    line = line_of(served, api.http.request(method, path))
    assert line["route"] in (route, "none")
    assert line["route"] == route or method in ("DELETE", "LOCK")
    assert line["method"] in (method, "other")


@pytest.mark.parametrize(
    ("sent", "trace"),
    [
        (f"00-{TRACE}-00f067aa0ba902b7-01", TRACE),
        (f"00-{TRACE.upper()}-00f067aa0ba902b7-01", None),
        (f"00-{'0' * 32}-00f067aa0ba902b7-01", None),
        (f"00-{TRACE}-00f067aa0ba902b7-01-{CANARY}", None),
        (CANARY, None),
    ],
)
def test_trace_id_is_taken_when_well_formed(api: Api, served: Served, sent: str, trace: str | None) -> None:
    """The trace id of a W3C traceparent stands in the line; anything else that was sent there does not."""
    line = line_of(served, api.http.get("/healthz", headers={"traceparent": sent, "Request-Id": CANARY}))
    assert line.get("trace") == trace
    assert re.fullmatch(r"[0-9a-f-]{36}", line["request"])


def test_nothing_that_was_sent_stands_in_the_log(api: Api, served: Served, case: str) -> None:
    """Whatever is put into path, query, headers, cookie, method, body or names of fields is not there."""
    http, odd = api.http, f"%0a{CANARY}%00"
    headers = {name.encode(): CANARY.encode() for name in HEADERS}
    bodies: tuple[Any, ...] = (
        {CANARY: CANARY},
        {"commands": [note(CANARY)], "reason": CANARY},
        {"commands": [{"event": CANARY, "data": {CANARY: CANARY}}]},
        CANARY.encode(),
    )
    before = len(log_lines(served.service.log))
    for path in (
        f"/{CANARY}",
        f"/cases/{CANARY}",
        f"/sager/{CANARY}",
        f"/static/{CANARY}",
        f"/problems/{CANARY}",
        f"/{odd}",
    ):
        for asked in (path, f"{path}?{CANARY}={CANARY}"):
            http.get(asked, headers=headers)
            http.post(asked, content=CANARY.encode(), headers=headers)
            http.request(CANARY.upper().replace("-", "X"), asked)
    for body in bodies:
        api.post("/cases", body)
        api.post(f"/cases/{case}/commits", body, version=1)
        api.post(f"/cases/{CANARY}/commits", body, version=1)
    api.open_case(persons=[ALMA | {"full_name": CANARY}], reason=CANARY)
    http.get("/cases", params={"limit": CANARY, "cursor": CANARY, "known_at": CANARY})
    http.get("/cases", headers={"Host": f"{CANARY}.example"})
    line_of(served, http.get("/healthz"))
    said = served.service.log.read_text()
    assert len(log_lines(served.service.log)) >= before + 40
    for mark in (CANARY, CANARY.upper(), "canary", "Eksempel", case, "Traceback"):
        assert mark not in said, mark


@pytest.fixture
def failing(simulated_ledger: Ledger, simulated: Place) -> TestClient:
    """A client of the application with routes that fail or say who asks."""
    app = create_app(simulated_ledger, LocalSignIn(simulated_ledger, "127.0.0.1"))

    @app.get("/fails/{what}")
    def fails(what: str) -> None:
        """Raise, with a cause."""
        try:
            int(what)
        except ValueError as error:
            raise RuntimeError(what) from error

    @app.get("/away")
    def away() -> None:
        """Raise an error of ours."""
        raise LedgerUnavailable(CANARY)

    @app.get("/known")
    def known(request: Request) -> Response:
        """Note who asks, and where the look went on record."""
        request.state.actor = uuid4()
        return Response(str(request.state.actor), headers={"Access-Event": "4711"})

    return TestClient(guarded(app, {"testserver"}, 1000, 1000, 100))


def test_an_error_is_told_by_type_and_place(failing: TestClient, caplog: pytest.LogCaptureFixture) -> None:
    """Type, cause and the last line of our own code stand there, and neither message nor value."""
    assert failing.get(f"/fails/{CANARY}").status_code == 500
    line = logged(caplog)
    assert (line["level"], line["status"], line["error"], line["cause"]) == ("error", 500, "RuntimeError", "ValueError")
    assert re.fullmatch(r"[\w.]+:\d+", line["at"])
    assert CANARY not in orjson.dumps(line).decode() + caplog.text


def test_an_answer_that_the_ledger_is_away_names_the_error(
    failing: TestClient, caplog: pytest.LogCaptureFixture
) -> None:
    """Also an error that was answered properly is one for the operator."""
    assert failing.get("/away").status_code == 503
    line = logged(caplog)
    assert (line["level"], line["error"]) == ("error", "ledger.errors.LedgerUnavailable")
    assert CANARY not in orjson.dumps(line).decode()


def test_caller_and_look_are_named_by_reference(failing: TestClient, caplog: pytest.LogCaptureFixture) -> None:
    """The reference that sign-in has noted and the position of the look stand in the line."""
    response = failing.get("/known")
    caplog.set_level("INFO", "caseledger")
    response = failing.get("/known")
    line = logged(caplog)
    assert (line["actor"], line["access_event"]) == (response.text, 4711)


def test_records_of_libraries_are_told_by_place_only(caplog: pytest.LogCaptureFixture) -> None:
    """A message of somebody else's code may hold anything, and is left out; so is that of the error it is about."""
    import logging

    try:
        raise ValueError(CANARY)
    except ValueError:
        logging.getLogger("somebody.else").exception("could not read %s", CANARY)
    line = orjson.loads(JsonLines().format(caplog.records[-1]))
    assert (line["event"], line["logger"], line["error"]) == ("library", "somebody.else", "ValueError")
    assert line["at"].startswith("tests.")
    assert CANARY not in orjson.dumps(line).decode()
