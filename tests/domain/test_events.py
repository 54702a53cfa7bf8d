"""What the event classes accept, refuse, store and say about themselves."""

import json
import re
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, ClassVar, cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

import domain.events
from api.stories import SHIPPED
from domain.events import BY_TOPIC, EVENTS, GROUPS, UnknownEvent, index_by_topic, upcast
from domain.events.base import TEXT_LIMIT, Code, Event, read_number, reference_marks, sealed_marks
from domain.events.catalogue import wire_form

STORIES = SHIPPED

CATALOGUE = """
NotificationReceived NotificationAcuteAssessed NotificationReceiptSent NotificationReassessed ScreeningRecorded
ReferralMade RecommendationMade CaseAllocated NoteRecorded ConsentGiven ConsentRefused ConsentWithdrawn DisclosureMade
DisclosureDenied InformationObtained VisitHeld VisitCancelled SupportLevelSet AttentionRaised InvestigationOpened
PreliminaryAssessmentRecorded InvestigationCompleted AssessmentOrdered AssessmentRecorded ChildViewObtained HearingSent
HearingResponseReceived DecisionMade DecisionNotified ComplaintReceived ComplaintReassessed AppealDecided PlanAdopted
FollowUpHeld FollowUpScheduleDecided StatusNoteWritten MeetingHeld SteeringOverviewPublished RelayLogOpened
AdmissionApproved InterventionStarted PhaseEntered PackageStarted DaycareContacted EnrolmentClosed PregnancyRegistered
DueDateRevised ChildBorn CustodyRecorded EntryCorrected EntryAnnulled AccessRequestReceived DeadlineExtensionNotified
AccessRequestAnswered RecordViewed DataBreachDetected DataBreachReported RetentionClassAssigned LegalHoldChanged
PersonalDataErased
""".split()  # noqa: SIM905

ADMINISTRATION = """
LedgerOpened CaseOpened PersonRegistered PersonJoined RuleBookAdopted RuleSettingsChosen KeyRotated
GateStopped AccessGranted AccessEnded
BreakGlassOpened BreakGlassReviewed Exported PersonIdentified
CaseRestricted RestrictionReviewed ConflictOfInterestRecorded ConflictOfInterestEnded
LookupsWithheld StaffNamesReleased LookupExtractMade LookupsExpired LookJudged
WarningSent WarningDelivered WarningNotDelivered WarningOpened
ArchiveDelivered ErasureProposed ErasureRejected CiphertextRemoved RecipientTold
""".split()  # noqa: SIM905

NOTE: dict[str, Any] = {"informant": "parent-A", "channel": "phone", "content": "Mother Eksempel called."}
VISIT: dict[str, Any] = {"kind": "night_cover"}
CONSENT: dict[str, Any] = {
    "consent": "c-1",
    "kind": "support",
    "given_by": "parent-A",
    "capacity": "self",
    "scope": ["daycare"],
    "form": "oral",
    "valid_from": "2025-03-10",
}
SCORE: dict[str, Any] = {"instrument": "adbb", "about": "child-A", "result_kind": "score"}
NOBODY: list[str] = []
NOTIFICATION: dict[str, Any] = {
    "notifier_kind": "private",
    "identity_known": True,
    "channel": "phone",
    "received_at": "2025-02-28T14:20:00.000000Z",
    "about": ["parent-A"],
}
CORRECTION: dict[str, Any] = {"corrects": 3, "field": "score", "old": 4, "new": 3, "reason": "Typing error."}
CASE: dict[str, Any] = {
    "number": "S-2025-0412",
    "programme": "smaaboernsteam_001",
    "key": "00000000-0000-4000-8000-000000000001",
    "key_commitment": "ab" * 32,
    "persons": [],
}
PERSON: dict[str, Any] = {
    "ref": "parent-A",
    "person": "00000000-0000-4000-8000-000000000002",
    "key": "00000000-0000-4000-8000-000000000003",
    "role": "mother",
}


def load(name: str, data: dict[str, Any]) -> Event:
    """Read one event from JSON, as every request and every stored entry is read."""
    return EVENTS[name].model_validate_json(json.dumps(data))


