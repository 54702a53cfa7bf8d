"""Who is asking. Until sign-in exists there is one fixed, fictional caseworker, and only a demonstration is served."""

import getpass
from dataclasses import dataclass

from fastapi import Request

from domain.events.base import Actor

AUDIT_ROLES = frozenset({"auditor"})
"""Roles that see the originals of entries moved away or restricted."""


@dataclass(frozen=True, slots=True)
class Principal:
    """Who acts or reads, in which role, for which organisation, and for what purpose."""

    id: str
    role: str
    organisation: str | None
    purpose: str

    @property
    def audits(self) -> bool:
        """Whether the principal may see what is withheld from everybody else."""
        return self.role in AUDIT_ROLES

    @property
    def actor(self) -> Actor:
        """The principal as it stands in an entry."""
        return Actor(self.id, self.role, self.organisation)


def demonstration_principal(purpose: str | None) -> Principal:
    """Return the fictional caseworker of the demonstration."""
    return Principal("u-90", "caseworker", "Eksempelkommune", purpose or "demonstration")


def of_request(request: Request, purpose: str | None = None) -> Principal:
    """Return who sends a request."""
    del request  # sign-in will read it
    return demonstration_principal(purpose)


def command_line_principal(purpose: str) -> Principal:
    """Return whoever runs a command, by the name of the operating-system user."""
    return Principal(f"os:{getpass.getuser()}", "operator", None, purpose)
