"""Event by event along the ledger: content, order, chain, tree; what was published is checked where it is passed."""

from collections.abc import Callable, Iterator
from hashlib import sha256
from itertools import islice
from typing import Any, NamedTuple
from uuid import UUID

import orjson
import psycopg

from domain.erased import NOTHING_ERASED, Erased
from ledger.format import NO_COMMITMENT, commitment_of, header_of, microseconds
from ledger.store import Head
from replay.verify_keys import ANNOUNCES
from replay.verify_published import Published
from replay.verify_report import Report
from replay.verify_rows import (
    SQL,
    ImpossibleRow,
    RawRow,
    copied,
    hashed,
    is_emptied,
    read_raw,
    unreadable,
    without_reason,
)
from replay.verify_tree import GrowingTree

PAGE = 4096
"""Events fetched and held at a time."""

PAGE_BYTES = 16_000_000
"""Payload bytes after which a page of them ends."""

REMEMBERED = 50_000
"""Streams whose last event is remembered; what precedes an event of another one is asked for, page by page."""

_LEAF = b"\x00\x01"
"""The prefix of a leaf hash (RFC 9162) and that of a published entry."""

Proof = Callable[[int, bytes], bool]
"""Whether the event at a position had a commitment in a tree that is trusted."""


class Sources(NamedTuple):
    """What is asked where something is missing, since an erasure or expiry may come while the check runs.

    ``erased`` returns what is erased by all that is on record, ``expired`` up to where looks may have no content.
    """

    erased: Callable[[], Erased] = lambda: NOTHING_ERASED
    expired: Callable[[], int] = lambda: 0


