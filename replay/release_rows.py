"""Reading what a release is made of: clear parts of events and remembered rows, streamed as the server sends them."""

from collections.abc import Iterator, Mapping, Sequence
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

ROWS_AT_ONCE = 500
"""Rows that come from the server at a time: in binary and typed, three times as fast as one by one from a COPY."""

_BETWEEN_EPOCHS = 946_684_800_000_000
"""Microseconds from 1970 to 2000, from which the instants that PostgreSQL sends count."""


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


def _streamed(connection: psycopg.Connection[Any], name: str, values: Mapping[str, Any]) -> Iterator[Any]:
    with connection.cursor(binary=True) as cursor:
        yield from cursor.stream(SQL[name], values, binary=True, size=ROWS_AT_ONCE)


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


Sent = tuple[int, bytes, int, str, bytes, bytes]
"""An event as the query ``clear_events`` has it: position, stream, version, topic, instant, clear part."""


def sent_events(connection: psycopg.Connection[Any], values: Mapping[str, Any]) -> Iterator[Sent]:
    """Yield events as they are sent, in order; ``values`` are those of the query ``clear_events``."""
    return _streamed(connection, "clear_events", values)


def clear_row(sent: Sent) -> ClearRow:
    """Return place and clear part of an event."""
    position, stream, version, topic, recorded_at, clear = sent
    return ClearRow(position, stream, version, topic, _instant(recorded_at), clear)


def event_of(sent: Sent) -> ClearEvent:
    """Return an event in the newest form of its type; raises UnreadableEvent."""
    position, stream, version, topic, recorded_at, stored = sent
    try:
        clear: dict[str, Any] = orjson.loads(stored)
        if clear["schema"] not in _AS_THEY_ARE.get(topic, ()):
            clear["data"] = upcast(topic, clear["schema"], clear["data"])
    except (ValueError, KeyError, TypeError, UnknownEvent):
        raise UnreadableEvent(position) from None
    return ClearEvent(position, stream, version, _instant(recorded_at), clear)


def remembered(
    connection: psycopg.Connection[Any], view: str, upto: int, without: Sequence[UUID]
) -> Iterator[RememberedRow]:
    """Yield the rows of a view as known by a position, without those of some keys, in order of when they were known."""
    values = {"view": view, "upto": upto, "without": list(without)}
    for known_from, key, part, known_to, known_from_at, known_to_at, value in _streamed(
        connection, "remembered", values
    ):
        ends = None if known_to is None else _instant(known_to_at)
        yield RememberedRow(known_from, key, part, known_to, _instant(known_from_at), ends, orjson.loads(value))


def commitments(connection: psycopg.Connection[Any], upto: int) -> Iterator[bytes]:
    """Yield the commitments of the events up to a position, in order."""
    for (commitment,) in _streamed(connection, "commitments", {"upto": upto}):
        yield commitment


def _instant(sent: bytes) -> int:
    return int.from_bytes(sent, "big", signed=True) + _BETWEEN_EPOCHS
