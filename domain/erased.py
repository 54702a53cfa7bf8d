"""What was erased, by the decisions on record: keys, entries, whole cases. An annulment brings nothing back."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Literal
from uuid import UUID

from domain.entries import Entry
from domain.events.retention import PersonalDataErased

Reason = Literal["key", "entry"]
"""Why sealed bytes are rightly gone: their key was erased, or the entry itself."""


@dataclass(frozen=True, slots=True)
class Erased:
    """Keys that were destroyed, entries (stream and version) whose texts were, and cases erased whole.

    ``cases`` gives for each case the position of the decision, ``persons`` are those whose own keys were destroyed.
    """

    keys: frozenset[UUID] = frozenset()
    entries: frozenset[tuple[UUID, int]] = frozenset()
    cases: Mapping[UUID, int] = field(default_factory=dict[UUID, int])
    persons: frozenset[UUID] = frozenset()

    def why(self, stream: UUID, version: int, key: UUID) -> Reason | None:
        """Return why what a key seals in an entry may be gone; None where no decision says so."""
        if (stream, version) in self.entries:
            return "entry"
        return "key" if key in self.keys else None

    def and_by(self, erasures: Iterable[Entry]) -> "Erased":
        """Return what was erased by further decisions too; entries of other kinds are passed over."""
        decided = erasures_among(erasures)
        if not decided:
            return self
        whole = {entry.stream: entry.position for entry in reversed(decided) if erases_case(entry)}
        return Erased(
            self.keys | {UUID(entry.data["key"]) for entry in decided if entry.data.get("key")},
            self.entries
            | {(entry.stream, version) for entry in decided for version in entry.data.get("entries") or ()},
            whole | dict(self.cases),
            self.persons | {UUID(entry.data["person"]) for entry in decided if entry.data.get("person")},
        )


NOTHING_ERASED = Erased()


def erasures_among(entries: Iterable[Entry]) -> tuple[Entry, ...]:
    """Return the entries that erased something, annulled or not: a destroyed key does not come back."""
    return tuple(entry for entry in entries if entry.topic == PersonalDataErased.TOPIC and not entry.withheld)


def decisions(erasures: Iterable[Entry]) -> tuple[tuple[Entry, ...], ...]:
    """Return erasures by decision: those recorded together are of one, but for those of different persons."""
    found: dict[tuple[UUID, str | None], list[Entry]] = {}
    for erasure in erasures:
        subject = erasure.data.get("subject") if erasure.data.get("scope") == "person" else None
        found.setdefault((erasure.commit, subject), []).append(erasure)
    return tuple(map(tuple, found.values()))


def erases_case(entry: Entry) -> bool:
    """Whether an entry says that its whole case was erased."""
    return entry.topic == PersonalDataErased.TOPIC and entry.data.get("scope") == "case"
