"""Decisions sent for approval: how each submission stands, who may answer it, and that nobody answers their own."""

from typing import Any

import pytest

from domain.approvals import Submission, submission, submissions, terms_of
from domain.case_file import CaseFile
from domain.entries import Entry
from domain.errors import Malformed
from domain.events.correction import EntryCorrected
from domain.findings.approvals import CHECKS as OURS
from domain.inquiry import Inquiry
from domain.recording import record_facts
from domain.time import read_instant
from tests.domain.rules import CASE, case, entry, opened, rules

DAY, LATER = "2025-03-10T10:00+01:00", "2025-03-11T10:00+01:00"
TERMS: dict[str, Any] = {"decision": "d-1", "outcome": "grant", "legal_basis": "barnets lov § 32"}


def sent(version: int = 2, staff: str = "u-25", **data: Any) -> Entry:
    """Return a decision sent for approval."""
    return entry(version, "DecisionSubmitted", DAY, staff=staff, **(TERMS | {"approver": "u-12"} | data))


def answered(event: str, version: int = 3, submission: int = 2, staff: str = "u-12") -> Entry:
    """Return an answer to a submission."""
    return entry(version, event, LATER, staff=staff, submission=submission)


def annulled(version: int, annuls: int) -> Entry:
    """Return that an entry never was."""
    return entry(version, "EntryAnnulled", LATER, annuls=annuls, reason="Fejl.")


@pytest.mark.parametrize(
    ("entries", "states"),
    [
        ([sent()], ["waiting"]),
        ([sent(), answered("DecisionApproved")], ["approved"]),
        ([sent(), answered("DecisionReturned")], ["returned"]),
        ([sent(), answered("SubmissionWithdrawn", staff="u-25")], ["withdrawn"]),
        ([sent(), answered("DecisionReturned"), answered("DecisionApproved", 4)], ["returned"]),
        ([sent(), answered("DecisionReturned"), annulled(4, 3)], ["waiting"]),
        ([sent(), annulled(3, 2)], []),
        ([sent(), answered("DecisionReturned"), sent(4), answered("DecisionApproved", 5, 4)], ["returned", "approved"]),
    ],
)
def test_how_submissions_stand(entries: list[Entry], states: list[str]) -> None:
    """The first answer in force counts; a changed submission is another one."""
    assert [one.state for one in submissions([opened(), *entries])] == states


@pytest.mark.parametrize(
    ("data", "staff", "role", "asks"),
    [
        ({}, "u-12", "team_leader", True),
        ({}, "u-13", "social_worker", False),
        ({}, "u-25", "social_worker", False),
        ({"approver": "u-25"}, "u-25", "social_worker", False),
        ({"prepared_by": "u-12"}, "u-12", "social_worker", False),
        ({"approver": None, "approver_role": "team_leader"}, "u-13", "team_leader", True),
        ({"approver": None, "approver_role": "team_leader"}, "u-25", "team_leader", False),
    ],
)
def test_who_is_asked(data: dict[str, Any], staff: str, role: str, asks: bool) -> None:
    """Whoever was named or acts in the role; who leads is asked beside them, who prepared or sent it never."""
    one = Submission(sent(**data))
    assert one.asks(staff, role, leads=False) is asks
    assert one.asks(staff, role, leads=True) is (staff not in one.own)


def test_what_is_approved_is_what_was_sent() -> None:
    """All terms but what bound the submission to the ledger; it was prepared on the entry named, else the one before."""
    one = sent(5, prepared_on=4, log_position=9, seen=8, competence_ref="deleg-1")
    assert terms_of(one) == TERMS | {"competence_ref": "deleg-1"}
    assert (Submission(one).prepared_on, Submission(sent(5)).prepared_on) == (4, 4)
    assert submission([opened(), one], 5) == Submission(one)
    assert submission([opened(), one], 1) is None


@pytest.mark.parametrize("field", ["outcome", "approver", "grounds"])
def test_a_submission_stays_as_it_was_sent(field: str) -> None:
    """What was approved cannot be changed by a correction afterwards."""
    file = CaseFile(CASE, (opened(), sent()))
    with pytest.raises(Malformed, match="stays as recorded"):
        record_facts(file, [EntryCorrected(corrects=2, field=field, new="x", reason="Fejl.")])


@pytest.mark.parametrize(
    ("entries", "found"),
    [
        ([sent(), answered("DecisionApproved")], set[tuple[str, int]]()),
        ([sent(), answered("DecisionApproved", staff="u-25")], {("SELF_APPROVED", 3)}),
        ([sent(prepared_by="u-12"), answered("DecisionApproved")], {("SELF_APPROVED", 3)}),
        ([entry(2, "DecisionMade", DAY, **TERMS, prepared_by="u-25", approved_by="u-25")], {("SELF_APPROVED", 2)}),
        ([entry(2, "DecisionMade", DAY, **TERMS, prepared_by="u-25", approved_by="u-12")], set[tuple[str, int]]()),
    ],
)
def test_self_approval_is_a_fact_and_found(entries: list[Entry], found: set[tuple[str, int]]) -> None:
    """Taken over from elsewhere it is recorded like anything that happened."""
    inquiry = Inquiry(case(*entries), rules(), read_instant("2025-12-01T00:00+01:00"))
    assert {(one.code, one.entry) for check in OURS for one in check.find(inquiry)} == found
