"""Decisions: the gate before one, and what stays to be found afterwards."""

from typing import Any

import pytest

from domain.decision_gate import decision_stops, standing
from domain.decisions import hearing_checks, new_person_check, statuses
from domain.entries import Entry
from domain.inquiry import Inquiry
from domain.known import known
from domain.time import read_instant
from tests.domain.rules import case, entry, rules
from tests.story_entries import expectations, story_entries

AT = "2024-08-26T09:00+02:00"
BEFORE = (
    entry(2, "InvestigationOpened", "2024-04-03T09:00+02:00", aware_since="2024-03-28", subject="child-A"),
    entry(3, "CustodyRecorded", "2024-04-03T09:10+02:00", child="child-A", holders=["parent-A"], kind="sole"),
    entry(
        4,
        "ConsentGiven",
        "2024-04-22T11:00+02:00",
        consent="c-1",
        kind="support",
        given_by="parent-A",
        capacity="custody_holder",
        scope=["x"],
        valid_from="2024-04-22",
    ),
    entry(5, "ChildViewObtained", "2024-08-01T10:00+02:00", method="conversation"),
    entry(6, "VisitHeld", "2024-08-02T10:00+02:00", kind="home_visit"),
    entry(7, "HearingSent", "2024-08-12T10:00+02:00", decision_ref="d-1", party="parent-A", deadline="2024-08-23"),
)
LAWFUL: dict[str, Any] = {
    "decision": "d-1",
    "outcome": "grant",
    "legal_basis": ["barnets lov § 32 stk. 1 nr. 5"],
    "competence_ref": "deleg-1",
    "child_view": 5,
    "complaint_guidance": True,
    "expected_duration": "P6M",
    "facts": [6],
    "hearing": [7],
}


def stops(*further: Entry, at: str = AT, without: tuple[int, ...] = (), **change: Any) -> set[str]:
    """Return the codes of what stands against a decision."""
    before = [one for one in BEFORE if one.version not in without]
    version = 20
    made = entry(
        version, "DecisionMade", at, sealed=["purpose"], **{k: v for k, v in (LAWFUL | change).items() if v is not None}
    )
    found = decision_stops(Inquiry(case(*before, *further, made), rules(), read_instant(at)), version)
    return {stop.finding.code for stop in found}


def test_a_lawful_decision_passes_quietly() -> None:
    """Nothing is missing, nothing is said."""
    assert stops() == set()


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"at": "2024-08-23T23:00+02:00"}, "DECISION_BEFORE_HEARING_EXPIRED"),
        ({"child_view": None}, "CHILD_VIEW_MISSING"),
        ({"without": (5,)}, "CHILD_VIEW_MISSING"),
        ({"competence_ref": None}, "COMPETENCE_MISSING"),
        ({"complaint_guidance": False}, "COMPLAINT_GUIDANCE_MISSING"),
        ({"expected_duration": None}, "PURPOSE_OR_DURATION_MISSING"),
        ({"legal_basis": []}, "LEGAL_BASIS_MISSING"),
        ({"without": (2,)}, "SUPPORT_WITHOUT_INVESTIGATION"),
        ({"without": (4,)}, "SUPPORT_WITHOUT_CONSENT"),
        ({"outcome": "refuse"}, "DECISION_WITHOUT_REASONS"),
    ],
)
def test_each_gate_stops_on_its_own(change: dict[str, Any], code: str) -> None:
    """What is missing is told before, by the name it would have as a finding afterwards."""
    assert code in stops(**change)


def test_the_day_after_the_deadline_is_late_enough_and_a_response_opens_it_before() -> None:
    """On the deadline itself it is too early; an answer to another hearing opens nothing."""
    assert "DECISION_BEFORE_HEARING_EXPIRED" not in stops(at="2024-08-24T00:00+02:00")
    answered = entry(8, "HearingResponseReceived", "2024-08-15T10:00+02:00", decision_ref="d-1", party="parent-A")
    assert "DECISION_BEFORE_HEARING_EXPIRED" not in stops(answered, at="2024-08-16T09:00+02:00")
    other = entry(8, "HearingResponseReceived", "2024-08-15T10:00+02:00", decision_ref="d-2", party="parent-A")
    assert "DECISION_BEFORE_HEARING_EXPIRED" in stops(other, at="2024-08-16T09:00+02:00")
    annulled = entry(9, "EntryAnnulled", "2024-08-15T11:00+02:00", annuls=8)
    assert "DECISION_BEFORE_HEARING_EXPIRED" in stops(answered, annulled, at="2024-08-16T09:00+02:00")


