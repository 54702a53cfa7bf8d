"""Who may do what in which case: given what is on record, when somebody asks, then yes through what, or no and why."""

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from domain.authority import KIND_OF_ROLE, OVERSIGHT, POWERS, Act, Extent, Kind, Person, may, may_in_case, powers_table
from domain.entries import Entry
from domain.events.base import Actor
from domain.reach import CaseReach, StaffReach, bearing, case_reach, staff_reach

CASE = UUID(int=7)
NOON = datetime(2026, 3, 4, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)


def entry(
    version: int, topic: str, at: datetime = NOON, by: str = "u-11", of: str | None = "North", **data: Any
) -> Entry:
    """Return an entry recorded when it happened."""
    return Entry(CASE, version, version, at, topic, 1, at, Actor(by, "caseworker", of), UUID(int=1), data)


OPENED = entry(
    1, "case_opened", number="S-1", programme="p", key=str(UUID(int=2)), key_commitment="ab" * 32, persons=[]
)


def reach(*entries: Entry) -> CaseReach:
    """Return the reach of a case that was opened and of which some entries are on record."""
    kept: tuple[Entry, ...] = ()
    for one in (OPENED, *entries):
        kept = bearing(kept, one)
    found = case_reach(kept)
    assert found is not None
    return found


def person(staff: str, role: str = "caseworker", unit: str | None = "North", *grants: Entry) -> Person:
    """Return somebody with what was granted to them."""
    return Person(staff, role, unit, staff_reach(grants))


def answer(who: Person, act: Act, of: CaseReach, at: datetime = NOON) -> str:
    """Return through what, or with a minus why not."""
    permission = may_in_case(who, act, CASE, of, at)
    return permission.because if permission else f"-{permission.because}"


def allocated(version: int, to: Any, role: str = "social_worker", **more: Any) -> Entry:
    """Return an allocation."""
    return entry(version, "case_allocated", to=to, for_role=role, **more)


class TestAssignment:
    """A case is open to those who hold it."""

    def test_whoever_opened_it_holds_it_until_it_is_allocated(self) -> None:
        """Given a case nobody holds, its opener reads it; once allocated, the holder does and the opener does not."""
        assert answer(person("u-11"), Act.CASE_READ, reach()) == "assignment"
        held = reach(allocated(2, "u-22"))
        assert answer(person("u-22"), Act.CASE_WRITE, held) == "assignment"
        assert answer(person("u-11"), Act.CASE_READ, held) == "-not_assigned"

    def test_each_role_has_its_holders(self) -> None:
        """Given a social worker and a coordinator, both hold the case, and a new coordinator takes the old one's place."""
        held = reach(allocated(2, "u-22"), allocated(3, "u-61", "coordinator"), allocated(4, "u-62", "coordinator"))
        assert held.holders(NOON) == {"u-22", "u-62"}

    def test_a_handover_waits_to_be_accepted(self) -> None:
        """Given a handover, both have the case until it is taken over, then only the new holder."""
        waiting = (allocated(2, "u-22"), allocated(3, "u-23", from_staff="u-22"))
        assert reach(*waiting).holders(NOON) == {"u-22", "u-23"}
        taken = entry(4, "handover_accepted", allocation=3, summary_read=True)
        assert reach(*waiting, taken).holders(NOON) == {"u-23"}

    def test_a_substitute_stands_in_beside(self) -> None:
        """Given a substitute, the one stood in for keeps the case, also after it was accepted."""
        held = (allocated(2, "u-22"), allocated(3, "u-23", substitute_for="u-22"))
        assert reach(*held).holders(NOON) == {"u-22", "u-23"}
        taken = entry(4, "handover_accepted", allocation=3, summary_read=False)
        assert reach(*held, taken).holders(NOON) == {"u-22", "u-23"}

    def test_an_allocation_may_begin_later(self) -> None:
        """Given an allocation from a later day, the old holder has the case until that day and the new one from then."""
        held = reach(allocated(2, "u-22"), allocated(3, "u-23", effective_from="2026-03-06"))
        assert held.holders(NOON) == {"u-22"}
        assert held.holders(NOON + timedelta(days=2)) == {"u-23"}

    def test_an_allocation_that_was_annulled_gives_nothing(self) -> None:
        """Given an annulled allocation, its holder has no access and the opener has it again."""
        held = reach(allocated(2, "u-22"), entry(3, "entry_annulled", annuls=2, reason="wrong case"))
        assert held.holders(NOON) == {"u-11"}


