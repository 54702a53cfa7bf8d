"""What a remembered view is, and how its rows move: one fold, shared by the follower, the rebuild and the check."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar
from uuid import UUID

import orjson
import psycopg

from domain.adoptions import TOPICS as RULE_TOPICS
from domain.adoptions import adopted
from domain.entries import Entry
from domain.erased import erases_case
from domain.events.retention import PersonalDataErased
from domain.rules import Rules
from ledger.format import StoredRow
from ledger.mapper import read_clear
from ledger.queries import load_queries
from ledger.shipped import shipped_calendar
from projections import access, barometer, case_state, case_views, caseload, withholding
from projections.access import Expiry

FOLLOW = load_queries("projections", "sql/follow.sql")
ROWS = load_queries("projections", "sql/rows.sql")

MOST_CHANGES = 10_000
"""How many changes are held in memory before they are written."""

State = tuple[Entry, ...]
Parts = Mapping[str, dict[str, Any]]
"""What is remembered of one key: any number of rows, each under a name of its own."""


def is_forgotten(state: State) -> bool:
    """Whether a state is that of a case erased whole."""
    return len(state) == 1 and erases_case(state[0])


@dataclass(frozen=True, slots=True)
class Followed:
    """What every view has: a name, and the events it reads."""

    name: str
    topics: frozenset[str]

    def follower(self, generation: int) -> str:
        """Return the name under which a generation's progress is tracked."""
        return f"{self.name}/{generation}"


@dataclass(frozen=True, slots=True)
class View(Followed):
    """A question answered per key: how its events fold, and what of the state is remembered.

    ``parts`` returns the rows of a key from its state and the rules adopted so far, as of an instant in the world
    (None: of all that is on record); a row is added only when it differs from the one before. ``by_rules`` says that
    the rules count: then adopting some computes every key anew.
    """

    fold: Callable[[State, Entry], State]
    parts: Callable[[State, Rules, datetime | None], Parts]
    by_rules: bool = False

    @property
    def reads(self) -> frozenset[str]:
        """The topics of all entries that bear on the answer: the question's own, and erasure."""
        return self.topics | {PersonalDataErased.TOPIC}

    def step(self, state: State, entry: Entry) -> State:
        """Return the state with one more entry; of a case erased whole nothing is kept but the erasure itself."""
        if is_forgotten(state):
            return state
        if erases_case(entry):
            return (entry,)
        return self.fold(state, entry) if entry.topic in self.topics else state

    def state(self, entries: Iterable[Entry]) -> State:
        """Return what is kept of a key's entries, in order."""
        state: State = ()
        for entry in entries:
            state = self.step(state, entry)
        return state

    def rows(self, state: State, rules: Rules, at: datetime | None) -> Parts:
        """Return what is remembered of a state; nothing of a case erased whole."""
        return {} if is_forgotten(state) else self.parts(state, rules, at)


@dataclass(frozen=True, slots=True)
class EntryView(Followed):
    """A question whose rows each come straight from one entry, whichever stream it stands in; no row ever ends.

    ``each`` returns the rows of an entry: for which key, under which name, with which value. A name is used once
    per key. ``expires`` returns which rows an entry lets go for good, as if they had never been.
    """

    each: Callable[[Entry], Iterable[tuple[UUID, str, dict[str, Any]]]]
    expires: Callable[[Entry], Expiry | None]
    by_rules: ClassVar[bool] = False

    @property
    def reads(self) -> frozenset[str]:
        """The topics of all entries that bear on the answer."""
        return self.topics


AnyView = View | EntryView

