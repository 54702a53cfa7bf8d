"""Addresses for whoever looks after the service: is it there, is it ready, and its figures for Prometheus."""

from ipaddress import ip_address

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, PlainTextResponse, Response

from api.health import HealthReader
from api.metrics import CONTENT_TYPE, RequestMetrics, exposition
from api.problems import ProblemError
from ledger.errors import LedgerError
from ledger.store import Ledger

ASKED_BY = ["GET", "HEAD"]
"""Who watches a service often asks for the head alone."""

PASSED_ON = ("forwarded", "x-forwarded-for", "via")


def create_health_router(ledger: Ledger, health: HealthReader, requests: RequestMetrics) -> APIRouter:
    """Return the addresses; numbers are told on this machine alone, since they say how much is recorded when."""
    router = APIRouter(include_in_schema=False)

    @router.api_route("/healthz", methods=ASKED_BY)
    async def healthz() -> Response:
        """The process answers."""
        return PlainTextResponse("ok\n")

    @router.api_route("/readyz", methods=ASKED_BY)
    def readyz(request: Request) -> Response:
        """The database answers, and nothing that must run is stopped or behind its limit; 503 otherwise."""
        try:
            found = health.read()
        except LedgerError:
            return JSONResponse({"ready": False, "wrong": ["database"]}, 503)
        ready = {"ready": not found.wrong, "wrong": found.wrong}
        return JSONResponse(ready | (found.told if _is_local(request) else {}), 503 if found.wrong else 200)

    @router.api_route("/metrics", methods=ASKED_BY)
    def metrics(request: Request) -> Response:
        """Figures for Prometheus."""
        if not _is_local(request):
            raise ProblemError("not-found", "Figures are told on this machine alone: ask there, not through a proxy.")
        text = exposition(requests, health.read(), ledger.pool_use())
        return PlainTextResponse(text, headers={"Content-Type": CONTENT_TYPE})

    return router


def _is_local(request: Request) -> bool:
    """Whether a request was sent on this machine, and not passed on by a proxy on it that says so."""
    client, server = request.client, request.scope.get("server")
    if client is None or any(name in request.headers for name in PASSED_ON):
        return False
    try:
        return ip_address(client.host).is_loopback or bool(server and client.host == server[0])
    except ValueError:
        return False
