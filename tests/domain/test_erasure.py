"""The gate before an erasure: what stops each ground, and that it is quiet where nothing stands against it."""

from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest

from domain.case_file import CaseFile
from domain.entries import Entry
from domain.erased import NOTHING_ERASED, erases_case
from domain.erasure import erasure_stops, proposal_problems, proposal_state
from domain.errors import Malformed
from domain.events.correction import EntryCorrected
from domain.events.retention import ErasureProposed
from domain.recording import record_facts
from domain.retention import is_childs_case
from domain.stops import TEXTS
from domain.time import read_instant
from tests.domain.rules import CASE, case, entry

DAY = "2024-03-04T10:00+01:00"
LATER = "2024-04-08T10:00+02:00"
PROPOSED = "2024-05-06T10:00+02:00"
AT = "2024-06-03T10:00+02:00"
PROPOSAL = 50


def classed(version: int = 2, happened: str = DAY, **data: Any) -> Entry:
    """Return that the case may be discarded from a day that has passed."""
    said: dict[str, Any] = {
        "retention_class": "discard",
        "rule_version": "1",
        "archive": False,
        "erase_not_before": "2024-06-01",
        "kle": "27.24.00-G01",
        "council_decision": "council-2019-14",
    }
    return entry(
        version, "RetentionClassAssigned", happened, **{k: v for k, v in (said | data).items() if v is not None}
    )


def delivered(version: int = 3, happened: str = LATER, **data: Any) -> Entry:
    """Return the receipt of the archive."""
    said = {"archive": "town-archive", "receipt": "r-1", "accepted_on": "2024-04-08"}
    return entry(version, "ArchiveDelivered", happened, **(said | data))


def hold(version: int, placed: bool = True, reason: str = "court_case", **data: Any) -> Entry:
    """Return a legal hold placed or lifted."""
    return entry(version, "LegalHoldChanged", LATER, placed=placed, reason=reason, **data)


def joining(version: int, ref: str, role: str) -> Entry:
    """Return that a person joined the case."""
    return replace(
        entry(version, "PersonJoined", DAY), data={"ref": ref, "person": str(CASE), "key": str(CASE), "role": role}
    )


def proposed(ground: str = "retention", scope: str = "case", **data: Any) -> Entry:
    """Return a proposal made by one member of staff."""
    return entry(
        PROPOSAL, "ErasureProposed", PROPOSED, staff="u-25", sealed=["reason"], ground=ground, scope=scope,
        legal_basis="GDPR art. 17", **data,
    )  # fmt: skip


RETENTION = proposed()
MISREGISTERED = proposed("misregistered", "person", subject="parent-B")
UNLAWFUL = proposed("unlawful", "person", subject="parent-B")
ENTRIES = proposed("unlawful", "entries", entries=[4])


def stops(*entries: Entry, proposal: Entry = RETENTION, at: str = AT, decider: str | None = "u-30") -> dict[str, Any]:
    """Return the code of each stop with its entries."""
    found = erasure_stops(case(*entries, proposal), proposal, read_instant(at), decider)
    assert all(TEXTS[stop.code] == stop.text for stop in found)
    return {stop.code: stop.entries for stop in found}


@pytest.mark.parametrize(
    ("entries", "proposal"),
    [
        ((classed(),), RETENTION),
        ((classed(archive=True), delivered()), RETENTION),
        ((classed(erase_not_before="2024-06-03"),), RETENTION),
        ((), MISREGISTERED),
        ((), UNLAWFUL),
        ((), ENTRIES),
    ],
)
def test_quiet_when_nothing_stands_against_it(entries: tuple[Entry, ...], proposal: Entry) -> None:
    """Each ground in its simplest lawful form passes."""
    assert stops(*entries, proposal=proposal) == {}


