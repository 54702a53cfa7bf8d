"""One line in the log for each request: which route, how it went, how long it took. Never the path, never who."""

import logging
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from time import perf_counter
from typing import Any
from uuid import uuid4

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api import json_log
from api.metrics import RequestMetrics
from api.problems import from_exception, render
from ledger.spans import span

_TRACEPARENT = re.compile(rb"00-([0-9a-f]{32})-([0-9a-f]{16})-[0-9a-f]{2}")
_POSITION = re.compile(rb"[0-9]{1,18}")
_NO_TRACE, _NO_SPAN = b"0" * 32, b"0" * 16
METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT"})


def caller(scope: Scope) -> str | None:
    """Return the opaque reference of whoever is known to send the request (``request.state.actor``); None for nobody.

    Sign-in notes the same reference that entries carry in their actor column, never the staff id.
    """
    actor = scope.get("state", {}).get("actor")
    return None if actor is None else str(actor)


@dataclass(slots=True)
class Answer:
    """What is noted of an answer on its way out."""

    status: int | None = None
    size: int = 0
    access_event: int | None = None


class RequestLog:
    """Gives each request an id, logs it when it is answered, and answers for whatever was raised inside."""

    def __init__(
        self, app: ASGIApp, clock: Callable[[], float] = perf_counter, requests: RequestMetrics | None = None
    ) -> None:
        self._app, self._clock, self._requests = app, clock, requests or RequestMetrics()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on; what is raised inside ends here, so that no server prints it with its values."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        began, answer, request = self._clock(), Answer(), str(uuid4())

        async def noting(message: Message) -> None:
            if message["type"] == "http.response.start":
                answer.status = message["status"]
                answer.access_event = _access_event(message["headers"])
                message["headers"] = [*message["headers"], (b"request-id", request.encode())]
            elif message["type"] == "http.response.body":
                answer.size += len(message.get("body", b""))
            await send(message)

        raised: Exception | None = None
        asked_by = _traceparent(scope)
        with span("request", asked_by) as told:
            try:
                await self._app(scope, receive, noting)
            except Exception as error:
                raised = error
                if answer.status is None:
                    await render(from_exception(RuntimeError()))(scope, receive, noting)
            told.facts |= {"method": _method(scope), "route": _route(scope), "status": answer.status or 500}
        trace = told.trace or (asked_by and asked_by.split("-")[1])
        self._log(scope, answer, (request, trace), began, raised or scope.get("state", {}).get("failure"))

    def _log(
        self, scope: Scope, answer: Answer, ids: tuple[str, str | None], began: float, error: Exception | None
    ) -> None:
        """Write the line and count it; an answer of the server's own making is an error, all else is information."""
        failed = error is not None or (answer.status or 500) >= 500
        method, route, seconds = _method(scope), _route(scope), self._clock() - began
        self._requests.answered(method, route, answer.status or 500, seconds)
        json_log.log(
            "request",
            logging.ERROR if failed else logging.INFO,
            request=ids[0],
            trace=ids[1],
            method=method,
            route=route,
            status=answer.status,
            ms=round(seconds * 1000, 1),
            bytes=answer.size,
            access_event=answer.access_event,
            actor=caller(scope),
            **(json_log.failure(error) if error else {}),
        )


def _method(scope: Scope) -> str:
    return scope["method"] if scope["method"] in METHODS else "other"


def _route(scope: Scope) -> str:
    """Return the template of the route that was met, or the folder that files were asked of, never the path.

    The path holds ids, or whatever somebody typed.
    """
    template: Any = getattr(scope.get("route"), "path", None)
    return template if isinstance(template, str) else scope.get("root_path") or "none"


def _access_event(headers: Iterable[tuple[bytes, bytes]]) -> int | None:
    """Return the position at which the look is on record, which the answer names as `Access-Event`."""
    named = dict(headers).get(b"access-event", b"")
    return int(named) if _POSITION.fullmatch(named) else None


def _traceparent(scope: Scope) -> str | None:
    """Return the span that the request says it belongs to; None unless it is well-formed (W3C Trace Context)."""
    for name, value in scope["headers"]:
        found = _TRACEPARENT.fullmatch(value) if name == b"traceparent" else None
        if found and found[1] != _NO_TRACE and found[2] != _NO_SPAN:
            return value.decode()
    return None
