"""What goes into the ledger and what comes back: events ready to be stored, requests, and the ledger's answers."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from ledger.format import NIL


@dataclass(frozen=True, slots=True)
class NewEvent:
    """One event ready to be stored: everything of its row that the ledger does not set itself.

    ``blind`` are 32 random bytes, ``segments`` the segment table that describes ``state``.
    """

    topic: str
    blind: bytes
    segments: bytes
    state: bytes
    actor: UUID = NIL


@dataclass(frozen=True, slots=True)
class Part:
    """Events to append to one stream, decided on when the stream stood at ``expected``.

    ``expected`` None appends at the end, whatever the version; only for events without sealed segments.
    """

    stream: UUID
    expected: int | None
    events: tuple[NewEvent, ...]


@dataclass(frozen=True, slots=True)
class Request:
    """1..n parts of different streams that are appended together or not at all.

    ``key`` and ``fingerprint`` are 32-byte keyed digests that recognise a repeated request and a changed body;
    ``happened`` is the latest instant at which a fact of the request claims to have happened.
    """

    parts: tuple[Part, ...]
    key: bytes | None = None
    fingerprint: bytes | None = None
    happened: datetime | None = None

    def __post_init__(self) -> None:
        streams = {part.stream for part in self.parts}
        if not self.parts or len(streams) < len(self.parts) or not all(part.events for part in self.parts):
            raise ValueError("a request needs events, and one part per stream")


@dataclass(frozen=True, slots=True)
class Appended:
    """The request is in the ledger at these positions; ``repeated`` when it already was."""

    first_position: int
    last_position: int
    recorded_at: datetime
    repeated: bool = False


@dataclass(frozen=True, slots=True)
class Conflict:
    """The stream has moved on since the caller decided; nothing is written."""

    stream: UUID
    version: int


@dataclass(frozen=True, slots=True)
class Mismatched:
    """The key was used before for a request with another body; nothing is written."""


@dataclass(frozen=True, slots=True)
class InTheFuture:
    """A fact claims to have happened after the ledger's own time; nothing is written."""

    now: datetime


@dataclass(frozen=True, slots=True)
class Malformed:
    """The segment table does not describe the stored bytes; nothing is written."""


Answer = Appended | Conflict | Mismatched | InTheFuture | Malformed
