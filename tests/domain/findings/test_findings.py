"""Findings: each code found where it must be and quiet where it must be, in words, with its life."""

import os
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from domain.entries import Entry
from domain.findings.catalogue import CHECKS, catalogue_markdown, findings, level_of
from domain.findings.handling import lives, unhandled
from domain.inquiry import Inquiry
from domain.known import known
from domain.rules import Rules
from domain.time import read_instant
from tests.domain.findings.given import (
    DAY,
    END,
    INFANTS,
    LATER,
    PACKAGES,
    TEAM,
    adbb,
    born,
    codes,
    held,
    started,
)
from tests.domain.rules import case, entry, rules
from tests.story_entries import NAMES, expectations, story_entries

CATALOGUE = Path(__file__).parents[3] / "docs" / "findings.md"
BOTH_WAYS: list[tuple[str, str, list[Entry], list[Entry]]] = [
    ("LATE_RECORDING", TEAM, [entry(2, "NoteRecorded", DAY, recorded="2025-03-12T10:00+01:00", informant="x", channel="y")], [entry(2, "NoteRecorded", DAY, recorded="2025-03-12T09:59+01:00", informant="x", channel="y")]),
    ("REPEATED_NOTIFICATIONS", TEAM, [entry(n, "NotificationReceived", f"2025-0{n}-10T10:00+01:00", identity_known=True, about="child-A") for n in (2, 3, 4)], [entry(n, "NotificationReceived", f"2025-0{n}-10T10:00+01:00", identity_known=True, about="child-A") for n in (2, 3)]),
    ("INCOMING_MATERIAL_NOT_READ", TEAM, [entry(2, "CaseReceived", DAY, from_municipality="x")], [entry(2, "CaseReceived", DAY, from_municipality="x"), entry(3, "IncomingMaterialAssessed", LATER, material=2, result="read")]),
    ("DOCUMENT_BYTES_MISSING", TEAM, [entry(2, "DocumentFiled", DAY, document="d", version=1), entry(3, "DocumentChecked", LATER, document="d", version=1, present=False, matches=False)], [entry(2, "DocumentFiled", DAY, document="d", version=1), entry(3, "DocumentChecked", LATER, document="d", version=1, present=True, matches=True)]),
    ("DOCUMENT_BYTES_CHANGED", TEAM, [entry(2, "DocumentFiled", DAY, document="d", version=1), entry(3, "DocumentChecked", LATER, document="d", version=1, present=True, matches=False)], [entry(2, "DocumentFiled", DAY, document="d", version=1)]),
    ("HASH_WITHOUT_DOCUMENT", TEAM, [entry(2, "DecisionNotified", DAY, decision="d", to="parent-A", letter_hash="ab" * 32)], [entry(2, "DecisionNotified", DAY, decision="d", to="parent-A", letter_hash="ab" * 32), entry(3, "DocumentFiled", DAY, document="d", version=1, for_entry=2)]),
    ("WRONG_PERSON_NOT_ASSESSED", TEAM, [adbb(2, DAY), entry(3, "EntryAnnulled", LATER, annuls=2, kind="wrong_person")], [adbb(2, DAY), entry(3, "EntryAnnulled", LATER, annuls=2, kind="mistake")]),
    ("HANDOVER_NOT_ACCEPTED", TEAM, [entry(2, "CaseAllocated", DAY, to="u-2", for_role="x", from_staff="u-1")], [entry(2, "CaseAllocated", DAY, to="u-2", for_role="x", from_staff="u-1"), entry(3, "HandoverAccepted", LATER, allocation=2, summary_read=True)]),
    ("NEW_MUNICIPALITY_NOT_TOLD", TEAM, [entry(2, "FamilyMoved", DAY, to_municipality="x", moved_on="2025-03-10")], [entry(2, "FamilyMoved", DAY, to_municipality="x", moved_on="2025-03-10"), entry(3, "TransferPackageSent", LATER, to_municipality="x")]),
    ("SENT_TO_NO_PARTY", TEAM, [entry(2, "PartyRecorded", DAY, person="parent-B", status="orientation_only"), entry(3, "DecisionNotified", LATER, decision="d", to="parent-B")], [entry(2, "PartyRecorded", DAY, person="parent-B", status="party"), entry(3, "DecisionNotified", LATER, decision="d", to="parent-B")]),
    ("SENT_AFTER_DEATH", TEAM, [entry(2, "DeathRecorded", DAY, person="parent-B", died_on="2025-03-09"), entry(3, "DecisionNotified", LATER, decision="d", to="parent-B")], [entry(2, "DeathRecorded", LATER, person="parent-B", died_on="2025-03-09"), entry(3, "DecisionNotified", DAY, decision="d", to="parent-B")]),
    ("CUSTODY_UNKNOWN", TEAM, [born(), started()], [born(), started(), entry(4, "CustodyRecorded", DAY, child="child-A", holders=["parent-A"], kind="sole")]),
    ("MEETING_WITHOUT_CONSENT", TEAM, [held(2, "meeting_1_professional")], [held(2, "meeting_2_with_parents", parents_present=True)]),
    ("MINUTES_NOT_FILED", TEAM, [held(2, "follow_up"), entry(3, "MinutesDistributed", LATER, meeting=2, recipients=["x"], channel="picture", basis="consent", filed=False)], [held(2, "follow_up"), entry(3, "MinutesDistributed", LATER, meeting=2, recipients=["x"], channel="picture", basis="consent", filed=True)]),
    ("SUPERVISION_IDENTIFIABLE", TEAM, [entry(2, "SupervisionHeld", DAY, supervisor_organisation="x", external=True, anonymised=False)], [entry(2, "SupervisionHeld", DAY, supervisor_organisation="x", external=True, anonymised=True)]),
    ("CONSULTATION_IDENTIFIABLE", PACKAGES, [entry(2, "ConsultationGiven", DAY, recipient="x", anonymous=False)], [entry(2, "ConsultationGiven", DAY, recipient="x", anonymous=True)]),
    ("DISCLOSURE_BASIS_NOT_STATED", TEAM, [entry(2, "DisclosureMade", DAY, to="x", basis="law", consents=[], data_categories=["social"])], [entry(2, "DisclosureMade", DAY, to="x", basis="law", consents=[], data_categories=["social"], legal_basis="barnets lov § 132")]),
    ("DISCLOSURE_IN_EMERGENCY", TEAM, [entry(2, "DisclosureMade", DAY, to="x", basis="emergency", consents=[], data_categories=["social"])], [entry(2, "DisclosureMade", DAY, to="x", basis="emergency", consents=[], data_categories=["social"], legal_basis="forvaltningsloven § 28")]),
    ("DISCLOSURE_GATE_OVERRIDDEN", TEAM, [entry(2, "DisclosureMade", DAY, to="x", basis="law", consents=[], data_categories=["social"], overridden_gates=["basis_not_stated"])], [entry(2, "DisclosureMade", DAY, to="x", basis="law", consents=[], data_categories=["social"])]),
    ("INFORMATION_WITHOUT_BASIS", TEAM, [entry(2, "InformationObtained", DAY, obtained_from="gp", basis="other", about="child-A")], [entry(2, "InformationObtained", DAY, obtained_from="gp", basis="law", legal_basis="§ 11 c", about="child-A")]),
    ("RELAY_LOG_WITHOUT_CONSENT", PACKAGES, [entry(2, "RelayLogOpened", DAY, log="l", consent="c-1", holder="u-1")], []),
    ("STAY_WITHOUT_DECISION", INFANTS, [entry(2, "VisitHeld", DAY, kind="residential_stay")], [entry(2, "DecisionMade", "2025-03-01T10:00+01:00", decision="d", outcome="grant", legal_basis=["barnets lov § 32 stk. 1 nr. 6"]), entry(3, "VisitHeld", DAY, kind="residential_stay")]),
    ("DEADLINE_BROKEN", TEAM, [entry(2, "NotificationReceived", DAY, identity_known=True, about="child-A")], [started(2, "2026-11-30T10:00+01:00")]),
]  # fmt: skip


