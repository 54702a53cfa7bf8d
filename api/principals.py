"""Who is asking: the staff id, role and organisation signed in with, and the purpose of the request."""

import getpass
from dataclasses import dataclass

from fastapi import Request

from api.sign_in.identity import Identity
from domain.authority import KIND_OF_ROLE, POWERS, Act
from domain.events.base import Actor
from domain.purposes import default_purpose, read_purpose

PURPOSE_HEADER = "purpose"
ROLE_HEADER = "acting-role"


class HeaderRefused(Exception):
    """A header that says who acts, or what for, is missing or says nothing known; the message says what to send."""


@dataclass(frozen=True, slots=True)
class Principal:
    """Who acts or reads, in which role, for which organisation, for what purpose and in which matter.

    ``internal`` is true for the ledger's own work alone: loading case stories, daily checks, erasures that are carried
    out again, cases taken over from another system, commands on a simulated ledger. No request makes such a principal.
    """

    id: str
    role: str
    organisation: str | None
    purpose: str
    matter: str | None = None
    internal: bool = False

    @property
    def audits(self) -> bool:
        """Whether the principal may see what is withheld from everybody else."""
        kind = KIND_OF_ROLE.get(self.role)
        return kind is not None and Act.ORIGINALS_READ in POWERS[kind]

    @property
    def actor(self) -> Actor:
        """The principal as it stands in an entry."""
        return Actor(self.id, self.role, self.organisation)


def looking(request: Request) -> Principal:
    """Return who wants to be shown personal data; raises HeaderRefused where no purpose is stated."""
    identity = _identity(request)
    header = request.headers.get(PURPOSE_HEADER)
    if header is None and identity.purpose is None:
        role = _role(request, identity)
        detail = f"Purpose is required where personal data are shown: send for example Purpose: {default_purpose(role)}"
        raise HeaderRefused(detail)
    return acting(request)


def acting(request: Request) -> Principal:
    """Return who sends a request; the purpose is the one stated, else the usual one of the role."""
    identity = _identity(request)
    role = _role(request, identity)
    header = request.headers.get(PURPOSE_HEADER)
    try:
        stated = (identity.purpose, None) if header is None else read_purpose(header)
    except ValueError as error:
        raise HeaderRefused(f"Purpose {error}") from None
    return Principal(identity.staff, role, identity.organisation, stated[0] or default_purpose(role), stated[1])


def _identity(request: Request) -> Identity:
    """Return who has signed in, as the router's sign-in has found; a route without one answers nobody."""
    return request.state.identity


def _role(request: Request, identity: Identity) -> str:
    """Return the role to act in: the one named by a header, else the first that was signed in with."""
    named = request.headers.get(ROLE_HEADER)
    if named is None:
        return identity.roles[0]
    if named not in identity.roles:
        raise HeaderRefused("Acting-Role must be one of the roles you have signed in with.")
    return named


def command_line_principal(purpose: str, *, internal: bool = False) -> Principal:
    """Return whoever runs a command, by the name of the operating-system user."""
    return Principal(f"os:{getpass.getuser()}", "operator", None, purpose, internal=internal)
