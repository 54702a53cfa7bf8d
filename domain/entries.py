"""An entry of a case: one recorded event with its envelope, its place in the ledger and what of it can be read."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, TypeVar, dataclass_transform
from uuid import UUID

from domain.events.base import Actor, Envelope, Event
from domain.time import Moment, start_of

Kind = TypeVar("Kind")


@dataclass(frozen=True, slots=True)
class Draft:
    """An event decided on but not yet recorded: where it is to stand, and whose keys seal its texts.

    ``version`` is the version it will have in its stream. ``subjects`` gives the key of each person of the case by
    reference; ``case_key`` seals what belongs to no single person, None for streams whose events hold no texts.
    """

    stream: UUID
    version: int
    event: Event
    envelope: Envelope
    subjects: Mapping[str, UUID] = field(default_factory=dict[str, UUID])
    case_key: UUID | None = None


@dataclass_transform(frozen_default=True)
def _record(kind: type[Kind]) -> type[Kind]:
    """Make a dataclass whose fields only the type checker guards: otherwise it takes twice as long to make."""
    return dataclass(slots=True, unsafe_hash=True)(kind)


@_record
class Entry:
    """A recorded event.

    ``data`` holds the facts as JSON values: the clear ones always, sealed ones only where they were unsealed for the
    reader. ``sealed`` names every sealed field, read or not; ``erased`` those whose key was destroyed by decision,
    ``unreadable`` those whose key cannot be found or read at present, which is a fault. ``withheld`` is true where the
    entry is kept from the reader whole, ``restricted`` names fields whose original is.
    """

    stream: UUID
    version: int
    position: int
    recorded_at: datetime
    topic: str
    schema: int
    occurred_at: Moment
    actor: Actor
    commit: UUID
    data: Mapping[str, Any]
    sealed: tuple[str, ...] = ()
    erased: tuple[str, ...] = ()
    reached_at: Moment | None = None
    legal_basis: tuple[str, ...] = ()
    reason: str | None = None
    source: str | None = None
    reported_without_gate: bool = False
    withheld: bool = False
    restricted: tuple[str, ...] = ()
    unreadable: tuple[str, ...] = ()

    @property
    def happened(self) -> datetime:
        """The instant from which the entry counts in the world, in UTC; a day counts from 00:00 in Copenhagen."""
        return start_of(self.occurred_at)


def clear(entry: Entry) -> Entry:
    """Return an entry without the values of its sealed fields, whether or not they were unsealed for a reader."""
    if entry.data.keys().isdisjoint(entry.sealed):
        return entry
    return replace(entry, data={name: fact for name, fact in entry.data.items() if name not in entry.sealed})