class Walk:
    """Follows the ledger from the tree it is given: the next position, what precedes in each stream, the time."""

    def __init__(
        self,
        connection: psycopg.Connection[Any],
        report: Report,
        published: Published,
        sources: Sources,
        tree: GrowingTree | None = None,
        proven: Proof | None = None,
    ) -> None:
        self._connection, self._report, self._published, self._sources = connection, report, published, sources
        self._tree, self._proven = tree or GrowingTree(), proven
        self._begin = self._last_position = self._tree.size
        self._erased, self._expired = NOTHING_ERASED, 0
        self._last: dict[bytes, tuple[int, bytes]] = {}
        self._before: dict[tuple[bytes, int], tuple[int, bytes]] = {}
        self._announcing: dict[int, RawRow] = {}
        self._last_time: int | None = None

    def follow(self, head: Head, progress: Callable[[int, int], None]) -> None:
        """Check every event after where the tree stands, then the head."""
        after, whole = self._begin, head.size - self._begin
        while blocks := copied(self._connection, "copy_page", after, PAGE, PAGE_BYTES):
            rows = list(self._readable(blocks))
            after = int.from_bytes(blocks[-1][6:14], "big", signed=True)
            self._ask_for_predecessors(rows)
            for row in rows:
                self._add(row)
            self._published.check_tiles(self._tree.filled)
            self._tree.filled.clear()
            self._forget()
            progress(self._report.events, whole)
        self._finish(head)

    def start_after(self, row: RawRow) -> None:
        """Go on in time from the last event that is known already."""
        self._last_time = row.recorded_at

    def _readable(self, blocks: list[bytes]) -> Iterator[RawRow]:
        for block in blocks:
            try:
                yield read_raw(block)
            except ImpossibleRow as error:
                self._report.blame(error.position, "readable", str(error))

    def _ask_for_predecessors(self, rows: list[RawRow]) -> None:
        """Fetch what precedes the events of a page in their streams, where it is not in the page or remembered."""
        here = {(row.stream, row.version) for row in rows}
        wanted = [
            (row.stream, row.version - 1)
            for row in rows
            if row.version > 1
            and (row.stream, row.version - 1) not in here
            and self._last.get(row.stream, (0,))[0] != row.version - 1
        ]
        self._before = {}
        if not wanted:
            return
        asked = [[UUID(bytes=stream) for stream, _ in wanted], [version for _, version in wanted]]
        cursor = self._connection.cursor(binary=True)
        for stream, version, position, commitment in cursor.execute(SQL["predecessors"], asked):
            self._before[stream.bytes, version] = position, bytes(commitment)
            if self._proven is not None and position <= self._begin and not self._proven(position, commitment):
                problem = "an event that is built upon is not the one that the kept checkpoint holds"
                self._report.blame(position, "inclusion", problem)

    def _add(self, row: RawRow) -> None:
        report, tree = self._report, self._tree
        stream, version = row.stream, row.version
        faults = len(report.faults)
        if row.position != self._last_position + 1:
            problem = f"does not follow position {self._last_position}: events are missing or numbered anew"
            report.add(row.fault("position", problem))
        previous = self._previous(row)
        if self._last_time is not None and row.recorded_at < self._last_time:
            report.add(row.fault("time", "recorded before the event in front of it"))
        self._check_content(row)
        header = header_of(row.blind, row.recorded_at, row.actor, previous, row.segments)
        if commitment_of(row.position, stream, version, row.topic, header) != row.commitment:
            report.add(row.fault("commitment", "its columns are not those that were committed to"))
        self._published.check_time(row)
        if row.position == 1 and len(report.faults) == faults:
            self._check_opening(row)
        tree.add(sha256(_LEAF + row.commitment).digest())
        self._last[stream] = version, row.commitment
        self._last_time, self._last_position = row.recorded_at, row.position
        report.events += 1
        report.streams += version == 1
        report.payload_bytes += len(row.state)
        report.sealed_segments += max(0, (len(row.segments) - 2) // 84 - 1)
        if row.topic == ANNOUNCES:
            self._announcing[row.position] = row
        if tree.size == self._published.next_size:
            self._published.reached(tree)

    def _previous(self, row: RawRow) -> bytes:
        """Return the commitment of the event before in the stream, and say where there is none."""
        if row.version == 1:
            return NO_COMMITMENT
        known = self._last.get(row.stream)
        if known is not None and known[0] == row.version - 1:
            return known[1]
        position, commitment = self._before.get((row.stream, row.version - 1), (row.position, NO_COMMITMENT))
        if position >= row.position:
            self._report.add(row.fault("version", "does not follow the version before it in its stream"))
            return known[1] if known else NO_COMMITMENT
        return commitment

    def _check_content(self, row: RawRow) -> None:
        if is_emptied(row):
            self._check_emptied(row)
            return
        wrong, missing = hashed(row.segments, row.state)
        if wrong is not None:
            self._report.add(row.fault(*wrong))
        if missing:
            self._check_removed(row, missing)
        if wrong is None:
            wrong = unreadable(row.topic, row.segments, row.state)
            if wrong is not None:
                self._report.add(row.fault(*wrong))

    def _check_removed(self, row: RawRow, missing: list[tuple[int, bytes]]) -> None:
        """Count the sealed segments that were removed, and name those that no erasure on record covers."""
        problems, reasons = without_reason(row, missing, self._erased)
        if problems:
            self._erased = self._sources.erased()
            problems, reasons = without_reason(row, missing, self._erased)
        self._report.removed_segments.update(reasons)
        for problem in problems:
            self._report.add(row.fault(*problem))

    def _check_emptied(self, row: RawRow) -> None:
        """Count a look without content, and name it where no expiry on record reaches it."""
        if row.position > self._expired:
            self._expired = self._sources.expired()
        if row.position <= self._expired:
            self._report.expired_looks += 1
        else:
            self._report.add(row.fault("removed", "its content is missing, and no expiry on record reaches it"))

    def _check_opening(self, row: RawRow) -> None:
        if row.topic != b"ledger_opened":
            self._report.add(row.fault("opening", "the first event is not the opening of a ledger"))
            return
        opened = orjson.loads(row.state)["data"]
        if opened.get("ledger") != str(self._report.ledger) or opened.get("simulated") != self._report.simulated:
            problem = "the head of the ledger names another ledger or another kind of clock than its first event"
            self._report.add(row.fault("opening", problem))

    def _forget(self) -> None:
        if len(self._last) > REMEMBERED:
            for stream in list(islice(self._last, len(self._last) - REMEMBERED // 2)):
                del self._last[stream]

    def _finish(self, head: Head) -> None:
        """Compare the whole with what the database says of itself, and with what was published."""
        report, tree = self._report, self._tree
        report.root, report.size = tree.root(), tree.size
        if tree.size != head.size:
            report.blame(head.size, "head", f"the head counts {head.size} events, there are {tree.size}")
        if report.root != head.root:
            report.blame(head.size, "head", "the tree built from the events has another root than the head")
        if b"".join(tree.frontier()) != head.frontier:
            report.blame(head.size, "head", "the head would go on with another tree than that of the events")
        if self._last_time is not None and self._last_time != microseconds(head.recorded_at):
            report.blame(head.size, "head", "the head has another time than the last event")
        self._published.finish(tree, self._announcing, self._begin)
        for row in _requests_astray(self._connection, tree.size) if not self._begin else ():
            problem = f"an idempotency key points at {row[0]} to {row[1]}: outside the ledger, or at another's events"
            report.blame(row[0], "request", problem)


def _requests_astray(connection: psycopg.Connection[Any], size: int) -> list[tuple[int, int]]:
    return connection.execute(SQL["bad_requests"], [size]).fetchall()
