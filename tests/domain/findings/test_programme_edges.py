"""Findings about the programmes where the record says little, or says it in another way than usual."""

from typing import Any

import pytest

from domain.entries import Entry
from domain.findings.catalogue import findings
from tests.domain.findings.given import (
    DAY,
    EARLY,
    END,
    INFANTS,
    LAST,
    LATER,
    PACKAGES,
    TEAM,
    admitted,
    assessed,
    born,
    closed,
    codes,
    consented,
    followed_up,
    held,
    ordered,
    package,
    recommended,
    started,
    visited,
)
from tests.domain.rules import entry, inquiry

STATUS = ["social_worker:u-1", "coordinator:u-3", "primary_contact:u-4"]


@pytest.mark.parametrize(
    ("participants", "found"),
    [
        ([*STATUS, "parent-A"], False),
        ([*STATUS, "family"], False),
        (STATUS, True),
        (["u-1", "u-3"], True),
        (["u-1", "u-3", "parent-A"], False),
        ([*STATUS[:2], "parent-A"], True),
        ([], False),
    ],
)
def test_who_is_missing_at_a_status_meeting(participants: list[str], found: bool) -> None:
    """The family is always missed; a role only where everyone stands with one; nobody where nobody is named."""
    meeting = held(2, "status_relay_log", participants=participants)
    assert ("MEETING_WITHOUT_PARTICIPANTS" in codes([meeting], PACKAGES)) == found


def test_a_second_pregnancy_has_a_package_of_its_own() -> None:
    """The pregnancy package ends with birth, unless another child is expected."""
    again = entry(3, "PregnancyRegistered", "2025-03-01T10:00+01:00", person="parent-A", due_date="2025-09-01")
    start = package(4, kind="pregnancy", period=None)
    assert "PACKAGE_OUTSIDE_AGE" in codes([born(), start], PACKAGES)
    assert "PACKAGE_OUTSIDE_AGE" not in codes([born(), again, start], PACKAGES)


def test_the_age_of_an_older_child_is_not_the_next_ones() -> None:
    """A family that expects a child is in the target group, however old the first one is."""
    old = born(happened="2020-01-01T04:00+01:00")
    expected = entry(3, "PregnancyRegistered", "2025-01-10T10:00+01:00", person="parent-A", due_date="2025-06-01")
    assert "TARGET_AGE_EXCEEDED" in codes([old, started(4)], EARLY)
    assert "TARGET_AGE_EXCEEDED" not in codes([old, expected, started(4)], EARLY)


@pytest.mark.parametrize(("instrument", "found"), [("mim", True), ("adbb", False)])
def test_a_video_kept_with_an_assessment_needs_its_consent(instrument: str, found: bool) -> None:
    """Only instruments that work on video have video as their media."""
    kept = assessed(2, instrument, media_hash="0" * 64)
    assert ("VIDEO_WITHOUT_CONSENT" in codes([kept], PACKAGES)) == found


def test_a_consent_for_the_network_covers_its_presence() -> None:
    """Given before the meeting, with the network in its scope."""
    meeting = held(3, "external_sos", participants=["network", "u-1"])
    consent = consented(2, "disclosure", scope=["network"])
    assert "NETWORK_WITHOUT_PARENTS" in codes([meeting], PACKAGES)
    assert "NETWORK_WITHOUT_PARENTS" not in codes([consent, meeting], PACKAGES)


def test_a_rise_may_name_the_attention_it_answers() -> None:
    """Also where the attention came before the level that was raised."""
    attention = entry(2, "AttentionRaised", "2025-03-01T10:00+01:00", about="child-A", severity="x")
    low = entry(3, "SupportLevelSet", DAY, enrolment="e-1", hours_per_week=8)
    high: dict[str, Any] = {"enrolment": "e-1", "hours_per_week": 12}
    assert "HOURS_ROSE" in codes([attention, low, entry(4, "SupportLevelSet", LATER, **high)], EARLY)
    assert "HOURS_ROSE" not in codes([attention, low, entry(4, "SupportLevelSet", LATER, **high, attention=2)], EARLY)


def test_one_child_without_progress_is_enough() -> None:
    """Development is documented for the family and each of its children."""
    told = followed_up(4, progress_by_child={"child-A": "sufficient", "child-B": "insufficient"})
    given = [born(), born(3, child="child-B"), told, visited(5, LATER)]
    assert "PROGRESS_NOT_DOCUMENTED" in codes(given, EARLY)


def test_a_consultant_given_the_case_belongs_to_the_team() -> None:
    """A change of the team that is on record is no stranger at the door."""
    given = [started(2, team=["family_consultant:u-4"]), visited(4, LATER, role="family_consultant", staff="u-8")]
    handed = entry(3, "CaseAllocated", DAY, to="u-8", for_role="family_consultant")
    assert "TEAM_NOT_FIXED" in codes(given, EARLY)
    assert "TEAM_NOT_FIXED" not in codes([given[0], handed, given[1]], EARLY)


