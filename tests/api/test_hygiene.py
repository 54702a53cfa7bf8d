"""What every answer carries, whatever it is, and which requests are refused before anything is looked at."""

import re
import socket
from collections.abc import Generator
from time import monotonic

import httpx2
import pytest
from fastapi.testclient import TestClient

from api import listening
from api.app import create_app
from api.hygiene import ALWAYS, ANSWER_POLICY, LOOPBACK_NAMES, MAX_HEAD_BYTES, ONCE, PAGE_POLICY, guarded
from api.sign_in.local import LocalSignIn
from ledger.store import Ledger
from tests.api.client import ALMA, CANARY, JSON, Api, note, problem
from tests.api.conftest import Served


@pytest.fixture
def failing(simulated_ledger: Ledger) -> Generator[TestClient]:
    """A client of the application with two routes that fail, one of them in the middle of its answer."""
    app = create_app(simulated_ledger, LocalSignIn(simulated_ledger, "127.0.0.1"))

    @app.get("/fails/{what}")
    def fails(what: str) -> None:
        """Raise."""
        raise RuntimeError(what)

    with TestClient(guarded(app, {"testserver"}, 1000, 1000, 100)) as client:
        yield client


def test_every_kind_of_answer_has_the_headers(api: Api, case: str) -> None:
    """Pages, answers, errors of every origin, redirects and files carry them, and none names the server."""
    http = api.http
    answers = {
        "page": (http.get(f"/sager/{case}"), 200),
        "list": (http.get("/sager"), 200),
        "sorry page": (http.get("/sager/nothing"), 404),
        "redirect": (http.get("/"), 307),
        "answer": (http.get(f"/cases/{case}"), 200),
        "receipt": (api.commit(case, 1, note()), 201),
        "description": (http.get("/openapi.json"), 200),
        "health": (http.get("/healthz"), 200),
        "no such path": (http.get("/nothing"), 404),
        "method": (http.delete(f"/cases/{case}"), 405),
        "no such method": (http.request("LOCK", "/cases"), 405),
        "validation": (http.get("/cases", params={"limit": "many"}), 400),
        "malformed": (api.post("/cases", {"programme": 1}), 422),
        "media type": (api.post("/cases", {}, Content_Type="text/plain"), 415),
        "too large": (api.post("/cases", b"[" + b" " * 1_000_001), 413),
        "stale": (api.commit(case, 99, note()), 412),
        "style": (http.get("/static/caseledger.css"), 200),
        "no such file": (http.get("/static/nothing.css"), 404),
        "host": (http.get("/cases", headers={"Host": "elsewhere.example"}), 421),
        "head": (http.get("/cases", headers={"Cookie": "a" * (MAX_HEAD_BYTES + 1)}), 431),
    }
    for name, (response, status) in answers.items():
        assert response.status_code == status, (name, response.text)
        assert {header: response.headers.get(header) for header in ALWAYS} == ALWAYS, name
        assert "server" not in response.headers, name
        assert "strict-transport-security" not in response.headers, name
        is_page = name in ("page", "list", "sorry page")
        assert response.headers.get_list("content-security-policy") == [PAGE_POLICY if is_page else ANSWER_POLICY], name
        kept = "no-cache" if name == "style" else "no-store"
        assert response.headers.get_list("cache-control") == [kept], name
        assert re.fullmatch(r"[0-9a-f-]{36}", response.headers["request-id"]), name
    refused = http.request("EKSEMPEL", "/cases")
    problem(refused, 400, "bad-request")
    assert {header: refused.headers.get(header) for header in ALWAYS} == ALWAYS


def test_a_failing_server_has_them_too(failing: TestClient, caplog: pytest.LogCaptureFixture) -> None:
    """An error that nobody foresaw is a problem with all headers, and does not go on to the server, which prints it."""
    response = failing.get(f"/fails/{CANARY}")
    assert response.status_code == 500
    assert response.json()["type"] == "/problems/internal"
    assert {header: response.headers.get(header) for header in ALWAYS} == ALWAYS
    assert response.headers["content-security-policy"] == ANSWER_POLICY
    assert CANARY not in response.text + caplog.text


def test_pages_load_nothing_that_the_policy_forbids(api: Api, case: str) -> None:
    """No page holds a script or style of its own, an event handler, or anything from elsewhere."""
    for path in ("/sager", f"/sager/{case}", "/sager/nothing", f"/sager/{case}?known_at_day=31&known_at_month=2"):
        html = api.http.get(path).text
        assert "<html" in html
        assert not re.search(r"<(style|iframe|object|embed|base|link(?![^>]*href=\"/static/))", html)
        assert not re.search(r"<script(?! src=\"/static/\w+\.js\" defer></script>)", html)
        assert not re.search(r"<[a-z][^>]*\s(style|on[a-z]+)=", html)
        assert not re.search(r"(src|action)=\"(https?:|//)", html)


@pytest.mark.parametrize("name", sorted(LOOPBACK_NAMES))
def test_loopback_goes_by_its_names(served: Served, name: str) -> None:
    """With port, without it, and in capitals."""
    for host in (name, f"{name}:{served.service.port}", name.upper()):
        assert httpx2.get(f"{served.service.url}/healthz", headers={"Host": host}).status_code == 200


FOREIGN = (
    "elsewhere.example",
    "elsewhere.example:80",
    "127.0.0.1.elsewhere.example",
    "127.0.0.1:80:80",
    "localhost.",
    "a@localhost",
    "",
)