def test_a_fact_recorded_after_the_hearing_was_not_heard() -> None:
    """However early it happened."""
    late = entry(8, "VisitHeld", "2024-05-14T09:30+02:00", recorded="2024-08-19T16:45+02:00", kind="home_visit")
    assert "FACT_NOT_HEARD" in stops(late, facts=[6, 8])


def test_a_party_who_asked_for_time_is_waited_for() -> None:
    """A request as such, or a note of what the party said about the hearing; after an answer it is met."""
    asked = entry(8, "StatementDelayRequested", "2024-08-20T11:30+02:00", decision_ref="d-1", party="parent-A")
    noted = entry(8, "NoteRecorded", "2024-08-20T11:30+02:00", informant="parent-A", channel="phone", relates_to=7)
    assert "STATEMENT_REQUEST_IGNORED" in stops(asked)
    assert "STATEMENT_REQUEST_IGNORED" in stops(noted)
    answered = entry(9, "HearingResponseReceived", "2024-08-22T10:00+02:00", decision_ref="d-1", party="parent-A")
    assert "STATEMENT_REQUEST_IGNORED" not in stops(asked, answered)


def test_pending_access_and_a_changed_basis_stand_against_it() -> None:
    """Party access is answered first; an investigation completed after the hearing is another basis."""
    asked = entry(
        8, "AccessRequestReceived", "2024-08-20T11:30+02:00", kind="party_access", by="parent-A", about="child-A"
    )
    assert "ACCESS_PENDING_AT_DECISION" in stops(asked)
    answered = entry(9, "AccessRequestAnswered", "2024-08-21T11:30+02:00", request=8, outcome="granted")
    assert "ACCESS_PENDING_AT_DECISION" not in stops(asked, answered)
    completed = entry(8, "InvestigationCompleted", "2024-08-20T15:00+02:00", investigation="b-1")
    assert "BASIS_CHANGED_AFTER_HEARING" in stops(completed)


def test_a_party_who_succeeds_in_full_needs_no_guidance() -> None:
    """Nor reasons."""
    assert stops(complaint_guidance=False, fully_favourable=True) == set()


def test_a_reason_lets_pass_what_may_pass() -> None:
    """The window of § 49 and the committee's competence no reason lets pass."""
    due = entry(8, "PregnancyRegistered", "2024-08-01T10:00+02:00", person="parent-A", due_date="2025-01-20")
    told = {key: value for key, value in LAWFUL.items() if key not in ("competence_ref", "child_view")}
    made = entry(9, "DecisionMade", AT, sealed=["purpose"], kind="placement_prebirth", **told)
    found = decision_stops(Inquiry(case(*BEFORE, due, made), rules(), read_instant(AT)), 9)
    codes = {stop.finding.code for stop in found}
    assert {"SECTION_49_TOO_EARLY", "COMPETENCE_MISSING", "CHILD_VIEW_MISSING"} <= codes
    left = standing(found, dict.fromkeys(codes, "Acute."))
    assert {stop.finding.code for stop in left} == {"SECTION_49_TOO_EARLY", "COMPETENCE_MISSING"}


@pytest.mark.parametrize(("name", "item"), expectations("hearing_check"))
def test_the_stories_hearings(name: str, item: dict[str, Any]) -> None:
    """Each story's hearings are answered, or not, as it says."""
    record = known(story_entries(name))
    decision = record.fact(item["decision_step"] + 1)
    assert decision is not None
    (check,) = hearing_checks(record, decision)
    assert (check.ok, check.days_early) == (item["ok"], item.get("days_early"))
    assert check.response == (None if item["response_step"] is None else item["response_step"] + 1)


def test_who_had_any_part_is_not_new() -> None:
    """By what is on record, whatever the reassessment says of itself; roles before the colon do not count."""
    met = entry(2, "MeetingHeld", "2024-01-01T10:00+01:00", type="follow_up", participants=["coordinator:u-29"])
    again = entry(
        3, "NotificationReassessed", "2024-02-01T10:00+01:00", notification=1, new_person="u-29", participants=["u-29"]
    )
    assert new_person_check(case(met, again), again).parts == (2,)
    fresh = entry(
        3, "NotificationReassessed", "2024-02-01T10:00+01:00", notification=1, new_person="u-30", participants=["u-30"]
    )
    assert new_person_check(case(met, fresh), fresh).ok


def test_every_status_of_a_decision_has_its_date() -> None:
    """What replaced it does not hide how its appeal ended."""
    record = known(story_entries("s6_goes_wrong"))
    reached = statuses(record, "dec-6", read_instant("2025-12-31T00:00Z"))
    assert [one.status for one in reached] == ["made", "notified", "notified", "appealed", "remitted", "replaced"]
    assert statuses(record, "dec-6", read_instant("2024-08-21T12:00Z"))[-1].status == "made"