@pytest.mark.parametrize(("code", "programme", "wrong", "right"), BOTH_WAYS, ids=[row[0] for row in BOTH_WAYS])
def test_a_code_is_found_and_is_quiet(code: str, programme: str, wrong: list[Entry], right: list[Entry]) -> None:
    """The same case with the one thing put right is without the finding."""
    assert code in codes(wrong, programme)
    assert code not in codes(right, programme)


@pytest.mark.parametrize("name", NAMES)
def test_every_finding_speaks(name: str) -> None:
    """Each explains itself in both languages, with its own numbers, and rests on entries that are there."""
    record = known(story_entries(name))
    versions = {one.version for one in record.entries}
    for found in findings(Inquiry(record, rules(), read_instant(END))):
        texts = [CHECKS[found.code].explain(found, language) for language in ("da", "en")]
        assert all(text and not re.search(r"[{}]", text) for text in texts)
        assert {found.entry, *found.rests_on} <= versions
        assert level_of(found)


@pytest.mark.parametrize(("name", "item"), expectations("finding"))
def test_the_stories_findings(name: str, item: dict[str, Any]) -> None:
    """Each finding a story expects is found on its step."""
    record = known(story_entries(name))
    at = max(one.recorded_at for one in record.entries)
    found = [f for f in findings(Inquiry(record, rules(), at)) if (f.code, f.entry) == (item["code"], item["step"] + 1)]
    assert found