@pytest.mark.parametrize("host", FOREIGN)
def test_other_names_are_refused(api: Api, host: str) -> None:
    """A name that somebody else has made lead here is told nothing and writes nothing."""
    size = api.size()
    for path in ("/cases", "/sager", "/static/caseledger.css", "/healthz"):
        problem(api.http.get(path, headers={"Host": host}), 421, "misdirected")
    body = {"programme": "smaaboernsteam_001", "occurred_at": "2026-03-04", "persons": [ALMA]}
    problem(api.post("/cases", body, Host=host), 421, "misdirected")
    assert api.size() == size


def talk(served: Served, *pieces: bytes, seconds: float = 15) -> bytes:
    """Send bytes as they are and return all that comes back until the other side ends the connection."""
    with socket.create_connection(("127.0.0.1", served.service.port), timeout=seconds) as line:
        received = b""
        try:
            for piece in pieces:
                line.sendall(piece)
            while more := line.recv(65536):
                received += more
        except (ConnectionResetError, BrokenPipeError):
            pass
        return received


def test_no_host_and_two_hosts_are_refused(served: Served) -> None:
    """A request must say once whom it is for."""
    for head in (b"", b"Host: localhost\r\nHost: elsewhere.example\r\n"):
        answer = talk(served, b"GET /cases HTTP/1.1\r\n" + head + b"Connection: close\r\n\r\n")
        assert answer.startswith((b"HTTP/1.1 421 ", b"HTTP/1.1 400 ")), answer


@pytest.mark.parametrize(
    ("path", "allowed"),
    [("/cases", "GET, POST"), ("/disclosures", "GET"), ("/searches", "POST"), ("/healthz", "GET, HEAD")],
)
def test_a_method_that_is_not_there_is_answered_with_those_that_are(api: Api, path: str, allowed: str) -> None:
    """All methods of the address, not those of one of its routes (RFC 9110, section 10.2.1)."""
    response = api.http.delete(path)
    assert (response.status_code, response.headers["allow"]) == (405, allowed)


@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/metrics"])
def test_who_watches_may_ask_for_the_head_alone(served: Served, path: str) -> None:
    """The answer has the status of that to GET, and no body."""
    answer = talk(served, b"HEAD %s HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n" % path.encode())
    assert answer.split(b" ", 2)[1] in (b"200", b"503")
    assert answer.endswith(b"\r\n\r\n")


@pytest.mark.parametrize("name", sorted(ONCE))
def test_what_steers_a_request_is_sent_once(api: Api, name: str) -> None:
    """Two keys, versions or purposes are refused, also where nobody asks for any."""
    size = api.size()
    response = api.http.get("/cases", headers=[(name, "one"), (name.title(), "other")])
    found = problem(response, 400, "bad-request")
    assert found["detail"].lower() == f"send {name} once."
    assert api.size() == size


def test_heads_within_the_limit_are_read(api: Api) -> None:
    """A long address and a large cookie are no reason to refuse."""
    assert api.http.get("/healthz", headers={"Cookie": "a" * (MAX_HEAD_BYTES - 2000)}).status_code == 200
    assert api.http.get(f"/healthz?a={'b' * (MAX_HEAD_BYTES - 2000)}").status_code == 200


@pytest.mark.parametrize(
    "start", [b"GET /", b"GET / HTTP/1.1\r\nHost: localhost\r\nCookie: ", b"GET / HTTP/1.1\r\nA: b\r\n"]
)
def test_a_head_without_end_ends_the_connection(served: Served, start: bytes) -> None:
    """However much of an address or of headers somebody sends, little of it is kept."""
    piece = b"A: b\r\n" * 200 if start.endswith(b"A: b\r\n") else b"a" * 1200
    answer = talk(served, start, *[piece] * (MAX_HEAD_BYTES // 1200 + 1))
    assert answer.startswith(b"HTTP/1.1 431 ")
    assert b"application/problem+json" in answer
    began = monotonic()
    talk(served, start, *[piece] * 20_000)
    assert monotonic() - began < listening.HEAD_SECONDS


@pytest.mark.slow
def test_a_head_that_does_not_come_ends_the_connection(served: Served) -> None:
    """A connection on which nobody asks for anything, or asks a letter at a time, is not held open."""
    began = monotonic()
    assert talk(served, b"GET / HT", seconds=30) == b""
    assert listening.HEAD_SECONDS - 1 < monotonic() - began < listening.HEAD_SECONDS + 5


def test_a_slow_body_and_many_requests_on_one_line_are_no_head(api: Api, served: Served, case: str) -> None:
    """Only the head is counted: bodies beyond it are read, and each request on a connection counts anew."""
    content = "x" * (2 * MAX_HEAD_BYTES)
    assert api.commit(case, 1, note(content)).status_code == 201
    one = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nA: " + b"b" * 2000 + b"\r\n\r\n"
    last = one.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n")
    assert talk(served, *[one] * 40, last).count(b"HTTP/1.1 200 OK") == 41


def test_what_is_no_http_is_refused_without_a_word(served: Served) -> None:
    """The server's own answer to what it cannot parse repeats nothing."""
    answer = talk(served, CANARY.encode() + b" \x00\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 400 ")
    assert CANARY.encode() not in answer
    assert CANARY not in served.service.log.read_text()


def test_json_is_not_read_as_a_page(api: Api, case: str) -> None:
    """A browser that is shown an answer does not guess that it is something else."""
    response = api.http.get(f"/cases/{case}", headers={"Accept": "text/html"})
    assert response.headers["content-type"] == JSON
    assert response.headers["x-content-type-options"] == "nosniff"
