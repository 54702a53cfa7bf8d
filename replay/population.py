"""Folding a view of everybody from working files, on any executor: processes here, or a cluster of machines.

The fold is the view's own. Each share is folded apart and its rows are written in order of key, part and position, so
that the result is the same bytes wherever and however often a share was folded.
"""

from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import Executor, ProcessPoolExecutor, as_completed
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from heapq import merge
from multiprocessing import get_context
from operator import attrgetter
from pathlib import Path
from typing import Any, NamedTuple
from uuid import UUID, uuid4

import orjson

from domain.adoptions import TOPICS as RULE_TOPICS
from ledger.format import NIL, StoredRow
from projections.access import Expiry
from projections.folding import Change, Folder, expiry_of
from projections.view import VIEWS, AnyView, View
from replay.extras import extra
from replay.release_columns import Table, plain_table
from replay.release_files import TableFile, sha256_of
from replay.release_rows import ClearRow
from replay.working import ABOUT, COMMON, FORMAT, read_share, share_name

RETRIES = 3
"""How often a share is folded again elsewhere where a worker of a cluster was lost with it."""

PAGE = 10_000
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class NoScheduler(Exception):
    """No dask scheduler answers at this address: start one, or leave --scheduler out to fold in processes."""


class NotWorkingFiles(Exception):
    """This folder holds no working files: write some with `caseledger replay working`."""

    def __str__(self) -> str:
        return str(self.__doc__)


@dataclass(frozen=True, slots=True)
class Row:
    """One remembered row, as the live view has it."""

    key: UUID
    part: str
    known_from: int
    known_to: int | None
    value: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Folded:
    """A view folded from working files: how many rows, of how many shares, the hash of their files, where they lie."""

    rows: int
    shares: int
    sha256: str
    folder: Path


def replay_population(
    folder: Path, view: AnyView, executor: Executor, notify: Callable[[int, int], None] = lambda _done, _all: None
) -> Folded:
    """Fold a view from the working files in a folder that every worker reaches; raises NotWorkingFiles.

    A share is written beside and renamed, so one that was cut off is folded again. ``notify`` is told of shares.
    """
    shares = shares_in(folder)
    waiting = {executor.submit(fold_share, str(folder), view.name, number): number for number in range(shares)}
    counted, digests = 0, dict[int, str]()
    for done, future in enumerate(as_completed(waiting), start=1):
        rows, digests[waiting[future]] = future.result()
        counted += rows
        notify(done, shares)
    digest = sha256("".join(digests[number] for number in range(shares)).encode()).hexdigest()
    return Folded(counted, shares, digest, folder / "folded" / view.name)


def fold_share(folder: str, view: str, number: int) -> tuple[int, str]:
    """Fold one share of a view and write its rows; returns how many, and the hash of their file. Runs on any worker."""
    source, target = Path(folder), Path(folder) / "folded" / view
    rows = folded(VIEWS[view], share_events(source, number))
    file = TableFile(target, _table(f".{share_name(number)}-{uuid4().hex}"))
    waiting: list[_Written] = []
    for row in rows:
        waiting.append(_Written(row.key.bytes, row.part, row.known_from, row.known_to, _json(row.value)))
        if len(waiting) == PAGE:
            file.add(_table("").batch(waiting))
            waiting.clear()
    if waiting:
        file.add(_table("").batch(waiting))
    file.close()
    digest = sha256_of(file.path)
    file.path.replace(target / f"{share_name(number)}.parquet")
    return file.rows, digest


def folded(view: AnyView, events: Iterable[ClearRow]) -> list[Row]:
    """Return the rows of a view over events in order of position, by key, part and position."""
    folder, kept = Folder(view), _Kept(isinstance(view, View))
    for event in events:
        row = stored(event)
        turns = view.by_rules and row.topic in RULE_TOPICS
        kept.take(folder.all_turned(row) if turns else folder.add(row))
        kept.expire(expiry_of(view, row))
    return sorted(kept.rows(), key=attrgetter("key", "part", "known_from"))


