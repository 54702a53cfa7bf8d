"""Folding a share of the streams into a generation: streamed out in binary, folded key by key, streamed in by COPY.

What is in memory at a time, in each process: the clear entries and the changes of some keys, folded while those before
are written, and what the connections buffer. However many events and keys a ledger has, it is no more. A key's changes
are written whole or not at all, each piece in one transaction with how far the share has come, so a share can be cut
off anywhere and gone on with.

Nothing but these rows comes of it: folds are pure functions of entries, the packages ``domain`` and ``projections``
can reach nothing that sends or appends, and the role used here may write in the schema ``view`` only.
"""

import os
import time
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from itertools import groupby, islice
from operator import attrgetter
from typing import Any, TypeVar
from uuid import UUID

import psycopg

from domain.adoptions import TOPICS as RULE_TOPICS
from ledger.format import StoredRow
from ledger.queries import load_queries
from ledger.store import WORKER_ROLE, conninfo_as
from projections.folding import Turn, ViewStopped, entry_changes, key_changes, turns_of
from projections.view import FOLLOW, ROWS, AnyView, View
from projections.writing import staged_lines

SHARES = load_queries("replay", "sql/rebuild.sql")
PIECE_SECONDS = 1.0
"""After how long a piece is committed at the next end of a key: what a kill costs at most, beside one key."""

PIECE_EVENTS = 20_000
"""After how many events a piece is committed, if that is sooner."""

BATCH_EVENTS = 1000
"""How many events are folded while those before are sent."""

LOOKS_AT_ONCE = 1000
ROWS_AT_ONCE = 1000
"""How many rows the server sends at a time: it makes the next ones while these are folded."""

FIRST, LAST = UUID(int=0), UUID(int=2**128 - 1)

Item = TypeVar("Item")


class RebuildFailed(Exception):
    """A view could not be made anew."""


class RebuildInProgress(RebuildFailed):
    """Somebody else is folding this view anew."""

    def __init__(self, view: str) -> None:
        super().__init__(view)
        self.view = view

    def __str__(self) -> str:
        return f"view {self.view} is being folded anew already: wait for that to end"


class DiskFull(RebuildFailed):
    """There is no room for the rows."""

    def __init__(self, view: str) -> None:
        super().__init__(view)
        self.view = view

    def __str__(self) -> str:
        return (
            f"view {self.view}: the database's disk is full; what was folded is removed and readers keep the rows they "
            "have: make room, then start it again"
        )


@dataclass(frozen=True, slots=True)
class Share:
    """One share of the streams, to be folded into a generation of a view."""

    view: AnyView
    generation: int
    number: int

    @property
    def key(self) -> tuple[str, int, int]:
        """Where its progress is recorded."""
        return self.view.name, self.generation, self.number


@dataclass(frozen=True, slots=True)
class _Piece:
    """Lines of some keys; of the last one more are to come unless it is ``whole``."""

    key: UUID
    events: int
    lines: Sequence[bytes]
    whole: bool


def fold_share(
    conninfo: str, share: Share, after_piece: Callable[[], None] = lambda: None, *, wait: bool = True
) -> None:
    """Fold a share from where it stands to its end, or as long as the process that started this one lives.

    While somebody else folds it, this waits, or leaves it alone. Raises RebuildFailed where the view cannot read an
    event or the disk is full.
    """
    try:
        with _connected(conninfo) as writer:
            held = writer.execute(SHARES["hold_share" if wait else "try_share"], [str(part) for part in share.key])
            if wait or held.fetchall()[0][0]:
                with _connected(conninfo) as reader:
                    _fold(reader, writer, share, after_piece)
    except ViewStopped as error:
        raise RebuildFailed(str(error)) from error
    except psycopg.errors.DiskFull as error:
        raise DiskFull(share.view.name) from error


def _connected(conninfo: str) -> psycopg.Connection[Any]:
    return psycopg.connect(conninfo_as(conninfo, WORKER_ROLE), autocommit=True)