CASE_STATE = View("case_state", case_state.TOPICS, case_state.fold, case_state.parts)
DEADLINES = View("deadlines", case_views.TOPICS, case_views.fold, case_views.deadline_parts, by_rules=True)
CONSENTS = View("consents", case_views.TOPICS, case_views.fold, case_views.consent_parts)
FINDINGS = View("findings", case_views.TOPICS, case_views.fold, case_views.finding_parts, by_rules=True)
CASELOAD = View("caseload", caseload.TOPICS, caseload.fold, caseload.parts)
BAROMETER = View("barometer", case_views.TOPICS, case_views.fold, barometer.parts, by_rules=True)
WITHHELD = View("withheld", withholding.TOPICS, withholding.fold, withholding.parts)
ACCESS = EntryView("access", access.TOPICS, access.rows, access.expiry)
VIEWS: Mapping[str, AnyView] = {
    view.name: view for view in (CASE_STATE, DEADLINES, CONSENTS, FINDINGS, CASELOAD, BAROMETER, WITHHELD, ACCESS)
}


class ViewStopped(Exception):
    """A view met an event it cannot read; ``position`` names it."""

    def __init__(self, view: str, position: int, cause: Exception) -> None:
        super().__init__(f"view {view} stopped at position {position}: {type(cause).__name__}")
        self.position = position


@dataclass(frozen=True, slots=True)
class Change:
    """From ``position`` on, ``value`` is what is known of a part of a key; None: nothing any more.

    Without a ``part`` the key was erased: all that was ever remembered of it goes.
    """

    key: UUID
    part: str | None
    position: int
    value: dict[str, Any] | None


class Folder:
    """Folds rows of the ledger into changes of a view, remembering the state of each key it has met.

    ``load`` fills in keys it has not: the earlier entries of a key, in order, and the rows known of it. ``load_rules``
    does the same for the rules adopted earlier.
    """

    def __init__(self, view: AnyView) -> None:
        self._view = view
        self._states: dict[UUID, State] = {}
        self._rows: dict[UUID, Parts] = {}
        self._adoptions: list[Entry] = []
        self._rules = adopted((), shipped_calendar())
        self.rules_loaded = False

    def missing(self, rows: Iterable[StoredRow]) -> list[UUID]:
        """Return the keys among these rows whose state is not in memory; a view of single entries keeps none."""
        if isinstance(self._view, EntryView):
            return []
        return list({r.stream for r in rows if r.topic in self._view.reads} - self._states.keys())

    def unknown(self, keys: Iterable[UUID]) -> list[UUID]:
        """Return the keys whose state is not in memory."""
        return [key for key in keys if key not in self._states]

    def meets_rules(self, rows: Iterable[StoredRow]) -> bool:
        """Whether these rows adopt rules that count for the view, so that every key is needed."""
        return self._view.by_rules and any(row.topic in RULE_TOPICS for row in rows)

    def load(self, key: UUID, entries: Iterable[Entry], parts: Parts) -> None:
        """Take over the state of one key."""
        if isinstance(self._view, View):
            self._states[key] = self._view.state(entries)
            self._rows[key] = parts

    def load_rules(self, adoptions: Iterable[Entry]) -> None:
        """Take over the rules adopted so far, in order."""
        self._adoptions = list(adoptions)
        self._rules = adopted(self._adoptions, shipped_calendar())
        self.rules_loaded = True

    def add(self, row: StoredRow) -> list[Change]:
        """Fold one row; returns what changes. Raises ViewStopped when the fold cannot read it."""
        try:
            if isinstance(self._view, EntryView):
                return _rows_of(self._view, row)
            return self._fold(self._view, row)
        except Exception as error:
            raise ViewStopped(self._view.name, row.position, error) from error

    def _fold(self, view: View, row: StoredRow) -> list[Change]:
        if view.by_rules and row.topic in RULE_TOPICS:
            self.load_rules([*self._adoptions, read_clear(row)])
            begun = [key for key, state in self._states.items() if state and not is_forgotten(state)]
            return [change for key in begun for change in self._changes(view, key, row.position)]
        if row.topic not in view.reads:
            return []
        before = self._states.get(row.stream, ())
        state = view.step(before, read_clear(row))
        if state is before:
            return []
        self._states[row.stream] = state
        return list(self._changes(view, row.stream, row.position))

    def expiry(self, row: StoredRow) -> Expiry | None:
        """Return which rows of the view one row of the ledger lets go; raises ViewStopped where it cannot be read."""
        if not isinstance(self._view, EntryView) or row.topic not in self._view.topics:
            return None
        try:
            return self._view.expires(read_clear(row))
        except Exception as error:
            raise ViewStopped(self._view.name, row.position, error) from error

    def forget(self) -> None:
        """Let go of all states, so that memory stays bounded; they are loaded again when needed."""
        self._states.clear()
        self._rows.clear()
        self.rules_loaded = False

    def __len__(self) -> int:
        return len(self._states)

    def _changes(self, view: View, key: UUID, position: int) -> Iterator[Change]:
        """Yield how the rows of a key differ from those remembered, and remember the new ones."""
        before, after = self._rows.get(key, {}), view.rows(self._states[key], self._rules, None)
        self._rows[key] = after
        if is_forgotten(self._states[key]):
            yield Change(key, None, position, None)
            return
        for part in sorted(before.keys() | after.keys()):
            value = after.get(part)
            if value != before.get(part):
                yield Change(key, part, position, value)


