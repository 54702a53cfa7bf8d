"""Accounts of what cannot have happened are refused: field, reason and remedy, nothing written, nothing repeated."""

from typing import Any
from uuid import uuid4

import pytest

from tests.api.client import CANARY, Api, assessment, command, correction, errors, note, problem

FIELD_OF_A_COMMAND: list[tuple[dict[str, Any], str]] = [
    (note() | {"event": CANARY}, "/commands/0/event"),
    (note() | {"event": "note_recorded"}, "/commands/0/event"),
    (note() | {"recorded_at": "2020-01-01T00:00:00Z"}, "/commands/0/recorded_at"),
    (note() | {"actor": CANARY}, "/commands/0/actor"),
    (note() | {"occurred_at": "2026-03-04T09:30:00"}, "/commands/0/occurred_at"),
    (note() | {"occurred_at": "2026-02-29"}, "/commands/0/occurred_at"),
    (note() | {"occurred_at": "04-03-2026"}, "/commands/0/occurred_at"),
    (note() | {"occurred_at": 1772620200}, "/commands/0/occurred_at"),
    (note() | {"occurred_at": "0001-01-01"}, "/commands/0/occurred_at"),
    (note() | {"occurred_at": "0001-01-01T00:00:00+14:00"}, "/commands/0/occurred_at"),
    (note() | {"occurred_at": "9999-12-31T23:59:59Z"}, "/commands/0/occurred_at"),
    (note() | {"occurred_at": None}, "/commands/0/occurred_at"),
    (note() | {"reached_at": "2026-03-04 09:30"}, "/commands/0/reached_at"),
    (note() | {"source": ""}, "/commands/0/source"),
    (note() | {"data": None}, "/commands/0/data"),
]

FIELD_OF_A_FACT: list[tuple[dict[str, Any], str]] = [
    ({"content": ""}, "/commands/0/data/content"),
    ({"content": 7}, "/commands/0/data/content"),
    ({"content": None}, "/commands/0/data/content"),
    ({"channel": " " + CANARY}, "/commands/0/data/channel"),
    ({"channel": "c" * 201}, "/commands/0/data/channel"),
    ({"informant": ["parent-A"]}, "/commands/0/data/informant"),
    ({"relates_to": 0}, "/commands/0/data/relates_to"),
    ({"relates_to": -1}, "/commands/0/data/relates_to"),
    ({"relates_to": "1"}, "/commands/0/data/relates_to"),
    ({"relates_to": True}, "/commands/0/data/relates_to"),
    ({"relates_to": 1.5}, "/commands/0/data/relates_to"),
    ({"relates_to": 2}, "/commands/0/data/relates_to"),
    ({"relates_to": 999}, "/commands/0/data/relates_to"),
    ({"recorded_at": "2020-01-01T00:00:00Z"}, "/commands/0/data/recorded_at"),
    ({"not_a_field": CANARY}, "/commands/0/data/not_a_field"),
]


@pytest.mark.parametrize(("fact", "pointer"), FIELD_OF_A_COMMAND)
def test_a_command_names_what_is_wrong_with_it(api: Api, case: str, fact: dict[str, Any], pointer: str) -> None:
    """Unknown events, unknown fields, times without offset and times only the ledger sets are refused by place."""
    before = api.size()
    assert pointer in [place for place, _ in errors(api.commit(case, 1, fact))]
    assert api.size() == before


@pytest.mark.parametrize(("change", "pointer"), FIELD_OF_A_FACT)
def test_a_fact_names_what_is_wrong_with_it(api: Api, case: str, change: dict[str, Any], pointer: str) -> None:
    """The data of an event are checked field by field, references to entries that are not there among them."""
    fact = note()
    fact["data"] |= change
    before = api.size()
    assert pointer in [place for place, _ in errors(api.commit(case, 1, fact))]
    assert api.size() == before


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"about": 7}, "/commands/0/data/about"),
        ({"about": ["child-A", 7]}, "/commands/0/data/about/1"),
        ({"items": [1, "many"]}, "/commands/0/data/items/1"),
        ({"sha256": 1}, "/commands/0/data/sha256"),
        ({"a/b~c": 1}, "/commands/0/data/(not shown)"),
        ({"0101011234": 1}, "/commands/0/data/(not shown)"),
        ({"Alma Eksempel": 1}, "/commands/0/data/(not shown)"),
    ],
)
def test_a_place_is_a_json_pointer(api: Api, case: str, change: dict[str, Any], pointer: str) -> None:
    """Places within lists and choices are pointed at as RFC 6901 says; a key that may name a person is not repeated."""
    fact = assessment()
    fact["data"] |= change
    assert pointer in {place for place, _ in errors(api.commit(case, 1, fact))}


