"""Deciding what a commit puts on record, as given entries, when facts come, then events or the exact refusal."""

from collections.abc import Sequence
from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID

import orjson
import pytest

from domain.case_file import CaseFile
from domain.entries import Entry
from domain.errors import Malformed
from domain.events import EVENTS
from domain.events.base import Actor, Event, sealed_marks
from domain.events.correction import EntryCorrected
from domain.recording import ADMINISTRATIVE, corrected_moment, record_facts

CASE = UUID(int=1)
PERSONS: list[dict[str, Any]] = [
    {"ref": ref, "person": str(UUID(int=number)), "key": str(UUID(int=number + 10)), "role": "person"}
    for number, ref in enumerate(("parent-A", "child-A"), start=2)
]
OPENING: dict[str, Any] = {
    "number": "S-1",
    "programme": "smaaboernsteam_001",
    "key": str(UUID(int=9)),
    "key_commitment": "ab" * 32,
    "persons": PERSONS,
}
NOTE: dict[str, Any] = {"informant": "parent-A", "channel": "phone", "content": "Called."}
SCORE: dict[str, Any] = {"instrument": "adbb", "about": "child-A", "result_kind": "score", "score": 4}
HEARING: dict[str, Any] = {"decision_ref": "d-1", "party": "parent-A", "documents": ["draft"], "deadline": "2026-03-20"}
DECISION: dict[str, Any] = {"decision": "d-1", "outcome": "grant", "legal_basis": "barnets lov § 32"}
NOTIFICATION: dict[str, Any] = {
    "notifier_kind": "private",
    "identity_known": True,
    "channel": "phone",
    "about": ["child-A"],
    "received_at": "2026-03-01T08:00:00Z",
}
THERE = "names no earlier entry of this case: use the version of one"

Described = tuple[str, dict[str, Any]]


def event(name: str, data: dict[str, Any]) -> Event:
    """Return an event as it is read from a request."""
    return EVENTS[name].model_validate_json(orjson.dumps(data))


def given(*described: Described) -> CaseFile:
    """Return a case that was opened and then holds these entries, with their clear parts only."""
    entries = [
        Entry(
            stream=CASE,
            version=version,
            position=version,
            recorded_at=datetime(2026, 3, version, tzinfo=UTC),
            topic=EVENTS[name].TOPIC,
            schema=1,
            occurred_at=datetime(2026, 3, version, tzinfo=UTC),
            actor=Actor("u-90", "caseworker"),
            commit=UUID(int=version),
            data={k: v for k, v in data.items() if k not in sealed_marks(EVENTS[name])},
            sealed=tuple(k for k in data if k in sealed_marks(EVENTS[name])),
        )
        for version, (name, data) in enumerate([("CaseOpened", OPENING), *described], start=1)
    ]
    return CaseFile(CASE, tuple(entries))


def corrected(corrects: int, field: str, **values: Any) -> Described:
    """Return a correction."""
    return "EntryCorrected", {"corrects": corrects, "field": field, "reason": "Typing error.", **values}


def annulled(version: int) -> Described:
    """Return an annulment."""
    return "EntryAnnulled", {"annuls": version, "reason": "Another case."}


def when(case: CaseFile, *described: Described) -> list[Event]:
    """Return what a commit of these facts puts on record."""
    return record_facts(case, [event(name, data) for name, data in described])


def refusal(case: CaseFile, *described: Described) -> list[tuple[str, str]]:
    """Return place and reason of everything that is wrong with a commit of these facts."""
    with pytest.raises(Malformed) as refused:
        when(case, *described)
    assert str(refused.value).count(": ") >= len(refused.value.problems)
    return [(problem.pointer, problem.detail) for problem in refused.value.problems]


def test_nothing_to_record_is_recorded_in_silence() -> None:
    """Given a case, when no fact comes, then there is no event."""
    assert record_facts(given(), []) == []


@pytest.mark.parametrize(
    "described", [("NoteRecorded", NOTE), ("AssessmentRecorded", SCORE), ("DecisionMade", DECISION)]
)
def test_a_fact_becomes_the_event_it_is(described: Described) -> None:
    """Given a case, when a well-formed fact comes, then exactly that fact is recorded, whatever gates would say."""
    assert when(given(), described) == [event(*described)]


