"""Where a case stands, by the stories and by rules they do not reach."""

import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from functools import reduce
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.entries import Entry
from domain.events.base import Actor
from domain.register import effective
from domain.time import COPENHAGEN, Moment
from projections.case_state import TOPICS, derive, expected_package, fold, row, state_as_of, value_at_path
from tests.story_entries import NAMES, expectations, known_at, story_entries

Fact = tuple[str, Mapping[str, Any]]

START = datetime(2026, 3, 2, 9, tzinfo=UTC)
OWN, OTHER = "smaaboernsteam_001", "needs_based_visits"
PERSONS = [{"ref": "parent-X", "person": str(UUID(int=2)), "key": str(UUID(int=3)), "role": "mother"}]


def entry(version: int, topic: str, data: Mapping[str, Any], occurred_at: Moment | None = None) -> Entry:
    """Return an entry recorded ``version`` hours after the start, where it happened unless told otherwise."""
    recorded = START + timedelta(hours=version)
    return Entry(
        stream=UUID(int=1),
        version=version,
        position=version,
        recorded_at=recorded,
        topic=topic,
        schema=1,
        occurred_at=occurred_at or recorded,
        actor=Actor("u-1", "adviser"),
        commit=UUID(int=version),
        data=data,
    )


def case(*facts: Fact) -> list[Entry]:
    """Return the entries of a case opened and then with these facts, an hour apart."""
    opened = entry(1, "case_opened", {"number": "2026-1", "programme": OWN, "persons": PERSONS})
    return [opened, *(entry(version, topic, data) for version, (topic, data) in enumerate(facts, 2))]


def value_of(*facts: Fact) -> dict[str, Any]:
    """Return where a case with these facts stands."""
    return state_as_of(case(*facts), None)


def path_of(path: str, *facts: Fact) -> Any:
    """Return one answer about a case with these facts."""
    return value_at_path(value_of(*facts), path, START + timedelta(days=1))


REFERRED: Fact = ("referral_made", {"programme": OWN, "person": "parent-X"})
RECOMMENDED: Fact = ("recommendation_made", {"programme": OWN, "to": "visitation_panel"})
CLOSE: Fact = ("recommendation_made", {"programme": OWN, "to": "steering_group", "kind": "close"})
ADMITTED: Fact = ("admission_approved", {"programme": OWN})
STARTED: Fact = ("intervention_started", {"enrolment": "enr-1"})
CLOSED: Fact = ("enrolment_closed", {"enrolment": "enr-1", "reason": "goals_reached"})
FINAL: Fact = ("meeting_held", {"type": "final_follow_up", "participants": []})


@pytest.mark.parametrize(("name", "item"), expectations("state"))
def test_stories(name: str, item: Mapping[str, Any]) -> None:
    """Every answer a story expects about its state is given, on both clocks."""
    at = datetime.fromisoformat(item["at"])
    value = state_as_of(known_at(story_entries(name), datetime.fromisoformat(item["known_at"])), at)
    assert value_at_path(value, item["path"], at) == item["value"]


@pytest.mark.parametrize("name", NAMES)
def test_step_by_step_as_all_at_once(name: str) -> None:
    """After every entry of a story the folded value is the one derived from all its entries so far, and is JSON."""
    state: tuple[Entry, ...] = ()
    for count, one in enumerate(story_entries(name), 1):
        state = fold(state, one)
        value = row(state)
        assert value == derive(effective(story_entries(name)[:count]))
        assert value == state_as_of(story_entries(name)[:count], None)
        assert json.loads(json.dumps(value)) == value


@pytest.mark.parametrize("name", NAMES)
def test_state_holds_only_what_is_read(name: str) -> None:
    """The folded state holds no entry of another topic and leaves out corrections of entries it does not hold."""
    state = reduce(fold, story_entries(name), ())
    assert {kept.topic for kept in state} <= TOPICS
    note = replace(story_entries(name)[-1], topic="note_recorded", version=1000)
    about_note = replace(note, topic="entry_annulled", version=1001, data={"annuls": 1000})
    assert fold(fold(state, note), about_note) is state


def test_no_row_before_the_case_is_opened() -> None:
    """Without the entry that opens the case there is nothing to remember and nothing to answer."""
    loose = entry(2, *REFERRED)
    assert row(()) is None
    assert row(fold((), loose)) is None
    with pytest.raises(LookupError):
        state_as_of([loose], None)


