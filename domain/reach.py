"""What the register says about who may reach a case, and what has been granted to a member of staff.

Two folds: of a case's own entries, and of the entries about one member of staff. Both read the clear part only.
Who may do what with it is decided in one place, ``domain.authority``.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

from domain.entries import Entry
from domain.events.administration import CaseOpened
from domain.events.people import HandoverAccepted
from domain.events.reach import (
    AccessEnded,
    AccessGranted,
    BreakGlassOpened,
    BreakGlassReviewed,
    CaseRestricted,
    ConflictOfInterestEnded,
    ConflictOfInterestRecorded,
    RestrictionReviewed,
)
from domain.events.referral import CaseAllocated
from domain.known import many
from domain.register import ABOUT_ENTRIES, effective, target
from domain.time import read_day, read_instant, start_of

CASE_TOPICS = (
    frozenset(
        event.TOPIC
        for event in (
            CaseOpened,
            CaseAllocated,
            HandoverAccepted,
            CaseRestricted,
            RestrictionReviewed,
            ConflictOfInterestRecorded,
            ConflictOfInterestEnded,
            BreakGlassOpened,
            BreakGlassReviewed,
        )
    )
    | ABOUT_ENTRIES
)
"""Topics of a case's entries that bear on who may reach it."""

STAFF_TOPICS = frozenset({AccessGranted.TOPIC, AccessEnded.TOPIC})
"""Topics of the entries about what was granted to a member of staff."""

BREAK_GLASS_LASTS = timedelta(hours=3)
"""How long emergency access lasts."""


@dataclass(frozen=True, slots=True)
class Allocation:
    """Who holds a case in a role, from when, by which entry.

    ``until_taken_over`` held it before and keep it until it has been taken over, ``beside`` are those for whom somebody
    only stands in.
    """

    role: str
    staff: tuple[str, ...]
    since: datetime
    entry: int
    until_taken_over: tuple[str, ...] = ()
    beside: tuple[str, ...] = ()

    @property
    def everyone(self) -> tuple[str, ...]:
        """All who hold the case in this role."""
        return (*self.staff, *self.until_taken_over, *self.beside)


@dataclass(frozen=True, slots=True)
class Restriction:
    """That only the people named may reach a case; to be reviewed by a day."""

    entry: int
    category: str
    allowed: tuple[str, ...]
    review_by: date


@dataclass(frozen=True, slots=True)
class Emergency:
    """One emergency access: whose, from when until when, and what became of its review (None: none yet)."""

    entry: int
    staff: str
    role: str
    opened_at: datetime
    until: datetime
    justified: bool | None = None
    reviewed_by: str | None = None
    reviewed_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class CaseReach:
    """Who may reach a case, as far as its own entries say; ``number`` is what people call it by."""

    opened_by: str
    organisation: str | None
    allocations: tuple[Allocation, ...] = ()
    restriction: Restriction | None = None
    conflicts: Mapping[int, tuple[str, str]] = field(default_factory=dict[int, tuple[str, str]])
    emergencies: tuple[Emergency, ...] = ()
    number: str = ""

    @property
    def named(self) -> frozenset[str]:
        """Everybody its entries name: to anybody else it is like every unrestricted case of its organisation."""
        found = {self.opened_by, *(staff for one in self.allocations for staff in one.everyone)}
        found |= {who for who, _ in self.conflicts.values()} | {one.staff for one in self.emergencies}
        return frozenset(found.union(self.restriction.allowed if self.restriction else ()))

    def held(self, at: datetime) -> Mapping[str, Allocation]:
        """Return the allocation that counts in each role at an instant."""
        return {one.role: one for one in self.allocations if one.since <= at}

    def holders(self, at: datetime) -> frozenset[str]:
        """Who holds the case at an instant: to whom it was allocated, or who opened it while nobody was."""
        held = frozenset(staff for one in self.held(at).values() for staff in one.everyone)
        return held or frozenset({self.opened_by})

    def emergency_of(self, staff: str, at: datetime) -> Emergency | None:
        """The emergency access a member of staff has at an instant."""
        running = [one for one in self.emergencies if one.staff == staff and one.opened_at <= at < one.until]
        return running[-1] if running else None

    def conflict_of(self, staff: str) -> int | None:
        """The entry by which a member of staff must not reach the case."""
        return next((entry for entry, (who, _) in self.conflicts.items() if who == staff), None)


