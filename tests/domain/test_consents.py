"""Consents and disclosures: how each stood at any instant on both clocks, and what a disclosure needs."""

from typing import Any

import pytest

from domain.consents import consent_status, holders_consent, missing_joint, periods
from domain.disclosures import covers
from domain.entries import Entry
from domain.known import known
from domain.time import read_instant
from tests.domain.rules import case, entry
from tests.story_entries import expectations, story_entries

GIVEN = "2025-03-10T14:00+01:00"


def consent(version: int = 2, happened: str = GIVEN, recorded: str | None = None, **data: Any) -> Entry:
    """Return a consent to share social data of the child with daycare."""
    told: dict[str, Any] = {
        "consent": "c-1",
        "kind": "disclosure",
        "given_by": "parent-A",
        "capacity": "custody_holder",
        "on_behalf_of": "child-A",
        "scope": ["daycare", "health_visitor"],
        "data_categories": ["social"],
        "valid_from": "2025-03-10",
        "valid_to": "2025-12-31",
    }
    return entry(version, "ConsentGiven", happened, recorded=recorded, **(told | data))


def disclosure(version: int, happened: str, **data: Any) -> Entry:
    """Return a disclosure of social data to daycare on that consent."""
    told: dict[str, Any] = {"to": "daycare", "basis": "consent", "consents": ["c-1"], "data_categories": ["social"]}
    return entry(version, "DisclosureMade", happened, **(told | data))


def withdrawn(version: int, happened: str, recorded: str | None = None, **data: Any) -> Entry:
    """Return a withdrawal."""
    return entry(
        version,
        "ConsentWithdrawn",
        happened,
        recorded=recorded,
        consent="c-1",
        withdrawn_by="parent-A",
        channel="phone",
        **data,
    )


def stood(at: str, *entries: Entry) -> str:
    """Return how the consent stood at an instant."""
    return consent_status(case(*entries), "c-1", read_instant(at)).status


@pytest.mark.parametrize(
    ("at", "expected"),
    [
        ("2025-03-10T13:59:59+01:00", "not_given"),
        (GIVEN, "in_force"),
        ("2025-12-31T23:59:59+01:00", "in_force"),
        ("2026-01-01T00:00:00+01:00", "expired"),
    ],
)
def test_a_consent_runs_from_when_it_was_said_to_the_end_of_its_last_day(at: str, expected: str) -> None:
    """That day still counts, to its last second."""
    assert stood(at, consent()) == expected


def test_a_consent_for_later_is_not_yet_valid() -> None:
    """Until the day it is given for it covers nothing; by its entries alone it is in force."""
    later = consent(valid_from="2025-04-01")
    found = consent_status(case(later), "c-1", read_instant("2025-03-20T00:00+01:00"))
    assert (found.status, found.plain, found.in_force) == ("not_yet_valid", "in_force", False)
    assert stood("2025-04-01T00:00+02:00", later) == "in_force"


def test_one_consent_may_be_refused_given_withdrawn_and_given_anew() -> None:
    """What held earlier does not change."""
    told = [
        entry(
            2,
            "ConsentRefused",
            "2025-03-01T10:00+01:00",
            consent="c-1",
            kind="disclosure",
            refused_by="parent-A",
            capacity="self",
            scope=["daycare"],
        ),
        consent(3),
        withdrawn(4, "2025-04-01T10:00+02:00"),
        consent(5, "2025-05-01T10:00+02:00", valid_from="2025-05-01"),
    ]
    days = ("2025-03-02", "2025-03-11", "2025-04-02", "2025-05-02")
    assert [stood(f"{day}T12:00Z", *told) for day in days] == ["refused", "in_force", "withdrawn", "in_force"]
    assert [(one.begun_by, one.ended_by) for one in periods(case(*told), "c-1")] == [(3, 4), (5, None)]


def test_part_of_a_scope_taken_back_leaves_the_rest() -> None:
    """The consent stays in force for what is left; a whole withdrawal ends it."""
    part = withdrawn(3, "2025-04-01T10:00+02:00", partial_scope=["daycare"])
    found = consent_status(case(consent(), part), "c-1", read_instant("2025-04-02T00:00Z"))
    assert (found.status, found.scope) == ("in_force", ("health_visitor",))
    assert len(periods(case(consent(), part), "c-1")) == 1
    assert stood("2025-05-02T00:00Z", consent(), part, withdrawn(4, "2025-05-01T10:00+02:00")) == "withdrawn"


def test_an_annulled_withdrawal_ends_nothing_and_a_corrected_end_counts() -> None:
    """Whatever is known of an entry holds for its whole life."""
    ended = withdrawn(3, "2025-04-01T10:00+02:00")
    annulled = entry(4, "EntryAnnulled", "2025-04-02T10:00+02:00", annuls=3)
    assert stood("2025-04-01T12:00+02:00", consent(), ended, annulled) == "in_force"
    corrected = entry(
        3, "EntryCorrected", "2025-03-11T10:00+01:00", corrects=2, field="valid_to", old="2025-12-31", new="2025-06-30"
    )
    assert stood("2025-07-01T00:00+02:00", consent(), corrected) == "expired"
    again = entry(
        4, "EntryCorrected", "2025-03-12T10:00+01:00", corrects=3, field="new", old="2025-06-30", new="2025-08-31"
    )
    assert stood("2025-07-01T00:00+02:00", consent(), corrected, again) == "in_force"