def test_facts_keep_their_order() -> None:
    """Given a case, when several facts come, then they are recorded in the order in which they came."""
    facts = [("NoteRecorded", NOTE), ("AssessmentRecorded", SCORE), ("NoteRecorded", NOTE)]
    assert [e.name() for e in when(given(), *facts)] == [name for name, _ in facts]


@pytest.mark.parametrize("version", [1, 2])
def test_a_fact_refers_to_an_entry_of_the_case(version: int) -> None:
    """Given entries, when a fact names one of them, then it is recorded."""
    assert when(given(("NoteRecorded", NOTE)), ("NoteRecorded", NOTE | {"relates_to": version}))


def test_a_fact_refers_to_an_earlier_one_of_its_commit() -> None:
    """Given a case at version 1, when the second fact names version 2, then it means the first fact."""
    facts: list[Described] = [("HearingSent", HEARING), ("DecisionMade", DECISION | {"hearing": [2]})]
    assert len(when(given(), *facts)) == 2


@pytest.mark.parametrize("version", [2, 3, 4, 2**31 - 1])
def test_a_fact_refers_to_nothing_that_comes_later(version: int) -> None:
    """Given a case at version 1, when its second new fact names itself or what is not there, then it is refused."""
    facts: list[Described] = [("NoteRecorded", NOTE | {"relates_to": version}), ("NoteRecorded", NOTE)]
    assert refusal(given(), *facts) == [("/commands/0/data/relates_to", THERE)]


def test_a_reference_names_an_entry_of_the_right_kind() -> None:
    """Given a note, when a receipt for a notification names it, then the refusal says what may stand there."""
    case = given(("NoteRecorded", NOTE), ("NotificationReceived", NOTIFICATION))
    receipt = {"channel": "digital_post"}
    assert when(case, ("NotificationReceiptSent", receipt | {"notification": 3}))
    assert refusal(case, ("NotificationReceiptSent", receipt | {"notification": 2})) == [
        ("/commands/0/data/notification", "must name an entry of kind NotificationReceived, this one is NoteRecorded")
    ]


def test_each_entry_of_a_list_of_references_is_looked_at() -> None:
    """Given a hearing, when a decision names it, a note and nothing, then the last two are refused."""
    case = given(("HearingSent", HEARING), ("NoteRecorded", NOTE))
    found = refusal(case, ("DecisionMade", DECISION | {"hearing": [2, 3, 9]}))
    assert [place for place, _ in found] == ["/commands/0/data/hearing"] * 2
    assert [THERE in reason for _, reason in found] == [False, True]


def test_everything_wrong_is_named_with_its_place() -> None:
    """Given a case, when two of three facts are malformed, then both are named and none is recorded."""
    broken: Described = ("NoteRecorded", NOTE | {"relates_to": 77})
    places = [place for place, _ in refusal(given(), broken, ("NoteRecorded", NOTE), broken)]
    assert places == ["/commands/0/data/relates_to", "/commands/2/data/relates_to"]


def test_a_clear_field_is_corrected_in_clear() -> None:
    """Given a score, when it is corrected from the value on record, then the correction is recorded as it came."""
    described = corrected(2, "score", old=4, new=3)
    assert when(given(("AssessmentRecorded", SCORE)), described) == [event(*described)]


@pytest.mark.parametrize(
    ("described", "field", "subject"),
    [
        (("NoteRecorded", NOTE), "content", "parent-A"),
        (("NoteRecorded", NOTE | {"informant": "midwife"}), "content", "case"),
        (("DecisionMade", DECISION), "grounds", "case"),
    ],
)
def test_a_correction_is_sealed_exactly_when_the_field_is(described: Described, field: str, subject: str) -> None:
    """Given a sealed text, when it is corrected, then the key of its own subject seals the correction."""
    (found,) = when(given(described), corrected(2, field, new="New text."))
    assert isinstance(found, EntryCorrected)
    assert found.sealed_for == subject
    assert found.sealed_fields().keys() == {"reason", "old", "new"}


def test_a_correction_of_a_correction_follows_it_down() -> None:
    """Given a corrected score, when the correction is corrected, then the value must suit the score."""
    case = given(("AssessmentRecorded", SCORE), corrected(2, "score", old=4, new=3))
    assert when(case, corrected(3, "new", new=5))
    assert refusal(case, corrected(3, "new", new="many")) == [
        ("/commands/0/data/new", "is no value that score can hold")
    ]


