"""Signed tokens (RFC 7519, RFC 8725, RFC 9068): one verifier for bearer tokens and for identity tokens."""

import json
import math
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from time import time
from typing import Any, cast

from fastapi import Request
from joserfc.errors import JoseError
from joserfc.jwk import Key
from joserfc.jws import CompactSignature, JWSRegistry, extract_compact, validate_compact

from api.sign_in.identity import NotSignedIn

ALGORITHMS: dict[str, tuple[str, str | None]] = {
    "RS256": ("RSA", None),
    "PS256": ("RSA", None),
    "ES256": ("EC", "P-256"),
    "EdDSA": ("OKP", "Ed25519"),
    "Ed25519": ("OKP", "Ed25519"),
}
"""Accepted algorithms, with the kind of key and the curve each takes. Never ``none``, never a shared secret."""

SKEW_SECONDS = 60
TOKEN_LIMIT = 16_000
ACCESS_TYPES = frozenset({None, "jwt", "at+jwt"})
IDENTITY_TYPES = frozenset({None, "jwt"})

_BEARER = re.compile(r"bearer +([A-Za-z0-9._~+/=-]+)", re.IGNORECASE)


class _Registry(JWSRegistry):
    """The accepted algorithms. EdDSA is what providers write; the library knows it as Ed25519 (RFC 9864)."""

    def get_alg(self, name: str):
        """Return an algorithm by its name in a token."""
        return super().get_alg("Ed25519" if name == "EdDSA" else name)


_REGISTRY = _Registry(algorithms=tuple(ALGORITHMS), strict_check_header=False)


def bearer_token(request: Request) -> str:
    """Return the token of a request (RFC 6750, section 2.1); raises NotSignedIn unless there is one."""
    headers = request.headers.getlist("authorization")
    if not headers:
        raise NotSignedIn("missing")
    match = _BEARER.fullmatch(headers[0].strip())
    if len(headers) > 1 or match is None:
        raise NotSignedIn("malformed")
    return match[1]


@dataclass(frozen=True, slots=True)
class Verified:
    """A token that was found right: its claims, the key that shows it, and from when to when it is taken.

    ``begins`` and ``ends`` are seconds since 1970 with the difference of clocks in them.
    """

    claims: dict[str, Any]
    key_id: str
    key: Key
    begins: float
    ends: float


@dataclass(frozen=True, slots=True)
class Verifier:
    """Verifies the tokens of one issuer for one audience.

    ``key`` returns the issuer's key of an id and raises NotSignedIn when there is none; ``types`` are the accepted
    values of the header ``typ`` in lower case. Clocks may differ by a minute.
    """

    issuer: str
    audience: str
    key: Callable[[str], Awaitable[Key]]
    types: frozenset[str | None] = ACCESS_TYPES
    now: Callable[[], float] = time

    async def verify(self, token: str) -> Verified:
        """Return what a token says; raises NotSignedIn with the reason.

        The issuer is looked at before the signature, so that foreign tokens never make us ask the provider for keys.
        """
        signed, claims = _read(token)
        header = signed.headers()
        algorithm, key_id = header.get("alg"), header.get("kid")
        if not isinstance(algorithm, str) or algorithm not in ALGORITHMS:
            raise NotSignedIn("bad-algorithm")
        if claims.get("iss") != self.issuer:
            raise NotSignedIn("foreign-issuer")
        if not isinstance(key_id, str):
            raise NotSignedIn("unknown-key")
        key = await self.key(key_id)
        _check_signature(signed, algorithm, key)
        self._check_type(header.get("typ"))
        begins, ends = self._check_claims(claims)
        return Verified(claims, key_id, key, begins, ends)

    def _check_type(self, kind: Any) -> None:
        kind = kind.lower().removeprefix("application/") if isinstance(kind, str) else kind
        if kind not in self.types:
            raise NotSignedIn("wrong-type")

    def _check_claims(self, claims: dict[str, Any]) -> tuple[float, float]:
        """Return from when to when a token is taken."""
        now, audience = self.now(), claims.get("aud")
        if self.audience not in (audience if isinstance(audience, list) else [audience]):
            raise NotSignedIn("wrong-audience")
        expires = _instant(claims, "exp")
        if expires is None:
            raise NotSignedIn("malformed")
        begins, ends = max(_begins(claims)) - SKEW_SECONDS, expires + SKEW_SECONDS
        if now >= ends:
            raise NotSignedIn("expired")
        if now < begins:
            raise NotSignedIn("not-yet-valid")
        if not isinstance(claims.get("sub"), str) or not claims["sub"]:
            raise NotSignedIn("no-subject")
        return begins, ends


def _read(token: str) -> tuple[CompactSignature, dict[str, Any]]:
    """Return a token taken apart, nothing of it verified; refuses critical extensions, of which we know none."""
    if len(token) > TOKEN_LIMIT:
        raise NotSignedIn("malformed")
    try:
        signed = extract_compact(token.encode("ascii"))
        claims: object = json.loads(signed.payload or b"")
    except (JoseError, ValueError, TypeError, RecursionError):
        raise NotSignedIn("malformed") from None
    if not isinstance(claims, dict) or "crit" in signed.headers():
        raise NotSignedIn("malformed")
    return signed, cast(dict[str, Any], claims)


def _check_signature(signed: CompactSignature, algorithm: str, key: Key) -> None:
    """Let the key decide which algorithms it takes: a public key never becomes a shared secret."""
    kind, curve = ALGORITHMS[algorithm]
    fits = key.key_type == kind and (curve is None or key.get("crv") == curve) and key.alg in (None, algorithm)
    if not fits:
        raise NotSignedIn("bad-algorithm")
    try:
        right = validate_compact(signed, key, registry=_REGISTRY)
    except (JoseError, ValueError):
        right = False
    if not right:
        raise NotSignedIn("bad-signature")


def _begins(claims: dict[str, Any]) -> list[float]:
    """Return the instants a token says it begins at; one that names none has always been good."""
    return [instant for name in ("nbf", "iat") if (instant := _instant(claims, name)) is not None] or [-math.inf]


def _instant(claims: dict[str, Any], name: str) -> float | None:
    """Return a claim in seconds since 1970; None when it is not there."""
    value = claims.get(name)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise NotSignedIn("malformed")
    return value