def bearing(kept: tuple[Entry, ...], entry: Entry) -> tuple[Entry, ...]:
    """Return the entries of a case that bear on who may reach it with one more, if it does; in order of versions."""
    if entry.topic in ABOUT_ENTRIES:
        bears = any(target(entry) == one.version for one in kept)
    else:
        bears = entry.topic in CASE_TOPICS
    return (*kept, entry) if bears else kept


def case_reach(entries: Iterable[Entry]) -> CaseReach | None:
    """Return who may reach a case by the entries that bear on it; None before it is opened."""
    found: CaseReach | None = None
    for entry in sorted(effective(entries), key=lambda one: one.version):
        if entry.topic == CaseOpened.TOPIC:
            found = CaseReach(entry.actor.id, entry.actor.organisation, number=str(entry.data["number"]))
        elif found is not None and entry.topic in _STEPS:
            found = _STEPS[entry.topic](found, entry)
    return found


def _allocated(reach: CaseReach, entry: Entry) -> CaseReach:
    data = entry.data
    role, to = str(data["for_role"]), tuple(map(str, many(data["to"])))
    day = data.get("effective_from")
    since = entry.recorded_at if day is None else max(entry.recorded_at, start_of(read_day(day)))
    held = [one for one in reach.allocations if one.role == role]
    stands_in, hands_over = data.get("substitute_for") is not None, data.get("from_staff") is not None
    opener = (reach.opened_by,) if hands_over and not reach.allocations else ()
    before = tuple(who for who in (held[-1].everyone if held else opener) if who not in to)
    allocation = Allocation(
        role,
        to,
        since,
        entry.version,
        until_taken_over=before if hands_over and not stands_in else (),
        beside=before if stands_in else (),
    )
    organisation = data.get("unit") or reach.organisation
    return replace(reach, allocations=(*reach.allocations, allocation), organisation=organisation)


def _taken_over(reach: CaseReach, entry: Entry) -> CaseReach:
    """Let go of the case for those who held it before, once it has been taken over."""
    allocations = tuple(
        replace(one, until_taken_over=()) if one.entry == entry.data["allocation"] else one for one in reach.allocations
    )
    return replace(reach, allocations=allocations)


def _restricted(reach: CaseReach, entry: Entry) -> CaseReach:
    data = entry.data
    allowed = tuple(map(str, many(data["allowed"])))
    restriction = Restriction(entry.version, str(data["category"]), allowed, read_day(data["review_by"]))
    return replace(reach, restriction=restriction)


def _reviewed(reach: CaseReach, entry: Entry) -> CaseReach:
    data, now = entry.data, reach.restriction
    if now is None or data["restriction"] != now.entry:
        return reach
    if not data["renewed"]:
        return replace(reach, restriction=None)
    day = data.get("review_by")
    allowed = tuple(map(str, many(data.get("allowed")))) or now.allowed
    renewed = replace(now, allowed=allowed, review_by=now.review_by if day is None else read_day(day))
    return replace(reach, restriction=renewed)


def _conflict(reach: CaseReach, entry: Entry) -> CaseReach:
    named = {entry.version: (str(entry.data["staff"]), str(entry.data["kind"]))}
    return replace(reach, conflicts={**reach.conflicts, **named})


def _conflict_ended(reach: CaseReach, entry: Entry) -> CaseReach:
    standing = {number: one for number, one in reach.conflicts.items() if number != entry.data["conflict"]}
    return replace(reach, conflicts=standing)


