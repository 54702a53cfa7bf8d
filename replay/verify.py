"""Checking a ledger from its stored bytes: every payload hashed again, every chain followed, the tree built anew."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from hashlib import sha256
from uuid import UUID

from psycopg import DataError

from domain.erased import NOTHING_ERASED, Erased, Reason
from ledger.erasure import ErasureRegister
from ledger.format import (
    NIL,
    NO_COMMITMENT,
    FormatError,
    StoredRow,
    commitment,
    published_entry,
    read_segment_table,
    split_state,
)
from ledger.look_expiry import expired_upto, expiries
from ledger.mapper import is_emptied, read_clear
from ledger.merkle import Frontier, leaf_hash
from ledger.store import PAGE, Head, Ledger

MAX_FAULTS = 100


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that is not as it was recorded: where, and what is wrong. Holds no content of the event."""

    position: int
    stream: UUID | None
    version: int | None
    problem: str

    def __str__(self) -> str:
        place = f"position {self.position}"
        if self.stream is not None:
            place += f" (stream {self.stream}, version {self.version})"
        return f"{place}: {self.problem}"


@dataclass(slots=True)
class Report:
    """What a verification saw: events and streams, payload bytes hashed, root, the clock's kind, faults.

    ``removed_segments`` counts the sealed segments that were removed, by what the erasure on record is of.
    ``expired_looks`` counts the looks whose content was removed by an expiry on record.
    """

    events: int = 0
    streams: int = 0
    sealed_segments: int = 0
    removed_segments: Counter[Reason] = field(default_factory=Counter[Reason])
    expired_looks: int = 0
    payload_bytes: int = 0
    root: bytes = b""
    simulated: bool = False
    ledger: UUID | None = None
    topics: Counter[str] = field(default_factory=Counter[str])
    faults: list[Fault] = field(default_factory=list[Fault])
    more_faults: int = 0

    @property
    def intact(self) -> bool:
        """True when events were checked and every one of them is as it was recorded."""
        return self.events > 0 and not self.faults

    def add(self, fault: Fault) -> None:
        """Keep a fault; beyond a hundred only their number."""
        if len(self.faults) < MAX_FAULTS:
            self.faults.append(fault)
        else:
            self.more_faults += 1


def verify_ledger(ledger: Ledger, progress: Callable[[int, int], None] | None = None) -> Report:
    """Check every event up to where the ledger stands now; ``progress`` is told events done and in all."""
    head = ledger.head()
    unreadable: list[Fault] = []
    rows = _readable_rows(ledger, head.size, unreadable)
    report = verify_rows(rows, head, progress, ErasureRegister(ledger).now, lambda: _expired_upto(ledger))
    report.faults[:0] = unreadable
    return report


def _expired_upto(ledger: Ledger) -> int:
    """Return up to where looks may have no content by the expiries on record that are as they were recorded."""
    return expired_upto(row for row in expiries(ledger) if not list(_content(row)))


def _readable_rows(ledger: Ledger, upto: int, unreadable: list[Fault]) -> Iterator[StoredRow]:
    """Yield the rows in order; leaves out, and names, one whose columns hold what no event can hold."""
    after = 0
    while after < upto:
        try:
            page = ledger.read_page(after, min(PAGE, upto - after))
        except DataError:
            page = _one_by_one(ledger, after + 1, min(after + PAGE, upto), unreadable)
        if not page:
            return
        yield from page
        after = max(page[-1].position, unreadable[-1].position if unreadable else 0)


def _one_by_one(ledger: Ledger, first: int, last: int, unreadable: list[Fault]) -> list[StoredRow]:
    rows: list[StoredRow] = []
    for position in range(first, last + 1):
        try:
            rows += ledger.read_range(position, position)
        except DataError:
            unreadable.append(Fault(position, None, None, "its columns hold what no event can hold"))
    return rows


def verify_rows(
    rows: Iterable[StoredRow],
    head: Head,
    progress: Callable[[int, int], None] | None = None,
    erased: Callable[[], Erased] = lambda: NOTHING_ERASED,
    expired: Callable[[], int] = lambda: 0,
) -> Report:
    """Check rows in order of position against the head that the database keeps.

    ``erased`` returns what is erased by all that is on record, ``expired`` up to where looks may have no content. Each
    is asked where something is missing, since an erasure or expiry may come while the check runs.
    """
    report = Report(simulated=head.simulated, ledger=head.ledger)
    check = _Check(report, erased, expired)
    for row in rows:
        check.add(row)
        if progress and report.events % 1000 == 0:
            progress(report.events, head.size)
    check.finish(head)
    if progress:
        progress(report.events, head.size)
    return report


def verify_stream(rows: Iterable[StoredRow], erased: Erased = NOTHING_ERASED) -> list[Fault]:
    """Check payloads, chain and versions of one stream from its first event on; not its place in the tree.

    Sealed bytes may be missing where they are ``erased``.
    """
    faults: list[Fault] = []
    version, previous = 0, NO_COMMITMENT
    for row in rows:
        problems = [*_content(row), *(problem for problem, _ in _missing(row, erased) if problem)]
        if row.version != version + 1:
            problems.append("does not follow the version before it in its stream")
        if commitment(row, previous) != row.commitment:
            problems.append("its columns are not those that were committed to")
        faults += [Fault(row.position, row.stream, row.version, problem) for problem in problems]
        version, previous = row.version, row.commitment
    return faults