def test_a_withdrawal_typed_later_fails_the_disclosure_by_all_facts() -> None:
    """By the register then it was covered, by all facts it was not: the consent had been withdrawn two days before."""
    told = [
        consent(),
        disclosure(3, "2025-06-05T10:20+02:00"),
        withdrawn(4, "2025-06-03T13:15+02:00", "2025-06-06T09:00+02:00"),
    ]
    both = covers(case(*told), 3)
    assert both is not None
    assert (both.by_record_then.answer, both.by_all_facts.answer) == ("covered", "not_covered")
    assert [gap.reason for gap in both.by_all_facts.gaps] == ["withdrawn"]


def test_a_renewed_consent_does_not_revive_an_old_disclosure() -> None:
    """Cover is judged at the disclosure's own time."""
    told = [
        consent(valid_to="2025-04-30"),
        disclosure(3, "2025-05-05T10:00+02:00"),
        consent(4, "2025-05-06T10:00+02:00", valid_from="2025-05-06"),
    ]
    both = covers(case(*told), 3)
    assert both is not None
    assert both.by_all_facts.answer == "not_covered"


@pytest.mark.parametrize(
    ("change", "gaps"),
    [
        ({}, []),
        ({"consents": []}, ["no_consent_named"]),
        ({"consents": ["c-9"]}, ["not_given"]),
        ({"consents": ["c-1", "c-9"]}, ["not_given"]),
        ({"to": "school"}, ["recipient"]),
        ({"data_categories": ["social", "health"]}, ["category"]),
        ({"basis": "law", "consents": []}, ["basis_not_stated"]),
        ({"basis": "law", "consents": [], "legal_basis": "retssikkerhedsloven § 11 c"}, []),
        ({"basis": "emergency", "consents": []}, []),
        ({"about": ["child-A"]}, []),
        ({"about": ["parent-B"]}, ["no_consent_of_person"]),
        ({"about": ["child-A"], "consents": ["c-1", "c-9"]}, []),
        ({"about": ["child-A"], "purpose_code": "handover"}, []),
        ({"about": ["child-A"], "data_categories": ["health"]}, ["category"]),
    ],
)
def test_what_a_disclosure_needs(change: dict[str, Any], gaps: list[str]) -> None:
    """Person, recipient, category and purpose; sharing on a stated law is lawful; the other parent's data is not hers."""
    both = covers(case(consent(), disclosure(3, "2025-05-05T10:00+02:00", **change)), 3)
    assert both is not None
    assert [gap.reason for gap in both.by_all_facts.gaps] == gaps


def test_purposes_must_agree_where_both_are_stated() -> None:
    """A consent for one purpose covers no other."""
    told = [
        consent(purpose_code="handover"),
        disclosure(3, "2025-05-05T10:00+02:00", about=["child-A"], purpose_code="research"),
    ]
    both = covers(case(*told), 3)
    assert both is not None
    assert [gap.reason for gap in both.by_all_facts.gaps] == ["recipient_or_purpose"]


def test_a_consent_for_the_unborn_child_counts_after_birth() -> None:
    """The child before and after birth is one person."""
    before = consent(on_behalf_of=["unborn of parent-A"], capacity="expectant_parent")
    born = entry(3, "ChildBorn", "2025-04-01T03:00+02:00", child="child-A", mother="parent-A")
    both = covers(case(before, born, disclosure(4, "2025-05-05T10:00+02:00", about=["child-A"])), 4)
    assert both is not None
    assert both.by_all_facts.answer == "covered"


def test_all_holders_of_custody_must_consent_to_support() -> None:
    """The mother's consent from before birth counts for her; the father's is missing until he gives it."""
    hers = consent(kind="support", scope=["programme:x"])
    custody = entry(
        3, "CustodyRecorded", "2025-04-01T03:00+02:00", child="child-A", holders=["parent-A", "parent-B"], kind="joint"
    )
    at = read_instant("2025-05-01T00:00Z")
    assert holders_consent(case(hers, custody), at).missing == ("parent-B",)
    his = consent(
        4, "2025-04-20T10:00+02:00", consent="c-2", kind="support", given_by="parent-B", valid_from="2025-04-20"
    )
    assert holders_consent(case(hers, custody, his), at).satisfied
    assert holders_consent(case(hers), at).satisfied


def test_joint_consent_names_who_is_missing() -> None:
    """A consent given together with another needs both."""
    at = read_instant("2025-05-01T00:00Z")
    assert missing_joint(case(consent(joint_with="parent-B")), "c-1", at) == ("parent-B",)
    other = consent(3, consent="c-2", given_by="parent-B")
    assert missing_joint(case(consent(joint_with="parent-B"), other), "c-1", at) == ()


@pytest.mark.parametrize(("name", "item"), expectations("consent_status"))
def test_the_stories_consents(name: str, item: dict[str, Any]) -> None:
    """Each story's consents stand as it says."""
    record = known(story_entries(name)).recorded_by(read_instant(item["known_at"]))
    assert consent_status(record, item["consent"], read_instant(item["at"])).plain == item["status"]