def test_new_case() -> None:
    """A case just opened has its number, programme and people, and nothing else."""
    value = value_of()
    assert (value["number"], value["programme"], value["persons"]) == ("2026-1", OWN, {"parent-X": "mother"})
    assert value["enrolments"] == []
    assert value["enrolment"] == {"id": None, "status": "none", "phase": None}


def test_opening_counts_at_every_instant() -> None:
    """A birth recorded when the case was opened is found at an instant before that."""
    entries = [*case(), entry(2, "child_born", {"child": "child-X"}, START - timedelta(days=90))]
    value = state_as_of(entries, START - timedelta(days=30))
    assert value_at_path(value, "child-X.born", START - timedelta(days=30)) is True
    assert value["number"] == "2026-1"


@pytest.mark.parametrize(
    ("facts", "status"),
    [
        ((), "none"),
        ((REFERRED,), "referred"),
        ((RECOMMENDED,), "recommended"),
        ((REFERRED, ADMITTED), "admitted"),
        ((STARTED,), "running"),
        ((STARTED, CLOSE), "closing"),
        ((STARTED, FINAL), "closing"),
        ((STARTED, CLOSED), "closed"),
        ((CLOSED,), "closed"),
        ((STARTED, REFERRED), "running"),
        ((STARTED, RECOMMENDED, ADMITTED), "running"),
        ((STARTED, CLOSE, STARTED), "closing"),
        ((STARTED, CLOSED, FINAL, CLOSE), "closed"),
        ((STARTED, CLOSED, STARTED), "running"),
        ((STARTED, CLOSED, REFERRED), "referred"),
        ((STARTED, ("recommendation_made", {"programme": OWN, "to": "steering_group", "kind": "extend"})), "running"),
        ((FINAL,), "none"),
    ],
)
def test_enrolment_status(facts: tuple[Fact, ...], status: str) -> None:
    """Steps may be missing, a status goes back only where support is taken up again, a referral begins anew."""
    assert path_of("enrolment.status", *facts) == status


@pytest.mark.parametrize("topic", ["referral_made", "recommendation_made", "admission_approved"])
def test_other_programme_changes_nothing(topic: str) -> None:
    """A referral, recommendation or admission to another programme leaves the enrolment alone."""
    assert value_of((topic, {"programme": OTHER, "person": "parent-X", "to": "x"}))["enrolments"] == []
    closed = value_of(STARTED, CLOSED, (topic, {"programme": OTHER, "person": "parent-X", "to": "x"}))
    assert [enrolment["status"] for enrolment in closed["enrolments"]] == ["closed"]


def test_first_event_to_name_an_enrolment_names_the_one_prepared() -> None:
    """What was prepared without an id is the enrolment that starts."""
    value = value_of(RECOMMENDED, ADMITTED, STARTED)
    assert [(one["enrolment"], one["status"]) for one in value["enrolments"]] == [("enr-1", "running")]
    assert value["overview"] == {"enr-1": "ongoing"}


def test_event_without_enrolment_belongs_to_the_one_prepared() -> None:
    """A recommendation without an id belongs to the enrolment whose first phase was entered before it."""
    value = value_of(("phase_entered", {"enrolment": "enr-2", "phase": 1}), RECOMMENDED)
    assert [(one["enrolment"], one["status"], one["phase"]) for one in value["enrolments"]] == [
        ("enr-2", "recommended", 1)
    ]
    assert value["overview"] == {"enr-2": "on_the_way_in"}


def test_event_without_enrolment_belongs_to_the_one_running() -> None:
    """While one enrolment runs and another is named already, an event without an id belongs to the running one."""
    value = value_of(STARTED, ("phase_entered", {"enrolment": "enr-2", "phase": 1}), FINAL)
    assert value["overview"] == {"enr-1": "on_the_way_out"}
    assert [one["status"] for one in value["enrolments"]] == ["closing", "none"]


