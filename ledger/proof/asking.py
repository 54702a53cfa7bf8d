"""Asking a service that others run: within a total time, and no more of an answer than was expected."""

import asyncio
from dataclasses import dataclass
from ipaddress import ip_address
from urllib.parse import SplitResult, urlsplit

import httpx2


class NoAnswer(Exception):
    """A service did not answer in time, not at all, or with more than it may."""


@dataclass(frozen=True, slots=True)
class Reply:
    """Status, media type without parameters, body."""

    status: int
    kind: str
    body: bytes


def ask(url: str, body: bytes | None = None, kind: str = "", *, limit: int, seconds: float) -> Reply:
    """Send a body (None: just ask) and return the reply; raises NoAnswer. Follows no redirect.

    ``seconds`` is for all of it, so a service that answers drop by drop is given up, too. Not for event loops.
    """
    try:
        return asyncio.run(asyncio.wait_for(_ask(url, body, kind, limit), seconds))
    except (httpx2.HTTPError, httpx2.InvalidURL, TimeoutError, OSError) as error:
        raise NoAnswer(type(error).__name__) from None


def is_loopback(url: str) -> bool:
    """Whether an address never leaves this machine."""
    return _is_loopback(_split(url).hostname)


def is_address(url: str) -> bool:
    """Whether a text is an http or https address without credentials, query or fragment."""
    parts = _split(url)
    bare = not (parts.query or parts.fragment or "@" in parts.netloc)
    return parts.scheme in ("http", "https") and bool(parts.hostname) and bare


def is_secure(url: str) -> bool:
    """Whether a text is an address that nobody listens in on: https, or plain http to this machine."""
    return is_address(url) and (_split(url).scheme == "https" or is_loopback(url))


async def _ask(url: str, body: bytes | None, kind: str, limit: int) -> Reply:
    headers = {"Accept-Encoding": "identity"} | ({"Content-Type": kind} if kind else {})
    method = "GET" if body is None else "POST"
    async with (
        httpx2.AsyncClient(timeout=None, trust_env=not is_loopback(url)) as http,  # to this machine no proxy leads
        http.stream(method, url, content=body, headers=headers) as response,
    ):
        content = bytearray()
        async for chunk in response.aiter_raw():
            content += chunk
            if len(content) > limit:
                raise NoAnswer("TooLarge")
        media = response.headers.get("content-type", "").partition(";")[0].strip().lower()
        return Reply(response.status_code, media, bytes(content))


def _split(url: str) -> SplitResult:
    try:
        parts = urlsplit(url)
        _ = parts.port, parts.hostname
        return parts
    except ValueError:
        return urlsplit("")


def _is_loopback(host: str | None) -> bool:
    if host == "localhost":
        return True
    try:
        return host is not None and ip_address(host).is_loopback
    except ValueError:
        return False