class TestOrganisation:
    """Supervisors reach the cases of their organisation."""

    def test_own_organisation_only(self) -> None:
        """Given a case of the north, the leader of the north reads it and the leader of the south does not."""
        assert answer(person("u-1", "supervisor"), Act.CASE_READ, reach()) == "organisation"
        assert answer(person("u-2", "supervisor", "South"), Act.CASE_READ, reach()) == "-not_assigned"

    def test_a_case_moves_with_its_unit(self) -> None:
        """Given an allocation to the south, the leader there reads the case and the leader of the north no longer does."""
        moved = reach(allocated(2, "u-22", unit="South"))
        assert answer(person("u-2", "supervisor", "South"), Act.CASE_READ, moved) == "organisation"
        assert answer(person("u-1", "supervisor"), Act.CASE_READ, moved) == "-not_assigned"

    def test_a_case_without_a_unit_is_the_whole_municipalitys(self) -> None:
        """Given a case opened by somebody without a unit, every leader reads it."""
        assert answer(person("u-2", "supervisor", "South"), Act.CASE_READ, CaseReach("u-11", None)) == "organisation"

    def test_another_organisation_may_be_granted(self) -> None:
        """Given a grant for another unit until a time, the leader reads its cases up to then."""
        grant = entry(
            1,
            "access_granted",
            staff="u-2",
            role="supervisor",
            basis="b",
            organisation="North",
            until="2026-03-04T13:00:00.000000Z",
        )
        leader = person("u-2", "supervisor", "South", grant)
        assert answer(leader, Act.CASE_READ, reach()) == "organisation"
        assert answer(leader, Act.CASE_READ, reach(), NOON + HOUR) == "-not_assigned"


class TestGrants:
    """One case may be granted to somebody, and a role taken from them."""

    GRANT = entry(1, "access_granted", staff="u-5", role="caseworker", basis="b", case=str(CASE))

    def test_a_case_granted_in_a_role(self) -> None:
        """Given a grant for a case, it is open in that role and in no other, and closed again once the grant ended."""
        assert answer(person("u-5", "caseworker", "North", self.GRANT), Act.CASE_READ, reach()) == "grant"
        assert answer(person("u-5", "midwife", "North", self.GRANT), Act.CASE_READ, reach()) == "-not_assigned"
        ended = entry(2, "access_ended", staff="u-5", role="caseworker", basis="b", case=str(CASE))
        assert (
            answer(person("u-5", "caseworker", "North", self.GRANT, ended), Act.CASE_READ, reach()) == "-not_assigned"
        )

    def test_a_role_ended_here_is_ended_whatever_one_signs_in_with(self) -> None:
        """Given a role taken from somebody, nothing of it is left, until it is granted again."""
        ended = entry(1, "access_ended", staff="u-11", role="caseworker", basis="left")
        assert answer(person("u-11", "caseworker", "North", ended), Act.CASE_READ, reach()) == "-role_ended"
        again = entry(2, "access_granted", staff="u-11", role="caseworker", basis="back")
        assert answer(person("u-11", "caseworker", "North", ended, again), Act.CASE_READ, reach()) == "assignment"