def test_late_event_of_a_closed_enrolment_stays_with_it() -> None:
    """An event that names a closed enrolment leaves the new one alone."""
    phase = ("phase_entered", {"enrolment": "enr-1", "phase": 5})
    value = value_of(STARTED, CLOSED, REFERRED, phase)
    assert [(one["status"], one["phase"]) for one in value["enrolments"]] == [("closed", 5), ("referred", None)]
    assert value["enrolment"] == {"id": None, "status": "referred", "phase": None}


def test_package_is_of_an_enrolment_not_closed() -> None:
    """The current package is the last one started whose enrolment is not closed."""
    infant = ("package_started", {"enrolment": "enr-1", "package": "infant", "period": 1})
    toddler = ("package_started", {"enrolment": "enr-2", "package": "toddler", "period": 1})
    assert path_of("package.current", infant) == "infant"
    assert path_of("package.current", infant, CLOSED) is None
    assert path_of("package.current", infant, CLOSED, toddler) == "toddler"
    assert path_of("package.current", toddler, infant, CLOSED) == "toddler"
    assert value_of(infant)["enrolments"][0]["period"] == 1


DECIDED: Fact = ("decision_made", {"decision": "d-1", "outcome": "grant"})
NOTIFIED: Fact = ("decision_notified", {"decision": "d-1"})
APPEALED: Fact = ("complaint_received", {"decision": "d-1"})
REMITTED: Fact = ("appeal_decided", {"decision": "d-1", "outcome": "remitted"})
REPLACING: Fact = ("decision_made", {"decision": "d-2", "outcome": "grant", "replaces": "d-1"})


@pytest.mark.parametrize(
    ("facts", "status"),
    [
        ((), None),
        ((DECIDED,), "made"),
        ((DECIDED, NOTIFIED), "notified"),
        ((DECIDED, APPEALED, NOTIFIED), "appealed"),
        ((DECIDED, APPEALED, REMITTED, APPEALED), "remitted"),
        ((DECIDED, REMITTED, ("appeal_decided", {"decision": "d-1", "outcome": "upheld"})), "upheld"),
        ((DECIDED, REPLACING, REMITTED), "replaced"),
        ((("decision_made", {"decision": "d-1", "outcome": "grant", "replaces": "d-1"}),), "made"),
    ],
)
def test_decision_status(facts: tuple[Fact, ...], status: str | None) -> None:
    """A decision has the furthest status reached, whatever came after."""
    assert path_of("decision.d-1.status", *facts) == status


def test_annulled_start_and_its_revival() -> None:
    """An annulled start leaves the enrolment admitted; annulling the annulment lets it run again."""
    annulled = (ADMITTED, STARTED, ("entry_annulled", {"annuls": 3}))
    assert path_of("enrolment.status", *annulled) == "admitted"
    assert path_of("enrolment.status", *annulled, ("entry_annulled", {"annuls": 4})) == "running"


def test_corrected_programme_of_a_referral() -> None:
    """A referral corrected to the case's own programme counts from then on."""
    elsewhere = ("referral_made", {"programme": OTHER, "person": "parent-X"})
    correction = ("entry_corrected", {"corrects": 2, "field": "programme", "old": OTHER, "new": OWN})
    assert path_of("enrolment.status", elsewhere, correction) == "referred"


def test_people_and_responsibility() -> None:
    """Persons who join have their role; per role the member of staff allocated last is responsible."""
    joined = ("person_joined", {"ref": "child-X", "person": str(UUID(int=4)), "key": str(UUID(int=5)), "role": "child"})
    allocated = [("case_allocated", {"to": to, "for_role": role}) for to, role in [("u-1", "a"), ("u-2", "b")]]
    value = value_of(joined, *allocated, ("case_allocated", {"to": "u-3", "for_role": "a"}))
    assert value["persons"] == {"parent-X": "mother", "child-X": "child"}
    assert value["responsible"] == {"a": "u-3", "b": "u-2"}


def test_assessment_without_id_is_not_kept() -> None:
    """Results are found by the id of the assessment; of several the last one holds."""
    results = [{"instrument": "adbb", "score": score, "assessment": name} for name, score in [("a", 4), (None, 9)]]
    value = value_of(*(("assessment_recorded", result) for result in results))
    assert value["assessments"] == {"a": {"instrument": "adbb", "score": 4}}