def _rows_of(view: EntryView, row: StoredRow) -> list[Change]:
    if row.topic not in view.topics:
        return []
    return [Change(key, part, row.position, value) for key, part, value in view.each(read_clear(row))]


def fold_page(
    cursor: psycopg.Cursor[Any], view: AnyView, generation: int, folder: Folder, rows: Iterable[StoredRow]
) -> None:
    """Fold rows of the ledger and write what changes, piece by piece: one look may be at every case there is.

    Raises ViewStopped where the fold cannot read a row, with what came before it written.
    """
    changes: list[Change] = []
    try:
        for row in rows:
            changes += folder.add(row)
            expiry = folder.expiry(row)
            if len(changes) >= MOST_CHANGES or expiry is not None:
                piece, changes = changes, []
                write_changes(cursor, view, generation, piece)
            if expiry is not None:
                expire_rows(cursor, view, generation, expiry)
    finally:
        write_changes(cursor, view, generation, changes)


def expire_rows(cursor: psycopg.Cursor[Any], view: AnyView, generation: int, expiry: Expiry) -> None:
    """Let go of the rows that have expired."""
    values = {"view": view.name, "generation": generation, "upto": expiry.upto, "kept": list(expiry.kept)}
    cursor.execute(ROWS["expire_rows"], values)


def write_changes(cursor: psycopg.Cursor[Any], view: AnyView, generation: int, changes: list[Change]) -> None:
    """Write changes in order of position: each ends the row before it of its part; of erased keys all rows go.

    The rows of a view of single entries never end.
    """
    erased = {change.key for change in changes if change.part is None}
    if erased:
        cursor.execute(ROWS["forget_keys"], [view.name, list(erased)])
    _write_parts(cursor, view, generation, [change for change in changes if change.key not in erased])


def _write_parts(cursor: psycopg.Cursor[Any], view: AnyView, generation: int, changes: list[Change]) -> None:
    ends: list[int | None] = [None] * len(changes)
    first: dict[tuple[UUID, str | None], int] = {}
    last: dict[tuple[UUID, str | None], int] = {}
    for index, change in enumerate(changes):
        part = (change.key, change.part)
        if part in last:
            ends[last[part]] = change.position
        else:
            first[part] = change.position
        last[part] = index
    if not changes:
        return
    if isinstance(view, View):
        closing = [[key for key, _ in first], [part for _, part in first], list(first.values())]
        cursor.execute(ROWS["close_rows"], [*closing, view.name, generation])
    added = [(change, end) for change, end in zip(changes, ends, strict=True) if change.value is not None]
    columns = [
        [change.key for change, _ in added],
        [change.part for change, _ in added],
        [change.position for change, _ in added],
        [end for _, end in added],
        [orjson.dumps(change.value).decode() for change, _ in added],
    ]
    cursor.execute(ROWS["add_rows"], [view.name, generation, *columns])