@pytest.mark.parametrize(
    ("entries", "expected"),
    [
        ((), {"NO_RETENTION_CLASS": ()}),
        ((classed(kle=None),), {"NO_KLE_CLASS": (2,)}),
        ((classed(council_decision=None),), {"NO_COUNCIL_DECISION": (2,)}),
        ((classed(erase_not_before="2024-06-04"),), {"ERASURE_NOT_DUE": (2,)}),
        ((classed(erase_not_before=None),), {"ERASURE_NOT_DUE": (2,)}),
        ((classed(), classed(3, LATER, kle=None)), {"NO_KLE_CLASS": (3,)}),
        ((classed(archive=True),), {"NO_ARCHIVE_RECEIPT": ()}),
        ((classed(archive=True), delivered(accepted_on="2024-06-04")), {"NO_ARCHIVE_RECEIPT": ()}),
        ((classed(), entry(4, "InterventionStarted", LATER, enrolment="e-1")), {"ENROLMENT_RUNNING": (4,)}),
    ],
)
def test_retention_stops_on_its_own(entries: tuple[Entry, ...], expected: dict[str, Any]) -> None:
    """Erasure is off unless class, decision, day and receipt are there, and the case is over."""
    assert stops(*entries) == expected


def test_the_day_is_copenhagens() -> None:
    """At 23:59 the day before it is not due; two minutes later it is, though it is still the day before in UTC."""
    due = classed(erase_not_before="2024-06-04")
    assert stops(due, at="2024-06-03T23:59+02:00") == {"ERASURE_NOT_DUE": (2,)}
    assert stops(due, at="2024-06-04T00:01+02:00") == {}


def test_a_childs_case_always_goes_to_the_archive_first() -> None:
    """By a birth on record or by the role of a person, whatever the class says."""
    born = entry(3, "ChildBorn", DAY, child="child-A", mother="parent-A")
    assert stops(classed(), born) == {"NO_ARCHIVE_RECEIPT": ()}
    assert stops(classed(), born, delivered(4)) == {}
    joined = joining(3, "child-B", "child")
    assert is_childs_case(case(joined))
    assert stops(classed(), joined) == {"NO_ARCHIVE_RECEIPT": ()}
    assert not is_childs_case(case())


def test_what_the_archive_lacks_is_named() -> None:
    """A fact recorded after the delivery stops it, keeping and looking do not; a second delivery takes it along."""
    note = entry(4, "NoteRecorded", DAY, informant="parent-A", channel="phone")
    kept = (classed(archive=True), delivered(), classed(5, PROPOSED, archive=True), entry(6, "DocumentChecked", AT))
    stopped = entry(7, "GateStopped", AT, gate="erasure", act="PersonalDataErased", findings=["X"])
    assert stops(*kept, stopped) == {}
    assert stops(*kept, note) == {"NOT_ALL_DELIVERED": (4,)}
    assert stops(*kept, note, delivered(8)) == {}
    corrected = entry(9, "EntryCorrected", AT, corrects=4, field="channel", old="phone", new="letter")
    assert stops(*kept, note, delivered(8), corrected) == {"NOT_ALL_DELIVERED": (9,)}


@pytest.mark.parametrize("proposal", [MISREGISTERED, UNLAWFUL, ENTRIES, RETENTION])
def test_a_hold_stops_every_ground(proposal: Entry) -> None:
    """Until it is lifted for its own reason, or its last day is over."""

    def held(*entries: Entry) -> dict[str, Any]:
        return stops(classed(), *entries, proposal=proposal)

    assert held(hold(10)) == {"LEGAL_HOLD": (10,)}
    assert held(hold(10), hold(11, False)) == {}
    assert held(hold(10), hold(11, False, "complaint")) == {"LEGAL_HOLD": (10,)}
    assert held(hold(10, until="2024-06-02")) == {}
    assert held(hold(10, until="2024-06-03")) == {"LEGAL_HOLD": (10,)}
    assert held(hold(10), entry(12, "EntryAnnulled", LATER, annuls=10)) == {}


