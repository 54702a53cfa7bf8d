"""Refusals of the domain, as one tree. Messages name field, reason and remedy, and never repeat what was sent.

DomainError
├── Malformed       the request cannot be an account of anything that happened
└── Refused         an act still to come is stopped by a gate
"""

from dataclasses import dataclass


class DomainError(Exception):
    """The domain refused."""


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing wrong with a request: JSON pointer of the field, and reason with remedy."""

    pointer: str
    detail: str


class Malformed(DomainError):
    """The request is malformed; ``problems`` says where and why."""

    def __init__(self, problems: list[Problem]) -> None:
        super().__init__("; ".join(f"{p.pointer}: {p.detail}" for p in problems))
        self.problems = problems


class Refused(DomainError):
    """A gate stops the act; the message says which rule, why and what would lift it."""