def test_a_consent_about_to_end_is_pointed_out() -> None:
    """For thirty days before its last day, and no longer once it was withdrawn."""
    given = entry(
        2,
        "ConsentGiven",
        DAY,
        consent="c-1",
        kind="disclosure",
        given_by="parent-A",
        capacity="self",
        scope=["x"],
        valid_from="2025-03-10",
        valid_to="2025-06-30",
    )
    withdrawn = entry(3, "ConsentWithdrawn", LATER, consent="c-1", withdrawn_by="parent-A", channel="phone")

    def found(at: str, *entries: Entry) -> bool:
        asked = Inquiry(case(given, *entries), rules(), read_instant(at))
        return "CONSENT_EXPIRES_SOON" in {one.code for one in findings(asked)}

    assert [found("2025-05-01T10:00Z"), found("2025-06-15T10:00Z"), found("2025-07-02T10:00Z")] == [False, True, False]
    assert not found("2025-06-15T10:00Z", withdrawn)


def test_the_hospital_consent_must_be_in_force_at_birth() -> None:
    """Given and taken back before birth is as good as none."""
    given = entry(
        2,
        "ConsentGiven",
        "2024-11-01T10:00+01:00",
        consent="c-1",
        kind="disclosure",
        given_by="parent-A",
        capacity="expectant_parent",
        scope=["hospital maternity ward"],
        valid_from="2024-11-01",
    )
    withdrawn = entry(
        3, "ConsentWithdrawn", "2024-12-01T10:00+01:00", consent="c-1", withdrawn_by="parent-A", channel="phone"
    )
    assert "HOSPITAL_CONSENT_NOT_IN_FORCE" not in codes([given, born(4)], TEAM)
    assert "HOSPITAL_CONSENT_NOT_IN_FORCE" in codes([given, withdrawn, born(4)], TEAM)


def test_a_disclosure_never_covered_is_found_once() -> None:
    """Not covered by the register then either: no withdrawal came between."""
    made = entry(2, "DisclosureMade", DAY, to="x", basis="consent", consents=["c-9"], data_categories=["social"])
    assert {"DISCLOSURE_NOT_COVERED"} == {code for code in codes([made], TEAM) if code.startswith("DISCLOSURE")}