def test_a_corrected_value_is_the_one_on_record() -> None:
    """Given a corrected score, when it is corrected again, then the old value is one it has had, and no other."""
    case = given(("AssessmentRecorded", SCORE), corrected(2, "score", old=4, new=3))
    assert when(case, corrected(2, "score", old=3, new=2))
    assert when(case, corrected(2, "score", old=4, new=2))
    assert [place for place, _ in refusal(case, corrected(2, "score", old=5, new=2))] == ["/commands/0/data/old"]


def test_the_old_value_may_be_written_in_another_form() -> None:
    """An instant in local time is the one on record, and goes on record the way every instant does."""
    received = {
        "notifier_kind": "private",
        "identity_known": True,
        "channel": "phone",
        "about": ["child-A"],
        "received_at": "2026-03-04T09:00:00.000000Z",
    }
    case = given(("NotificationReceived", received))
    (event,) = when(case, corrected(2, "received_at", old="2026-03-04T10:00:00+01:00", new="2026-03-04T09:30:00+01:00"))
    assert isinstance(event, EntryCorrected)
    assert (event.old, event.new) == ("2026-03-04T09:00:00.000000Z", "2026-03-04T08:30:00.000000Z")


def test_a_text_about_several_people_is_corrected_under_the_cases_key() -> None:
    """The subject of a sealed text may be a list of people."""
    received = {
        "notifier_kind": "private",
        "identity_known": True,
        "channel": "phone",
        "about": ["parent-A", "child-A"],
        "received_at": "2026-03-04T09:00:00.000000Z",
    }
    (event,) = when(given(("NotificationReceived", received)), corrected(2, "concern", new="Another text"))
    assert isinstance(event, EntryCorrected)
    assert event.sealed_for == "case"


def test_a_correction_lets_no_consent_end_before_it_begins() -> None:
    """What an event holds together is asked of the corrected entry as well."""
    consent = {
        "consent": "c-1",
        "kind": "support",
        "given_by": "parent-A",
        "capacity": "self",
        "scope": ["programme"],
        "form": "oral",
        "valid_from": "2026-03-04",
        "valid_to": "2026-09-04",
    }
    case = given(("ConsentGiven", consent))
    assert when(case, corrected(2, "valid_to", old="2026-09-04", new="2026-03-04"))
    found = refusal(case, corrected(2, "valid_to", old="2026-09-04", new="2026-03-03"))
    assert [place for place, _ in found] == ["/commands/0/data/new"]


def test_an_optional_value_is_taken_away() -> None:
    """Given a score, when a correction says that there was none, then it is recorded."""
    assert when(given(("AssessmentRecorded", SCORE)), corrected(2, "score", old=4))


@pytest.mark.parametrize(
    ("described", "place", "reason"),
    [
        (corrected(2, "colour", new=1), "field", "is no field of AssessmentRecorded"),
        (corrected(2, "score", new="many"), "new", "is no value that score can hold"),
        (corrected(2, "score", old=5, new=3), "old", "is not the value on record: read the case again"),
        (corrected(2, "instrument", old="adbb"), "new", "is no value that instrument can hold"),
        (corrected(2, "occurred_at", new="soon"), "new", "is no value that occurred_at can hold"),
        (corrected(2, "occurred_at", new=20260304), "new", "is no value that occurred_at can hold"),
        (corrected(2, "occurred_at", old="2026-03-02T00:00:00Z"), "new", "is no value that occurred_at can hold"),
        (corrected(3, "score", old=9, new=3), "corrects", "names an annulled entry: it has no values to correct"),
        (corrected(5, "score", new=3), "corrects", THERE),
        (corrected(2, "repeat_of", new=77), "new", THERE),
        (corrected(2, "repeat_of", new=2), "new", THERE),
        (
            corrected(2, "repeat_of", new=1),
            *("new", "must name an entry of kind AssessmentRecorded, this one is CaseOpened"),
        ),
        (
            corrected(2, "score", old=4, new=3, sealed_for="parent-A"),
            "sealed_for",
            "is set by the ledger: leave it out",
        ),
    ],
)
def test_a_correction_that_puts_nothing_right_is_refused(described: Described, place: str, reason: str) -> None:
    """Given a score, an annulled one and its annulment, when a correction does not fit, then exactly this is said."""
    case = given(("AssessmentRecorded", SCORE), ("AssessmentRecorded", SCORE | {"score": 9}), annulled(3))
    assert refusal(case, described) == [(f"/commands/0/data/{place}", reason)]


