"""Who may reach which case, kept in memory and brought up to what is on record before each answer."""

import threading
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from uuid import UUID

from domain.authority import Act, Person, may_in_case
from domain.case_set import CaseSet
from domain.emergencies import told
from domain.entries import Entry
from domain.events.administration import CaseOpened
from domain.handovers import Handover, open_handovers
from domain.reach import STAFF_TOPICS, CaseReach, Emergency, StaffReach, bearing, case_reach, staff_reach
from ledger.format import StoredRow
from ledger.mapper import read_clear
from ledger.queries import load_queries
from ledger.store import Ledger

REACH = load_queries("projections", "sql/reach.sql")
NOTHING_GRANTED = StaffReach()
NOBODY, NO_UNIT, NO_CASE = "\0nobody", "\0nowhere", UUID(int=0)
"""Stand for anybody, any organisation and any case that nothing on record names; no code holds a NUL."""


class ReachIndex:
    """The reach of every case and every member of staff of one ledger; may be refreshed from any thread."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._refreshing, self._changing = threading.Lock(), threading.Lock()
        self._kept: dict[UUID, tuple[Entry, ...]] = {}
        self._cases: dict[UUID, CaseReach] = {}
        self._about_staff: dict[str, tuple[Entry, ...]] = {}
        self._staff: dict[str, StaffReach] = {}
        self._of_unit: dict[str | None, set[UUID]] = {}
        self._naming: dict[str, set[UUID]] = {}
        self._restricted: set[UUID] = set()
        self._position = 0
        self.now = datetime.min.replace(tzinfo=UTC)

    def refresh(self) -> None:
        """Take in everything on record when this is called; ``now`` is then the ledger's clock."""
        with self._refreshing:
            found = self._ledger.query(REACH["tail"], [self._position])
            entries = [read_clear(StoredRow(*row[1:])) for row in found if row[1] is not None]
            with self._changing:
                self._take_in(entries)
                self.now = found[0][0]

    def case(self, case: UUID) -> CaseReach | None:
        """Return the reach of a case; None where there is no such case."""
        return self._cases.get(case)

    def staff(self, staff: str) -> StaffReach:
        """Return what was granted to a member of staff."""
        return self._staff.get(staff, NOTHING_GRANTED)

    def case_as_of(self, case: UUID, position: int, valid_at: datetime | None = None) -> CaseReach | None:
        """Return the reach of a case as it was on record at a position, by what had happened by an instant if named.

        None before it was opened.
        """
        with self._changing:
            kept = self._kept.get(case, ())
            if valid_at is None and kept and kept[-1].position <= position:
                return self._cases.get(case)
        return case_reach(tuple(_then(kept, position, valid_at)))

    def staff_as_of(self, staff: str, position: int, valid_at: datetime | None = None) -> StaffReach:
        """Return what was granted to a member of staff as it was on record at a position, by what had happened."""
        return staff_reach(_then(self._about_staff.get(staff, ()), position, valid_at))

    def with_entries(self, topic: str) -> list[UUID]:
        """Return the cases that have an entry of a kind on record, in force or not."""
        with self._changing:
            return [case for case, entries in self._kept.items() if any(one.topic == topic for one in entries)]

    def naming(self, staff: str) -> list[UUID]:
        """Return the cases whose entries name a member of staff now."""
        with self._changing:
            return list(self._naming.get(staff, ()))

    def held_by(self, staff: str, position: int, at: datetime) -> frozenset[UUID]:
        """Return the cases somebody held at an instant, as it was on record at a position."""
        reaches = ((case, self.case_as_of(case, position)) for case in self.naming(staff))
        return frozenset(case for case, reach in reaches if reach is not None and staff in reach.holders(at))

    @property
    def cases(self) -> Mapping[UUID, CaseReach]:
        """The reach of all cases as it is now; what is taken in later does not show in it."""
        with self._changing:
            return self._cases.copy()

    def told(self, staff: str) -> tuple[tuple[UUID, Emergency], ...]:
        """Return the emergency accesses that a member of staff is told of, with the case each was to."""
        with self._changing:
            held = [(case, self._cases[case]) for case in self._naming.get(staff, ())]
            return tuple((case, one) for case, reach in held for one in told(reach, staff, self.now))

    def handovers(self, staff: str) -> tuple[tuple[UUID, Handover], ...]:
        """Return the hand-overs that concern a member of staff now, with the case each is of."""
        with self._changing:
            kept = [(case, self._kept[case]) for case in self._naming.get(staff, ())]
        return tuple((case, one) for case, entries in kept for one in open_handovers(entries) if one.concerns(staff))

    def cases_open_to(self, staff: str, role: str, organisation: str | None, act: Act) -> CaseSet:
        """Return the cases in which somebody may do something.

        Cases that name them, were granted to them or are restricted are judged one by one; all others of an
        organisation at once, since they answer alike.
        """
        with self._changing:
            granted = self.staff(staff)
            person = Person(staff, role, organisation, granted)
            apart = self._restricted.union(self._naming.get(staff, ()), granted.cases & self._cases.keys())
            allowed = {case for case in apart if may_in_case(person, act, case, self._cases[case], self.now)}

            def opens(unit: str | None) -> bool:
                return bool(may_in_case(person, act, NO_CASE, CaseReach(NOBODY, unit), self.now))

            if opens(NO_UNIT):
                return CaseSet(frozenset(apart - allowed), all_but=True)
            return CaseSet(frozenset(allowed.union(*(of - apart for unit, of in self._of_unit.items() if opens(unit)))))

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
                self._put(case, reach)

    def _put(self, case: UUID, reach: CaseReach) -> None:
        """Keep the reach of a case, and find it by organisation, by those it names, and as restricted."""
        before = self._cases.get(case)
        if before is not None:
            self._of_unit[before.organisation].discard(case)
            for staff in before.named:
                self._naming[staff].discard(case)
        self._cases[case] = reach
        self._of_unit.setdefault(reach.organisation, set()).add(case)
        for staff in reach.named:
            self._naming.setdefault(staff, set()).add(case)
        (self._restricted.discard if reach.restriction is None else self._restricted.add)(case)

    def _take_in_grant(self, entry: Entry) -> None:
        staff = str(entry.data["staff"])
        self._about_staff[staff] = (*self._about_staff.get(staff, ()), entry)
        self._staff[staff] = staff_reach(self._about_staff[staff])


def _then(entries: Iterable[Entry], position: int, valid_at: datetime | None) -> Iterator[Entry]:
    """Yield the entries on record at a position that had happened by an instant; that it was opened counts always."""
    for entry in entries:
        opens = entry.topic == CaseOpened.TOPIC
        if entry.position <= position and (opens or valid_at is None or entry.happened <= valid_at):
            yield entry