def dump(event: Event) -> str:
    """Write one event as it is stored."""
    return event.model_dump_json(exclude_none=True)


def story(path: Path) -> list[tuple[int, str, dict[str, Any]]]:
    """Return number, event name and data of every step, with the names that references have in events."""
    steps: list[dict[str, Any]] = json.loads(path.read_text(encoding="utf-8"))["steps"]
    return [
        (step["n"], step["event"], {key.removesuffix("_step"): value for key, value in step["data"].items()})
        for step in steps
    ]


def floats_in(value: Any) -> list[float]:
    """Return every float in a JSON value, at any depth."""
    if isinstance(value, float):
        return [value]
    if isinstance(value, dict):
        return floats_in(list(cast(dict[str, Any], value).values()))
    return [number for part in cast(list[Any], value) for number in floats_in(part)] if isinstance(value, list) else []


def same(told: Any, stored: Any) -> bool:
    """Return whether a stored value says what was told; an instant may be written with another offset."""
    if told == stored:
        return True
    return isinstance(told, str) and len(told) > 19 and datetime.fromisoformat(told) == datetime.fromisoformat(stored)


def targets_of(value: Any) -> list[int]:
    """Return what a reference field refers to: nothing, one entry or several."""
    if value is None:
        return []
    return cast(list[int], value) if isinstance(value, list) else [value]


story_files = pytest.mark.parametrize("path", sorted(STORIES.glob("s*.json")), ids=lambda path: path.stem)


@story_files
def test_every_step_of_a_story_is_stored_and_read_back_the_same(path: Path) -> None:
    """Nothing told is lost, nothing is added but nothing, and a second dump is equal byte for byte."""
    for number, name, data in story(path):
        first = dump(load(name, data))
        stored = json.loads(first)
        told = {key: value for key, value in data.items() if value is not None}
        assert stored.keys() == told.keys(), f"step {number}"
        assert all(same(value, stored[key]) for key, value in told.items()), f"step {number}"
        assert dump(EVENTS[name].model_validate_json(first)) == first, f"step {number}"
        assert floats_in(stored) == [], f"step {number}"


@story_files
def test_references_in_a_story_stand_where_the_classes_allow_them(path: Path) -> None:
    """Each reference points backwards to an event of a kind that its field names."""
    steps = story(path)
    names = {number: name for number, name, _ in steps}
    for number, name, data in steps:
        for field, mark in reference_marks(EVENTS[name]).items():
            targets = targets_of(data.get(field))
            assert all(target < number for target in targets)
            assert all(not mark.to or names[target] in mark.to for target in targets), f"step {number}, {field}"


def test_there_are_six_stories() -> None:
    """The stories are found, so that the tests over them test something."""
    assert len(list(STORIES.glob("s*.json"))) == 6


def test_the_registry_holds_the_catalogue_and_the_administration() -> None:
    """All sixty facts of the catalogue, those of people, control and approval, those about the ledger itself, and no other."""
    assert len(CATALOGUE) == 60
    further = [event.name() for group in ("people", "control", "approval") for event in GROUPS[group]]
    assert sorted(EVENTS) == sorted([*CATALOGUE, *ADMINISTRATION, *further])
    assert sum(map(len, GROUPS.values())) == len(EVENTS) == len(BY_TOPIC)


@pytest.mark.parametrize("event", EVENTS.values(), ids=list(EVENTS))
def test_every_event_describes_itself(event: type[Event]) -> None:
    """Each class itself declares its topic, labels and meaning; topic is its name in snake case."""
    declared = vars(event)
    assert declared["TOPIC"] == re.sub(r"(?<!^)(?=[A-Z])", "_", event.__name__).lower()
    assert declared["LABEL_DA"]
    assert declared["LABEL_EN"]
    assert declared["__doc__"]
    assert event.VERSION >= 1


@pytest.mark.parametrize("event", EVENTS.values(), ids=list(EVENTS))
def test_marks_name_what_exists(event: type[Event]) -> None:
    """A seal names a field that holds its subject, a reference names events, a moment names an instant."""
    fields = event.model_fields
    assert {mark.of for mark in sealed_marks(event).values() if mark.of} <= fields.keys()
    assert {name for mark in reference_marks(event).values() for name in mark.to} <= EVENTS.keys()
    moment = event.moment_field()
    assert moment is None or "date-time" in json.dumps(wire_form(event)["fields"][moment])


