"""What a decision about a case needs to see of it: its entries in clear, its persons, its version."""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Any
from uuid import UUID

from domain.entries import Entry

ROSTER_TOPICS = frozenset({"case_opened", "person_joined"})
"""Events that bring persons into a case."""


@dataclass(frozen=True, slots=True)
class Person:
    """A person of a case: reference there, own stream, sealing key, role in the case."""

    ref: str
    person: UUID
    key: UUID
    role: str


@dataclass(frozen=True)
class CaseFile:
    """The entries of one case up to a version, in the order in which they were recorded."""

    case: UUID
    entries: tuple[Entry, ...] = ()

    @property
    def version(self) -> int:
        """The version of the last entry; 0 for a case that was never opened."""
        return len(self.entries)

    @cached_property
    def persons(self) -> dict[str, Person]:
        """The persons of the case by reference."""
        found: dict[str, Person] = {}
        for entry in self.entries:
            if entry.topic == "case_opened":
                found |= {person["ref"]: _person(person) for person in entry.data["persons"]}
            elif entry.topic == "person_joined":
                found[entry.data["ref"]] = _person(entry.data)
        return found

    @cached_property
    def key(self) -> UUID:
        """The key that seals what belongs to no single person; raises LookupError for a case never opened."""
        if not self.entries or self.entries[0].topic != "case_opened":
            raise LookupError("no case")
        return UUID(self.entries[0].data["key"])

    def keys(self) -> dict[str, UUID]:
        """The sealing key of each person by reference."""
        return {ref: person.key for ref, person in self.persons.items()}

    def entry(self, version: int) -> Entry | None:
        """The entry with a version, or None."""
        return self.entries[version - 1] if 0 < version <= len(self.entries) else None

    def extended(self, entries: Iterable[Entry]) -> "CaseFile":
        """The case file with further entries; keeps what it knows of the persons where no one joined."""
        further = tuple(entries)
        file = CaseFile(self.case, (*self.entries, *further))
        if "persons" in self.__dict__ and not any(entry.topic in ROSTER_TOPICS for entry in further):
            file.__dict__["persons"] = self.persons
        return file


def _person(data: Any) -> Person:
    return Person(data["ref"], UUID(data["person"]), UUID(data["key"]), data["role"])