def test_an_uncovered_disclosure_stays_found_when_consent_is_given_afterwards() -> None:
    """Given later: as it was. Typed later, said before: the register held none then, which stays to be seen."""
    made = entry(2, "DisclosureMade", DAY, to="x", basis="consent", consents=["c-1"], data_categories=["social"])
    given = {"consent": "c-1", "kind": "disclosure", "given_by": "parent-A", "capacity": "self", "scope": ["x"]}
    terms: dict[str, Any] = {**given, "data_categories": ["social"], "valid_from": "2025-03-01"}
    overridden = replace(made, data={**made.data, "overridden_gates": ["not_given:c-1"]})
    afterwards = entry(3, "ConsentGiven", LATER, **terms)
    typed_late = entry(3, "ConsentGiven", "2025-03-09T10:00+01:00", recorded=LATER, **terms)

    def found(*entries: Entry) -> dict[str, Any]:
        at = Inquiry(case(*entries, programme=TEAM), rules(), read_instant(END))
        return {one.code: one.detail.get("gaps") for one in findings(at) if one.code.startswith("DISCLOSURE_")}

    assert found(made, afterwards) == {"DISCLOSURE_NOT_COVERED": "not_given"}
    assert found(made, typed_late) == {"DISCLOSURE_COVERED_AFTERWARDS": "not_given"}
    assert found(overridden, typed_late)["DISCLOSURE_GATE_OVERRIDDEN"] == "not_given:c-1"


def test_a_basis_by_any_other_name_needs_its_law() -> None:
    """What rests neither on consent nor on an emergency rests on a law, whatever it is called."""
    made = entry(2, "DisclosureMade", DAY, to="x", basis="practice", consents=[], data_categories=["social"])
    assert "DISCLOSURE_BASIS_NOT_STATED" in codes([made], TEAM)
    assert "DISCLOSURE_BASIS_NOT_STATED" not in codes([replace(made, data={**made.data, "legal_basis": "x"})], TEAM)


def test_a_plan_is_revised_when_support_changes() -> None:
    """Three months after a decision that changes support and needs a plan."""
    made = entry(
        2, "DecisionMade", DAY, decision="d", outcome="change", legal_basis=["barnets lov § 32"], plan_needed=True
    )
    plan = entry(3, "PlanAdopted", LATER, plan="p", version=2)
    assert "PLAN_NOT_REVISED" in codes([made], TEAM)
    assert "PLAN_NOT_REVISED" not in codes([made, plan], TEAM)


def test_a_reassessment_needs_someone_new() -> None:
    """Whoever entered something before is not."""
    again: dict[str, Any] = {"notification": 2, "new_person": "u-29", "participants": ["u-29"]}
    old = [adbb(2, DAY), entry(3, "NotificationReassessed", LATER, **(again | {"new_person": "u-1"}))]
    assert "REASSESSMENT_WITHOUT_NEW_PERSON" in codes(old, TEAM)
    assert "REASSESSMENT_WITHOUT_NEW_PERSON" not in codes(
        [adbb(2, DAY), entry(3, "NotificationReassessed", LATER, **again)], TEAM
    )


def test_a_decision_is_sent_to_every_party() -> None:
    """Two weeks after it was made, by the house's own standard."""
    made = entry(
        2,
        "DecisionMade",
        DAY,
        decision="d",
        outcome="grant",
        legal_basis=["barnets lov § 32"],
        parties=["parent-A", "parent-B"],
    )
    sent = entry(3, "DecisionNotified", LATER, decision="d", to=["parent-A", "parent-B"])
    assert "DECISION_NOT_NOTIFIED" in codes(
        [made, entry(3, "DecisionNotified", LATER, decision="d", to="parent-A")], TEAM
    )
    assert "DECISION_NOT_NOTIFIED" not in codes([made, sent], TEAM)


def test_a_finding_about_the_past_is_found_in_what_was_known_then() -> None:
    """The note of story 6 was not on record at the decision, so nobody could find its request ignored."""
    record = known(story_entries("s6_goes_wrong"))
    then = read_instant("2024-08-21T09:00+02:00")
    before = {f.code for f in findings(Inquiry(record.recorded_by(then), rules(), then))}
    after = {f.code for f in findings(Inquiry(record, rules(), then))}
    assert "STATEMENT_REQUEST_IGNORED" not in before
    assert "STATEMENT_REQUEST_IGNORED" in after