@pytest.mark.parametrize("event", EVENTS.values(), ids=list(EVENTS))
def test_free_text_is_always_sealed_and_nothing_else_is(event: type[Event]) -> None:
    """Every field that may hold a free text is sealed, and only those."""
    form = wire_form(event)
    texts = {name for name, schema in form["fields"].items() if f'"maxLength": {TEXT_LIMIT}' in json.dumps(schema)}
    assert texts == form["sealed"].keys()


def test_moments_come_from_receipt_availability_and_awareness() -> None:
    """Every event with one of the three fields says that its clocks run from it."""
    named = {"received_at", "available_at", "became_aware_at"}
    for event in EVENTS.values():
        assert ({event.moment_field()} - {None}) == named & event.model_fields.keys()


def test_a_look_up_seals_nothing() -> None:
    """Look-ups are appended without an expected version, which no sealed field survives."""
    assert sealed_marks(EVENTS["RecordViewed"]) == {}


def test_sealed_and_reference_marks_are_found_on_optional_and_list_fields() -> None:
    """The marks survive unions, tuples and defaults."""
    decision = EVENTS["DecisionMade"]
    assert {"child_view", "facts", "hearing"} <= reference_marks(decision).keys()
    assert {"purpose", "grounds", "alternatives"} <= sealed_marks(decision).keys()
    assert load("NoteRecorded", NOTE).sealed_fields() == {"content": "informant", "answer_given": "informant"}


def test_a_topic_must_be_declared_on_the_class_and_used_once() -> None:
    """An inherited topic and a second use of one are errors of the program, found at import."""

    class Heir(EVENTS["NoteRecorded"]):
        """Declares no topic."""

    class Twin(Event):
        """Declares the topic of another."""

        TOPIC: ClassVar[str] = "note_recorded"

    with pytest.raises(TypeError, match="Heir declares no TOPIC"):
        index_by_topic([Heir])
    with pytest.raises(TypeError, match="Twin and NoteRecorded"):
        index_by_topic([EVENTS["NoteRecorded"], Twin])


