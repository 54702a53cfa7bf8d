"""An identity provider: what it publishes about itself and the keys it signs with (OpenID Connect Discovery 1.0)."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from time import monotonic
from typing import Any, cast

import httpx2
from joserfc.errors import JoseError
from joserfc.jwk import JWKRegistry, Key

from api.sign_in.identity import NotSignedIn, ProviderUnavailable
from api.sign_in.site import is_loopback, split_address

MAXIMUM_AGE_SECONDS = 600.0
"""A key that the provider withdraws stops working within this time."""

OUTAGE_SECONDS = 3600.0
"""Known keys go on working for this long when the provider does not answer."""

PAUSE_SECONDS = 10.0
"""The provider is asked once in this time at most while it does not answer, or tokens name keys that are unknown."""

ANSWER_SECONDS = 5.0
SHORTEST_MODULUS = 342
"""Characters in which the modulus of an RSA key of 2048 bits is written; shorter keys are passed over."""


@dataclass(frozen=True, slots=True)
class Published:
    """What a provider has said, and when (seconds of the monotonic clock)."""

    authorization_endpoint: str
    token_endpoint: str
    end_session_endpoint: str | None
    keys: dict[str, Key]
    read_at: float


class Provider:
    """The published keys and addresses of one issuer, asked for when they are needed and remembered for a while."""

    def __init__(
        self,
        issuer: str,
        *,
        maximum_age: float = MAXIMUM_AGE_SECONDS,
        pause: float = PAUSE_SECONDS,
        outage: float = OUTAGE_SECONDS,
        clock: Callable[[], float] = monotonic,
    ) -> None:
        self.issuer = issuer
        self._maximum_age, self._pause, self._outage, self._clock = maximum_age, pause, outage, clock
        self._published: Published | None = None
        self._next_question_at = -float("inf")
        self._answered = True
        self._asking = asyncio.Lock()

    async def key(self, key_id: str) -> Key:
        """Return the key of an id; raises NotSignedIn when there is none, ProviderUnavailable when nobody can tell."""
        published = await self.published()
        if key_id not in published.keys:
            published = await self._asked_again(published, self._pause) or published
        if key_id in published.keys:
            return published.keys[key_id]
        if not self._answered:
            raise ProviderUnavailable
        raise NotSignedIn("unknown-key")

    async def published(self) -> Published:
        """Return what the provider publishes, at most ``maximum_age`` old, or ``outage`` while it does not answer."""
        known = self._published
        if known is None or self._age(known) > self._maximum_age:
            known = await self._asked_again(known)
        if known is None or self._age(known) > max(self._outage, self._maximum_age):
            raise ProviderUnavailable
        return known

    def _age(self, published: Published) -> float:
        return self._clock() - published.read_at

    async def _asked_again(self, known: Published | None, pause: float = 0) -> Published | None:
        """Return what is published now; what was known when it is too early to ask again, or there is no answer.

        ``pause`` is for how many seconds nobody asks after this; after a question without answer nobody does anyway.
        """
        async with self._asking:
            if self._published is known and self._clock() >= self._next_question_at:
                try:
                    self._published = await self._ask()
                    self._answered = True
                except ProviderUnavailable:
                    self._answered = False
                self._next_question_at = self._clock() + (pause if self._answered else self._pause)
            return self._published

    async def _ask(self) -> Published:
        async with httpx2.AsyncClient(timeout=ANSWER_SECONDS) as http:
            about = await _document(http, self.issuer.rstrip("/") + "/.well-known/openid-configuration")
            if about.get("issuer") != self.issuer:
                raise ProviderUnavailable
            keys = await _document(http, _address(about, "jwks_uri"))
        return Published(
            _address(about, "authorization_endpoint"),
            _address(about, "token_endpoint"),
            _address(about, "end_session_endpoint") if "end_session_endpoint" in about else None,
            _signing_keys(keys),
            self._clock(),
        )


def trustworthy(address: str) -> bool:
    """Whether what an address answers can be believed: https, or plain http that does not leave this machine."""
    parts = split_address(address)
    return bool(parts.hostname) and (
        parts.scheme == "https" or (parts.scheme == "http" and is_loopback(parts.hostname))
    )


async def _document(http: httpx2.AsyncClient, address: str) -> dict[str, Any]:
    try:
        response = await http.get(address)
        document: object = response.json() if response.is_success else None
    except (httpx2.HTTPError, ValueError):
        raise ProviderUnavailable from None
    if not isinstance(document, dict):
        raise ProviderUnavailable
    return cast(dict[str, Any], document)


def _address(about: dict[str, Any], name: str) -> str:
    address = about.get(name)
    if not isinstance(address, str) or not trustworthy(address):
        raise ProviderUnavailable
    return address


def _signing_keys(document: dict[str, Any]) -> dict[str, Key]:
    """Return the keys that can have signed a token, by id; others are passed over (RFC 7517, section 5)."""
    listed = document.get("keys")
    if not isinstance(listed, list):
        raise ProviderUnavailable
    found: dict[str, Key] = {}
    for entry in cast(list[Any], listed):
        key = _signing_key(entry)
        if key is not None and key.kid:
            found.setdefault(key.kid, key)
    return found


def _signing_key(entry: Any) -> Key | None:
    if not isinstance(entry, dict):
        return None
    said = cast(dict[str, Any], entry)
    if said.get("use", "sig") != "sig":
        return None
    if said.get("kty") == "RSA" and len(str(said.get("n"))) < SHORTEST_MODULUS:
        return None
    try:
        key = JWKRegistry.import_key(said)
    except (JoseError, ValueError, TypeError, KeyError):
        return None
    return None if key.key_type == "oct" or key.is_private else key
