"""Remembered tokens: verified once, and good for not a moment longer than they would be unremembered."""

import asyncio

import pytest
from fastapi import Request
from joserfc.jwk import Key

from api.sign_in.bearers import Bearers
from api.sign_in.identity import ClaimMap, Identity, NotSignedIn
from api.sign_in.tokens import SKEW_SECONDS, Verifier
from tests.api.sign_in.issuer import AUDIENCE, Issuer, rsa

NOON = 1_800_000_000


class Clocked:
    """Bearers of an issuer that is asked for its keys in this process, by a clock that is set by hand."""

    def __init__(self, most: int = 100) -> None:
        self.issuer = Issuer("https://eksempel.dk", [rsa()])
        self.now = float(NOON)
        self.bearers = Bearers(Verifier(self.issuer.url, AUDIENCE, self._key, now=lambda: self.now), ClaimMap(), most)

    async def _key(self, key_id: str) -> Key:
        for key in self.issuer.keys:
            if key.kid == key_id:
                return key
        raise NotSignedIn("unknown-key")

    def token(self, staff: str = "u-90") -> str:
        """Return a token that is good for five minutes from now."""
        return self.issuer.token(sub=staff, nbf=int(self.now), iat=int(self.now), exp=int(self.now) + 300)

    def identity(self, token: str) -> Identity:
        """Return who sends a request with a token."""
        headers = [(b"authorization", f"Bearer {token}".encode())]
        return asyncio.run(self.bearers.of(Request({"type": "http", "headers": headers})))

    def staff(self, token: str) -> str:
        """Return the staff id of who sends a request with a token."""
        return self.identity(token).staff

    def refusal(self, token: str) -> str:
        """Return why a token is refused."""
        with pytest.raises(NotSignedIn) as refused:
            self.staff(token)
        return refused.value.code


def test_a_remembered_token_is_not_taken_apart_again() -> None:
    """The second request gets the very identity that the first was given; another token gets its own."""
    clocked = Clocked()
    first, second = clocked.token("u-90"), clocked.token("u-91")
    identity = clocked.identity(first)
    assert (identity.staff, clocked.staff(second)) == ("u-90", "u-91")
    assert clocked.identity(first) is identity
    assert len(clocked.bearers) == 2


def test_a_remembered_token_expires_on_time() -> None:
    """To the second when it would have, and it is then forgotten."""
    clocked = Clocked()
    token = clocked.token()
    assert clocked.staff(token) == "u-90"
    clocked.now = NOON + 300 + SKEW_SECONDS - 0.5
    assert clocked.staff(token) == "u-90"
    clocked.now = NOON + 300 + SKEW_SECONDS
    assert clocked.refusal(token) == "expired"
    assert len(clocked.bearers) == 0


def test_a_clock_set_back_refuses_what_is_not_valid_yet() -> None:
    """A remembered token does not work before its time either."""
    clocked = Clocked()
    token = clocked.token()
    assert clocked.staff(token) == "u-90"
    clocked.now = NOON - SKEW_SECONDS - 1
    assert clocked.refusal(token) == "not-yet-valid"


def test_a_withdrawn_key_ends_remembered_tokens() -> None:
    """At the first request after the issuer no longer has the key."""
    clocked = Clocked()
    token = clocked.token()
    assert clocked.staff(token) == "u-90"
    clocked.issuer.keys[:] = [rsa("new")]
    assert clocked.refusal(token) == "unknown-key"


def test_another_key_under_the_same_id_ends_remembered_tokens() -> None:
    """The token is verified anew, with the key that is there now."""
    clocked = Clocked()
    token = clocked.token()
    assert clocked.staff(token) == "u-90"
    clocked.issuer.keys[:] = [rsa()]
    assert clocked.refusal(token) == "bad-signature"
    assert len(clocked.bearers) == 0


def test_a_token_altered_in_its_signature_is_not_the_remembered_one() -> None:
    """Every byte of a token counts."""
    clocked = Clocked()
    token = clocked.token()
    assert clocked.staff(token) == "u-90"
    assert clocked.refusal(f"{token[:-8]}AAAAAAAA") == "bad-signature"


def test_memory_is_bounded_and_refused_tokens_take_none() -> None:
    """Of more tokens than are remembered the one longest unused goes; it is verified again when it comes."""
    clocked = Clocked(most=2)
    tokens = [clocked.token(f"u-{number}") for number in range(3)]
    assert [clocked.staff(token) for token in tokens] == ["u-0", "u-1", "u-2"]
    assert len(clocked.bearers) == 2
    assert clocked.staff(tokens[0]) == "u-0"
    for number in range(5):
        assert clocked.refusal(clocked.issuer.token(rsa("stranger"), sub=f"u-{number}", exp=NOON + 60)) == "unknown-key"
    assert len(clocked.bearers) == 2
