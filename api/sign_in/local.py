"""Temporary."""

from fastapi import APIRouter, Request

from api.sign_in.identity import Identity, NotSignedIn
from ledger.store import Ledger

STAFF = {
    "u-90": "caseworker",
    "u-25": "social_worker",
    "u-61": "coordinator",
    "u-80": "supervisor",
    "u-82": "auditor",
    "u-83": "analyst",
    "u-81": "data_protection",
    "u-84": "administrator",
}


class LocalSignIn:
    """Temporary."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    async def of_bearer(self, request: Request) -> Identity:
        """Return who sends a bearer token; raises NotSignedIn."""
        token = request.headers.get("authorization", "").removeprefix("Bearer ")
        if token not in STAFF:
            raise NotSignedIn("missing")
        return Identity(token, (STAFF[token],), "Eksempelkommune", None, "bearer")

    async def of_session(self, request: Request) -> Identity:
        """Return whose session a page's cookie names; raises NotSignedIn."""
        staff = request.cookies.get("caseledger", "")
        if staff not in STAFF:
            raise NotSignedIn("missing")
        return Identity(staff, (STAFF[staff],), "Eksempelkommune", "case-work", "session")

    def routes(self) -> APIRouter:
        """Return the routes of sign-in."""
        return APIRouter()