def test_a_second_course_asks_for_its_own_start_up_meeting() -> None:
    """What was held before the closing belongs to the first one."""
    first = [held(2, "startup", "2025-02-01T10:00+01:00"), started(3), closed(4)]
    again = started(5, LAST)
    found = [
        one.entry
        for one in findings(inquiry(*first, again, at=END, programme=PACKAGES))
        if one.code == "STARTUP_MEETING_MISSING"
    ]
    assert found == [5]


def test_the_examination_of_an_earlier_order_counts_for_the_next_admission() -> None:
    """Ordered at any time it is there."""
    made = assessed(2, "parental_competence_investigation", "2024-03-01T10:00+01:00", about="parent-A")
    assert "COMPETENCE_EXAMINATION_MISSING" not in codes([made, admitted(3, target_group=1)], INFANTS)


@pytest.mark.parametrize(("flagged", "late"), [("2024-12-31T09:00+01:00", True), ("2025-01-01T09:00+01:00", False)])
def test_only_what_was_foreseen_before_birth_had_to_be_examined_before_it(flagged: str, late: bool) -> None:
    """A need that showed itself after the birth calls for an examination, but for no earlier one."""
    foreseen = recommended(2, flagged, PACKAGES, measures_at_birth=True)
    given = [foreseen, born(3), ordered(4)]
    assert ("COMPETENCE_EXAMINATION_AFTER_BIRTH" in codes(given, PACKAGES)) == late


@pytest.mark.parametrize(("participants", "found"), [(["u-1", "u-2"], False), (["coordinator:u-1"], True), ([], True)])
def test_who_is_missing_at_meeting_1(participants: list[str], found: bool) -> None:
    """Staff named without roles may be the right ones."""
    meeting = held(2, "meeting_1_professional", participants=participants)
    assert ("MEETING_1_INCOMPLETE" in codes([meeting], TEAM)) == found


def test_a_pregnancy_that_ended_is_expected_no_more() -> None:
    """The older child is then the youngest again."""
    old = born(happened="2020-01-01T04:00+01:00")
    expected = entry(3, "PregnancyRegistered", "2025-01-10T10:00+01:00", person="parent-A", due_date="2025-06-01")
    ended = entry(4, "PregnancyEnded", "2025-01-20T10:00+01:00", person="parent-A", kind="miscarriage")
    assert "TARGET_AGE_EXCEEDED" in codes([old, expected, ended, started(5)], EARLY)


def test_an_annulled_visit_is_no_visit() -> None:
    """What is taken back counts for nothing, here as everywhere."""
    visit = visited(3, "2025-03-11T10:00+01:00")
    meeting = held(2, "discharge", decisions={"visits_first_days": 1})
    taken_back = entry(4, "EntryAnnulled", LATER, annuls=3)
    assert "FIRST_VISITS_BELOW_PLAN" not in codes([meeting, visit], TEAM)
    assert "FIRST_VISITS_BELOW_PLAN" in codes([meeting, visit, taken_back], TEAM)


def test_a_correction_takes_a_finding_back() -> None:
    """Once the record says that the parents were invited, nobody asks again."""
    meeting = held(2, "meeting_2_with_parents")
    corrected = entry(3, "EntryCorrected", LATER, corrects=2, field="parents_invited", old=None, new=True)
    assert "PARENTS_NOT_INVITED" in codes([meeting], TEAM)
    assert "PARENTS_NOT_INVITED" not in codes([meeting, corrected], TEAM)


def test_no_duty_is_asked_about_a_child_that_died() -> None:
    """Where no child is left or expected, an open duty is nobody's failure."""
    given = [born(), admitted(3, target_group=1), started(4, LATER)]
    death = entry(5, "DeathRecorded", "2025-03-25T10:00+01:00", person="child-A", died_on="2025-03-25")

    def open_duties(*entries: Entry) -> bool:
        return "DUTY_OPEN_AT_CLOSING" in codes([*given, *entries], INFANTS)

    assert open_duties(closed(6, LAST))
    assert not open_duties(death, closed(6, LAST))


def test_a_second_start_begins_no_second_course() -> None:
    """Until the closing it is the first one that runs."""
    given = [started(2), started(3, DAY), closed(4, LATER)]
    asked = inquiry(*given, at=END, programme=INFANTS)
    assert {one.entry for one in findings(asked) if one.code == "WEEKLY_NOTE_MISSING"} == {2}


@pytest.mark.parametrize("at", ["0001-02-01T00:00Z", "9999-12-30T00:00Z"])
@pytest.mark.parametrize("programme", [INFANTS, TEAM, PACKAGES, EARLY])
def test_a_year_typed_wrong_is_answered(programme: str, at: str) -> None:
    """Neither a start in the year 1 nor a question about the year 9999 stops the answer, or makes it endless."""
    early = "0001-01-20T10:00+01:00"
    given = [
        born(2, early),
        started(3, early, team=["family_consultant:u-1"]),
        visited(4, early),
        package(5, early),
        held(6, "startup", early),
        held(7, "external_sos", early),
        held(8, "discharge", early, decisions={"visits_first_days": 9}),
    ]
    assert len(findings(inquiry(*given, at=at, programme=programme))) < 1000
