"""What goes into the ledger and what comes back: events ready to be stored, requests, and the ledger's answers."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from ledger.format import NIL

DIGEST_BYTES = 32
HIGHEST_VERSION = 2**63 - 1


@dataclass(frozen=True, slots=True)
class NewEvent:
    """One event ready to be stored: everything of its row that the ledger does not set itself.

    ``blind`` are 32 random bytes, ``segments`` the segment table that describes ``state``. What the database could
    only refuse for a whole batch raises ValueError here, for its caller alone; the same goes for the classes below.
    """

    topic: str
    blind: bytes
    segments: bytes
    state: bytes
    actor: UUID = NIL

    def __post_init__(self) -> None:
        if len(self.blind) != DIGEST_BYTES or not self.topic.isprintable():
            raise ValueError("an event needs a blind of 32 bytes and a printable topic")


@dataclass(frozen=True, slots=True)
class Part:
    """Events to append to one stream, decided on when the stream stood at ``expected``.

    ``expected`` None appends at the end, whatever the version; only for events without sealed segments.
    """

    stream: UUID
    expected: int | None
    events: tuple[NewEvent, ...]

    def __post_init__(self) -> None:
        if self.expected is not None and not 0 <= self.expected < HIGHEST_VERSION:
            raise ValueError("the expected version is none that a stream can have")


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

    @property
    def size(self) -> int:
        """How many events the request holds."""
        return sum(len(part.events) for part in self.parts)

    def __post_init__(self) -> None:
        streams = {part.stream for part in self.parts}
        if not self.parts or len(streams) < len(self.parts) or not all(part.events for part in self.parts):
            raise ValueError("a request needs events, and one part per stream")
        if self.key is not None and not len(self.key) == len(self.fingerprint or b"") == DIGEST_BYTES:
            raise ValueError("key and fingerprint of a request come together and have 32 bytes each")
        if self.happened is not None and self.happened.tzinfo is None:
            raise ValueError("the time at which something happened needs an offset from UTC")


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