def test_a_finding_lives() -> None:
    """New, assessed with a day to be handled by, overdue when nobody did, remedied in the end."""
    wrong = adbb(2, DAY, scale_min=3)
    broken = entry(3, "NotificationReceived", DAY, identity_known=True, about="child-A")
    assessed = entry(
        4,
        "FindingAssessed",
        "2025-04-20T10:00+02:00",
        finding="DEADLINE_BROKEN",
        entry=3,
        key="UND-24H/0",
        verdict="confirmed",
        handle_by="2025-05-01",
    )
    remedied = entry(
        5, "FindingRemedied", "2025-05-10T10:00+02:00", finding="DEADLINE_BROKEN", entry=3, action="assessed_late"
    )

    def state(at: str, *further: Entry) -> tuple[str, bool]:
        record = case(wrong, broken, *further)
        found = findings(Inquiry(record, rules(), read_instant(at)))
        (one,) = [x for x in lives(found, record, read_instant(at)) if x.finding.key == "UND-24H/0"]
        return one.state, one.overdue(read_instant(at))

    assert state("2025-03-20T10:00Z") == ("new", False)
    assert state("2025-04-15T10:00Z") == ("new", True)
    assert state("2025-04-25T10:00Z", assessed) == ("confirmed", False)
    assert state("2025-05-02T10:00Z", assessed) == ("confirmed", True)
    assert state("2025-05-12T10:00Z", assessed, remedied) == ("remedied", False)
    record = case(wrong, broken)
    at = read_instant("2025-04-15T10:00Z")
    found = lives(findings(Inquiry(record, rules(), at)), record, at)
    ignored = [one for one in unhandled(found) if one.stands(at)]
    assert "DEADLINE_BROKEN" in {one.detail["finding"] for one in ignored}
    assert "SCORE_OUTSIDE_SCALE" not in {one.detail["finding"] for one in ignored}


def test_the_catalogue_is_written_from_the_checks() -> None:
    """The document lists every code."""
    if os.environ.get("CASELEDGER_FREEZE") == "1":
        CATALOGUE.write_text(catalogue_markdown(), encoding="utf-8")
    assert CATALOGUE.read_text(encoding="utf-8") == catalogue_markdown()


def test_a_case_for_which_no_clock_runs_says_so() -> None:
    """Once for the statute and once for the programme, until each has a rule book; another programme's does not do."""

    def missing(*programmes: str | None) -> set[tuple[int, str]]:
        held = tuple(one for one in rules().adoptions if one.book.book.programme in programmes)
        found = findings(Inquiry(case(programme=TEAM), Rules(held, rules().calendar), read_instant(END)))
        return {(f.entry, f.key) for f in found if f.code == "CASE_WITHOUT_RULE_BOOK"}

    assert missing() == {(1, "statute"), (1, TEAM)}
    assert missing(None, PACKAGES) == {(1, TEAM)}
    assert missing(TEAM) == {(1, "statute")}
    assert missing(None, TEAM) == set()


def test_every_code_is_tested() -> None:
    """No check stands without a case that finds it."""
    tested = {row[0] for row in BOTH_WAYS}
    in_stories = {
        f.code for name in NAMES for f in findings(Inquiry(known(story_entries(name)), rules(), read_instant(END)))
    }
    files = (
        Path(__file__),
        Path(__file__).with_name("test_procedure.py"),
        Path(__file__).with_name("test_erasure_findings.py"),
        Path(__file__).with_name("test_programme_findings.py"),
        Path(__file__).with_name("test_reach_findings.py"),
        Path(__file__).parents[1] / "test_any_facts.py",
        Path(__file__).parents[1] / "test_approvals.py",
        Path(__file__).parents[1] / "test_decision_gate.py",
    )
    named = {code for file in files for code in re.findall(r'"([A-Z][A-Z_0-9]{6,})"', file.read_text(encoding="utf-8"))}
    elsewhere = named | {"REPORTED_WITHOUT_GATE", "FINDING_NOT_HANDLED"}  # by the gate over HTTP, and above
    assert sorted(CHECKS.keys() - tested - in_stories - elsewhere) == []
