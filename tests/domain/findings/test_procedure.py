"""The way to a decision and the terms of sharing: each code found where it must be and quiet where it must be."""

from typing import Any

import pytest

from domain.entries import Entry
from domain.findings import procedure, sharing
from domain.findings.catalogue import CHECKS, findings
from domain.inquiry import Inquiry
from domain.time import read_instant
from tests.domain.rules import case, entry, rules

DAY = "2025-03-10T10:00+01:00"
LATER = "2025-03-20T10:00+01:00"
END = "2025-06-01T12:00+02:00"
TEAM = "smaaboernsteam_001"


def decided(version: int, outcome: str = "refuse", law: str = "barnets lov § 32", **data: Any) -> Entry:
    """Return a decision."""
    return entry(version, "DecisionMade", LATER, decision="d-1", outcome=outcome, legal_basis=[law], **data)


def heard(version: int, party: str = "parent-A", happened: str = DAY) -> Entry:
    """Return a hearing of a party about the decision."""
    return entry(version, "HearingSent", happened, decision_ref="d-1", party=party, deadline="2025-03-17")


def custody(version: int, *holders: str) -> Entry:
    """Return who holds custody."""
    return entry(version, "CustodyRecorded", "2025-01-02T10:00+01:00", child="child-A", holders=list(holders), kind="x")


def consented(version: int, **data: Any) -> Entry:
    """Return a consent."""
    terms: dict[str, Any] = {
        "consent": "c-1",
        "kind": "disclosure",
        "given_by": "parent-A",
        "scope": ["daycare"],
        "valid_from": "2025-03-10",
        "valid_to": "2025-09-10",
    }
    return entry(version, "ConsentGiven", DAY, **{k: v for k, v in (terms | data).items() if v is not None})


def sent(version: int, happened: str = DAY, **data: Any) -> Entry:
    """Return a disclosure on a law."""
    terms: dict[str, Any] = {
        "to": "daycare",
        "basis": "law",
        "consents": [],
        "data_categories": ["social"],
        "legal_basis": ["x"],
    }
    return entry(version, "DisclosureMade", happened, **(terms | data))


def note(version: int, kind: str) -> Entry:
    """Return a note of a telephone call."""
    return entry(version, "NoteRecorded", DAY, informant="parent-A", channel="phone", statement_kind=kind)


SCORE = entry(2, "AssessmentRecorded", "2025-03-03T10:00+01:00", instrument="mim", about="child-A", score=4)
PREGNANT = entry(2, "PregnancyRegistered", DAY, person="parent-A", due_date="2025-06-20")
FATHER = "father"

BOTH_WAYS: list[tuple[str, list[Entry], list[Entry]]] = [
    ("HEARING_MISSING", [decided(2)], [heard(2), decided(3)]),
    ("HEARING_MISSING", [custody(2, "parent-A", "parent-B"), heard(3), decided(4, parties=["parent-A", "parent-B"])], [heard(2), heard(3, "parent-B"), decided(4, parties=["parent-A", "parent-B"])]),
    ("HEARING_MISSING", [decided(2, "grant", "barnets lov § 38")], [decided(2, "grant", "barnets lov § 38", hearing_exception="delay_harms_child")]),
    ("HEARING_MISSING", [heard(3, happened="2025-03-21T10:00+01:00"), decided(2)], [decided(2, fully_favourable=True)]),
    ("HEARING_MISSING", [decided(2, "close")], [decided(2, "grant")]),
    ("COMPETENCE_EXPIRED", [decided(2, competence_until="2025-03-19")], [decided(2, competence_until="2025-03-20")]),
    ("PLAN_BEFORE_PLACEMENT_MISSING", [decided(2, "grant", "barnets lov § 47", kind="placement")], [entry(2, "PlanAdopted", DAY, plan="p", version=1), decided(3, "grant", "barnets lov § 47", kind="placement")]),
    ("ALTERNATIVES_NOT_STATED", [decided(2, "grant", "barnets lov § 47", kind="placement")], [decided(2, "grant", "barnets lov § 47", kind="placement", sealed=("alternatives",))]),
    ("INVESTIGATION_NOT_NOTIFIED", [entry(2, "InvestigationOpened", DAY, aware_since="2025-03-01")], [entry(2, "InvestigationOpened", DAY, aware_since="2025-03-01"), decided(3, "open", "barnets lov § 20"), entry(4, "DecisionNotified", LATER, decision="d-1", to="parent-A")]),
    ("INVESTIGATION_WITHOUT_VIEWS", [entry(2, "InvestigationCompleted", DAY, investigation="i")], [entry(2, "InvestigationCompleted", DAY, investigation="i", sealed=("views",))]),
    ("DANGER_WITHOUT_ACTION", [entry(2, "NotificationAcuteAssessed", DAY, danger=True)], [entry(2, "NotificationAcuteAssessed", DAY, danger=True, sealed=("acute_action",))]),
    ("STATEMENT_NOT_ACTED_ON", [note(2, "withdrawal")], [note(2, "withdrawal"), entry(3, "ConsentWithdrawn", "2025-03-10T09:00+01:00", consent="c-1", withdrawn_by="parent-A", channel="phone")]),
    ("STATEMENT_NOT_ACTED_ON", [note(2, "complaint"), entry(3, "ComplaintReceived", "2025-03-09T09:00+01:00", decision="d-1", channel="x")], [note(2, "information")]),
    ("NOTIFIED_WITHOUT_GUIDANCE", [entry(2, "DecisionNotified", DAY, decision="d-1", to="parent-A")], [entry(2, "DecisionNotified", DAY, decision="d-1", to="parent-A", complaint_guidance=True)]),
    ("CONSENT_WITHOUT_END", [consented(2, valid_to=None)], [consented(2)]),
    ("CONSENT_OVER_ONE_YEAR", [consented(2, legal_basis="sundhedsloven § 43", valid_to="2026-03-11")], [consented(2, legal_basis="sundhedsloven § 43", valid_to="2026-03-10")]),
    ("CORRECTION_NOT_TOLD", [SCORE, sent(3), entry(4, "EntryCorrected", LATER, corrects=2, field="score", old=4, new=3)], [SCORE, sent(3), entry(4, "EntryCorrected", LATER, corrects=2, field="score", old=4, new=3, told=["daycare"])]),
    ("CORRECTION_NOT_TOLD", [SCORE, sent(3, about=["child-A"]), entry(4, "EntryCorrected", LATER, corrects=2, field="score", old=4, new=3)], [SCORE, sent(3, about=["parent-B"]), entry(4, "EntryCorrected", LATER, corrects=2, field="score", old=4, new=3)]),
    ("CORRECTION_NOT_TOLD", [SCORE, sent(3), entry(4, "EntryCorrected", LATER, corrects=2, field="score", old=4, new=3)], [SCORE, entry(3, "EntryCorrected", DAY, corrects=2, field="score", old=4, new=3), sent(4, LATER)]),
    ("RECIPIENT_PERSON_NOT_NAMED", [sent(2, channel="phone")], [sent(2, channel="phone", recipient_person="head of daycare")]),
    ("RECIPIENT_PERSON_NOT_NAMED", [sent(2, channel="meeting")], [sent(2, channel="digital_post")]),
]  # fmt: skip