class TestRestriction:
    """A restricted case is open to the people named, and to nobody else."""

    RESTRICTED = entry(2, "case_restricted", category="high_profile", allowed=["u-22", "u-1"], review_by="2026-06-02")

    @pytest.mark.parametrize(
        ("who", "expected"),
        [
            (person("u-11"), "-restricted"),
            (person("u-22"), "restriction"),
            (person("u-1", "supervisor"), "organisation"),
            (person("u-3", "supervisor"), "-restricted"),
            (person("u-9", "auditor"), "-restricted"),
        ],
    )
    def test_only_those_named(self, who: Person, expected: str) -> None:
        """Given a restriction, opener, leader and auditor are kept out unless they are named."""
        assert answer(who, Act.CASE_READ, reach(self.RESTRICTED)) == expected

    def test_it_stays_until_it_is_lifted(self) -> None:
        """Given a review that is overdue, it stays restricted; renewed it has other people; lifted it is open again."""
        late = NOON + timedelta(days=400)
        assert answer(person("u-11"), Act.CASE_READ, reach(self.RESTRICTED), late) == "-restricted"
        renewed = entry(
            3, "restriction_reviewed", restriction=2, renewed=True, allowed=["u-11"], review_by="2026-09-01"
        )
        assert answer(person("u-11"), Act.CASE_READ, reach(self.RESTRICTED, renewed)) == "restriction"
        assert answer(person("u-22"), Act.CASE_READ, reach(self.RESTRICTED, renewed)) == "-restricted"
        lifted = entry(4, "restriction_reviewed", restriction=2, renewed=False)
        assert answer(person("u-11"), Act.CASE_READ, reach(self.RESTRICTED, renewed, lifted)) == "assignment"

    def test_data_protection_looks_after_it_without_reading(self) -> None:
        """Given a restriction, data protection may review it and never reads the case."""
        officer = person("u-81", "dpo")
        assert all(answer(officer, act, reach(self.RESTRICTED)) == "role" for act in OVERSIGHT)
        assert answer(officer, Act.CASE_READ, reach(self.RESTRICTED)) == "-role"


class TestConflictOfInterest:
    """Whoever has a conflict of interest reaches nothing, also in an emergency."""

    CONFLICT = entry(2, "conflict_of_interest_recorded", staff="u-11", kind="kinship")

    @pytest.mark.parametrize("act", list(Act))
    def test_nothing_is_open(self, act: Act) -> None:
        """Given a conflict, every act in the case is refused, whatever the role."""
        for role in KIND_OF_ROLE:
            assert answer(person("u-11", role), act, reach(self.CONFLICT)) == "-conflict_of_interest"

    def test_emergency_access_does_not_help(self) -> None:
        """Given a conflict and an emergency access, the case stays closed; the conflict over, it is open."""
        opened = entry(3, "break_glass_opened", staff="u-11", role="caseworker", until="2026-03-04T15:00:00.000000Z")
        assert answer(person("u-11"), Act.CASE_READ, reach(self.CONFLICT, opened)) == "-conflict_of_interest"
        over = entry(4, "conflict_of_interest_ended", conflict=2)
        assert answer(person("u-11"), Act.CASE_READ, reach(self.CONFLICT, opened, over)) == "assignment"


class TestEmergency:
    """Emergency access opens a case to read and record for a few hours."""

    OPENED = entry(
        2, "break_glass_opened", by="u-33", staff="u-33", role="caseworker", until="2026-03-04T15:00:00.000000Z"
    )

    def test_it_opens_for_three_hours(self) -> None:
        """Given an emergency access, the case is open to that person until it runs out, and to nobody else."""
        assert answer(person("u-33"), Act.CASE_READ, reach(self.OPENED)) == "break_glass"
        assert (
            answer(person("u-33"), Act.CASE_WRITE, reach(self.OPENED), NOON + 3 * HOUR - timedelta(microseconds=1))
            == "break_glass"
        )
        assert answer(person("u-33"), Act.CASE_READ, reach(self.OPENED), NOON + 3 * HOUR) == "-not_assigned"
        assert answer(person("u-34"), Act.CASE_READ, reach(self.OPENED)) == "-not_assigned"

    def test_it_opens_nothing_else(self) -> None:
        """Given an emergency access, no decision is made with it, and no role gets what the role never has."""
        assert answer(person("u-33"), Act.DECIDE, reach(self.OPENED)) == "-not_assigned"
        assert answer(person("u-33", "analyst"), Act.CASE_READ, reach(self.OPENED)) == "-role"

    def test_it_opens_a_restricted_case_too(self) -> None:
        """Given a restricted case, an emergency access opens it: a child in danger does not wait for a list."""
        restricted = entry(3, "case_restricted", category="high_risk", allowed="u-1", review_by="2026-06-02")
        assert answer(person("u-33"), Act.CASE_READ, reach(self.OPENED, restricted)) == "break_glass"

    def test_its_review_is_remembered(self) -> None:
        """Given a verdict, it says by whom and when; a second verdict changes nothing."""
        first = entry(3, "break_glass_reviewed", by="u-1", opening=2, justified=False)
        second = entry(4, "break_glass_reviewed", by="u-2", opening=2, justified=True)
        (emergency,) = reach(self.OPENED, first, second).emergencies
        assert (emergency.justified, emergency.reviewed_by) == (False, "u-1")


