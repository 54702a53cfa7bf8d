"""What a remembered view is, and how its rows move: one fold, shared by the follower, the rebuild and the check."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, LiteralString
from uuid import UUID

import orjson
import psycopg

from domain.entries import Entry
from ledger.format import StoredRow
from ledger.mapper import read_clear
from ledger.queries import load_queries
from projections import case_state

FOLLOW = load_queries("projections", "sql/follow.sql")


@dataclass(frozen=True, slots=True)
class View:
    """A question answered per key: the events it reads, how they fold, and what of the state is remembered.

    ``row`` returns None while there is nothing to remember of a key. A row is added only when it differs from the
    one before. ``queries`` are the statements over the view's own table.
    """

    name: str
    topics: frozenset[str]
    fold: Callable[[tuple[Entry, ...], Entry], tuple[Entry, ...]]
    row: Callable[[tuple[Entry, ...]], dict[str, Any] | None]
    queries: Mapping[str, LiteralString]

    def follower(self, generation: int) -> str:
        """Return the name under which a generation's progress is tracked."""
        return f"{self.name}/{generation}"


CASE_STATE = View(
    "case_state",
    case_state.TOPICS,
    case_state.fold,
    case_state.row,
    load_queries("projections", "sql/case_state.sql"),
)
VIEWS: Mapping[str, View] = {view.name: view for view in (CASE_STATE,)}


class ViewStopped(Exception):
    """A view met an event it cannot read; ``position`` names it."""

    def __init__(self, view: str, position: int, cause: Exception) -> None:
        super().__init__(f"view {view} stopped at position {position}: {type(cause).__name__}")
        self.position = position


@dataclass(frozen=True, slots=True)
class Change:
    """From ``position`` on, ``value`` is what is known of ``key``."""

    key: UUID
    position: int
    value: dict[str, Any]


class Folder:
    """Folds rows of the ledger into changes of a view, remembering the state of each key it has met.

    ``load`` fills in keys it has not: the earlier entries of a key, in order, and the row known of it, if any.
    """

    def __init__(self, view: View) -> None:
        self._view = view
        self._states: dict[UUID, tuple[Entry, ...]] = {}
        self._rows: dict[UUID, dict[str, Any] | None] = {}

    def missing(self, rows: Iterable[StoredRow]) -> list[UUID]:
        """Return the keys among these rows whose state is not in memory."""
        return list({r.stream for r in rows if r.topic in self._view.topics} - self._states.keys())

    def load(self, key: UUID, entries: Iterable[Entry], row: dict[str, Any] | None) -> None:
        """Take over the state of one key."""
        state: tuple[Entry, ...] = ()
        for entry in entries:
            state = self._view.fold(state, entry)
        self._states[key] = state
        self._rows[key] = row

    def add(self, row: StoredRow) -> Change | None:
        """Fold one row; returns the change of its key, if any. Raises ViewStopped when the fold cannot read it."""
        if row.topic not in self._view.topics:
            return None
        try:
            before = self._states.get(row.stream, ())
            state = self._view.fold(before, read_clear(row))
            value = self._rows.get(row.stream) if state is before else self._view.row(state)
        except Exception as error:
            raise ViewStopped(self._view.name, row.position, error) from error
        self._states[row.stream] = state
        if value is None or value == self._rows.get(row.stream):
            return None
        self._rows[row.stream] = value
        return Change(row.stream, row.position, value)

    def forget(self) -> None:
        """Let go of all states, so that memory stays bounded; they are loaded again when needed."""
        self._states.clear()
        self._rows.clear()

    def __len__(self) -> int:
        return len(self._states)


def write_changes(cursor: psycopg.Cursor[Any], view: View, generation: int, changes: list[Change]) -> None:
    """Write changes in order of position: each ends the row before it of its key."""
    if not changes:
        return
    ends: list[int | None] = [None] * len(changes)
    first: dict[UUID, int] = {}
    last: dict[UUID, int] = {}
    for index, change in enumerate(changes):
        if change.key in last:
            ends[last[change.key]] = change.position
        else:
            first[change.key] = change.position
        last[change.key] = index
    cursor.execute(view.queries["close_rows"], [list(first), list(first.values()), generation])
    columns = [
        [c.key for c in changes],
        [c.position for c in changes],
        ends,
        [orjson.dumps(c.value).decode() for c in changes],
    ]
    cursor.execute(view.queries["add_rows"], [generation, *columns])