class _Check:
    """Follows the ledger event by event: the next position, the last of each stream, the tree, the time."""

    def __init__(self, report: Report, erased: Callable[[], Erased], expired: Callable[[], int]) -> None:
        self._report = report
        self._erased_now, self._erased = erased, NOTHING_ERASED
        self._expired_now, self._expired = expired, 0
        self._tree = Frontier()
        self._last: dict[UUID, tuple[int, bytes]] = {}
        self._last_time = None
        self._last_position = 0

    def add(self, row: StoredRow) -> None:
        """Check one event."""
        content = self._emptied(row) if is_emptied(row) else [*_content(row), *self._removed(row)]
        problems = [*self._order(row), *content, *self._binding(row)]
        if row.position == 1 and not problems:
            problems += self._genesis(row)
        for problem in problems:
            self._report.add(Fault(row.position, row.stream, row.version, problem))
        self._tree.add(leaf_hash(published_entry(row.commitment)))
        self._last[row.stream] = (row.version, row.commitment)
        self._last_time, self._last_position = row.recorded_at, row.position
        self._count(row)

    def _order(self, row: StoredRow) -> Iterable[str]:
        if row.position != self._last_position + 1:
            yield f"does not follow position {self._last_position}: events are missing or numbered anew"
        if row.version != self._last.get(row.stream, (0, b""))[0] + 1:
            yield "does not follow the version before it in its stream"
        if self._last_time is not None and row.recorded_at < self._last_time:
            yield "recorded before the event in front of it"

    def _removed(self, row: StoredRow) -> Iterable[str]:
        """Count the sealed segments that were removed, and name those that no erasure on record covers."""
        found = _missing(row, self._erased)
        if any(problem for problem, _ in found):
            self._erased = self._erased_now()
            found = _missing(row, self._erased)
        for problem, reason in found:
            if reason is not None:
                self._report.removed_segments[reason] += 1
            if problem is not None:
                yield problem

    def _emptied(self, row: StoredRow) -> Iterable[str]:
        """Count a look without content, and name it where no expiry on record reaches it."""
        if row.position > self._expired:
            self._expired = self._expired_now()
        if row.position <= self._expired:
            self._report.expired_looks += 1
        else:
            yield "its content is missing, and no expiry on record reaches it"

    def _genesis(self, row: StoredRow) -> Iterable[str]:
        opened = read_clear(row).data
        if row.topic != "ledger_opened":
            yield "the first event is not the opening of a ledger"
        elif opened["ledger"] != str(self._report.ledger) or opened["simulated"] != self._report.simulated:
            yield "the head of the ledger names another ledger or another kind of clock than its first event"

    def _binding(self, row: StoredRow) -> Iterable[str]:
        previous = self._last.get(row.stream, (0, NO_COMMITMENT))[1]
        if commitment(row, previous) != row.commitment:
            yield "its columns are not those that were committed to"

    def _count(self, row: StoredRow) -> None:
        self._report.events += 1
        self._report.payload_bytes += len(row.state)
        self._report.sealed_segments += max(0, (len(row.segments) - 2) // 84 - 1)
        self._report.topics[row.topic] += 1

    def finish(self, head: Head) -> None:
        """Compare the whole with what the database says of itself."""
        report = self._report
        report.root = self._tree.root()
        report.streams = len(self._last)
        if report.events != head.size:
            report.add(Fault(head.size, None, None, f"the head counts {head.size} events, there are {report.events}"))
        if report.root != head.root:
            report.add(Fault(head.size, None, None, "the tree built from the events has another root than the head"))
        if b"".join(self._tree.hashes) != head.frontier:
            report.add(Fault(head.size, None, None, "the head would go on with another tree than that of the events"))
        if self._last_time is not None and self._last_time != head.recorded_at:
            report.add(Fault(head.size, None, None, "the head has another time than the last event"))


def _content(row: StoredRow) -> Iterable[str]:
    """Hash the stored bytes of every segment that is there again."""
    try:
        segments = read_segment_table(row.segments)
        stored = split_state(segments, row.state)
    except FormatError as error:
        yield str(error)
        return
    if not segments or segments[0].key != NIL or segments[0].plaintext_commitment != NO_COMMITMENT:
        yield "its first segment is not the clear part"
    for number, (segment, content) in enumerate(zip(segments, stored, strict=False)):
        if sha256(content).digest() != segment.digest:
            yield f"the stored bytes of segment {number} have been changed"
            return
    yield from _readable(row)


def _missing(row: StoredRow, erased: Erased) -> list[tuple[str | None, Reason | None]]:
    """Return for each sealed segment that was removed what is wrong with that, or why it is right."""
    try:
        segments = read_segment_table(row.segments)
        if len(split_state(segments, row.state)) == len(segments):
            return []
    except FormatError:
        return []
    found: list[tuple[str | None, Reason | None]] = []
    for number, segment in enumerate(segments[1:], start=1):
        why = erased.why(row.stream, row.version, segment.key)
        fault = f"the stored bytes of segment {number} are missing, and no erasure on record covers them"
        found.append((None if why else fault, why))
    return found


def _readable(row: StoredRow) -> Iterable[str]:
    try:
        read_clear(row)
    except Exception as error:
        yield f"its clear part cannot be read ({type(error).__name__})"