REFUSED = [
    pytest.param("NoteRecorded", NOTE | {"mood": "SECRET"}, "mood", id="unknown field"),
    pytest.param("NoteRecorded", NOTE | {"content": "SECRET\x00"}, "content", id="NUL in text"),
    pytest.param("NoteRecorded", NOTE | {"channel": "SECRET\x00"}, "channel", id="NUL in code"),
    pytest.param("NoteRecorded", NOTE | {"content": "SECRET" * TEXT_LIMIT}, "content", id="text over the limit"),
    pytest.param("NoteRecorded", NOTE | {"channel": "SECRET\nline"}, "channel", id="code of two lines"),
    pytest.param("NoteRecorded", NOTE | {"channel": "SECRET "}, "channel", id="code with a blank at its end"),
    pytest.param("NoteRecorded", NOTE | {"relates_to": "SECRET"}, "relates_to", id="text for a reference"),
    pytest.param("NoteRecorded", NOTE | {"relates_to": 0}, "relates_to", id="reference before the first entry"),
    pytest.param("NoteRecorded", {"channel": "phone", "content": "SECRET"}, "informant", id="missing field"),
    pytest.param("NoteRecorded", NOTE | {"essential_step": "SECRET"}, "essential_step", id="text for yes or no"),
    pytest.param(
        "NotificationReceived",
        NOTIFICATION | {"received_at": "1987-02-28T15:20:00"},
        "received_at",
        id="naive instant",
    ),
    pytest.param(
        "NotificationReceived",
        NOTIFICATION | {"received_at": "1987-02-31T15:20:00+01:00"},
        "received_at",
        id="no day of the calendar",
    ),
    pytest.param(
        "NotificationReceived",
        NOTIFICATION | {"received_at": "0001-01-01T00:00:00+10:00"},
        "received_at",
        id="before the first year",
    ),
    pytest.param("NotificationReceived", NOTIFICATION | {"about": NOBODY}, "about", id="about nobody"),
    pytest.param("ConsentGiven", CONSENT | {"valid_from": "1987-03-10T00:00:00+01:00"}, "valid_from", id="not a day"),
    pytest.param("ConsentGiven", CONSENT | {"valid_from": "1741600000"}, "valid_from", id="seconds for a day"),
    pytest.param("ConsentGiven", CONSENT | {"valid_to": "1987-03-09"}, "valid_to", id="ends before it begins"),
    pytest.param("AssessmentRecorded", SCORE | {"score": "SECRET"}, "score", id="text for a number"),
    pytest.param("AssessmentRecorded", SCORE | {"score": True}, "score", id="yes for a number"),
    pytest.param("AssessmentRecorded", SCORE | {"score": 1e300}, "score", id="number too large"),
    pytest.param("AssessmentRecorded", SCORE | {"score": 0.1234567}, "score", id="number too fine"),
    pytest.param("PhaseEntered", {"enrolment": "e", "phase": 19871987}, "phase", id="no such phase"),
    pytest.param("PackageStarted", {"enrolment": "e", "package": "SECRET"}, "package", id="no such package"),
    pytest.param("FollowUpScheduleDecided", {"interval": "SECRET", "informed": NOBODY}, "interval", id="no interval"),
    pytest.param("FollowUpScheduleDecided", {"interval": "P", "informed": NOBODY}, "interval", id="empty interval"),
    pytest.param("EntryCorrected", CORRECTION | {"field": "SECRET/path"}, "field", id="path for a field"),
    pytest.param("EntryCorrected", CORRECTION | {"new": ["SECRET\x00"]}, "new", id="NUL inside a new value"),
    pytest.param("EntryCorrected", CORRECTION | {"new": None, "old": None}, "new", id="correction of nothing"),
    pytest.param("CaseOpened", CASE | {"persons": [PERSON, PERSON]}, "persons", id="one reference for two people"),
    pytest.param("CaseOpened", CASE | {"persons": [PERSON | {"ref": "case"}]}, "ref", id="reserved reference"),
    pytest.param("CaseOpened", CASE | {"key_commitment": "SECRET"}, "key_commitment", id="no hash"),
]


@pytest.mark.parametrize(("name", "data", "field"), REFUSED)
def test_malformed_data_is_refused_by_field_and_without_its_value(name: str, data: dict[str, Any], field: str) -> None:
    """The message says which field is wrong and never repeats what somebody typed into it."""
    with pytest.raises(ValidationError) as refusal:
        load(name, data)
    message = str(refusal.value)
    assert field in message
    assert not re.search(r"SECRET|1987|1741600000|1234567", message)


@pytest.mark.parametrize(
    ("name", "data"),
    [
        pytest.param("AssessmentRecorded", SCORE | {"score": 40, "scale_max": 32}, id="score above its scale"),
        pytest.param("NotificationReceived", NOTIFICATION | {"about": "parent-A"}, id="one person without a list"),
        pytest.param("NotificationReceived", NOTIFICATION | {"notifier_kind": "own_staff"}, id="a code not used yet"),
        pytest.param("DecisionMade", {"decision": "d", "outcome": "grant", "legal_basis": "§ 32"}, id="bare decision"),
        pytest.param("ConsentGiven", CONSENT | {"valid_to": "2025-03-10"}, id="consent for one day"),
        pytest.param("FollowUpScheduleDecided", {"interval": "P1Y6M", "informed": ["parent-A"]}, id="two units"),
        pytest.param("EntryCorrected", CORRECTION | {"old": None}, id="a value where there was none"),
    ],
)
def test_facts_are_not_refused_for_being_unusual(name: str, data: dict[str, Any]) -> None:
    """What happened is recorded; whether it should have is for findings."""
    assert json.loads(dump(load(name, data))) == {key: value for key, value in data.items() if value is not None}


def test_instants_are_compared_and_stored_in_utc() -> None:
    """In the night the clocks go back, half past two can be after a quarter to three."""
    night = VISIT | {"started": "2025-10-26T02:45:00+02:00", "ended": "2025-10-26T02:30:00+01:00"}
    assert json.loads(dump(load("VisitHeld", night)))["ended"] == "2025-10-26T01:30:00.000000Z"
    with pytest.raises(ValidationError, match="ended must not be before started"):
        load("VisitHeld", VISIT | {"started": night["ended"], "ended": night["started"]})


