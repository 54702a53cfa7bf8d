"""The decisions sent for approval of every case, kept in memory and brought up to what is on record before each answer.

Only what waits and what was answered is looked for; the texts are read from the case itself.
"""

import threading
from collections.abc import Mapping
from uuid import UUID

from domain.approvals import TOPICS, Submission, submissions
from domain.entries import Entry
from domain.erased import erases_case
from domain.register import ANNULLED, target
from ledger.format import StoredRow
from ledger.mapper import read_clear
from ledger.queries import load_queries
from ledger.store import Ledger

OfCases = Mapping[UUID, tuple[Submission, ...]]
"""The submissions in force of some cases, clear."""

APPROVALS = load_queries("projections", "sql/approvals.sql")


class ApprovalIndex:
    """The submissions of one ledger by case; may be asked from any thread."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._refreshing = threading.Lock()
        self._kept: dict[UUID, tuple[Entry, ...]] = {}
        self._submissions: dict[UUID, tuple[Submission, ...]] = {}
        self._waiting: set[UUID] = set()
        self._naming: dict[str, set[UUID]] = {}
        self._position = 0

    def every(self) -> OfCases:
        """Return those of all cases."""
        with self._refreshing:
            self._refresh()
            return self._submissions.copy()

    def waiting(self) -> OfCases:
        """Return those of the cases in which one waits."""
        with self._refreshing:
            self._refresh()
            return {case: self._submissions[case] for case in self._waiting}

    def naming(self, staff: str, role: str) -> OfCases:
        """Return those of the cases in which one names somebody, or waits for whoever acts in their role."""
        with self._refreshing:
            self._refresh()
            cases = self._naming.get(staff, set()) | (self._naming.get(role, set()) & self._waiting)
            return {case: self._submissions[case] for case in cases if case in self._submissions}

    def _refresh(self) -> None:
        """Take in everything on record when this is called."""
        found = self._ledger.query(APPROVALS["tail"], [self._position])
        touched: set[UUID] = set()
        for entry in (read_clear(StoredRow(*row)) for row in found):
            self._position = entry.position
            if self._keep(entry):
                touched.add(entry.stream)
        for case in touched:
            self._put(case, submissions(self._kept[case]))

    def _keep(self, entry: Entry) -> bool:
        """Keep an entry where it bears on submissions; of a case erased whole keep nothing."""
        kept = self._kept.get(entry.stream, ())
        about = entry.topic == ANNULLED and any(target(entry) == one.version for one in kept)
        erased = bool(kept) and erases_case(entry)
        if erased:
            self._kept[entry.stream] = ()
        elif about or entry.topic in TOPICS:
            self._kept[entry.stream] = (*kept, entry)
        return erased or about or entry.topic in TOPICS

    def _put(self, case: UUID, found: tuple[Submission, ...]) -> None:
        self._submissions[case] = found
        waits = any(one.answer is None for one in found)
        (self._waiting.add if waits else self._waiting.discard)(case)
        for one in found:
            asked = (one.entry.data.get("approver"), one.entry.data.get("approver_role"))
            for name in (*one.own, *filter(None, asked)):
                self._naming.setdefault(str(name), set()).add(case)
