"""People at an instant: parties per child and by age, representatives, protection, responsibility, and lives that ended."""

from typing import Any

from domain.clocks import deadlines
from domain.consents import holders_consent
from domain.custody import one_person
from domain.entries import Entry
from domain.findings.clocks import CHECKS as CLOCK_CHECKS
from domain.people import (
    access_right,
    parties_by_age,
    protections,
    representatives,
    responsible,
    silenced,
    standings,
)
from domain.time import read_instant
from tests.domain.rules import case, entry, inquiry

AT = read_instant("2025-06-01T12:00+02:00")
INFANTS = "spaed_smaaboern_000"


def party(version: int, status: str, happened: str, **data: str) -> Entry:
    """Return a record of someone's standing."""
    return entry(version, "PartyRecorded", happened, person="parent-B", status=status, **data)


def test_a_standing_is_per_child_and_the_latest_counts() -> None:
    """A father may be a party for one child and only be told about the other."""
    known = case(
        party(2, "party", "2025-01-02T10:00+01:00"),
        party(3, "orientation_only", "2025-02-02T10:00+01:00", child="child-B"),
        party(4, "not_party", "2025-07-02T10:00+02:00"),
    )
    assert standings(known, "parent-B", AT) == {None: "party", "child-B": "orientation_only"}
    assert access_right(known, "parent-B", AT, "child-B") == "orientation_only"
    assert access_right(known, "parent-B", AT, "child-A") == "party"
    assert access_right(known, "parent-A", AT) is None


def test_a_sibling_is_a_party_from_the_tenth_birthday() -> None:
    """The day itself counts; the small child of the case is none."""
    known = case(
        entry(2, "ChildBorn", "2025-01-02T10:00+01:00", child="child-A", mother="parent-A"),
        entry(
            3,
            "SiblingLinked",
            "2025-01-03T10:00+01:00",
            child="child-A",
            sibling="child-C",
            sibling_born_on="2015-06-01",
        ),
    )
    assert parties_by_age(known, AT) == ("child-C",)
    assert parties_by_age(known, read_instant("2025-05-31T23:59+02:00")) == ()


def test_who_speaks_for_whom_ends_with_its_day_or_its_end() -> None:
    """An appointment until a day holds through that day; one that was ended holds no more."""
    known = case(
        entry(2, "RepresentativeAppointed", "2025-01-02T10:00+01:00", representative="lawyer-1", represents="parent-A", capacity="lawyer", until="2025-06-01"),
        entry(3, "RepresentativeAppointed", "2025-01-02T10:00+01:00", representative="friend-1", represents="parent-A", capacity="assessor"),
        entry(4, "RepresentativeEnded", "2025-02-02T10:00+01:00", representative="friend-1", represents="parent-A"),
    )  # fmt: skip
    assert [(one.representative, one.capacity, one.entry) for one in representatives(known, AT)] == [
        ("lawyer-1", "lawyer", 2)
    ]
    assert representatives(known, read_instant("2025-06-02T00:00+02:00")) == ()


def test_protection_is_against_some_or_against_all() -> None:
    """An address kept from one parent may be told the other; nobody is kept from their own."""
    known = case(
        entry(2, "ProtectionRecorded", "2025-01-02T10:00+01:00", person="parent-A", kind="address", against="parent-B"),
        entry(3, "ProtectionRecorded", "2025-01-02T10:00+01:00", person="parent-A", kind="name"),
        entry(4, "ProtectionEnded", "2025-02-02T10:00+01:00", person="parent-A", kind="name"),
        entry(
            5, "ProtectionRecorded", "2025-01-02T10:00+01:00", person="parent-A", kind="existence", until="2025-03-01"
        ),
    )
    (one,) = protections(known, AT)
    assert one.kind == "address"
    assert one.keeps_from("parent-B")
    assert not one.keeps_from("parent-C")
    everyone = protections(known, read_instant("2025-01-15T10:00+01:00"))
    assert {each.kind for each in everyone} == {"address", "name", "existence"}
    assert all(each.keeps_from("parent-B") and not each.keeps_from("parent-A") for each in everyone)


def test_who_was_responsible_on_a_day() -> None:
    """A hand-over counts from the day it takes effect, and is open until it is accepted."""
    known = case(
        entry(2, "CaseAllocated", "2025-01-02T10:00+01:00", to="u-25", for_role="social_worker"),
        entry(3, "CaseAllocated", "2025-05-20T10:00+02:00", to="u-31", for_role="social_worker", from_staff="u-25", effective_from="2025-06-01"),
        entry(4, "HandoverAccepted", "2025-06-03T10:00+02:00", allocation=3, summary_read=True),
    )  # fmt: skip
    before = responsible(known, read_instant("2025-05-31T10:00+02:00"))
    assert [(one.staff, one.accepted) for one in before] == [("u-25", True)]
    assert [(one.staff, one.accepted) for one in responsible(known, AT)] == [("u-31", False)]
    assert responsible(known, read_instant("2025-06-04T10:00+02:00"))[0].accepted


