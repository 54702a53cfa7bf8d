"""The decisions sent for approval of every case, kept in memory and brought up to what is on record before each answer.

Only what waits and what was answered is looked for; the texts are read from the case itself.
"""

import threading
from collections.abc import Iterable
from uuid import UUID

from domain.approvals import TOPICS, Submission, submissions
from domain.entries import Entry
from domain.register import ANNULLED, target
from ledger.format import StoredRow
from ledger.mapper import read_clear
from ledger.queries import load_queries
from ledger.store import Ledger

APPROVALS = load_queries("projections", "sql/approvals.sql")


class ApprovalIndex:
    """The submissions of one ledger by case; may be refreshed from any thread."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._refreshing = threading.Lock()
        self._kept: dict[UUID, tuple[Entry, ...]] = {}
        self._submissions: dict[UUID, tuple[Submission, ...]] = {}
        self._position = 0

    def refresh(self) -> dict[UUID, tuple[Submission, ...]]:
        """Take in everything on record when this is called; return the submissions in force of each case, clear."""
        with self._refreshing:
            found = self._ledger.query(APPROVALS["tail"], [self._position])
            self._take_in(read_clear(StoredRow(*row)) for row in found)
            return self._submissions.copy()

    def _take_in(self, entries: Iterable[Entry]) -> None:
        touched: set[UUID] = set()
        for entry in entries:
            self._position = entry.position
            kept = self._kept.get(entry.stream, ())
            about = entry.topic == ANNULLED and any(target(entry) == one.version for one in kept)
            if about or entry.topic in TOPICS:
                self._kept[entry.stream] = (*kept, entry)
                touched.add(entry.stream)
        for case in touched:
            self._submissions[case] = submissions(self._kept[case])
