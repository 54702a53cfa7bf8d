"""The yearly review's questions: yes only with entries behind it, no where a clock or a check says so, else not stated."""

from typing import Any

import pytest

from domain.barometer import FINDINGS, NOT_STATED, QUESTIONS, RULES, Answer, answers, standing_answers
from domain.entries import Entry
from domain.findings.catalogue import CHECKS
from domain.time import read_instant
from tests.domain.rules import entry, inquiry, rules

NOW = "2025-06-01T12:00+02:00"


def said(code: str, *entries: Entry, at: str = NOW) -> Answer:
    """Return the answer to one question, with the clock showing an instant."""
    asked = inquiry(*entries, at=at)
    return answers(asked, asked.at)[code]


def received(version: int, at: str) -> Entry:
    """Return a notification."""
    data: dict[str, Any] = {
        "notifier_kind": "private",
        "identity_known": True,
        "channel": "phone",
        "about": ["child-A"],
    }
    return entry(version, "NotificationReceived", at, received_at=at, **data)


def decided(version: int, at: str, **changes: Any) -> Entry:
    """Return a decision on support."""
    data: dict[str, Any] = {
        "decision": f"dec-{version}",
        "outcome": "grant",
        "legal_basis": ["barnets lov § 32 stk. 1 nr. 5"],
    }
    return entry(version, "DecisionMade", at, **(data | changes))


def viewed(version: int, at: str) -> Entry:
    """Return that the child's view was obtained."""
    return entry(version, "ChildViewObtained", at, method="observation", child="child-A")


def started(version: int, at: str) -> Entry:
    """Return the beginning of support."""
    return entry(version, "InterventionStarted", at, enrolment="enr-1")


def followed(version: int, at: str) -> Entry:
    """Return a follow-up by the statute."""
    return entry(version, "FollowUpHeld", at, kind="statutory", participants=["u-1"], progress="improved")


def test_every_rule_and_check_behind_an_answer_is_there() -> None:
    """No question rests on a rule or a check that was renamed."""
    assert set(CHECKS) >= FINDINGS
    assert rules().every_id() >= RULES


def test_nothing_on_record_states_nothing() -> None:
    """An opened case answers no question."""
    asked = inquiry(at=NOW)
    assert set(answers(asked, asked.at).values()) == {NOT_STATED}
    assert list(answers(asked, asked.at)) == list(QUESTIONS)


def test_a_notification_is_assessed_in_time_or_late() -> None:
    """Yes with both entries; no from the moment the 24 hours are over; before that not stated."""
    came = received(2, "2025-03-03T09:00+01:00")
    early = entry(3, "NotificationAcuteAssessed", "2025-03-04T08:00+01:00", notification=2, danger=False)
    late = entry(3, "NotificationAcuteAssessed", "2025-03-04T09:00:01+01:00", notification=2, danger=False)
    assert said("notifications_assessed", came, early) == Answer("yes", (2, 3))
    assert said("notifications_assessed", came, late) == Answer("no", (2, 3))
    assert said("notifications_assessed", came, at="2025-03-04T09:00+01:00") == NOT_STATED
    assert said("notifications_assessed", came, at="2025-03-04T09:00:01+01:00") == Answer("no", (2,))


def test_one_broken_clock_outweighs_the_kept_ones() -> None:
    """Of two notifications one was assessed late: the answer is no, with that one."""
    entries = [
        received(2, "2025-03-03T09:00+01:00"),
        entry(3, "NotificationAcuteAssessed", "2025-03-03T10:00+01:00", notification=2, danger=False),
        received(4, "2025-04-01T09:00+02:00"),
        entry(5, "NotificationAcuteAssessed", "2025-04-04T10:00+02:00", notification=4, danger=False),
    ]
    assert said("notifications_assessed", *entries) == Answer("no", (4, 5))


def test_an_investigation_is_made_and_completed_in_time() -> None:
    """Four months from when the municipality became aware; a screening that asks for one and gets none is a no."""
    came = received(2, "2025-01-06T09:00+01:00")
    opening = entry(3, "InvestigationOpened", "2025-01-10", investigation="i-1", aware_since="2025-01-06",
                    legal_basis=["barnets lov § 20"], subject=["child-A"])  # fmt: skip
    done = entry(4, "InvestigationCompleted", "2025-05-06", investigation="i-1")
    late = entry(4, "InvestigationCompleted", "2025-05-07", investigation="i-1")
    assert said("investigation_made", came, opening, done) == Answer("yes", (3, 4))
    assert said("investigation_in_time", came, opening, done) == Answer("yes", (2, 4))
    assert said("investigation_in_time", came, opening, late) == Answer("no", (2, 4))
    screened = entry(3, "ScreeningRecorded", "2025-01-10", outcome="investigation", notification=2)
    assert said("investigation_made", came, screened) == Answer("no", (3,))
    assert said("investigation_made", decided(2, "2025-02-01")) == Answer("no", (2,))


