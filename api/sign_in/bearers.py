"""Who sends a request with a bearer token: each token is verified once, and remembered for as long as it is good.

A caseworker sends the same token with every request; its signature costs more than most of what is asked. Nobody gains
time by it: the key that showed a token to be right is asked for again each time, so one that the issuer withdraws stops
the token when it would have anyway, and rights in the ledger are judged at each request wherever the identity is from.
"""

from collections import OrderedDict
from dataclasses import dataclass
from hashlib import sha256

from fastapi import Request
from joserfc.jwk import Key

from api.sign_in.identity import ClaimMap, Identity
from api.sign_in.tokens import Verifier, bearer_token

MOST_REMEMBERED = 10_000


@dataclass(frozen=True, slots=True)
class _Remembered:
    identity: Identity
    key_id: str
    key: Key
    begins: float
    ends: float


class Bearers:
    """The bearers of one verifier's tokens; those longest unused are forgotten first.

    What is kept is a digest of a token and whom it is about, neither the token nor its other claims.
    """

    def __init__(self, verifier: Verifier, claims: ClaimMap, most: int = MOST_REMEMBERED) -> None:
        self._verifier, self._claims, self._most = verifier, claims, most
        self._known: OrderedDict[bytes, _Remembered] = OrderedDict()

    def __len__(self) -> int:
        """Return how many tokens are remembered."""
        return len(self._known)

    async def of(self, request: Request) -> Identity:
        """Return who sends a request; raises NotSignedIn, and what asking for the issuer's key raises."""
        token = bearer_token(request)
        digest = sha256(token.encode()).digest()
        known = self._known.get(digest)
        if known is not None and await self._is_good(known):
            self._known.move_to_end(digest)
            return known.identity
        self._known.pop(digest, None)
        return await self._verified(token, digest)

    async def _is_good(self, known: _Remembered) -> bool:
        """Whether a token is in its time and its key still the issuer's."""
        in_time = known.begins <= self._verifier.now() < known.ends
        return in_time and await self._verifier.key(known.key_id) is known.key

    async def _verified(self, token: str, digest: bytes) -> Identity:
        verified = await self._verifier.verify(token)
        identity = self._claims.identity(verified.claims, "bearer")
        self._known[digest] = _Remembered(identity, verified.key_id, verified.key, verified.begins, verified.ends)
        if len(self._known) > self._most:
            self._known.popitem(last=False)
        return identity