def test_a_merge_makes_one_person_and_can_be_taken_back() -> None:
    """A consent given under the other reference counts for the holder of custody, as long as the merge stands."""
    consent: dict[str, Any] = {"consent": "c-1", "kind": "support", "capacity": "custody_holder", "scope": ["programme"], "form": "oral", "valid_from": "2025-01-01"}  # fmt: skip
    given = entry(2, "ConsentGiven", "2025-01-02T10:00+01:00", given_by="person-9", **consent)
    custody = entry(3, "CustodyRecorded", "2025-01-03T10:00+01:00", child="child-A", holders=["parent-A"], kind="sole")
    merged = entry(4, "PersonsMerged", "2025-01-04T10:00+01:00", kept="parent-A", merged="person-9", reason="Same")
    assert holders_consent(case(given, custody), AT).missing == ("parent-A",)
    assert holders_consent(case(given, custody, merged), AT).satisfied
    assert one_person(case(given, custody, merged), "person-9") == {"person-9", "parent-A"}
    back = entry(5, "PersonsUnmerged", "2025-02-04T10:00+01:00", kept="parent-A", merged="person-9", reason="Two")
    assert holders_consent(case(given, custody, merged, back), AT).missing == ("parent-A",)


BIRTH = entry(2, "ChildBorn", "2025-01-02T10:00+01:00", child="child-A", mother="parent-A")
STARTED = entry(3, "InterventionStarted", "2025-01-03T10:00+01:00", enrolment="enr-1")
FOLLOWED = entry(4, "FollowUpHeld", "2025-01-08T10:00+01:00", kind="programme", participants=[], progress="unclear")
ACCESS = entry(5, "AccessRequestReceived", "2025-01-09T10:00+01:00", kind="party_access", by="parent-A", about="child-A", received_at="2025-01-09T10:00:00.000000Z")  # fmt: skip
DEATH = entry(6, "DeathRecorded", "2025-01-20T10:00+01:00", person="child-A", died_on="2025-01-20")


def quiet(*entries: Entry, programme: str = INFANTS) -> dict[str, str]:
    """Return the rules whose clocks remind no one, with the day since when."""
    question = inquiry(*entries, at="2025-06-01T12:00+02:00", programme=programme)
    clocks = deadlines(question)
    return {key[0]: since.date().isoformat() for key, since in silenced(question.known, clocks, question.at).items()}


def test_no_clock_reminds_of_a_child_who_died() -> None:
    """Neither those its birth started nor those of the support; what the parents asked for goes on."""
    found = quiet(BIRTH, STARTED, FOLLOWED, ACCESS, DEATH)
    assert {"P000-SW-FIRST-1W", "P000-END-2Y", "P000-SW-6W", "FOLLOWUP-FIRST-95"} <= found.keys()
    assert set(found.values()) == {"2025-01-20"}
    assert "AKTINDSIGT-7AD" not in found
    assert quiet(BIRTH, STARTED, FOLLOWED, ACCESS) == {}


def test_the_living_twin_keeps_its_clocks() -> None:
    """Only what the dead child's own birth started is silent."""
    twin = entry(7, "ChildBorn", "2025-01-02T10:20+01:00", child="child-B", mother="parent-A")
    question = inquiry(BIRTH, STARTED, FOLLOWED, ACCESS, DEATH, twin, at="2025-06-01T12:00+02:00", programme=INFANTS)
    stopped = silenced(question.known, deadlines(question), question.at)
    assert {key[1] for key in stopped} == {2}
    assert any(clock.trigger == 7 for clock in deadlines(question))


PREGNANT = entry(2, "PregnancyRegistered", "2025-01-02T10:00+01:00", person="parent-A", due_date="2025-06-20")
ENDED = entry(3, "PregnancyEnded", "2025-02-02T10:00+01:00", person="parent-A", kind="miscarriage")


def test_no_clock_reminds_of_a_pregnancy_that_ended() -> None:
    """The same minute, and for good."""
    found = quiet(PREGNANT, ENDED, programme="spaed_smaabarnsteam_002")
    assert {"P002-GA20", "BL49-NOT-BEFORE"} <= found.keys()
    assert quiet(PREGNANT, programme="spaed_smaabarnsteam_002") == {}


def test_a_later_pregnancy_and_an_earlier_child_are_not_silenced() -> None:
    """A loss ends the pregnancy it was, not the next one, and not the child born before."""
    again = entry(4, "PregnancyRegistered", "2025-04-02T10:00+02:00", person="parent-A", due_date="2025-12-20")
    question = inquiry(PREGNANT, ENDED, again, at="2025-06-01T12:00+02:00", programme="spaed_smaabarnsteam_002")
    stopped = silenced(question.known, deadlines(question), question.at)
    assert {key[1] for key in stopped} == {2}
    older = entry(5, "ChildBorn", "2023-01-02T10:00+01:00", child="child-A", mother="parent-A")
    assert not {"P002-AGE-36M"} & quiet(older, PREGNANT, ENDED, programme="spaed_smaabarnsteam_002").keys()


def test_a_duty_due_after_the_death_is_no_breach_and_one_broken_before_stays() -> None:
    """The findings follow."""
    check = next(one for one in CLOCK_CHECKS if one.code == "DEADLINE_BROKEN")
    late = entry(7, "NotificationReceived", "2025-01-05T10:00+01:00", notifier_kind="private", identity_known=True, channel="phone", about="child-A", received_at="2025-01-05T09:00:00.000000Z")  # fmt: skip
    question = inquiry(BIRTH, STARTED, FOLLOWED, DEATH, late, at="2025-06-01T12:00+02:00", programme=INFANTS)
    assert {finding.detail["rule"] for finding in check.find(question)} == {"UND-24H", "UND-RECEIPT-6HV"}
    alive = inquiry(BIRTH, STARTED, FOLLOWED, late, at="2025-06-01T12:00+02:00", programme=INFANTS)
    assert {"P000-SW-6W", "FOLLOWUP-FIRST-95"} <= {finding.detail["rule"] for finding in check.find(alive)}
