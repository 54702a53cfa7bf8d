"""What every answer carries and every request must be: headers for browsers, known host names, heads of a sane size."""

from collections.abc import Collection, Iterable
from functools import cache

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.capacity import Capacity
from api.limits import RateLimit
from api.metrics import RequestMetrics
from api.problems import ProblemError, render
from api.request_log import RequestLog

RawHeaders = Iterable[tuple[bytes, bytes]]

LOOPBACK_NAMES = frozenset({"localhost", "127.0.0.1", "[::1]"})
MAX_HEAD_BYTES = 32_000

PAGE_POLICY = (
    "default-src 'none'; style-src 'self'; img-src 'self'; font-src 'self'; script-src 'self'; connect-src 'self';"
    " form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
)
ANSWER_POLICY = "default-src 'none'; sandbox; form-action 'none'; frame-ancestors 'none'; base-uri 'none'"
"""For everything that is no page: opened in a browser it can neither run nor load nor send anything."""

ONCE = frozenset(("purpose", "idempotency-key", "if-match", "content-type", "accept-datetime", "last-event-id"))
"""Headers that steer a request: of two different ones nobody could tell which was meant. Sign-in sees to its own."""

ALWAYS = {
    "X-Content-Type-Options": "nosniff",
    # Not no-referrer: with it browsers send `Origin: null` with a form, and the check against forged forms goes blind.
    # Other sites learn nothing either way.
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), display-capture=(), geolocation=(), microphone=(), payment=(), usb=()",
}
STRICT_TRANSPORT = "max-age=31536000"
STATIC, DESIGN, LOG = "/static/", "/static/dkfds/", "/log/"
NOT_KEPT = "no-store"


def guarded(
    app: ASGIApp,
    hosts: Collection[str],
    requests_per_minute: int,
    strict_requests_per_minute: int,
    requests_at_once: int,
    requests: RequestMetrics | None = None,
) -> ASGIApp:
    """Return the application behind all that stands before it; headers outermost, so that every answer has them."""
    limited = RateLimit(Capacity(app, requests_at_once), requests_per_minute, strict_requests_per_minute)
    return BrowserHeaders(RequestLog(KnownHosts(limited, hosts), requests=requests))


class BrowserHeaders:
    """Sets the headers that tell browsers and caches what they may do with an answer."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on and set the headers of its answer."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                caching = _caching(scope["path"], message)
                message["headers"] = standing(message["headers"], scope["scheme"], caching)
            await send(message)

        await self._app(scope, receive, with_headers)


def _caching(path: str, message: Message) -> str:
    """Return what caches may do: keep what is the same for everybody; what else there is may be about somebody."""
    if message["status"] in (200, 304):
        if path.startswith(DESIGN):
            return "public, max-age=31536000, immutable"  # the address names the version
        if path.startswith(STATIC):
            return "no-cache"  # kept, but asked about each time
        if path.startswith(LOG):
            return Headers(raw=message["headers"]).get("cache-control", NOT_KEPT)
    return NOT_KEPT


def standing(headers: RawHeaders, scheme: str, caching: str = NOT_KEPT) -> list[tuple[bytes, bytes]]:
    """Return headers with what an answer over ``scheme`` carries; ``caching`` says what caches may do."""
    kept = [(name, value) for name, value in headers if name not in _STANDING_NAMES]
    is_page = any(name == b"content-type" and value.startswith(b"text/html") for name, value in kept)
    return [*kept, *_standing(is_page, caching, scheme == "https")]


@cache
def _standing(is_page: bool, caching: str, is_https: bool) -> tuple[tuple[bytes, bytes], ...]:
    headers = ALWAYS | {
        "Content-Security-Policy": PAGE_POLICY if is_page else ANSWER_POLICY,
        "Cache-Control": caching,
    }
    headers |= {"Strict-Transport-Security": STRICT_TRANSPORT} if is_https else {}
    return tuple((name.lower().encode(), value.encode()) for name, value in headers.items())


_STANDING_NAMES = frozenset(name for name, _ in _standing(False, NOT_KEPT, True))


class KnownHosts:
    """Refuses requests for a host name that is not ours, with too large a head, or with a header twice that is one.

    A page of somebody else's that makes its own name lead to this machine is thereby told nothing (DNS rebinding).
    """

    def __init__(self, app: ASGIApp, hosts: Collection[str]) -> None:
        self._app, self._hosts = app, frozenset(hosts)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or refuse it."""
        if scope["type"] == "http":
            if _head_bytes(scope) > MAX_HEAD_BYTES:
                detail = f"Address and headers may have {MAX_HEAD_BYTES} bytes together."
                await render(ProblemError("head-too-large", detail))(scope, receive, send)
                return
            if _host(scope) not in self._hosts:
                detail = "Use the address that this service was given, or add the name to CASELEDGER_HOST_NAMES."
                await render(ProblemError("misdirected", detail))(scope, receive, send)
                return
            if twice := _sent_twice(scope):
                await render(ProblemError("bad-request", f"Send {twice} once."))(scope, receive, send)
                return
        await self._app(scope, receive, send)


def _head_bytes(scope: Scope) -> int:
    address = len(scope.get("raw_path") or b"") + len(scope["query_string"])
    return address + sum(len(name) + len(value) for name, value in scope["headers"])


def _sent_twice(scope: Scope) -> str | None:
    """Return the header that was sent more than once though one is asked for; None where there is none."""
    seen: set[bytes] = set()
    for name, _ in scope["headers"]:
        if name in seen and name.decode("latin-1") in ONCE:
            return "-".join(part.capitalize() for part in name.decode().split("-"))
        seen.add(name)
    return None


def _host(scope: Scope) -> str:
    """Return the name a request is for, without port; empty where there is none or more than one."""
    named = Headers(scope=scope).getlist("host")
    if len(named) != 1:
        return ""
    name, colon, port = named[0].rpartition(":")
    return (name if colon and (port.isdigit() or not port) else named[0]).lower()
