"""Stored events as bytes: read as PostgreSQL sends them, and hashed again without making objects of them."""

from collections.abc import Iterable
from hashlib import sha256
from struct import Struct
from typing import Any, NamedTuple
from uuid import UUID

import orjson
import psycopg

from domain.erased import NOTHING_ERASED, Erased, Reason
from domain.events import BY_TOPIC
from domain.events.access import RecordViewed
from ledger.format import NIL, NO_COMMITMENT, FormatError, StoredRow, commitment, microseconds, segment_lines
from ledger.mapper import read_clear
from ledger.queries import load_queries
from replay.verify_report import Check, Fault

SQL = load_queries("replay", "sql/verify.sql")

_SIGNATURE = b"PGCOPY\n\xff\r\n\0"
_HEADING_BYTES = 19
_END = b"\xff\xff"
_FIXED = Struct(">hiqi16siqiqi16si32si32si")
_WIDTHS = (10, 8, 16, 8, 8, 16, 32, 32)
_LENGTH = Struct(">i")
_BETWEEN_EPOCHS = 946_684_800_000_000
"""Microseconds from 1970, from which commitments count, to 2000, from which PostgreSQL does."""
_EARLIEST, _LATEST = -62_135_596_800_000_000, 253_402_300_799_999_999
"""The years 1 to 9999, which every program can read."""

_VERSIONS = {topic.encode(): event.VERSION for topic, event in BY_TOPIC.items()}
_MEMBERS = frozenset({"schema", "occurred_at", "commit", "actor", "data"})
_LOOK = RecordViewed.TOPIC.encode()
_NIL_KEY = NIL.bytes

Problem = tuple[Check, str]


class RawRow(NamedTuple):
    """One event as it lies in the database; ids as 16 bytes, ``recorded_at`` in microseconds since 1970."""

    position: int
    stream: bytes
    version: int
    recorded_at: int
    actor: bytes
    blind: bytes
    commitment: bytes
    topic: bytes
    segments: bytes
    state: bytes

    def fault(self, check: Check, problem: str) -> Fault:
        """Return a fault of this event."""
        return Fault(self.position, UUID(bytes=self.stream), self.version, problem, check)


class ImpossibleRow(ValueError):
    """The columns of an event hold what no event can hold; ``position`` says where."""

    def __init__(self, position: int) -> None:
        super().__init__("its columns hold what no event can hold")
        self.position = position


def copied(connection: psycopg.Connection[Any], name: str, *values: int) -> list[bytes]:
    """Return the rows of a COPY in binary form, each as sent."""
    with connection.cursor() as cursor, cursor.copy(SQL[name], values) as copy:
        found = [bytes(block) for block in copy]
    if found and found[0].startswith(_SIGNATURE):
        found[0] = found[0][_HEADING_BYTES:]
    return [block for block in found if block and block != _END]


def read_raw(block: bytes) -> RawRow:
    """Return an event from the bytes of its row; raises ImpossibleRow."""
    position = int.from_bytes(block[6:14], "big", signed=True)
    try:
        (count, w1, position, w2, stream, w3, version, w4, time, w5, actor, w6, blind, w7, commitment, at) = (
            _FIXED.unpack_from(block)
        )
        if (count, w1, w2, w3, w4, w5, w6, w7) != _WIDTHS:
            raise ImpossibleRow(position)
        begin = _FIXED.size
        topic, begin = block[begin : begin + at], begin + at
        end = begin + 4 + _LENGTH.unpack_from(block, begin)[0]
        segments, state = block[begin + 4 : end], block[end + 4 :]
    except Exception as error:
        raise ImpossibleRow(position) from error
    recorded_at = time + _BETWEEN_EPOCHS
    if not _EARLIEST <= recorded_at <= _LATEST:
        raise ImpossibleRow(position)
    return RawRow(position, stream, version, recorded_at, actor, blind, commitment, topic, segments, state)


def raw_of(row: StoredRow) -> RawRow:
    """Return the bytes of a row that was read in another way."""
    return RawRow(
        row.position,
        row.stream.bytes,
        row.version,
        microseconds(row.recorded_at),
        row.actor.bytes,
        row.blind,
        row.commitment,
        row.topic.encode(),
        row.segments,
        row.state,
    )