@pytest.mark.parametrize(
    ("version", "field"),
    [(1, "key"), (1, "key_commitment"), (1, "persons"), (3, "annuls"), (4, "corrects"), (4, "field"), (5, "person")],
)
def test_what_an_entry_is_about_stays_as_recorded(version: int, field: str) -> None:
    """Given entries, when a correction would change what one is about, then it is refused."""
    joined = {"ref": "child-B", "person": str(UUID(int=4)), "key": str(UUID(int=14)), "role": "child"}
    case = given(("NoteRecorded", NOTE), annulled(2), corrected(1, "number", new="S-2"), ("PersonJoined", joined))
    assert refusal(case, corrected(version, field, new="x")) == [
        ("/commands/0/data/field", "stays as recorded: annul the entry and record it anew")
    ]


def test_a_correction_names_an_entry_of_before() -> None:
    """Given a case, when a fact and its correction come together, then the fact should have been put right at once."""
    found = refusal(given(), ("AssessmentRecorded", SCORE), corrected(2, "score", old=4, new=3))
    assert found == [("/commands/1/data/corrects", "must name an entry recorded before this commit")]


def test_a_reference_is_corrected_to_a_fact_of_the_same_commit() -> None:
    """Given a decision, when a forgotten hearing is recorded and the decision corrected to name it, then both are."""
    case = given(("DecisionMade", DECISION))
    assert len(when(case, ("HearingSent", HEARING), corrected(2, "hearing", new=[3]))) == 2
    assert refusal(case, corrected(2, "hearing", new=[3])) == [("/commands/0/data/new", THERE)]


@pytest.mark.parametrize("version", [2, 3])
def test_an_entry_is_annulled(version: int) -> None:
    """Given entries, when one is annulled, even one that was annulled before, then that is recorded."""
    case = given(("NoteRecorded", NOTE), annulled(2))
    assert when(case, annulled(version)) == [event(*annulled(version))]


def test_the_opening_is_not_annulled() -> None:
    """Given a case, when its opening is annulled, then it is refused: every other entry rests on it."""
    assert refusal(given(), annulled(1)) == [
        ("/commands/0/data/annuls", "names the opening of the case, which every other entry rests on")
    ]