def codes(*entries: Entry) -> set[str]:
    """Return the codes found in a case some months later."""
    return {one.code for one in findings(Inquiry(case(*entries), rules(), read_instant(END)))}


@pytest.mark.parametrize(
    ("code", "wrong", "right"), BOTH_WAYS, ids=[f"{n}-{row[0]}" for n, row in enumerate(BOTH_WAYS)]
)
def test_a_code_is_found_and_is_quiet(code: str, wrong: list[Entry], right: list[Entry]) -> None:
    """The same case with the one thing put right is without the finding."""
    assert code in codes(*wrong)
    assert code not in codes(*right)


def expecting(at: str, *entries: Entry, role: str = FATHER) -> set[str]:
    """Return the codes at an instant in a case with a mother and one other person."""
    known = case(PREGNANT, consented(3, kind="support"), *entries)
    opened = known.entries[0]
    persons = [{"ref": "parent-A", "role": "mother"}, {"ref": "parent-B", "role": role}]
    object.__setattr__(opened, "data", {**opened.data, "persons": persons})
    return {one.code for one in findings(Inquiry(known, rules(), read_instant(at)))}


def test_the_second_holder_is_asked_before_birth() -> None:
    """From four weeks before the due date, until consent or birth; a sister is no holder."""
    near, early = "2025-05-23T12:00+02:00", "2025-05-22T12:00+02:00"
    assert "SECOND_HOLDER_EXPECTED" in expecting(near)
    assert "SECOND_HOLDER_EXPECTED" not in expecting(early)
    assert "SECOND_HOLDER_EXPECTED" not in expecting(near, role="sister")
    assert "SECOND_HOLDER_EXPECTED" not in expecting(
        near, consented(4, consent="c-2", kind="support", given_by="parent-B")
    )
    born = entry(4, "ChildBorn", "2025-05-20T04:00+02:00", child="child-A", mother="parent-A")
    assert "SECOND_HOLDER_EXPECTED" not in expecting(near, born)


def test_every_code_of_these_rooms_has_both_answers() -> None:
    """No check without an example that fires and one that is quiet."""
    shown = {row[0] for row in BOTH_WAYS} | {"SECOND_HOLDER_EXPECTED"}
    assert shown == {check.code for check in (*procedure.CHECKS, *sharing.CHECKS)}
    assert shown <= CHECKS.keys()


def test_support_that_ran_without_a_holder_stays_a_finding() -> None:
    """Consent given later ends the lack; that support ran without it stays true."""
    before = (
        consented(2, kind="support", valid_from="2025-01-01", valid_to=None),
        entry(3, "InterventionStarted", "2025-03-11T10:00+01:00", enrolment="e-1"),
        entry(4, "CustodyRecorded", "2025-03-15T10:00+01:00", child="child-A", holders=["parent-A", "parent-B"]),
    )
    terms: dict[str, Any] = {
        "consent": "c-2",
        "kind": "support",
        "given_by": "parent-B",
        "scope": ["x"],
        "valid_from": "2025-03-20",
    }
    given = entry(5, "ConsentGiven", LATER, **terms)
    for entries, still, word in ((before, "yes", "ja"), ((*before, given), "no", "nej")):
        found = findings(Inquiry(case(*entries), rules(), read_instant(END)))
        (one,) = [item for item in found if item.code == "CONSENT_SECOND_CUSTODY_HOLDER_MISSING"]
        assert one.detail == {"missing": "parent-B", "still": still}
        assert word in CHECKS[one.code].explain(one)


def test_support_that_waited_for_the_second_holder_is_no_finding() -> None:
    """Both had consented when it began."""
    custody_of_both = custody(2, "parent-A", "parent-B")
    mother = consented(3, kind="support", valid_to=None)
    father = consented(4, consent="c-2", kind="support", given_by="parent-B", valid_to=None)
    began = entry(5, "InterventionStarted", LATER, enrolment="e-1")
    assert "CONSENT_SECOND_CUSTODY_HOLDER_MISSING" not in codes(custody_of_both, mother, father, began)