def test_everything_wrong_is_named_at_once(api: Api, case: str) -> None:
    """A commit with three broken facts among five is refused as a whole, with the place of each."""
    before = api.size()
    unknown, unfinished = note() | {"event": CANARY}, command("NoteRecorded", {"channel": "phone"})
    naive = note() | {"occurred_at": None}
    found = errors(api.commit(case, 1, note(), unknown, note(), unfinished, naive))
    assert [place for place, _ in found] == [
        "/commands/1/event",
        "/commands/3/data/informant",
        "/commands/3/data/content",
        "/commands/4/occurred_at",
    ]
    assert api.size() == before


@pytest.mark.parametrize("field", ["occurred_at", "reached_at"])
@pytest.mark.parametrize("moment", ["2999-01-01", "2999-01-01T00:00:00Z", "9999-12-30T23:59:59Z"])
def test_what_has_not_happened_yet_is_no_fact(api: Api, case: str, field: str, moment: str) -> None:
    """A fact from the future is refused against the ledger's own clock; an account of one that is past is not."""
    before = api.size()
    found = errors(api.commit(case, 1, note(**{field: moment})))
    assert [place for place, _ in found] == ["/commands"]
    assert "later" in found[0][1] or "after" in found[0][1]
    assert api.size() == before


def test_a_case_is_not_opened_in_the_future(api: Api) -> None:
    """The opening itself is a fact too."""
    before = api.size()
    body = {"programme": "smaaboernsteam_001", "occurred_at": "2999-01-01", "persons": [{"ref": "p", "role": "r"}]}
    body["persons"] = []
    problem(api.post("/cases", body), 422, "malformed")
    assert api.size() == before


def test_a_reference_to_an_entry_of_another_kind_is_refused(api: Api, case: str) -> None:
    """A receipt confirms a notification, not a note, and the refusal says which kinds may stand there."""
    assert api.commit(case, 1, note()).status_code == 201
    before = api.size()
    receipt = command("NotificationReceiptSent", {"notification": 2, "channel": "digital_post"})
    (place, detail), *more = errors(api.commit(case, 2, receipt))
    assert (place, more) == ("/commands/0/data/notification", [])
    assert "NotificationReceived" in detail
    assert api.size() == before


def test_a_fact_does_not_refer_to_a_later_one(api: Api, case: str) -> None:
    """Within a commit, references point backwards only: not at the fact itself, not at the next."""
    before = api.size()
    itself, next_one = note(), note()
    itself["data"]["relates_to"], next_one["data"]["relates_to"] = 2, 4
    found = errors(api.commit(case, 1, itself, next_one, note()))
    assert [place for place, _ in found] == ["/commands/0/data/relates_to", "/commands/1/data/relates_to"]
    assert api.size() == before


@pytest.fixture
def assessed(api: Api) -> str:
    """The id of a case with a score as entry 2, a note as entry 3, and an annulled score as entry 4."""
    annulment = command("EntryAnnulled", {"annuls": 4, "reason": "Another child's."})
    case = api.open_case(assessment(4), note("The old text."), assessment(9))
    assert api.commit(case, 4, annulment).status_code == 201
    return case


