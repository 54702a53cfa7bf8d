"""Keeping a view up to date: one active follower per view, batches with exactly-once tracking, woken by the append."""

import threading
from typing import Any
from uuid import UUID

import psycopg
from psycopg.rows import dict_row

from domain.adoptions import TOPICS as RULE_TOPICS
from ledger.format import StoredRow
from ledger.mapper import read_clear
from ledger.recorder import LedgerTrackingRecorder, datastore
from ledger.store import WORKER_ROLE, conninfo_as
from projections.view import FOLLOW, ROWS, AnyView, Folder, ViewStopped, fold_page

BATCH = 500
WAKE_SECONDS = 1.0
GATHER_SECONDS = 0.05
"""How long a woken follower lets events gather: one transaction for many, for little more delay than a reader sees."""

MAX_STATES = 20_000
SCHEMA = "view"


class HoleInLedger(Exception):
    """A position is missing: the ledger promises there is none, so this is an alarm and not a wait."""


def tracking_recorder(conninfo: str) -> LedgerTrackingRecorder:
    """Return the library's tracking recorder over the view schema."""
    return LedgerTrackingRecorder(datastore(conninfo, WORKER_ROLE, SCHEMA))


class Follower:
    """Follows the ledger for one view through one connection with worker rights."""

    def __init__(self, conninfo: str, view: AnyView) -> None:
        self._view = view
        self._folder = Folder(view)
        self._generation = 0
        self._tracking = tracking_recorder(conninfo)
        self._connection = psycopg.connect(conninfo_as(conninfo, WORKER_ROLE), autocommit=True)
        self._connection.execute(FOLLOW["first_generation"], [view.name])

    def close(self) -> None:
        """Let go of the connection; another follower may take over."""
        self._connection.close()
        self._tracking.datastore.close()

    def run(self, stop: threading.Event) -> None:
        """Follow until ``stop`` is set; returns when the view meets an event it cannot read."""
        self._connection.execute("LISTEN stored_events")
        while not stop.is_set() and not self._is_active():
            stop.wait(WAKE_SECONDS)
        while not stop.is_set():
            followed = self.step()
            if followed is None:
                return
            if followed < BATCH:
                for _ in self._connection.notifies(timeout=WAKE_SECONDS, stop_after=1):
                    pass
                stop.wait(GATHER_SECONDS)

    def step(self) -> int | None:
        """Follow one batch in one transaction; returns how many events, None when the view is stopped."""
        try:
            with self._connection.transaction(), self._connection.cursor() as cursor:
                return self._batch(cursor)
        except BaseException:
            self._folder.forget()
            raise

    def _is_active(self) -> bool:
        row = self._connection.execute(FOLLOW["try_follow"], [self._view.name]).fetchone()
        return bool(row and row[0])

    def _batch(self, cursor: psycopg.Cursor[Any]) -> int | None:
        generation, stopped_at, _ = cursor.execute(FOLLOW["current_generation"], [self._view.name]).fetchall()[0]
        if stopped_at is not None:
            return None
        if generation != self._generation:
            self._generation = generation
            self._folder.forget()
        follower = self._view.follower(generation)
        tracked = cursor.execute(FOLLOW["tracked"], [follower]).fetchone()
        after = tracked[0] if tracked else 0
        rows = read_page(cursor, after, BATCH)
        if rows:
            last = self._apply(cursor, rows, after)
            if last > after:
                with self._connection.cursor(row_factory=dict_row) as tracking_cursor:
                    self._tracking.move(tracking_cursor, follower, last)
        return len(rows)

    def _apply(self, cursor: psycopg.Cursor[Any], rows: list[StoredRow], after: int) -> int:
        """Fold a page and write its changes; returns the last position that is taken in."""
        if len(self._folder) > MAX_STATES:
            self._folder.forget()
        load_states(cursor, self._view, self._folder, self._generation, rows, after)
        try:
            fold_page(cursor, self._view, self._generation, self._folder, rows)
        except ViewStopped as stopped:
            cursor.execute(FOLLOW["stop_view"], [stopped.position, str(stopped), self._view.name])
            return stopped.position - 1
        return rows[-1].position


def read_page(cursor: psycopg.Cursor[Any], after: int, limit: int) -> list[StoredRow]:
    """Return the next rows after a position; raises HoleInLedger when they do not follow it without a gap."""
    rows = [StoredRow(*row) for row in cursor.execute(FOLLOW["page"], [after, limit], binary=True).fetchall()]
    if rows and (rows[0].position, rows[-1].position) != (after + 1, after + len(rows)):
        raise HoleInLedger(f"positions after {after} are not dense: run `caseledger verify`")
    return rows


def load_states(
    cursor: psycopg.Cursor[Any], view: AnyView, folder: Folder, generation: int, rows: list[StoredRow], upto: int
) -> None:
    """Give the folder the state, as of position ``upto``, of the keys in ``rows`` that it does not know.

    Rows that adopt rules need every key.
    """
    if view.by_rules and not folder.rules_loaded:
        adoptions = cursor.execute(FOLLOW["entries_of_topics"], [sorted(RULE_TOPICS), upto], binary=True)
        folder.load_rules([read_clear(StoredRow(*row)) for row in adoptions.fetchall()])
    keys = folder.missing(rows)
    if folder.meets_rules(rows):
        everyone = [row[0] for row in cursor.execute(FOLLOW["keys_upto"], [upto]).fetchall()]
        keys = list({*keys, *folder.unknown(everyone)})
    if not keys:
        return
    known: dict[UUID, list[StoredRow]] = {key: [] for key in keys}
    stored = cursor.execute(FOLLOW["entries_of_keys"], [keys, sorted(view.reads), upto], binary=True)
    for row in stored.fetchall():
        known[row[1]].append(StoredRow(*row))
    parts: dict[UUID, dict[str, Any]] = {key: {} for key in keys}
    for key, part, value in cursor.execute(ROWS["open_rows"], [view.name, generation, keys]).fetchall():
        parts[key][part] = value
    for key, earlier in known.items():
        folder.load(key, map(read_clear, earlier), parts[key])
