"""How much one caller may ask: token buckets in memory, one for each caller, a smaller one for sign-in and searches."""

import hmac
import os
from collections import OrderedDict
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from math import ceil
from socket import AF_INET, AF_INET6, inet_pton
from time import monotonic

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.problems import ProblemError, render
from api.request_log import caller

MAX_CALLERS = 10_000
SECONDS = 60.0
STRICT_PATHS = ("/log-ind", "/demonstration/tokens", "/searches", "/soeg")
"""Where passwords, tokens and people can be guessed at: these and all below them."""

_BELOW_STRICT = tuple(f"{path}/" for path in STRICT_PATHS)
_SIX_64 = 8


@dataclass(slots=True)
class _Bucket:
    tokens: float
    filled_at: float


class Buckets:
    """Token buckets by key: each holds a minute's worth and fills evenly.

    The ones longest unused are forgotten first, so memory is bounded; a forgotten one is full again after a minute
    anyway. ``clock`` is monotonic, in seconds.
    """

    def __init__(self, per_minute: int, clock: Callable[[], float], most: int = MAX_CALLERS) -> None:
        self._most, self._clock, self._capacity = most, clock, float(per_minute)
        self._buckets: OrderedDict[bytes, _Bucket] = OrderedDict()

    def __len__(self) -> int:
        """Return how many callers are remembered."""
        return len(self._buckets)

    def wait(self, key: bytes) -> float:
        """Return for how many seconds there is nothing in the bucket; 0 when there is."""
        return max(0.0, (1.0 - self._filled(key).tokens) * SECONDS / self._capacity)

    def take(self, key: bytes) -> float:
        """Take one from the bucket and return 0, or the seconds until there is one."""
        seconds = self.wait(key)
        if seconds == 0.0:
            self._filled(key).tokens -= 1.0
        return seconds

    def _filled(self, key: bytes) -> _Bucket:
        now = self._clock()
        bucket = self._buckets.get(key)
        if bucket is None:
            bucket = self._buckets[key] = _Bucket(self._capacity, now)
            if len(self._buckets) > self._most:
                self._buckets.popitem(last=False)
        self._buckets.move_to_end(key)
        bucket.tokens = min(self._capacity, bucket.tokens + (now - bucket.filled_at) * self._capacity / SECONDS)
        bucket.filled_at = now
        return bucket


class RateLimit:
    """Answers 429 to a caller who asks more than a bucket holds.

    A caller is a credential that sign-in has accepted before, otherwise an address: somebody who makes credentials up
    gets no new bucket for each, and a refused one is drawn from the strict bucket of the address. Keys are digests
    under a key that lives as long as the process; neither credentials nor addresses are kept.
    """

    def __init__(
        self, app: ASGIApp, per_minute: int, strict_per_minute: int, clock: Callable[[], float] = monotonic
    ) -> None:
        self._app = app
        self._all, self._strict = Buckets(per_minute, clock), Buckets(strict_per_minute, clock)
        self._accepted: OrderedDict[bytes, None] = OrderedDict()
        self._secret = os.urandom(32)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or answer that there are too many."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        address, credential = self._digest(_network(scope)), self._credential(scope)
        known = credential is not None and credential in self._accepted
        key = credential if known and credential else address
        seconds = self._wait(scope, key, address, guesses=credential is not None and not known)
        if seconds > 0:
            await _too_many(seconds)(scope, receive, send)
            return

        async def watching(message: Message) -> None:
            if message["type"] == "http.response.start":
                self._learn(scope, message["status"], credential, address)
            await send(message)

        await self._app(scope, receive, watching)

    def _wait(self, scope: Scope, key: bytes, address: bytes, *, guesses: bool) -> float:
        """Take from the buckets that count for a request; returns the seconds to wait when one is empty."""
        if _is_strict(scope["path"]):
            return self._all.take(key) or self._strict.take(key)
        return (self._strict.wait(address) if guesses else 0.0) or self._all.take(key)

    def _learn(self, scope: Scope, status: int, credential: bytes | None, address: bytes) -> None:
        """Remember a credential that turned out to name somebody; draw a refused one from the address."""
        if credential is not None and caller(scope) is not None:
            self._accepted[credential] = None
            self._accepted.move_to_end(credential)
            if len(self._accepted) > MAX_CALLERS:
                self._accepted.popitem(last=False)
        elif status == 401:
            self._strict.take(address)

    def _credential(self, scope: Scope) -> bytes | None:
        sent = [value for name, value in scope["headers"] if name in (b"authorization", b"cookie")]
        return self._digest(b"\x00".join(sent)) if sent else None

    def _digest(self, content: bytes) -> bytes:
        return hmac.digest(self._secret, content, "sha256")


def _network(scope: Scope) -> bytes:
    """Return the address a request comes from; of an IPv6 address the 64 bits that one household or office has."""
    client = scope.get("client")
    address = client[0] if client else ""
    with suppress(OSError, ValueError):
        return inet_pton(AF_INET, address)
    with suppress(OSError, ValueError):
        return inet_pton(AF_INET6, address.partition("%")[0])[:_SIX_64]
    return b""


def _is_strict(path: str) -> bool:
    return path in STRICT_PATHS or path.startswith(_BELOW_STRICT)


def _too_many(seconds: float) -> ASGIApp:
    response = render(ProblemError("too-many-requests", "Wait for the seconds that Retry-After names, then go on."))
    response.headers["Retry-After"] = str(ceil(seconds))
    return response