@pytest.mark.parametrize(
    ("fact", "pointer"),
    [
        pytest.param(correction(2, "no_such_field", None, CANARY), "field", id="no such field"),
        pytest.param(correction(2, "score", 4, CANARY), "new", id="value of another type"),
        pytest.param(correction(2, "score", 5, 3), "old", id="wrong old value"),
        pytest.param(correction(2, "score", "four", 3), "old", id="old value of another type"),
        pytest.param(correction(2, "about", "child-A", None), "new", id="required field taken away"),
        pytest.param(correction(3, "content", None, 7), "new", id="sealed text to a number"),
        pytest.param(correction(3, "content", None, "x" * 100_001), "new", id="text too long"),
        pytest.param(correction(3, "relates_to", None, 999), "new", id="reference to an entry that is not there"),
        pytest.param(correction(3, "relates_to", None, 3), "new", id="reference to itself"),
        pytest.param(correction(2, "occurred_at", None, "yesterday " + CANARY), "new", id="no moment"),
        pytest.param(correction(2, "occurred_at", None, "2026-03-04T10:00:00"), "new", id="moment without offset"),
        pytest.param(correction(2, "occurred_at", None, "0001-01-01"), "new", id="day before all time"),
        pytest.param(correction(4, "score", 9, 3), "corrects", id="annulled entry"),
        pytest.param(correction(6, "score", 9, 3), "corrects", id="entry of the same commit"),
        pytest.param(correction(99, "score", 9, 3), "corrects", id="entry that is not there"),
        pytest.param(correction(1, "key", None, str(uuid4())), "field", id="key of the opening"),
        pytest.param(correction(1, "key_commitment", None, "ab" * 32), "field", id="commitment of the opening"),
        pytest.param(correction(1, "persons", None, []), "field", id="persons of the opening"),
        pytest.param(correction(5, "annuls", 4, 2), "field", id="what an annulment is about"),
        pytest.param(command("EntryAnnulled", {"annuls": 1, "reason": CANARY}), "annuls", id="annulled opening"),
        pytest.param(command("EntryAnnulled", {"annuls": 99, "reason": CANARY}), "annuls", id="nothing annulled"),
    ],
)
def test_a_correction_names_what_is_wrong_with_it(api: Api, assessed: str, fact: dict[str, Any], pointer: str) -> None:
    """What is put right must be there, must be able to hold the new value, and must have had the old one."""
    before = api.size()
    found = errors(api.commit(assessed, 5, fact))
    assert [place for place, _ in found] == [f"/commands/0/data/{pointer}"]
    assert api.size() == before


@pytest.mark.parametrize("moment", ["2999-01-01", "2999-01-01T00:00:00Z"])
def test_a_correction_moves_nothing_into_the_future(api: Api, assessed: str, moment: str) -> None:
    """What is refused of a fact is refused of its correction, and of the correction of a correction."""
    before = api.size()
    problem(api.commit(assessed, 5, correction(2, "occurred_at", None, moment)), 422, "malformed")
    opening = {"programme": "p", "occurred_at": "2026-03-04", "commands": [correction(1, "occurred_at", None, moment)]}
    problem(api.post("/cases", opening), 422, "malformed")
    assert api.size() == before
    assert api.commit(assessed, 5, correction(2, "occurred_at", None, "2026-02-01")).status_code == 201
    before = api.size()
    problem(api.commit(assessed, 6, correction(6, "new", "2026-02-01", moment)), 422, "malformed")
    assert api.size() == before


def test_nothing_has_come_that_is_still_to_come(api: Api) -> None:
    """A letter is not received tomorrow; that it will be available to its reader tomorrow may be known today."""
    received = {"notifier_kind": "private", "identity_known": True, "channel": "phone", "about": ["child-A"]}
    case, later = api.open_case(), "2999-01-01T00:00:00Z"
    before = api.size()
    for event, data in (
        ("NotificationReceived", received | {"received_at": later}),
        ("DataBreachDetected", {"about": 1, "became_aware_at": later, "persons": 1}),
        ("ComplaintReceived", {"decision": "d-1", "received_at": later, "channel": "post"}),
    ):
        problem(api.commit(case, 1, command(event, data)), 422, "malformed")
    assert api.size() == before
    sent = {"decision": "d-1", "to": "parent-A", "channel": "digital_post", "available_at": later}
    assert api.commit(case, 1, command("DecisionNotified", sent)).status_code == 201
    came = command("NotificationReceived", received | {"received_at": "2026-03-01T10:00:00Z"})
    assert api.commit(case, 2, came).status_code == 201
    problem(api.commit(case, 3, correction(3, "received_at", None, later)), 422, "malformed")