def _emergency(reach: CaseReach, entry: Entry) -> CaseReach:
    data = entry.data
    until = read_instant(data["until"])
    opened = Emergency(entry.version, str(data["staff"]), str(data["role"]), entry.recorded_at, until)
    return replace(reach, emergencies=(*reach.emergencies, opened))


def _emergency_reviewed(reach: CaseReach, entry: Entry) -> CaseReach:
    review = {
        "justified": bool(entry.data["justified"]),
        "reviewed_by": entry.actor.id,
        "reviewed_at": entry.recorded_at,
    }
    emergencies = tuple(
        replace(one, **review) if one.entry == entry.data["opening"] and one.justified is None else one
        for one in reach.emergencies
    )
    return replace(reach, emergencies=emergencies)


_STEPS = {
    CaseAllocated.TOPIC: _allocated,
    HandoverAccepted.TOPIC: _taken_over,
    CaseRestricted.TOPIC: _restricted,
    RestrictionReviewed.TOPIC: _reviewed,
    ConflictOfInterestRecorded.TOPIC: _conflict,
    ConflictOfInterestEnded.TOPIC: _conflict_ended,
    BreakGlassOpened.TOPIC: _emergency,
    BreakGlassReviewed.TOPIC: _emergency_reviewed,
}


@dataclass(frozen=True, slots=True)
class Grant:
    """What was granted to a member of staff in a role: one case, an organisation, or with neither the role itself."""

    role: str
    case: UUID | None
    organisation: str | None
    until: datetime | None

    def holds(self, at: datetime) -> bool:
        """Whether the grant has not run out."""
        return self.until is None or at < self.until


@dataclass(frozen=True, slots=True)
class StaffReach:
    """What was granted to a member of staff, and which roles were taken from them whatever they sign in with."""

    grants: tuple[Grant, ...] = ()
    ended: frozenset[tuple[str, str | None]] = frozenset()

    def has_lost(self, role: str, organisation: str | None) -> bool:
        """Whether a role was taken from them, everywhere or in an organisation."""
        return (role, None) in self.ended or (role, organisation) in self.ended

    def organisations(self, role: str, at: datetime) -> frozenset[str]:
        """The organisations granted beside their own in a role."""
        return frozenset(
            one.organisation
            for one in self.grants
            if one.role == role and one.case is None and one.organisation is not None and one.holds(at)
        )

    def granted(self, role: str, case: UUID, at: datetime) -> bool:
        """Whether a case was granted in a role."""
        return any(one.role == role and one.case == case and one.holds(at) for one in self.grants)

    @property
    def cases(self) -> frozenset[UUID]:
        """The cases granted by themselves, in whichever role and until whenever."""
        return frozenset(one.case for one in self.grants if one.case is not None)


def staff_reach(entries: Iterable[Entry]) -> StaffReach:
    """Return what was granted to a member of staff by the entries about them, in the order recorded."""
    found = StaffReach()
    for entry in sorted(entries, key=lambda one: one.version):
        found = _granted(found, entry.data) if entry.topic == AccessGranted.TOPIC else _ended(found, entry.data)
    return found


def _place(data: Mapping[str, Any]) -> tuple[str, UUID | None, str | None]:
    case = data.get("case")
    return str(data["role"]), UUID(str(case)) if case is not None else None, data.get("organisation")


def _granted(reach: StaffReach, data: Mapping[str, Any]) -> StaffReach:
    role, case, organisation = _place(data)
    until = data.get("until")
    grant = Grant(role, case, organisation, read_instant(until) if until is not None else None)
    others = tuple(one for one in reach.grants if (one.role, one.case, one.organisation) != (role, case, organisation))
    ended = reach.ended - {(role, organisation)} if case is None else reach.ended
    return StaffReach((*others, grant), ended)


def _ended(reach: StaffReach, data: Mapping[str, Any]) -> StaffReach:
    role, case, organisation = _place(data)
    others = tuple(one for one in reach.grants if (one.role, one.case, one.organisation) != (role, case, organisation))
    return StaffReach(others, reach.ended | {(role, organisation)} if case is None else reach.ended)
