"""Who may reach which case, kept in memory and brought up to what is on record before each answer."""

import threading
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from uuid import UUID

from domain.emergencies import told
from domain.entries import Entry
from domain.reach import STAFF_TOPICS, CaseReach, Emergency, StaffReach, bearing, case_reach, staff_reach
from ledger.format import StoredRow
from ledger.mapper import read_clear
from ledger.queries import load_queries
from ledger.store import Ledger

REACH = load_queries("projections", "sql/reach.sql")
NOTHING_GRANTED = StaffReach()


class ReachIndex:
    """The reach of every case and every member of staff of one ledger; may be refreshed from any thread."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._lock = threading.Lock()
        self._kept: dict[UUID, tuple[Entry, ...]] = {}
        self._cases: dict[UUID, CaseReach] = {}
        self._about_staff: dict[str, tuple[Entry, ...]] = {}
        self._staff: dict[str, StaffReach] = {}
        self._position = 0
        self.now = datetime.min.replace(tzinfo=UTC)

    def refresh(self) -> None:
        """Take in everything on record when this is called; ``now`` is then the ledger's clock."""
        with self._lock:
            found = self._ledger.query(REACH["tail"], [self._position])
            rows = [StoredRow(*row[1:]) for row in found if row[1] is not None]
            self._take_in(map(read_clear, rows))
            self.now = found[0][0]

    def case(self, case: UUID) -> CaseReach | None:
        """Return the reach of a case; None where there is no such case."""
        return self._cases.get(case)

    def staff(self, staff: str) -> StaffReach:
        """Return what was granted to a member of staff."""
        return self._staff.get(staff, NOTHING_GRANTED)

    def case_as_of(self, case: UUID, position: int) -> CaseReach | None:
        """Return the reach of a case as it was on record at a position; None before it was opened."""
        return case_reach(entry for entry in self._kept.get(case, ()) if entry.position <= position)

    def staff_as_of(self, staff: str, position: int) -> StaffReach:
        """Return what was granted to a member of staff as it was on record at a position."""
        return staff_reach(entry for entry in self._about_staff.get(staff, ()) if entry.position <= position)

    @property
    def cases(self) -> Mapping[UUID, CaseReach]:
        """The reach of all cases, as a copy: another thread may take in more while it is gone through."""
        return dict(self._cases)

    def told(self, staff: str) -> tuple[tuple[UUID, Emergency], ...]:
        """Return the emergency accesses that a member of staff is told of, with the case each was to."""
        return tuple((case, one) for case, reach in self.cases.items() for one in told(reach, staff, self.now))

    def _take_in(self, entries: Iterable[Entry]) -> None:
        touched: set[UUID] = set()
        for entry in entries:
            self._position = entry.position
            if entry.topic in STAFF_TOPICS:
                self._take_in_grant(entry)
                continue
            before = self._kept.get(entry.stream, ())
            after = bearing(before, entry)
            if after is not before:
                self._kept[entry.stream] = after
                touched.add(entry.stream)
        for case in touched:
            reach = case_reach(self._kept[case])
            if reach is not None:
                self._cases[case] = reach

    def _take_in_grant(self, entry: Entry) -> None:
        staff = str(entry.data["staff"])
        self._about_staff[staff] = (*self._about_staff.get(staff, ()), entry)
        self._staff[staff] = staff_reach(self._about_staff[staff])
