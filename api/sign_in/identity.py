"""Who has signed in."""

from dataclasses import dataclass
from typing import Literal, Protocol

from fastapi import APIRouter, Request


@dataclass(frozen=True, slots=True)
class Identity:
    """Who has signed in."""

    staff: str
    roles: tuple[str, ...]
    organisation: str | None
    purpose: str | None
    via: Literal["bearer", "session"]


class NotSignedIn(Exception):
    """Nobody has signed in, for a reason."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class SignIn(Protocol):
    """A way to sign in."""

    async def of_bearer(self, request: Request) -> Identity:
        """Return who sends a bearer token; raises NotSignedIn."""
        ...

    async def of_session(self, request: Request) -> Identity:
        """Return whose session a page's cookie names; raises NotSignedIn."""
        ...

    def routes(self) -> APIRouter:
        """Return the routes of sign-in."""
        ...