def asked(version: int = 10, by: str = "parent-A", about: str = "parent-B") -> Entry:
    """Return a request for access."""
    return entry(version, "AccessRequestReceived", LATER, kind="own", by=by, about=about, received_at="2024-04-08")


def test_a_request_for_access_stops_until_it_is_answered() -> None:
    """For retention any, for one person those of or about them."""
    answer = entry(11, "AccessRequestAnswered", LATER, request=10, outcome="granted")
    for proposal in (RETENTION, UNLAWFUL, MISREGISTERED, ENTRIES):
        assert "PENDING_REQUEST" in stops(classed(), asked(), proposal=proposal)
        assert "PENDING_REQUEST" not in stops(classed(), asked(), answer, proposal=proposal)
    assert stops(asked(about="parent-A"), proposal=UNLAWFUL) == {}
    assert stops(asked(by="parent-B", about="parent-A"), proposal=UNLAWFUL) == {"PENDING_REQUEST": (10,)}


def complained(**data: Any) -> Entry:
    """Return a complaint about a decision."""
    return entry(10, "ComplaintReceived", LATER, decision="d-1", received_at="2024-04-08", channel="mail", **data)


def outcome(event: str, **data: Any) -> Entry:
    """Return what became of a complaint."""
    return entry(11, event, PROPOSED, **({"decision": "d-1"} | data))


@pytest.mark.parametrize(
    ("further", "stopped"),
    [
        ((), True),
        ((outcome("ComplaintReassessed", outcome="upheld_and_forwarded"),), True),
        ((outcome("ComplaintReassessed", outcome="changed", to="Ankestyrelsen"),), True),
        ((outcome("ComplaintReassessed", outcome="changed"),), False),
        ((outcome("AppealDecided", outcome="annulled"),), False),
        ((outcome("AppealDecided", outcome="annulled", decision="d-2"),), True),
    ],
)
def test_a_complaint_stops_until_it_has_an_outcome(further: tuple[Entry, ...], stopped: bool) -> None:
    """The appeal body's decision ends it, or a change by the municipality itself; sending it on does not."""
    assert stops(classed(), complained(), *further) == ({"PENDING_COMPLAINT": (10,)} if stopped else {})


def test_a_complaint_by_somebody_else_does_not_stop_the_erasure_of_a_person() -> None:
    """One of theirs does, and so does one without a name."""
    assert stops(complained(by="parent-A"), proposal=UNLAWFUL) == {}
    assert stops(complained(by="parent-B"), proposal=UNLAWFUL) == {"PENDING_COMPLAINT": (10,)}
    assert stops(complained(), proposal=UNLAWFUL) == {"PENDING_COMPLAINT": (10,)}


def test_a_party_who_asked_to_be_waited_for_is_waited_for() -> None:
    """Until the statement, the decision, or the day the party named."""

    def waited(**data: Any) -> Entry:
        return entry(10, "StatementDelayRequested", LATER, decision_ref="d-1", party="parent-A", **data)

    assert stops(classed(), waited()) == {"PENDING_STATEMENT": (10,)}
    assert stops(classed(), waited(until="2024-06-03")) == {"PENDING_STATEMENT": (10,)}
    assert stops(classed(), waited(until="2024-06-02")) == {}
    assert stops(classed(), waited(), outcome("HearingResponseReceived", decision_ref="d-1")) == {}
    assert stops(classed(), waited(), outcome("DecisionMade", outcome="grant", legal_basis="x")) == {}


def test_a_breach_stops_until_it_is_reported() -> None:
    """To whomever."""
    breach = entry(10, "DataBreachDetected", LATER, became_aware_at="2024-04-08", persons=1)
    assert stops(classed(), breach) == {"PENDING_BREACH": (10,)}
    assert stops(classed(), breach, entry(11, "DataBreachReported", AT, breach=10, to="Datatilsynet")) == {}