def read_folded(folder: Path, view: str) -> Iterator[Row]:
    """Yield the rows of a view that was folded into a folder, share by share."""
    parquet = extra("pyarrow.parquet", "replay")
    for path in sorted((folder / "folded" / view).glob("share-*.parquet")):
        for one in parquet.read_table(str(path)).to_pylist():
            yield Row(
                UUID(bytes=one["key"]), one["part"], one["known_from"], one["known_to"], orjson.loads(one["value"])
            )


@contextmanager
def on_processes(workers: int) -> Generator[Executor]:
    """Yield an executor of processes on this machine."""
    with ProcessPoolExecutor(workers, get_context("spawn")) as pool:
        yield pool


@contextmanager
def on_cluster(address: str) -> Generator[Executor]:
    """Yield an executor on the dask cluster of a scheduler; raises ExtraMissing and NoScheduler.

    A worker that is lost is replaced.
    """
    connect = extra("distributed", "cluster").Client
    try:
        client = connect(address)
    except (OSError, ValueError):
        raise NoScheduler(NoScheduler.__doc__) from None
    with client:
        yield client.get_executor(retries=RETRIES, pure=False)


def stored(event: ClearRow) -> StoredRow:
    """Return an event as a fold reads it: with its clear part for its only segment."""
    table = bytes(18) + len(event.clear).to_bytes(4, "big")
    recorded_at = _EPOCH + timedelta(microseconds=event.recorded_at)
    return StoredRow(
        event.position,
        UUID(bytes=event.stream),
        event.version,
        event.topic,
        recorded_at,
        NIL,
        b"",
        table,
        event.clear,
        b"",
    )


class _Kept:
    """The rows of a share while it is folded, as the follower would have written them."""

    def __init__(self, ends: bool) -> None:
        self._ends = ends
        self._rows: dict[UUID, dict[str, list[Row]]] = {}

    def take(self, changes: Iterable[Change]) -> None:
        """Add what changes: a row ends the one before it of its part; of an erased key all rows go."""
        for change in changes:
            if change.part is None:
                self._rows.pop(change.key, None)
                continue
            rows = self._rows.setdefault(change.key, {}).setdefault(change.part, [])
            if self._ends and rows and rows[-1].known_to is None:
                rows[-1] = Row(change.key, change.part, rows[-1].known_from, change.position, rows[-1].value)
            if change.value is not None:
                rows.append(Row(change.key, change.part, change.position, None, change.value))

    def expire(self, expiry: Expiry | None) -> None:
        """Let go of rows that have expired, but for those of entries that are also about a key that is kept."""
        if expiry is None:
            return
        kept = {(row.part, row.known_from) for key in expiry.kept for row in self._of(key)}
        for parts in self._rows.values():
            for part, rows in parts.items():
                parts[part] = [r for r in rows if r.known_from > expiry.upto or (r.part, r.known_from) in kept]

    def rows(self) -> Iterator[Row]:
        """Yield every row."""
        for key in self._rows:
            yield from self._of(key)

    def _of(self, key: UUID) -> Iterator[Row]:
        for rows in self._rows.get(key, {}).values():
            yield from rows


def shares_in(folder: Path) -> int:
    """Return how many shares a folder of working files has; raises NotWorkingFiles."""
    try:
        about: dict[str, Any] = orjson.loads((folder / ABOUT).read_bytes())
    except (OSError, ValueError):
        raise NotWorkingFiles from None
    if about.get("format") != FORMAT:
        raise NotWorkingFiles
    return int(about["shares"])


def share_events(folder: Path, number: int) -> Iterator[ClearRow]:
    """Yield the events of a share and those that every share needs, in order of position."""
    names = (share_name(number), COMMON)
    return merge(*(read_share(folder / f"{name}.parquet") for name in names), key=attrgetter("position"))


class _Written(NamedTuple):
    """A row as it is written."""

    key: bytes
    part: str
    known_from: int
    known_to: int | None
    value: str


def _table(name: str) -> Table:
    """Return the table of the rows of a view."""
    arrow = extra("pyarrow", "replay")
    kinds = (arrow.binary(16), arrow.string(), arrow.int64(), arrow.int64(), arrow.string())
    return plain_table(name, dict(zip(_Written._fields, kinds, strict=True)))


def _json(value: dict[str, Any]) -> str:
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS).decode()