def test_the_child_was_involved_before_the_decision() -> None:
    """Yes with the decision and the view it names; one decision without is a no."""
    view = viewed(2, "2025-01-10")
    assert said("child_involved", view, decided(3, "2025-02-01", child_view=2)) == Answer("yes", (2, 3))
    assert said("child_involved", view, decided(3, "2025-02-01")) == Answer("no", (3,))
    assert said("child_involved", decided(2, "2025-01-01", child_view=3), viewed(3, "2025-02-01")) == Answer("no", (2,))


def test_the_parties_were_heard() -> None:
    """A decision before the hearing was over is a no; against a party without a hearing too."""
    sent = entry(2, "HearingSent", "2025-01-10", decision_ref="dec-3", party="parent-A", deadline="2025-01-24")
    assert said("hearing_before_decision", sent, decided(3, "2025-01-27", hearing=[2])) == Answer("yes", (2, 3))
    assert said("hearing_before_decision", sent, decided(3, "2025-01-20", hearing=[2])) == Answer("no", (2, 3))
    assert said("hearing_before_decision", decided(2, "2025-01-20", outcome="refuse")) == Answer("no", (2,))
    assert said("hearing_before_decision", decided(2, "2025-01-20")) == NOT_STATED


def test_support_rests_on_consent_or_on_a_basis_without_it() -> None:
    """Yes with the consent or the decision that names the section; without either no."""
    custody = entry(2, "CustodyRecorded", "2025-01-01", child="child-A", holders=["parent-A"], kind="sole")
    consent = entry(3, "ConsentGiven", "2025-01-10", consent="c-1", kind="support", given_by="parent-A",
                    capacity="custody_holder", scope=["support"], valid_from="2025-01-10")  # fmt: skip
    assert said("consent_or_basis", custody, consent, decided(4, "2025-02-01")) == Answer("yes", (3, 4))
    assert said("consent_or_basis", custody, decided(3, "2025-02-01")) == Answer("no", (3,))
    forced = decided(3, "2025-02-01", legal_basis=["barnets lov § 38"])
    assert said("consent_or_basis", custody, forced) == Answer("yes", (3,))


def test_there_is_a_plan() -> None:
    """In time, or a no from the day after; a plan that no decision asked for is a plan too."""
    wanted = decided(2, "2025-01-15", plan_needed=True)
    plan = entry(3, "PlanAdopted", "2025-04-15", plan="p-1", version=1)
    assert said("plan", wanted, plan) == Answer("yes", (2, 3))
    assert said("plan", wanted, at="2025-04-15T23:59:59+02:00") == NOT_STATED
    assert said("plan", wanted, at="2025-04-16T00:00+02:00") == Answer("no", (2,))
    assert said("plan", entry(2, "PlanAdopted", "2025-04-15", plan="p-1", version=1)) == Answer("yes", (2,))


def test_support_is_followed_up() -> None:
    """First within three months of its start, then at most six months apart, also by time alone."""
    begun = started(2, "2025-01-06")
    assert said("follow_up_three_months", begun, followed(3, "2025-04-06")) == Answer("yes", (2, 3))
    assert said("follow_up_three_months", begun, followed(3, "2025-04-07")) == Answer("no", (2, 3))
    first, second = followed(3, "2024-03-01"), followed(4, "2024-09-01")
    begun = started(2, "2024-01-06")
    assert said("follow_up_six_months", begun, first, at="2024-09-01T12:00+02:00") == NOT_STATED
    assert said("follow_up_six_months", begun, first, second, at="2024-09-01T12:00+02:00") == Answer("yes", (3, 4))
    assert said("follow_up_six_months", begun, first, followed(4, "2024-09-02")) == Answer("no", (3, 4))
    assert said("follow_up_six_months", begun, first, at="2024-09-02T00:00+02:00") == Answer("no", (3,))
    closed = entry(5, "EnrolmentClosed", "2024-12-01", enrolment="enr-1", reason="goals_met", next_measure="none")
    assert said("follow_up_six_months", begun, first, second, closed) == Answer("yes", (3, 4, 5))


@pytest.mark.parametrize("code", QUESTIONS)
def test_a_yes_or_no_has_entries_behind_it_at_every_instant(code: str) -> None:
    """Whatever time brings, and what is worked out ahead is what is answered when it comes."""
    entries = [
        received(2, "2025-01-06T09:00+01:00"),
        viewed(3, "2025-01-10"),
        decided(4, "2025-01-15", plan_needed=True, child_view=3),
        started(5, "2025-01-20"),
        followed(6, "2025-02-20"),
    ]
    course = standing_answers(inquiry(*entries, at="2025-02-20T12:00+01:00"))[code]
    instants = [read_instant("2025-02-20T12:00+01:00"), *(instant for instant, _ in course.steps)]
    for at in (one for one in instants if one >= instants[0]):
        ahead = [course.first, *(then for instant, then in course.steps if instant <= at)][-1]
        asked = inquiry(*entries, at=at.isoformat())
        assert ahead == answers(asked, at)[code]
        assert (ahead.answer == "not_stated") == (not ahead.entries)
