"""Keeping a view up to date: one active follower per view, batches with exactly-once tracking, woken by the append."""

import threading
import time
from typing import Any

import psycopg
from psycopg.rows import dict_row

from ledger.format import StoredRow
from ledger.recorder import LedgerTrackingRecorder, datastore
from ledger.spans import span
from ledger.store import WORKER_ROLE, conninfo_as
from projections.folding import Folder, ViewStopped
from projections.view import FOLLOW, AnyView
from projections.writing import HoleInLedger, ask_page, asked_page, take_in

__all__ = ["Follower", "HoleInLedger", "OtherVersion", "tracking_recorder"]

BATCH = 500
WAKE_SECONDS = 1.0
GATHER_SECONDS = 0.02
"""How far apart the batches of a busy follower are: one transaction for many events, for little delay. A follower that
was idle takes in the first event at once."""

HEAD_START_SECONDS = 0.005
"""How long views by rules let the others go first: they take as long over an event as all of those together."""

SCHEMA = "view"


class OtherVersion(Exception):
    """The rows that readers see are those of another version of the view's code: ``found`` instead of ``own``."""

    def __init__(self, view: str, found: int, own: int) -> None:
        super().__init__(view, found, own)
        self.view, self.found, self.own = view, found, own

    def __str__(self) -> str:
        if self.found < self.own:
            return f"view {self.view} is still version {self.found}: run `caseledger replay rebuild {self.view}`"
        return f"view {self.view} is version {self.found} already, this program has {self.own}: run the newer program"


def tracking_recorder(conninfo: str) -> LedgerTrackingRecorder:
    """Return the library's tracking recorder over the view schema."""
    return LedgerTrackingRecorder(datastore(conninfo, WORKER_ROLE, SCHEMA))


class Follower:
    """Follows the ledger for one view through one connection with worker rights."""

    def __init__(self, conninfo: str, view: AnyView) -> None:
        self._view = view
        self._folder = Folder(view)
        self._generation = self._reached = 0
        self._tracking = tracking_recorder(conninfo)
        self._connection = psycopg.connect(conninfo_as(conninfo, WORKER_ROLE), autocommit=True)
        self._connection.execute(FOLLOW["without_waiting"])
        self._connection.execute(FOLLOW["first_generation"], [view.name, view.version])

    def close(self) -> None:
        """Let go of the connection; another follower may take over."""
        self._connection.close()
        self._tracking.datastore.close()

    def run(self, stop: threading.Event) -> None:
        """Follow until ``stop`` is set; returns when the view meets an event it cannot read.

        Raises OtherVersion where readers see rows of another version of the view's code.
        """
        self._connection.execute("LISTEN stored_events")
        while not stop.is_set() and not self._is_active():
            stop.wait(WAKE_SECONDS)
        while not stop.is_set():
            begun = time.monotonic()
            followed = self.step()
            if followed is None:
                return
            if followed < BATCH:
                self._wait(stop, begun + GATHER_SECONDS)

    def _wait(self, stop: threading.Event, gathered: float) -> None:
        """Wait until something is appended, and no less than until ``gathered``."""
        for _ in self._connection.notifies(timeout=WAKE_SECONDS, stop_after=1):
            pass
        stop.wait(max(HEAD_START_SECONDS if self._view.by_rules else 0.0, gathered - time.monotonic()))

    def step(self) -> int | None:
        """Follow one batch in one transaction; returns how many events, None when the view is stopped."""
        try:
            with (
                self._connection.pipeline(),
                self._connection.transaction(),
                self._connection.cursor() as cursor,
                self._connection.cursor() as tracked,
                self._connection.cursor() as ahead,
            ):
                return self._batch(cursor, tracked, ahead)
        except BaseException:
            self._folder.forget()
            raise

    def _is_active(self) -> bool:
        row = self._connection.execute(FOLLOW["try_follow"], [self._view.name]).fetchone()
        return bool(row and row[0])

    def _batch(
        self, cursor: psycopg.Cursor[Any], tracked: psycopg.Cursor[Any], ahead: psycopg.Cursor[Any]
    ) -> int | None:
        """Follow one batch; what most likely comes next is asked for ahead, together with where the view stands."""
        view, expected = self._view, self._reached
        cursor.execute(FOLLOW["current_generation"], [view.name])
        tracked.execute(FOLLOW["reached"], [view.name])
        ask_page(ahead, expected, BATCH)
        generation, version, stopped_at = cursor.fetchall()[0]
        reached = next((position for position, _ in tracked.fetchall()), 0)
        if version != view.version:
            raise OtherVersion(view.name, version, view.version)
        if stopped_at is not None:
            return None
        if generation != self._generation:
            self._generation = generation
            self._folder.forget()
        if reached != expected:
            ask_page(ahead, reached, BATCH)
        rows = asked_page(ahead, reached)
        self._reached = reached
        if rows:
            self._reached = self._apply(cursor, rows)
            if self._reached > reached:
                with self._connection.cursor(row_factory=dict_row) as tracking_cursor:
                    self._tracking.move(tracking_cursor, view.follower(generation), self._reached)
        return len(rows)

    def _apply(self, cursor: psycopg.Cursor[Any], rows: list[StoredRow]) -> int:
        """Fold a page and write its changes; returns the last position that is taken in."""
        try:
            with span("fold", view=self._view.name, events=len(rows), position=rows[-1].position):
                take_in(cursor, self._view, self._generation, self._folder, rows)
        except ViewStopped as stopped:
            cursor.execute(FOLLOW["stop_view"], [stopped.position, str(stopped), self._view.name])
            return stopped.position - 1
        return rows[-1].position
