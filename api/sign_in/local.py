"""Sign-in for demonstrations on this machine: choose one of a few fictional people. Never for a real ledger."""

import secrets
from dataclasses import dataclass
from time import time

from fastapi import APIRouter, Request
from fastapi.responses import PlainTextResponse, Response
from joserfc import jwt
from joserfc.jwk import Key, OKPKey
from joserfc.jws import JWSRegistry

from api.problems import ProblemError
from api.sign_in.bearers import Bearers
from api.sign_in.forms import read_form
from api.sign_in.identity import ClaimMap, ForeignRequest, Identity, NotSignedIn, SignInNotUsable
from api.sign_in.pages import LOG_IN, WAITING, PageSignIn
from api.sign_in.sessions import ABSOLUTE
from api.sign_in.site import Site, is_loopback, local_path
from api.sign_in.tokens import Verifier
from ledger.store import Ledger

ISSUER = "urn:caseledger:demonstration"
AUDIENCE = "urn:caseledger:demonstration:api"
ORGANISATION = "Eksempelkommune"


@dataclass(frozen=True, slots=True)
class Person:
    """A fictional member of staff, and what is said about them on the page."""

    staff: str
    name: str
    role: str
    note: str


PEOPLE: dict[str, Person] = {
    person.staff: person
    for person in (
        Person("u-90", "Karla Eksempel", "caseworker", "sagsbehandler"),
        Person("u-21", "Bente Eksempel", "social_worker", "socialrådgiver, sag S1"),
        Person("u-22", "Dorte Eksempel", "social_worker", "socialrådgiver, sag S2"),
        Person("u-23", "Erik Eksempel", "social_worker", "socialrådgiver, sag S3"),
        Person("u-24", "Freja Eksempel", "social_worker", "socialrådgiver, sag S4"),
        Person("u-45", "Gunnar Eksempel", "family_therapist", "familiebehandler, sag S5"),
        Person("u-25", "Hanne Eksempel", "social_worker", "socialrådgiver, sag S6"),
        Person("u-61", "Ivan Eksempel", "coordinator", "koordinator, sag S2 og S6"),
        Person("u-12", "Jytte Eksempel", "supervisor", "teamleder"),
        Person("u-95", "Leif Eksempel", "auditor", "revisor"),
        Person("u-96", "Mona Eksempel", "analyst", "analytiker"),
        Person("u-81", "Niels Eksempel", "data_protection", "databeskyttelsesrådgiver"),
        Person("u-97", "Oda Eksempel", "administrator", "driftsansvarlig"),
    )
}
"""Everybody who can sign in to a demonstration, by staff id; the numbers are those of the case stories."""


class LocalSignIn(PageSignIn):
    """Sign-in without password, over a ledger with a simulated clock that only this machine reaches."""

    def __init__(self, ledger: Ledger, host: str) -> None:
        """``host`` is the address listened on; raises SignInNotUsable unless it is loopback and the clock simulated."""
        if not ledger.simulated:
            raise SignInNotUsable(
                "Sign-in without password is for demonstrations; this is a real clock: set CASELEDGER_OIDC_ISSUER."
            )
        if not is_loopback(host):
            raise SignInNotUsable("Sign-in without password is for this machine only: listen on 127.0.0.1.")
        super().__init__(ledger, Site(None))
        self._key = OKPKey.generate_key("Ed25519", {"kid": secrets.token_hex(8)})
        self._bearers = Bearers(Verifier(ISSUER, AUDIENCE, self._key_of), ClaimMap())

    async def of_bearer(self, request: Request) -> Identity:
        """Return who sends a request to the API; raises NotSignedIn, ForeignRequest."""
        self.site.require_known_host(request)
        return await self._bearers.of(request)

    def token(self, person: Person) -> str:
        """Return a bearer token that a person of the demonstration uses for eight hours, until the service stops."""
        now = int(time())
        claims = {
            "iss": ISSUER,
            "aud": AUDIENCE,
            "sub": person.staff,
            "iat": now,
            "exp": now + int(ABSOLUTE.total_seconds()),
            "roles": [person.role],
            "organisation": ORGANISATION,
        }
        header = {"alg": "Ed25519", "kid": self._key.kid, "typ": "at+jwt"}
        return jwt.encode(header, claims, self._key, registry=JWSRegistry(algorithms=["Ed25519"]))

    def routes(self) -> APIRouter:
        """Return the routes of signing in and out, and of tokens for the command line."""
        router = self.shared_routes()

        @router.get(LOG_IN)
        async def choose(request: Request) -> Response:
            """Show who there is."""
            self.site.require_known_host(request)
            onwards = local_path(request.query_params.get("videre"))
            return self._choice(onwards, waiting=WAITING in request.query_params)

        @router.post(LOG_IN)
        async def log_in(request: Request) -> Response:
            """Sign in as the person chosen."""
            self.site.require_own_page(request)
            form = await read_form(request)
            person, onwards = PEOPLE.get(form.get("medarbejder", "")), local_path(form.get("videre"))
            if person is None:
                return self._choice(onwards, 422, missing=True)
            identity = Identity(person.staff, (person.role,), ORGANISATION, None, "session")
            return await self.admit(request, identity, onwards)

        @router.post("/demonstration/tokens/{staff}")
        async def token(request: Request, staff: str) -> Response:
            """Give out a bearer token; not to pages of other sites."""
            self.site.require_known_host(request)
            if request.headers.get("sec-fetch-site", "none") not in ("none", "same-origin"):
                raise ForeignRequest("cross-site")
            if staff not in PEOPLE:
                raise ProblemError("not-found", f"The demonstration's people are {', '.join(PEOPLE)}.")
            return PlainTextResponse(self.token(PEOPLE[staff]), headers={"Cache-Control": "no-store"})

        return router

    def _choice(self, onwards: str, status: int = 200, *, missing: bool = False, waiting: bool = False) -> Response:
        return self.show(
            "choose.html", status, people=PEOPLE.values(), onwards=onwards, missing=missing, waiting=waiting
        )

    async def _key_of(self, key_id: str) -> Key:
        if key_id != self._key.kid:
            raise NotSignedIn("unknown-key")
        return self._key