def test_no_child_is_born_twice_by_a_correction(api: Api) -> None:
    """What is refused of a second birth is refused of a correction that makes one."""
    twins = [command("ChildBorn", {"child": child, "mother": "parent-A"}) for child in ("child-A", "child-B")]
    case = api.open_case(*twins)
    found = errors(api.commit(case, 3, correction(3, "child", "child-B", "child-A")))
    assert [place for place, _ in found] == ["/commands/0/data/new"]
    assert api.commit(case, 3, correction(3, "child", "child-B", "child-C")).status_code == 201


TO_NOTHING: dict[str, Any] = {
    "consent": "c-1",
    "kind": "support",
    "given_by": "parent-A",
    "capacity": "self",
    "scope": [],
    "form": "oral",
    "valid_from": "2026-03-01",
}


@pytest.mark.parametrize(
    ("event", "data", "pointer"),
    [
        ("SupportLevelSet", {"enrolment": "e-1", "hours_per_week": 169}, "hours_per_week"),
        ("SupportLevelSet", {"enrolment": "e-1", "hours_per_week": -1}, "hours_per_week"),
        ("StatusNoteWritten", {"kind": "weekly_status", "to": "u-1", "period": "2025-W60"}, "period"),
        ("ConsentGiven", TO_NOTHING, "scope"),
        ("FollowUpScheduleDecided", {"interval": "every month", "informed": []}, "interval"),
    ],
)  # fmt: skip
def test_what_cannot_be_is_refused_by_field(
    api: Api, case: str, event: str, data: dict[str, Any], pointer: str
) -> None:
    """More hours than a week has, a week no year has, a consent to nothing, a period no calendar can add."""
    before = api.size()
    found = errors(api.commit(case, 1, command(event, data)))
    assert [place for place, _ in found] == [f"/commands/0/data/{pointer}"]
    assert api.size() == before


def test_whose_key_seals_a_correction_is_not_the_clients_choice(api: Api, assessed: str) -> None:
    """A clear field stays clear when it is corrected, or readers with and without keys would see different cases."""
    fact = correction(2, "score", 4, 3)
    fact["data"]["sealed_for"] = "parent-A"
    before = api.size()
    assert [place for place, _ in errors(api.commit(assessed, 5, fact))] == ["/commands/0/data/sealed_for"]
    assert api.size() == before


ID = str(uuid4())


@pytest.mark.parametrize(
    ("event", "data"),
    [
        ("LedgerOpened", {"ledger": ID, "title": CANARY, "simulated": False}),
        (
            "CaseOpened",
            {"number": CANARY, "programme": "p", "key": ID, "key_commitment": "ab" * 32, "persons": []},
        ),
        ("PersonRegistered", {"person": ID, "key": ID, "key_commitment": "ab" * 32, "full_name": CANARY}),
        ("PersonJoined", {"ref": "p", "person": ID, "key": ID, "role": CANARY}),
        ("KeyRotated", {"purpose": CANARY, "old_key": "a", "new_key": "b"}),
        ("GateStopped", {"gate": CANARY, "act": "DecisionMade", "findings": []}),
        ("AccessGranted", {"staff": CANARY, "role": "caseworker", "basis": "b"}),
        ("AccessEnded", {"staff": CANARY, "role": "caseworker", "basis": "b"}),
        ("RecordViewed", {"viewer": CANARY, "role": "r", "purpose": "p", "what": "case", "cases": []}),
    ],
)
def test_what_the_ledger_says_of_itself_is_not_for_clients(
    api: Api, case: str, event: str, data: dict[str, Any]
) -> None:
    """Administrative events have acts of their own and do not come in as facts of a case."""
    before = api.size()
    found = errors(api.commit(case, 1, command(event, data)))
    assert [place for place, _ in found] == ["/commands/0/event"]
    assert api.size() == before