def test_decimals_kept_as_text_are_answered_as_numbers() -> None:
    """Hours and scores with decimals are kept as text and compared as numbers; other texts stay texts."""
    hours = ("support_level_set", {"enrolment": "enr-1", "hours_per_week": "37.5"})
    assert value_of(hours)["support"] == {"hours_per_week": "37.5"}
    assert path_of("support.hours_per_week", hours) == 37.5
    scored = ("assessment_recorded", {"instrument": "adbb", "assessment": "a", "score": "2.5"})
    assert path_of("assessment.a.score", scored) == 2.5
    assert path_of("screening.outcome", ("screening_recorded", {"outcome": "1"})) == "1"


@pytest.mark.parametrize(
    "path",
    [
        "enrolment.phase",
        "package.current",
        "pregnancy.due_date",
        "screening.outcome",
        "support.hours_per_week",
        "overview.enr-9",
        "assessment.a.score",
        "decision.d.status",
    ],
)
def test_unknown_is_null(path: str) -> None:
    """What nothing is known of is null, and a child never heard of is not born."""
    assert path_of(path) is None
    assert path_of("child-X.born") is False


@pytest.mark.parametrize("path", ["enrolment", "enrolment.id", "overview.", "decision.d", "", "assessment.a.scores"])
def test_path_nobody_can_answer(path: str) -> None:
    """A path that is none of the known ones is an error, not null."""
    with pytest.raises(ValueError, match="not a path"):
        path_of(path)


@pytest.mark.parametrize(
    "fact",
    [
        ("phase_entered", {"enrolment": "enr-1"}),
        ("child_born", {}),
        ("assessment_recorded", {"assessment": "a"}),
        ("decision_made", {"outcome": "grant"}),
        ("entry_corrected", {"field": "score", "new": 3}),
    ],
)
def test_fact_that_cannot_be_read_is_an_error(fact: Fact) -> None:
    """A fact without what it must hold is not passed over."""
    with pytest.raises(KeyError):
        value_of(fact)


def test_sealed_values_are_not_read() -> None:
    """The value is the same whether or not sealed fields were unsealed for the reader."""
    opened, *rest = case(("assessment_recorded", {"instrument": "adbb", "assessment": "a", "score": 4}), REFERRED)
    unsealed = replace(rest[0], sealed=("score",))
    sealed = replace(unsealed, data={"instrument": "adbb", "assessment": "a"})
    value = state_as_of([opened, unsealed, rest[1]], None)
    assert value == state_as_of([opened, sealed, rest[1]], None)
    assert value["assessments"]["a"]["score"] is None


@pytest.mark.parametrize(
    ("born", "at", "package"),
    [
        (date(2024, 2, 29), datetime(2025, 2, 27, 23, 59, 59, tzinfo=COPENHAGEN), "infant"),
        (date(2024, 2, 29), datetime(2025, 2, 28, tzinfo=COPENHAGEN), "toddler"),
        (date(2024, 12, 31), datetime(2025, 12, 30, 23, tzinfo=COPENHAGEN), "infant"),
        (date(2024, 12, 31), datetime(2027, 12, 31, tzinfo=COPENHAGEN), None),
        (datetime(2024, 6, 27, 22, 30, tzinfo=UTC), datetime(2025, 6, 27, 12, tzinfo=COPENHAGEN), "infant"),
        (datetime(2024, 6, 27, 22, 30, tzinfo=UTC), datetime(2025, 6, 28, tzinfo=COPENHAGEN), "toddler"),
        (datetime(2024, 6, 27, 22, 30, tzinfo=UTC), datetime(2024, 6, 27, 22, 29, 59, tzinfo=UTC), "pregnancy"),
        (datetime(2024, 6, 27, 22, 30, tzinfo=UTC), datetime(2024, 6, 27, 22, 30, tzinfo=UTC), "infant"),
    ],
)
def test_expected_package(born: Moment, at: datetime, package: str | None) -> None:
    """Ages are reached at 00:00 in Copenhagen, on the last day of a month that lacks the day of birth."""
    value = state_as_of([*case(), entry(2, "child_born", {"child": "child-X"}, born)], None)
    assert expected_package(value, at) == package


