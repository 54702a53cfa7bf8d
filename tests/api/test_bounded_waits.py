"""Callers who send no more, or read no more: each holds one of few places, and gets it for a bounded time."""

import socket
from collections.abc import Generator
from contextlib import contextmanager
from threading import Thread
from time import monotonic, sleep

import pytest
import uvicorn
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from api import listening
from api.capacity import Capacity
from api.listening import BoundedWaits
from tests.api.conftest import Served
from tests.api.service import complaints, until
from tests.api.test_hygiene import talk

ANSWER_BYTES = 30_000_000
HEAD = b"POST /cases HTTP/1.1\r\nHost: localhost\r\nContent-Length: %d\r\n\r\n"


class Desk:
    """An application that reads a body and answers with its size, or with more than any line holds."""

    def __init__(self) -> None:
        self.gone = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        assert scope["type"] == "http"
        try:
            body = await Request(scope, receive).body()
        except ClientDisconnect:
            self.gone += 1
            return
        size = ANSWER_BYTES if scope["path"] == "/large" else len(body)
        await Response(b"a" * size if scope["path"] == "/large" else str(size))(scope, receive, send)


@contextmanager
def desk() -> Generator[tuple[int, Desk]]:
    """Serve the application with two places on a port of its own."""
    app = Desk()
    server = uvicorn.Server(
        uvicorn.Config(Capacity(app, 2), port=0, http=BoundedWaits, lifespan="off", log_config=None)
    )
    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = Thread(target=server.run, args=([listener],))
        thread.start()
        try:
            yield listener.getsockname()[1], app
        finally:
            server.should_exit = True
            thread.join(20)


@pytest.fixture(autouse=True)
def short(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Wait for a fraction of a second where a minute would tell no more."""
    if request.node.get_closest_marker("slow") is None:
        monkeypatch.setattr(listening, "BODY_SECONDS", 0.4)
        monkeypatch.setattr(listening, "ANSWER_SECONDS", 0.4)


def line_to(port: int) -> socket.socket:
    """Return a connection."""
    return socket.create_connection(("127.0.0.1", port), timeout=20)


def everything(line: socket.socket) -> bytes:
    """Return what comes until the other side ends the connection."""
    received = b""
    try:
        while more := line.recv(65536):
            received += more
    except ConnectionResetError:
        pass
    return received


def test_bodies_that_do_not_come_are_refused_and_give_their_places_back() -> None:
    """Given as many as there are places, then the next is told to come again until they have been refused."""
    with desk() as (port, app), line_to(port) as one, line_to(port) as other:
        for line in (one, other):
            line.sendall(HEAD % 500 + b"{")
        sleep(0.1)
        with line_to(port) as third:
            third.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
            assert everything(third).startswith(b"HTTP/1.1 503 ")
        for line in (one, other):
            answer = everything(line)
            assert answer.startswith(b"HTTP/1.1 408 ")
            assert b"/problems/body-too-slow" in answer
        until(lambda: app.gone == 2, "the application to be told", 5)
        with line_to(port) as fourth:
            fourth.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
            assert everything(fourth).startswith(b"HTTP/1.1 200 ")


def test_a_body_that_goes_on_is_given_its_time() -> None:
    """What comes at a fair pace is waited for, however long it takes in all."""
    piece = b"a" * (listening.BODY_BYTES_PER_SECOND // 4)
    with desk() as (port, _), line_to(port) as line:
        began = monotonic()
        line.sendall((HEAD % (8 * len(piece))).replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n"))
        for _ in range(8):
            sleep(0.15)
            line.sendall(piece)
        assert everything(line).endswith(b"\r\n\r\n%d" % (8 * len(piece)))
        assert monotonic() - began > 2 * listening.BODY_SECONDS


def test_a_letter_at_a_time_is_no_pace() -> None:
    """Somebody who sends just enough to look busy is refused all the same, chunked or not."""
    for head, piece in (
        (HEAD % 500, b"a"),
        (HEAD.replace(b"Content-Length: %d", b"Transfer-Encoding: chunked"), b"1\r\na\r\n"),
    ):
        with desk() as (port, _), line_to(port) as line:
            line.sendall(head)
            for _ in range(8):
                sleep(0.1)
                try:
                    line.sendall(piece)
                except (BrokenPipeError, ConnectionResetError):
                    break
            else:
                pytest.fail("the body was waited for")


def test_an_answer_that_nobody_reads_ends() -> None:
    """The place of somebody who reads nothing is given back; a slow reader gets all."""
    with desk() as (port, _), line_to(port) as idle, line_to(port) as slow:
        asked = b"GET /large HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
        idle.sendall(asked)
        sleep(1.0)
        assert len(everything(idle)) < ANSWER_BYTES
        slow.sendall(asked)
        received = 0
        while more := slow.recv(1_000_000):
            received += len(more)
            sleep(0.01)
        assert received > ANSWER_BYTES


@pytest.mark.slow
def test_the_service_refuses_a_body_that_does_not_come(served: Served) -> None:
    """In its own time, with all headers, and as nothing that calls for the operator."""
    before = len(complaints(served.service.log))
    began = monotonic()
    answer = talk(served, HEAD % 500 + b"{", seconds=40)
    assert answer.startswith((b"HTTP/1.1 408 ", b"HTTP/1.1 401 "))
    assert monotonic() - began < listening.BODY_SECONDS + 10
    until(lambda: len(complaints(served.service.log)) == before, "the log to stay as it was", 1)