class TestRoles:
    """What roles are for."""

    @pytest.mark.parametrize("role", ["auditor", "legal_officer"])
    def test_audit_reads_everything_and_writes_nothing(self, role: str) -> None:
        """Given an auditor, every case and its originals are open, and nothing can be written."""
        open_acts = {act for act in Act if may_in_case(person("u-9", role), act, CASE, reach(), NOON)}
        assert open_acts == {
            Act.CASE_READ, Act.BOARD_READ, Act.SEARCH, Act.ORIGINALS_READ, Act.LOOKS_READ, Act.ERASURE_READ,
            Act.LOG_READ, Act.EVIDENCE_MAKE,
        }  # fmt: skip

    def test_an_analyst_reads_boards_without_texts(self) -> None:
        """Given an analyst, boards are open and pseudonymised releases are made; no case is open."""
        assert {act for act in Act if may(person("u-8", "analyst"), act)} == {Act.BOARD_READ, Act.EXPORT_MAKE}

    def test_an_administrator_sees_no_case(self) -> None:
        """Given an administrator, access can be granted and nothing be read."""
        assert {act for act in Act if may(person("u-7", "administrator"), act)} == {Act.STAFF_GRANT}

    def test_nobody_both_proposes_to_all_and_reads_all(self) -> None:
        """Whoever erases does not read case texts, and whoever audits does not erase."""
        for kind, powers in POWERS.items():
            assert not {Act.ERASURE_DECIDE, Act.CASE_READ} <= powers.keys(), kind

    @pytest.mark.parametrize("role", ["operator", "system", "parent", "", "Supervisor"])
    def test_an_unknown_role_opens_nothing(self, role: str) -> None:
        """Given a role nobody signs in with, nothing is open, not even what one holds."""
        assert [act for act in Act if may_in_case(person("u-11", role), act, CASE, reach(), NOON)] == []

    def test_every_kind_of_role_has_powers(self) -> None:
        """No kind is forgotten, and every act belongs to somebody."""
        assert set(POWERS) == set(Kind) == set(KIND_OF_ROLE.values())
        assert {act for powers in POWERS.values() for act in powers} == set(Act)
        assert {extent for powers in POWERS.values() for extent in powers.values()} == set(Extent)


def test_nothing_is_on_record_before_a_case_is_opened() -> None:
    """Given entries without an opening, there is no reach."""
    assert case_reach(()) is None
    assert staff_reach(()) == StaffReach()


def test_the_table_in_the_documentation_is_the_one_of_the_code() -> None:
    """Write it anew with CASELEDGER_FREEZE=1."""
    page = Path(__file__).parents[2] / "docs" / "access.md"
    head, _, rest = page.read_text(encoding="utf-8").partition("<!-- written from domain/authority.py -->\n")
    if os.environ.get("CASELEDGER_FREEZE") == "1":
        written = f"{head}<!-- written from domain/authority.py -->\n{powers_table()}<!-- end -->{rest.partition('<!-- end -->')[2]}"
        page.write_text(written, encoding="utf-8")
    assert powers_table() in page.read_text(encoding="utf-8")
