"""Reading what a release is made of: clear parts of events and remembered rows, streamed as COPY sends them."""

from collections.abc import Iterator, Mapping, Sequence
from struct import Struct
from typing import Any, NamedTuple
from uuid import UUID

import orjson
import psycopg

from domain.events import BY_TOPIC, UnknownEvent, upcast
from domain.events.administration import Exported
from domain.events.base import Event, unchanged
from domain.release_fields import LEFT_OUT_EVENTS
from ledger.queries import load_queries
from ledger.store import Ledger
from replay.release_columns import ClearEvent, RememberedRow

SQL = load_queries("replay", "sql/export.sql")

_SIGNATURE = b"PGCOPY\n\xff\r\n\0"
_HEADING_BYTES = 19
_END = b"\xff\xff"
_EVENT = Struct(">6xq4x16s4xq4xqi")
_LENGTH = Struct(">i")
_BETWEEN_EPOCHS = 946_684_800_000_000
"""Microseconds from 1970 to 2000, from which PostgreSQL counts."""


def _as_they_are(event: type[Event]) -> range:
    """Return the versions of an event whose stored facts have the newest form already."""
    first = event.VERSION
    while first > 1 and getattr(event, f"upcast_v{first - 1}_v{first}") is unchanged:
        first -= 1
    return range(first, event.VERSION + 1)


_AS_THEY_ARE = {topic: _as_they_are(event) for topic, event in BY_TOPIC.items()}


def last_leaving(ledger: Ledger, upto: int) -> int:
    """Return the last position by another at which something was recorded that may leave; 0 for none.

    So the same command gives the same release until something new is recorded that would be in it.
    """
    left_out = sorted({*LEFT_OUT_EVENTS, Exported.TOPIC})
    return ledger.query(SQL["last_leaving"], {"upto": upto, "left_out": left_out})[0][0]


def blocks(connection: psycopg.Connection[Any], name: str, values: Mapping[str, Any]) -> Iterator[bytes]:
    """Yield the rows of a COPY in binary form, each as sent."""
    with connection.cursor() as cursor, cursor.copy(SQL[name], values) as copy:
        for block in copy:
            row = bytes(block)
            if row.startswith(_SIGNATURE):
                row = row[_HEADING_BYTES:]
            if row and row != _END:
                yield row


class UnreadableEvent(Exception):
    """An event does not read as what its topic says; ``position`` names it."""

    def __init__(self, position: int) -> None:
        super().__init__(f"the event at position {position} cannot be read")
        self.position = position


class ClearRow(NamedTuple):
    """An event as sent: its place and the bytes of its clear part; ``recorded_at`` in microseconds since 1970."""

    position: int
    stream: bytes
    version: int
    topic: str
    recorded_at: int
    clear: bytes


def clear_row(block: bytes) -> ClearRow:
    """Return place and clear part of an event from the bytes of its row."""
    position, stream, version, recorded_at, length = _EVENT.unpack_from(block)
    begin = _EVENT.size + length
    topic = block[_EVENT.size : begin].decode()
    return ClearRow(position, stream, version, topic, recorded_at + _BETWEEN_EPOCHS, block[begin + 4 :])


def event_of(row: ClearRow) -> ClearEvent:
    """Return an event in the newest form of its type; raises UnreadableEvent."""
    try:
        clear: dict[str, Any] = orjson.loads(row.clear)
        if clear["schema"] not in _AS_THEY_ARE.get(row.topic, ()):
            clear["data"] = upcast(row.topic, clear["schema"], clear["data"])
    except (ValueError, KeyError, TypeError, UnknownEvent):
        raise UnreadableEvent(row.position) from None
    return ClearEvent(row.position, row.stream, row.version, row.recorded_at, clear)


def remembered(
    connection: psycopg.Connection[Any], view: str, upto: int, without: Sequence[UUID]
) -> Iterator[RememberedRow]:
    """Yield the rows of a view as known by a position, without those of some keys, in order of when they were known."""
    values = {"view": view, "upto": upto, "without": list(without)}
    for block in blocks(connection, "remembered", values):
        known_from, key, part, known_to, known_from_at, known_to_at, value = _fields(block)
        yield RememberedRow(
            _whole(known_from) or 0,
            key or b"",
            (part or b"").decode(),
            _whole(known_to),
            _instant(known_from_at) or 0,
            _instant(known_to_at),
            orjson.loads(value or b"{}"),
        )


def commitments(connection: psycopg.Connection[Any], upto: int) -> Iterator[bytes]:
    """Yield the commitments of the events up to a position, in order."""
    for block in blocks(connection, "commitments", {"upto": upto}):
        yield block[6:]


def _fields(block: bytes) -> Iterator[bytes | None]:
    begin = 2
    while begin < len(block):
        length = _LENGTH.unpack_from(block, begin)[0]
        begin += 4
        yield None if length < 0 else block[begin : begin + length]
        begin += max(0, length)


def _whole(field: bytes | None) -> int | None:
    return None if field is None else int.from_bytes(field, "big", signed=True)


def _instant(field: bytes | None) -> int | None:
    return None if field is None else int.from_bytes(field, "big", signed=True) + _BETWEEN_EPOCHS