ID = str(UUID(int=5))
OWN: dict[str, dict[str, Any]] = {
    "LedgerOpened": {"ledger": ID, "title": "t", "simulated": True},
    "CaseOpened": OPENING,
    "PersonRegistered": {"person": ID, "key": ID, "key_commitment": "ab" * 32, "full_name": "Alma Eksempel"},
    "PersonJoined": {"ref": "p", "person": ID, "key": ID, "role": "r"},
    "RuleSettingsChosen": {"settings": {"A5": "grid"}},
    "RuleBookAdopted": {"rule_book": "r", "version": "1", "text": "t", "sha256": "ab" * 32},
    "KeyRotated": {"purpose": "p", "old_key": "a", "new_key": "b"},
    "GateStopped": {"gate": "g", "act": "DecisionMade", "findings": ["f"]},
    "SearchKept": {"key": ID, "key_commitment": "ab" * 32, "label": "n", "query": "sen:ja"},
    "SearchDropped": {"label": "n"},
    "AccessGranted": {"staff": "u-1", "role": "r", "basis": "b"},
    "AccessEnded": {"staff": "u-1", "role": "r", "basis": "b"},
    "BreakGlassOpened": {"staff": "u-1", "role": "r", "until": "2026-03-04T00:00:00Z", "reason": "r"},
    "BreakGlassReviewed": {"opening": 1, "justified": True},
    "Exported": {"what": "w", "format": "f", "purpose": "p", "recipient": "r", "cases": [], "sha256": "ab" * 32},
    "PersonIdentified": {"person": ID, "identifier": "610199-0001"},
    "CaseRestricted": {"category": "c", "allowed": "u-1", "review_by": "2026-03-04", "reason": "r"},
    "RestrictionReviewed": {"restriction": 1, "renewed": False, "reason": "r"},
    "ConflictOfInterestRecorded": {"staff": "u-1", "kind": "k"},
    "ConflictOfInterestEnded": {"conflict": 1, "reason": "r"},
    "LookupsWithheld": {"person": "p", "looks": [1], "legal_basis": "l", "mentioned": True, "reason": "r"},
    "StaffNamesReleased": {"person": "p", "ground": "needed_for_rights", "legal_basis": "l", "reason": "r"},
    "LookupExtractMade": {"person": "p", "rows": 1, "withheld": 0, "with_names": False, "as_of_position": 1},
    "LookupsExpired": {"upto": 1, "recorded_before": "2026-03-04T00:00:00Z", "months_kept": 60},
    "ErasureProposed": {"ground": "unlawful", "scope": "person", "legal_basis": "l", "reason": "r"},
    "ErasureRejected": {"proposal": 1, "reason": "r"},
    "CiphertextRemoved": {"erasure": 1, "entries": 1},
    "LookJudged": {
        "look": 1,
        "verdict": "justified",
        "grounds": "own_case",
        "since": "2026-03-01T00:00:00Z",
        "until": "2026-03-31T00:00:00Z",
        "share": 200,
        "seed": "1",
        "upto": 1,
    },
    "WarningSent": {
        "rule": "UND-24H",
        "trigger": 1,
        "number": 0,
        "due": "2026-03-04T00:00:00Z",
        "level": "broken",
        "channel": "mail",
        "recipient": "u-1",
        "attempt": 1,
    },
    "WarningDelivered": {"warning": 1},
    "WarningNotDelivered": {"warning": 1, "reason": "interrupted"},
    "WarningOpened": {"warning": 1},
    "RecordViewed": {"viewer": "u-1", "role": "r", "purpose": "p", "what": "w", "cases": []},
}


@pytest.mark.parametrize("name", sorted(ADMINISTRATIVE - {"PersonalDataErased"}))
def test_administrative_events_are_no_facts(name: str) -> None:
    """Given a case, when an event of the ledger's own comes as a fact, then it is refused by its name alone."""
    found = refusal(given(), (name, OWN[name]))
    assert found == [("/commands/0/event", "is not a fact of a case: it has an address of its own")]


@pytest.mark.parametrize(
    "fact", [annulled(2), corrected(2, "allowed", old="u-1", new="u-2")], ids=["annulled", "corrected"]
)
def test_what_closes_a_case_is_not_opened_by_a_correction(fact: Described) -> None:
    """Given a restriction, when it is annulled or corrected as a fact, then it is refused: it is reviewed instead."""
    closed = given(("CaseRestricted", OWN["CaseRestricted"]))
    ((_, detail),) = refusal(closed, fact)
    assert (
        detail == "names an entry about access, a warning or erasure: it is reviewed or ended at an address of its own"
    )


def test_erasure_is_no_fact() -> None:
    """The name of the erasure is among those that acts of their own put on record."""
    assert "PersonalDataErased" in ADMINISTRATIVE


@pytest.mark.parametrize(
    ("entries", "correction", "moment"),
    [
        ([("NoteRecorded", NOTE)], corrected(2, "occurred_at", new="2026-03-04"), date(2026, 3, 4)),
        (
            [("NoteRecorded", NOTE), corrected(2, "occurred_at", new="2026-03-04")],
            corrected(3, "new", new="2026-03-05T00:00:00Z"),
            datetime(2026, 3, 5, tzinfo=UTC),
        ),
        ([("HearingSent", HEARING)], corrected(2, "deadline", new="2026-03-27"), None),
        ([("AssessmentRecorded", SCORE)], corrected(2, "score", old=4, new=3), None),
    ],
)
def test_a_correction_of_time_says_when_it_happened(
    entries: Sequence[Described], correction: Described, moment: Any
) -> None:
    """A corrected moment is told, also where a correction is corrected; other corrections tell none."""
    fact = event(*correction)
    assert isinstance(fact, EntryCorrected)
    assert corrected_moment(given(*entries), fact) == moment
