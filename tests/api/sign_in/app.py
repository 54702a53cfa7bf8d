"""A small application that uses sign-in as the whole one does, served over HTTP for the tests."""

import socket
import threading
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import asdict
from html import unescape
from time import sleep
from typing import Any

import httpx2
import uvicorn
from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse, PlainTextResponse, Response

from api import problems
from api.app import NO_TELEMETRY
from api.sign_in import answers
from api.sign_in.identity import SignIn

HTML = {"Accept": "text/html"}
OWN_PAGE = HTML | {"Sec-Fetch-Site": "same-origin"}


def small_app(sign_in: SignIn) -> FastAPI:
    """Return an application with one route of an API and one page that takes a form."""
    app = FastAPI(telemetry=NO_TELEMETRY)
    problems.install(app)
    answers.install(app)
    app.include_router(sign_in.routes())

    @app.get("/me")
    async def me(request: Request) -> Response:
        """Tell who asks with a token."""
        return JSONResponse(asdict(await sign_in.of_bearer(request)))

    @app.get("/side")
    async def page(request: Request) -> Response:
        """Tell who reads a page, and the token of its form."""
        return JSONResponse(asdict(await sign_in.of_session(request)) | {"csrf": sign_in.form_token(request)})

    @app.post("/side")
    async def change(request: Request) -> Response:
        """Repeat what a form sent."""
        return PlainTextResponse((await sign_in.require_form(request))["note"])

    return app


def listening() -> socket.socket:
    """Return a socket that listens on a free port, before anybody serves it."""
    return socket.create_server(("127.0.0.1", 0), backlog=64)


def address_of(listener: socket.socket) -> str:
    """Return the address of a listening socket."""
    return f"http://127.0.0.1:{listener.getsockname()[1]}"


@contextmanager
def running(app: Any, listener: socket.socket) -> Generator[None]:
    """Serve an application in a thread."""
    server = uvicorn.Server(uvicorn.Config(app, log_level="warning", access_log=False, lifespan="off"))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    thread.start()
    try:
        while not server.started:
            assert thread.is_alive()
            sleep(0.005)
        yield
    finally:
        server.should_exit = True
        thread.join()
        listener.close()


@contextmanager
def browsing(url: str) -> Generator[httpx2.Client]:
    """Yield a browser: it keeps cookies, asks for pages, and follows no redirect by itself."""
    with httpx2.Client(base_url=url, headers=OWN_PAGE, timeout=30) as browser:
        yield browser


def hidden(page: httpx2.Response, name: str) -> str:
    """Return a hidden field of the form on a page."""
    return unescape(page.text.split(f'name="{name}" value="')[1].split('"')[0])
