"""The seam between sign-in and everything else: who is asking, and why somebody is not let in."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, Protocol, cast

from fastapi import APIRouter, Request
from starlette.datastructures import ImmutableMultiDict

from api.uploads import Upload
from domain.authority import KIND_OF_ROLE
from domain.events.base import CODE_PATTERN
from domain.purposes import holds_civil_number
from ledger.errors import LedgerError

Via = Literal["bearer", "session"]
Form = ImmutableMultiDict[str, str]
STAFF_LIMIT = 80
ORGANISATION_LIMIT = 200
CIVIL_NUMBER_LENGTH = 11

REASONS: dict[str, str] = {
    "missing": "Send a token: Authorization: Bearer.",
    "malformed": "The token is not a signed JSON Web Token, or a claim in it is of the wrong kind.",
    "bad-algorithm": "The token is signed with an algorithm that is not accepted: use RS256, PS256, ES256 or EdDSA.",
    "unknown-key": "The token names a key that the identity provider does not publish.",
    "bad-signature": "The signature of the token is not right.",
    "foreign-issuer": "The token is from another issuer.",
    "wrong-audience": "The token is made out to another service.",
    "wrong-type": "The token is of another type: send an access token.",
    "expired": "The token has expired: ask for a new one.",
    "not-yet-valid": "The token is not valid yet: compare the clocks.",
    "no-subject": "The token has no claim sub.",
    "staff-id": "The claim with the staff id must hold an opaque id of at most 80 characters, no e-mail address.",
    "no-role": "The token grants no role here.",
    "organisation": "The claim with the organisation must hold one line of at most 200 characters.",
    "no-session": "Nobody is signed in in this browser, or the session has ended.",
    "no-purpose": "No purpose has been chosen yet.",
}
"""Why somebody is not signed in, and what to do; never what was sent."""


@dataclass(frozen=True, slots=True)
class Identity:
    """Who is signed in: opaque staff id, at least one role, unit, purpose (None where each request names its own)."""

    staff: str
    roles: tuple[str, ...]
    organisation: str | None
    purpose: str | None
    via: Via


class NotSignedIn(Exception):
    """Nobody is signed in; ``code`` is a key of ``REASONS``, ``via`` how it was tried."""

    def __init__(self, code: str, via: Via = "bearer") -> None:
        super().__init__(REASONS[code])
        self.code, self.via = code, via


class ForeignRequest(Exception):
    """A request was not sent by our own page or, in a demonstration, not to this machine; ``code`` says which."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


class ProviderUnavailable(Exception):
    """The identity provider does not answer, or not as OpenID Connect Discovery 1.0 describes."""


class SignInNotUsable(LedgerError):
    """Sign-in cannot be set up like this."""


class SignIn(Protocol):
    """A way of signing in, for the API and for the pages."""

    async def of_bearer(self, request: Request) -> Identity:
        """Return who sends a request to the API; raises NotSignedIn, and ProviderUnavailable when nobody can tell."""
        ...

    async def of_session(self, request: Request) -> Identity:
        """Return who reads a page, with a purpose; raises NotSignedIn."""
        ...

    async def require_form(self, request: Request, upload: Upload | None = None) -> Form:
        """Return what a form of ours sent, with its file put into ``upload`` where it may bring one.

        Raises ForeignRequest for any other sender, NotSignedIn without session.
        """
        ...

    def form_token(self, request: Request) -> str:
        """Return what each form of a page that changes something sends along as ``csrf``."""
        ...

    def routes(self) -> APIRouter:
        """Return the routes of signing in and out."""
        ...


@dataclass(frozen=True, slots=True)
class ClaimMap:
    """Where a token's claims hold what we need, and what the municipality's names of roles mean here."""

    staff: str = "sub"
    roles: str = "roles"
    organisation: str = "organisation"
    role_map: Mapping[str, str] | None = None

    def identity(self, claims: Mapping[str, Any], via: Via) -> Identity:
        """Return who a token is about; raises NotSignedIn for an unusable staff id, unit, or when no role is ours."""
        return Identity(
            self._staff(_claim(claims, self.staff), via),
            self._roles(_claim(claims, self.roles), via),
            self._organisation(_claim(claims, self.organisation), via),
            None,
            via,
        )

    def _staff(self, value: Any, via: Via) -> str:
        """Refuse what names a person: the id goes on record for ever and is shown to citizens."""
        if not _is_line(value, STAFF_LIMIT) or "@" in value:
            raise NotSignedIn("staff-id", via)
        if len(value) <= CIVIL_NUMBER_LENGTH and holds_civil_number(value):
            raise NotSignedIn("staff-id", via)
        return value

    def _roles(self, value: Any, via: Via) -> tuple[str, ...]:
        """Return our roles in our order; names that mean nothing here are passed over."""
        named = value.split() if isinstance(value, str) else cast(list[Any], value) if isinstance(value, list) else []
        texts = [name for name in named if isinstance(name, str)]
        granted = set(texts) if self.role_map is None else {self.role_map.get(name) for name in texts}
        found = tuple(role for role in KIND_OF_ROLE if role in granted)
        if not found:
            raise NotSignedIn("no-role", via)
        return found

    def _organisation(self, value: Any, via: Via) -> str | None:
        if value is None:
            return None
        if not _is_line(value, ORGANISATION_LIMIT):
            raise NotSignedIn("organisation", via)
        return value


def _claim(claims: Mapping[str, Any], name: str) -> Any:
    """Return a claim by its whole name, else by descending at the dots (``realm_access.roles``), else None."""
    if name in claims:
        return claims[name]
    found: Any = claims
    for part in name.split("."):
        found = cast(dict[str, Any], found).get(part) if isinstance(found, dict) else None
    return found


def _is_line(value: Any, limit: int) -> bool:
    return (
        isinstance(value, str)
        and len(value) <= limit
        and re.fullmatch(CODE_PATTERN, value) is not None
        and value.isprintable()
    )