def is_emptied(row: RawRow) -> bool:
    """Whether a row is a look whose content was removed, or is missing."""
    return not row.state and row.topic == _LOOK


def hashed(segments: bytes, state: bytes) -> tuple[Problem | None, list[tuple[int, bytes]]]:
    """Hash the stored bytes of every segment that is there again.

    Returns what is wrong, if anything is, and the sealed segments that are missing: number and key id of each.
    """
    try:
        lines = segment_lines(segments)
    except FormatError as error:
        return ("payload", str(error)), []
    if not lines or lines[0][0] != _NIL_KEY or lines[0][3] != NO_COMMITMENT:
        return ("payload", "its first segment is not the clear part"), []
    missing: list[tuple[int, bytes]] = []
    whole = len(state)
    if len(lines) > 1 and lines[0][1] == whole:
        missing = [(number, line[0]) for number, line in enumerate(lines[1:], start=1)]
        lines = lines[:1]
    if sum(line[1] for line in lines) != whole:
        return ("payload", "state: length does not fit the segment table"), []
    begin = 0
    for number, (_, length, digest, _) in enumerate(lines):
        if sha256(state[begin : begin + length]).digest() != digest:
            return ("payload", f"the stored bytes of segment {number} have been changed"), missing
        begin += length
    return None, missing


def unreadable(topic: bytes, segments: bytes, state: bytes) -> Problem | None:
    """Return why the clear part of an event cannot be read; its members are looked for, not gone through."""
    newest = _VERSIONS.get(topic)
    if newest is None:
        return "readable", "its clear part cannot be read (UnknownEvent)"
    try:
        clear = orjson.loads(state[: int.from_bytes(segments[18:22], "big")])
        if clear.keys() >= _MEMBERS and 1 <= clear["schema"] <= newest and "id" in clear["actor"]:
            return None
    except Exception as error:
        return "readable", f"its clear part cannot be read ({type(error).__name__})"
    return "readable", "its clear part does not have what every event has"


def without_reason(row: RawRow, missing: list[tuple[int, bytes]], erased: Erased) -> tuple[list[Problem], list[Reason]]:
    """Return for the sealed segments of an event that are missing what is wrong with that, and why it is right."""
    stream = UUID(bytes=row.stream)
    found: list[tuple[int, Reason | None]] = [
        (number, erased.why(stream, row.version, UUID(bytes=key))) for number, key in missing
    ]
    problems: list[Problem] = [
        ("removed", f"the stored bytes of segment {number} are missing, and no erasure on record covers them")
        for number, reason in found
        if reason is None
    ]
    return problems, [reason for _, reason in found if reason is not None]


def verify_stream(rows: Iterable[StoredRow], erased: Erased = NOTHING_ERASED) -> list[Fault]:
    """Check payloads, chain and versions of one stream from its first event on; not its place in the tree.

    Sealed bytes may be missing where they are ``erased``. Each clear part is read whole, as whoever shows it does.
    """
    faults: list[Fault] = []
    version, previous = 0, NO_COMMITMENT
    for row in rows:
        raw = raw_of(row)
        faults += [raw.fault(*problem) for problem in content_problems(row, raw, erased)]
        if row.version != version + 1:
            faults.append(raw.fault("version", "does not follow the version before it in its stream"))
        if commitment(row, previous) != row.commitment:
            faults.append(raw.fault("commitment", "its columns are not those that were committed to"))
        version, previous = row.version, row.commitment
    return faults


def content_problems(row: StoredRow, raw: RawRow, erased: Erased) -> Iterable[Problem]:
    """Return what is wrong with the stored bytes of an event, read whole."""
    wrong, missing = hashed(raw.segments, raw.state)
    if wrong is not None:
        yield wrong
        return
    try:
        read_clear(row)
    except Exception as error:
        yield "readable", f"its clear part cannot be read ({type(error).__name__})"
    yield from without_reason(raw, missing, erased)[0]