def test_expected_package_follows_the_youngest_child() -> None:
    """With an elder sibling in the case the youngest child born decides."""
    births = [("elder", date(2020, 1, 1)), ("younger", date(2026, 1, 1))]
    entries = [entry(n, "child_born", {"child": ref}, born) for n, (ref, born) in enumerate(births, 2)]
    value = state_as_of([*case(), *entries], None)
    assert expected_package(value, START) == "infant"
    assert expected_package(value, datetime(2025, 12, 31, tzinfo=UTC)) is None
    assert expected_package(value_of(), START) == "pregnancy"


UNRELATED: tuple[Fact, ...] = (
    REFERRED,
    ADMITTED,
    STARTED,
    ("phase_entered", {"enrolment": "enr-1", "phase": 2}),
    ("package_started", {"enrolment": "enr-1", "package": "infant"}),
    ("pregnancy_registered", {"person": "parent-X", "due_date": "2026-04-01"}),
    ("due_date_revised", {"person": "parent-X", "due_date": "2026-04-09"}),
    ("support_level_set", {"enrolment": "enr-1", "hours_per_week": 9}),
    ("case_allocated", {"to": "u-2", "for_role": "coordinator"}),
    CLOSED,
    REFERRED,
    DECIDED,
    REMITTED,
)


@given(st.permutations(list(enumerate(UNRELATED))), st.integers(0, len(UNRELATED)))
@settings(max_examples=80, deadline=None)
def test_order_of_recording_does_not_matter(recorded: list[tuple[int, Any]], hours: int) -> None:
    """Facts that do not refer to each other give the same value in whatever order they were recorded."""
    facts = [
        entry(version, topic, data, START + timedelta(hours=happened))
        for version, (happened, (topic, data)) in enumerate(recorded, 2)
    ]
    in_order = [replace(one, version=place) for place, one in enumerate(sorted(facts, key=lambda one: one.happened), 2)]
    valid_at = START + timedelta(hours=hours)
    assert row(reduce(fold, [*case(), *facts], ())) == row(reduce(fold, [*case(), *in_order], ()))
    assert state_as_of([*case(), *facts], valid_at) == state_as_of([*case(), *in_order], valid_at)


@given(st.data())
@settings(max_examples=60, deadline=None)
def test_any_corrections_folded_as_all_at_once(data: st.DataObject) -> None:
    """With any corrections and annulments, of facts read or not, the fold equals deriving from everything."""
    entries = case(*UNRELATED, ("note_recorded", {"relates_to": None}))
    for version in range(len(entries) + 1, len(entries) + data.draw(st.integers(2, 8))):
        of = data.draw(st.integers(2, version - 1))
        kind, name = ("annuls", "reason") if data.draw(st.booleans()) else ("corrects", "old")
        field = "new" if entries[of - 1].topic == "entry_corrected" else data.draw(st.sampled_from(["status", "phase"]))
        about = {kind: of, name: "x", "field": field, "new": data.draw(st.integers(1, 5))}
        entries.append(entry(version, "entry_annulled" if kind == "annuls" else "entry_corrected", about))
    assert row(reduce(fold, entries, ())) == derive(effective(entries))


@given(st.data())
@settings(max_examples=60, deadline=None)
def test_every_state_on_the_way_answers_for_itself(data: st.DataObject) -> None:
    """Late entries, corrections and annulments in any order: each state gives the full fold, asked first or again."""
    entries, states = case(), [reduce(fold, case(), ())]
    for version in range(2, 2 + data.draw(st.integers(4, 14))):
        topic, facts = data.draw(st.sampled_from(UNRELATED))
        happened = START + timedelta(hours=data.draw(st.integers(0, 40)))
        if version > 2 and data.draw(st.booleans()):
            of = data.draw(st.integers(2, version - 1))
            topic = data.draw(st.sampled_from(["entry_annulled", "entry_corrected"]))
            moment = (START + timedelta(hours=data.draw(st.integers(0, 40)))).isoformat()
            field = "new" if entries[of - 1].topic == "entry_corrected" else "occurred_at"
            facts = {"annuls": of, "corrects": of, "field": field, "new": moment}
        entries.append(entry(version, topic, facts, happened))
        states.append(fold(states[-1], entries[-1]))
        if data.draw(st.booleans()):
            assert row(states[-1]) == derive(effective(entries))
    for count, state in enumerate(states, 1):
        assert row(state) == row(state) == derive(effective(entries[:count]))
