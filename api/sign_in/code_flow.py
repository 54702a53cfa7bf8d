"""Signing people in at the identity provider: authorization code flow with PKCE (RFC 6749, RFC 7636, OIDC Core 3.1).

Nothing is stored between leaving and coming back but a cookie of ten minutes. State, nonce and PKCE verifier are made
from it with the ledger's own key, so that only the browser that left can come back, and only with its own answer.
"""

import hmac
import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from secrets import token_hex
from time import time
from typing import Any, cast
from urllib.parse import quote_plus, urlencode

import httpx2

from api.sign_in.identity import NotSignedIn, ProviderUnavailable
from api.sign_in.provider import ANSWER_SECONDS, Provider
from api.sign_in.site import local_path
from api.sign_in.tokens import IDENTITY_TYPES, Verifier
from ledger.keys import KeyStore

LOGIN_SECONDS = 600
_LOGIN = re.compile(r"([0-9]{1,12})\.[0-9a-f]{64}\.([A-Za-z0-9_-]*)")


class LoginFailed(Exception):
    """Somebody came back from the provider without a usable answer; ``code`` says what was wrong."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


@dataclass(frozen=True, slots=True)
class Client:
    """What the provider knows the pages as; without secret a public client."""

    id: str
    redirect_uri: str
    secret: str | None = field(default=None, repr=False)


class CodeFlow:
    """The flow of one client at one provider."""

    def __init__(self, provider: Provider, client: Client, keys: KeyStore, now: Callable[[], float] = time) -> None:
        self._provider, self._client, self._keys, self._now = provider, client, keys, now
        self._verifier = Verifier(provider.issuer, client.id, provider.key, IDENTITY_TYPES, now)

    async def begin(self, onwards: str) -> tuple[str, str]:
        """Return the provider's address to send a browser to, and the cookie to send along with it."""
        published = await self._provider.published()
        login = f"{int(self._now())}.{token_hex(32)}.{_encoded(onwards.encode())}"
        challenge = _encoded(sha256(self._made("verifier", login).encode()).digest())
        asked = {
            "response_type": "code",
            "client_id": self._client.id,
            "redirect_uri": self._client.redirect_uri,
            "scope": "openid",
            "state": self._made("state", login),
            "nonce": self._made("nonce", login),
            "code_challenge": challenge,
            "code_challenge_method": "S256",
        }
        joint = "&" if "?" in published.authorization_endpoint else "?"
        return f"{published.authorization_endpoint}{joint}{urlencode(asked)}", login

    async def finish(self, login: str | None, answer: Mapping[str, str]) -> tuple[dict[str, Any], str]:
        """Return the claims about who has signed in, and the path they wanted to go to.

        Raises LoginFailed for an answer that is not to this browser's question or a code that was used already,
        NotSignedIn for an unusable identity token, ProviderUnavailable.
        """
        begun = _LOGIN.fullmatch(login or "")
        if login is None or begun is None or not 0 <= self._now() - int(begun[1]) <= LOGIN_SECONDS:
            raise LoginFailed("not-begun")
        if not _same(answer.get("state", ""), self._made("state", login)):
            raise LoginFailed("state")
        if not _same(answer.get("iss", self._provider.issuer), self._provider.issuer):
            raise LoginFailed("foreign-issuer")
        if "error" in answer or not answer.get("code"):
            raise LoginFailed("refused")
        token = await self._redeemed(answer["code"], self._made("verifier", login))
        claims = (await self._verifier.verify(token)).claims
        if not _same(claims.get("nonce"), self._made("nonce", login)):
            raise LoginFailed("nonce")
        if claims.get("azp", self._client.id) != self._client.id:
            raise NotSignedIn("wrong-audience", "session")
        return claims, local_path(urlsafe_b64decode(begun[2] + "===").decode())

    async def _redeemed(self, code: str, verifier: str) -> str:
        """Return the identity token for a code; the provider takes each code once."""
        published = await self._provider.published()
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": self._client.redirect_uri,
            "code_verifier": verifier,
        }
        who = None
        if self._client.secret is None:
            form["client_id"] = self._client.id
        else:
            who = httpx2.BasicAuth(quote_plus(self._client.id), quote_plus(self._client.secret))
        try:
            async with httpx2.AsyncClient(timeout=ANSWER_SECONDS, auth=who) as http:
                response = await http.post(published.token_endpoint, data=form)
            found: object = response.json()
        except (httpx2.HTTPError, ValueError):
            raise ProviderUnavailable from None
        if response.is_server_error:
            raise ProviderUnavailable
        token = cast(dict[str, Any], found).get("id_token") if isinstance(found, dict) else None
        if not response.is_success or not isinstance(token, str):
            raise LoginFailed("code")
        return token

    def _made(self, purpose: str, login: str) -> str:
        return self._keys.digest(f"sign-in {purpose}", login.encode()).hex()


def _encoded(content: bytes) -> str:
    return urlsafe_b64encode(content).decode().rstrip("=")


def _same(given: object, expected: str) -> bool:
    return isinstance(given, str) and hmac.compare_digest(given.encode(), expected.encode())