def test_a_naive_datetime_is_refused_in_python_too() -> None:
    """Code that builds an event without a zone is told so."""
    with pytest.raises(ValidationError, match="needs an offset"):
        EVENTS["VisitHeld"].model_validate(VISIT | {"started": datetime(2025, 3, 4, 14)})  # noqa: DTZ001


def test_decimals_are_stored_as_text_at_any_depth() -> None:
    """No float reaches the stored form, whether typed as number or inside a corrected value."""
    level = load("SupportLevelSet", {"enrolment": "e", "hours_per_week": 37.5})
    assert json.loads(dump(level))["hours_per_week"] == "37.5"
    corrected = load("EntryCorrected", CORRECTION | {"old": 28.0, "new": {"items": [1.5, 2.0, None, True]}})
    stored = json.loads(dump(corrected))
    assert stored["old"] == 28
    assert stored["new"] == {"items": ["1.5", 2, None, True]}
    assert floats_in(stored) == []
    assert dump(EVENTS["EntryCorrected"].model_validate_json(dump(corrected))) == dump(corrected)


def test_a_correction_is_sealed_exactly_when_its_field_is() -> None:
    """Both values are sealed for the named person, and neither where the corrected field is in clear."""
    assert load("EntryCorrected", CORRECTION).sealed_fields() == {"reason": None}
    sealed = load("EntryCorrected", CORRECTION | {"field": "content", "sealed_for": "parent-A"})
    assert sealed.sealed_fields() == {"reason": None, "old": "sealed_for", "new": "sealed_for"}


def test_events_do_not_change() -> None:
    """A field of an event cannot be set."""
    with pytest.raises(ValidationError, match="frozen"):
        load("NoteRecorded", NOTE).channel = "e-mail"  # pyright: ignore[reportAttributeAccessIssue]


def test_stored_data_of_today_needs_no_upcast() -> None:
    """The newest version is returned as it is."""
    assert upcast("note_recorded", 1, NOTE) == NOTE


@pytest.mark.parametrize(("topic", "version"), [("no_such_topic", 1), ("note_recorded", 3), ("note_recorded", 0)])
def test_an_unknown_topic_or_version_is_an_error(topic: str, version: int) -> None:
    """Entries of a newer program are not guessed at."""
    with pytest.raises(UnknownEvent):
        upcast(topic, version, {})


def test_upcasters_are_applied_in_order(monkeypatch: pytest.MonkeyPatch) -> None:
    """Old data climb one version at a time, from where they stand."""

    class Grown(Event):
        """An event in its third version."""

        TOPIC: ClassVar[str] = "grown"
        VERSION: ClassVar[int] = 3

        path: tuple[Code, ...]

        @staticmethod
        def upcast_v1_v2(data: dict[str, Any]) -> dict[str, Any]:
            """Add the second step."""
            return data | {"path": [*data["path"], "two"]}

        @staticmethod
        def upcast_v2_v3(data: dict[str, Any]) -> dict[str, Any]:
            """Add the third step."""
            return data | {"path": [*data["path"], "three"]}

    monkeypatch.setattr(domain.events, "BY_TOPIC", index_by_topic([Grown]))
    assert upcast("grown", 1, {"path": ["one"]})["path"] == ["one", "two", "three"]
    assert upcast("grown", 2, {"path": ["one"]})["path"] == ["one", "three"]


@settings(max_examples=100, deadline=None)
@given(st.decimals(min_value=-999_999, max_value=999_999, places=3) | st.integers(-(10**12) + 1, 10**12 - 1))
def test_numbers_keep_their_value_and_have_one_form(value: Decimal | int) -> None:
    """A number is an integer or decimal text of equal value, and reading it again changes nothing."""
    number = read_number(value)
    assert Decimal(str(number)) == value
    assert isinstance(number, int) == (value == int(value))
    assert read_number(number) == number
    assert read_number(str(value)) == number
