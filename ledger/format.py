"""The stored format of an event, byte for byte: segments, header, commitment, published entry.

A row is its own header. ``state`` is the concatenation of its segments: segment 0 in clear (nil key id), the others
sealed for one data subject each. The *segment table* lists them: u16 count, then per segment the key id (16 bytes),
u32 length, SHA-256 of the stored bytes (32) and the commitment to the plaintext (32, zeros for segment 0).
Integers are big-endian. The append function in the database makes these hashes; this module makes them again to check.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from hashlib import sha256
from struct import Struct
from uuid import UUID

LEAF_DOMAIN = b"caseledger/v1 leaf\x00"
NIL = UUID(int=0)
NO_COMMITMENT = bytes(32)
ENTRY_VERSION = b"\x01"

_COUNT = Struct(">H")
_SEGMENT = Struct(">16sI32s32s")
_INT8 = Struct(">q")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


class FormatError(ValueError):
    """Stored bytes do not have the ledger's format."""


@dataclass(frozen=True, slots=True)
class Segment:
    """One line of the segment table: whose key, how many bytes, their digest, the commitment to the plaintext."""

    key: UUID
    length: int
    digest: bytes
    plaintext_commitment: bytes = NO_COMMITMENT

    @classmethod
    def clear(cls, content: bytes) -> "Segment":
        """Return the line for the clear segment."""
        return cls(NIL, len(content), sha256(content).digest())


def segment_table(segments: list[Segment]) -> bytes:
    """Return the stored bytes of a segment table."""
    return _COUNT.pack(len(segments)) + b"".join(
        _SEGMENT.pack(s.key.bytes, s.length, s.digest, s.plaintext_commitment) for s in segments
    )


def read_segment_table(table: bytes) -> list[Segment]:
    """Read a stored segment table; raises FormatError when its length does not fit its count."""
    return [
        Segment(UUID(bytes=key), length, digest, commitment) for key, length, digest, commitment in segment_lines(table)
    ]


def segment_lines(table: bytes) -> list[tuple[bytes, int, bytes, bytes]]:
    """Return key id, length, digest and plaintext commitment of each segment as stored; raises FormatError."""
    if len(table) < 2 or len(table) != 2 + _SEGMENT.size * _COUNT.unpack_from(table)[0]:
        raise FormatError("segment table: length does not fit its count")
    return list(_SEGMENT.iter_unpack(table[2:]))


def split_state(segments: list[Segment], state: bytes) -> list[bytes]:
    """Cut ``state`` into its segments; raises FormatError when the lengths do not add up.

    Where the sealed segments were removed, only the clear one is left, and one piece comes back.
    """
    if segments and segments[0].length == len(state):
        return [state]
    if sum(s.length for s in segments) != len(state):
        raise FormatError("state: length does not fit the segment table")
    parts: list[bytes] = []
    at = 0
    for segment in segments:
        parts.append(state[at : at + segment.length])
        at += segment.length
    return parts


def microseconds(instant: datetime) -> int:
    """Return whole microseconds since 1970-01-01T00:00Z."""
    return (instant.astimezone(UTC) - _EPOCH) // _MICROSECOND


@dataclass(frozen=True, slots=True)
class StoredRow:
    """One event as it lies in the database, column by column."""

    position: int
    stream: UUID
    version: int
    topic: str
    recorded_at: datetime
    actor: UUID
    blind: bytes
    segments: bytes
    state: bytes
    commitment: bytes


def header(row: StoredRow, previous: bytes) -> bytes:
    """Return the header of a row; ``previous`` is the commitment of the event before it in its stream, or zeros."""
    return header_of(row.blind, microseconds(row.recorded_at), row.actor.bytes, previous, row.segments)


def header_of(blind: bytes, recorded_at: int, actor: bytes, previous: bytes, segments: bytes) -> bytes:
    """Return the header of the columns it consists of; ``recorded_at`` in microseconds since 1970."""
    return blind + _INT8.pack(recorded_at) + actor + previous + segments


def commitment(row: StoredRow, previous: bytes) -> bytes:
    """Return what the tree binds of an event: place, topic and header, through which every stored byte."""
    return commitment_of(row.position, row.stream.bytes, row.version, row.topic.encode(), header(row, previous))


def commitment_of(position: int, stream: bytes, version: int, topic: bytes, header: bytes) -> bytes:
    """Return the commitment of the columns it is over: ``stream`` as 16 bytes, ``topic`` in UTF-8."""
    return sha256(
        LEAF_DOMAIN
        + _INT8.pack(position)
        + stream
        + _INT8.pack(version)
        + _topic_digest(topic)
        + sha256(header).digest()
    ).digest()


@lru_cache(maxsize=1024)
def _topic_digest(topic: bytes) -> bytes:
    return sha256(topic).digest()


def published_entry(commitment: bytes) -> bytes:
    """Return the 33 bytes that the tree publishes for an event."""
    return ENTRY_VERSION + commitment


def leaf_index(position: int) -> int:
    """Return the index of an event's leaf in the tree: positions count from 1, leaves from 0."""
    return position - 1