def test_an_enrolment_closed_may_be_started_again() -> None:
    """What counts is how it stands now, each enrolment on its own."""
    started = entry(10, "InterventionStarted", DAY, enrolment="e-1")
    closed = entry(11, "EnrolmentClosed", LATER, enrolment="e-1", reason="goals_reached")
    again = entry(12, "InterventionStarted", PROPOSED, enrolment="e-1")
    other = entry(13, "AdmissionApproved", LATER, programme="x", enrolment="e-2")
    assert stops(classed(), started, closed) == {}
    assert stops(classed(), started, closed, again) == {"ENROLMENT_RUNNING": (12,)}
    assert stops(classed(), started, closed, other) == {"ENROLMENT_RUNNING": (13,)}


def test_somebody_entries_in_force_name_is_not_misregistered() -> None:
    """The entries in the way are listed; annulled ones, and those about keeping the case, are not."""
    visit = entry(10, "VisitHeld", DAY, kind="home_visit", present=["parent-A", "parent-B"])
    meeting = entry(11, "MeetingHeld", DAY, type="team", participants=["father:parent-B"])
    unborn = entry(12, "NoteRecorded", DAY, informant="parent-A", channel="phone", about=["unborn of parent-B"])
    other = entry(13, "VisitHeld", DAY, kind="home_visit", present=["parent-A"])
    assert stops(visit, meeting, unborn, other, proposal=MISREGISTERED) == {"STILL_IN_USE": (10, 11, 12)}
    annulled = [entry(20 + n, "EntryAnnulled", LATER, annuls=n, kind="wrong_person") for n in (10, 11, 12)]
    assert stops(visit, meeting, unborn, other, *annulled, proposal=MISREGISTERED) == {}
    assert stops(visit, proposal=UNLAWFUL) == {}


@pytest.mark.parametrize(
    "fact",
    [
        entry(10, "PartyRecorded", DAY, person="parent-B", status="party"),
        entry(10, "CustodyRecorded", DAY, child="child-A", holders=["parent-A", "parent-B"], kind="joint"),
        entry(10, "ChildBorn", DAY, child="parent-B", mother="parent-A"),
    ],
)
def test_a_person_of_the_case_is_not_misregistered(fact: Entry) -> None:
    """Parties, holders of custody and children are persons of the case by facts in force."""
    assert stops(fact, proposal=MISREGISTERED) == {"PERSON_IN_CASE": (), "STILL_IN_USE": (10,)}
    assert stops(fact, entry(11, "EntryAnnulled", LATER, annuls=10), proposal=MISREGISTERED) == {}


def test_a_correction_of_a_text_goes_with_it() -> None:
    """It holds the text again; a correction of a code does not, and one of another entry is of no account."""

    def corrected(version: int, corrects: int, *sealed: str) -> Entry:
        return entry(version, "EntryCorrected", LATER, corrects=corrects, field="content", sealed=sealed)

    again = corrected(10, 4, "reason", "old", "new"), corrected(11, 10, "reason", "new")
    assert stops(*again, proposal=ENTRIES) == {"CORRECTION_LEFT_OUT": (10, 11)}
    assert stops(*again, proposal=proposed("unlawful", "entries", entries=[4, 10, 11])) == {}
    assert stops(corrected(10, 4, "reason"), corrected(11, 5, "reason", "new"), proposal=ENTRIES) == {}


def test_whoever_proposed_does_not_decide() -> None:
    """Four eyes; asked without a decider, the question is left out."""
    assert stops(classed(), decider="u-25") == {"SAME_PERSON_PROPOSED": (PROPOSAL,)}
    assert stops(classed(), decider=None) == {}