def _fold(
    reader: psycopg.Connection[Any],
    writer: psycopg.Connection[Any],
    share: Share,
    after_piece: Callable[[], None],
) -> None:
    parent = os.getppid()
    found = writer.execute(SHARES["share"], share.key).fetchone()
    if found is None:
        raise RebuildFailed(f"view {share.view.name}: folding anew was given up meanwhile")
    reached, last, upto = found
    if reached == last:
        return
    writer.execute(FOLLOW["without_waiting"])
    writer.execute(ROWS["open_staging"])
    turns = _turns(writer, share.view, upto)
    with (
        closing(_rows(reader, share.view, reached, last, upto)) as rows,
        closing(_ahead(_batches(_pieces(share.view, rows, turns)))) as batches,
    ):
        while reached < last and os.getppid() == parent:
            reached = _write(writer, share, batches, reached, last)
            after_piece()


def _turns(connection: psycopg.Connection[Any], view: AnyView, upto: int) -> tuple[Turn, ...]:
    if not view.by_rules:
        return turns_of(view, ())
    rows = connection.execute(FOLLOW["entries_of_topics"], [sorted(RULE_TOPICS), upto], binary=True).fetchall()
    return turns_of(view, [StoredRow(*row) for row in rows])


def _rows(reader: psycopg.Connection[Any], view: AnyView, after: UUID, last: UUID, upto: int) -> Generator[StoredRow]:
    values = [after, last, upto, sorted(view.reads)]
    with reader.cursor() as cursor:
        for row in cursor.stream(SHARES["entries_of_share"], values, binary=True, size=ROWS_AT_ONCE):
            yield StoredRow(*row)


def _pieces(view: AnyView, rows: Iterable[StoredRow], turns: Sequence[Turn]) -> Iterator[_Piece]:
    for key, of_key in groupby(rows, key=attrgetter("stream")):
        if isinstance(view, View):
            kept = list(of_key)
            changes = key_changes(view, key, kept, turns)
            yield _Piece(key, len(kept), staged_lines(changes), whole=True)
            continue
        while looks := list(islice(of_key, LOOKS_AT_ONCE)):
            changes = [change for row in looks for change in entry_changes(view, row)]
            yield _Piece(key, len(looks), staged_lines(changes), whole=False)
        yield _Piece(key, 0, (), whole=True)


def _batches(pieces: Iterable[_Piece]) -> Iterator[_Piece]:
    """Yield pieces put together to about as much as is sent at once."""
    lines: list[bytes] = []
    events = 0
    for piece in pieces:
        lines += piece.lines
        events += piece.events
        if events >= min(BATCH_EVENTS, PIECE_EVENTS):
            yield _Piece(piece.key, events, lines, piece.whole)
            lines, events = [], 0
    yield _Piece(LAST, events, lines, whole=True)


def _ahead(items: Iterator[Item]) -> Generator[Item]:
    """Yield items, each of which is made in a thread while the one before is in use."""
    with ThreadPoolExecutor(1) as thread:
        coming = thread.submit(next, items, None)
        while (item := coming.result()) is not None:
            coming = thread.submit(next, items, None)
            yield item


def _write(writer: psycopg.Connection[Any], share: Share, batches: Iterator[_Piece], reached: UUID, last: UUID) -> UUID:
    """Write whole keys for about a second and note it with them; returns the last one, ``last`` at the end."""
    with writer.transaction():
        locked = writer.execute(SHARES["lock_share"], share.key).fetchone()
        if locked is None or locked[0] != reached:
            raise RebuildInProgress(share.view.name)
        until, events = time.monotonic() + PIECE_SECONDS, 0
        with writer.cursor().copy(ROWS["stage_rows"]) as copy:
            for batch in batches:
                copy.write(b"".join(batch.lines))
                events += batch.events
                if batch.whole and (events >= PIECE_EVENTS or time.monotonic() > until):
                    reached = min(batch.key, last)
                    break
            else:
                reached = last
        writer.execute(ROWS["add_staged"], [share.view.name, share.generation])
        writer.execute(SHARES["reach"], [reached, events, *share.key])
    return reached