@pytest.mark.parametrize(
    ("settling", "state"),
    [
        (entry(60, "PersonalDataErased", AT, proposal=PROPOSAL, basis="x", approved_by="u-30"), "decided"),
        (entry(60, "ErasureRejected", AT, proposal=PROPOSAL), "rejected"),
        (entry(60, "EntryAnnulled", AT, annuls=PROPOSAL), "rejected"),
    ],
)
def test_a_proposal_is_settled_once(settling: Entry, state: str) -> None:
    """Decided, rejected or annulled, it is no longer open."""
    assert proposal_state(case(RETENTION, settling), RETENTION).state == state
    assert "PROPOSAL_CLOSED" in stops(classed(), settling)
    assert proposal_state(case(RETENTION), RETENTION).state == "open"


@pytest.mark.parametrize(
    ("said", "places"),
    [
        ({"ground": "retention", "scope": "case"}, []),
        ({"ground": "retention", "scope": "person", "subject": "parent-A"}, ["/scope"]),
        ({"ground": "misregistered", "scope": "entries", "entries": (1,)}, ["/scope"]),
        ({"ground": "unlawful", "scope": "case"}, ["/scope"]),
        ({"ground": "unlawful", "scope": "person"}, ["/subject"]),
        ({"ground": "unlawful", "scope": "person", "subject": "nobody"}, ["/subject"]),
        ({"ground": "unlawful", "scope": "person", "subject": "parent-A", "entries": (1,)}, ["/entries"]),
        ({"ground": "unlawful", "scope": "entries"}, ["/entries"]),
        ({"ground": "unlawful", "scope": "entries", "entries": (1,)}, []),
        ({"ground": "unlawful", "scope": "entries", "entries": (1, 2, 3)}, ["/entries/1", "/entries/2"]),
        ({"ground": "retention", "scope": "case", "subject": "parent-A"}, ["/subject"]),
    ],
)
def test_a_proposal_names_what_its_scope_needs(said: dict[str, Any], places: list[str]) -> None:
    """And nothing else."""
    joined = joining(2, "parent-A", "mother")
    opened = entry(1, "CaseOpened", DAY, sealed=["opened_because"], key=str(CASE), persons=[])
    proposal = ErasureProposed(legal_basis="x", reason="y", **said)
    assert [problem.pointer for problem in proposal_problems(CaseFile(CASE, (opened, joined)), proposal)] == places


def test_what_a_decision_erased_is_not_corrected() -> None:
    """What four eyes agreed on stays as they saw it."""
    erased = entry(3, "PersonalDataErased", AT, proposal=2, basis="x", approved_by="u-30", key=str(CASE))
    file = CaseFile(CASE, (entry(1, "CaseOpened", DAY), entry(2, "ErasureProposed", DAY, scope="case"), erased))
    for version, field, new in ((2, "scope", "person"), (3, "key", str(UUID(int=9))), (3, "scope", "case")):
        with pytest.raises(Malformed):
            record_facts(file, [EntryCorrected(corrects=version, field=field, new=new, reason="Wrong.")])


def test_what_was_erased_is_read_from_the_decisions() -> None:
    """Keys, entries and whole cases; an annulment brings nothing back."""
    key = UUID(int=5)
    of_key = entry(2, "PersonalDataErased", AT, key=str(key), scope="person")
    of_entries = entry(3, "PersonalDataErased", AT, entries=[7], scope="entries")
    whole = entry(4, "PersonalDataErased", AT, key=str(UUID(int=6)), scope="case")
    annulled = entry(5, "EntryAnnulled", AT, annuls=2)
    erased = NOTHING_ERASED.and_by([of_key, of_entries, annulled]).and_by([whole, entry(6, "NoteRecorded", AT)])
    assert erased.keys == {key, UUID(int=6)}
    assert (erased.why(CASE, 9, key), erased.why(CASE, 7, UUID(int=8)), erased.why(CASE, 8, UUID(int=8))) == (
        "key", "entry", None,
    )  # fmt: skip
    assert erased.why(UUID(int=1), 7, UUID(int=8)) is None
    assert dict(erased.cases) == {CASE: 4}
    assert [erases_case(one) for one in (of_key, of_entries, whole)] == [False, False, True]
