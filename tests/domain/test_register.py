"""What the register makes of corrections, annulments and late entries."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.entries import Entry
from domain.events.base import Actor
from domain.register import as_of, effective, history, target
from tests.story_entries import expectations, known_at, read_story, story_entries

START = datetime(2026, 3, 2, 9, tzinfo=UTC)


def entry(version: int, topic: str, data: Mapping[str, Any], *, hours: float | None = None) -> Entry:
    """Return an entry recorded ``version`` hours after the start; it happened then too unless ``hours`` is given."""
    recorded = START + timedelta(hours=version)
    return Entry(
        stream=UUID(int=1),
        version=version,
        position=version,
        recorded_at=recorded,
        topic=topic,
        schema=1,
        occurred_at=recorded if hours is None else START + timedelta(hours=hours),
        actor=Actor("u-1", "adviser"),
        commit=UUID(int=version),
        data=data,
    )


def fact(version: int, *, hours: float | None = None, **data: Any) -> Entry:
    """Return a fact of the case."""
    return entry(version, "assessment_recorded", data, hours=hours)


def corrected(version: int, of: int, field: str, new: Any, *, hours: float | None = None) -> Entry:
    """Return a correction of an entry."""
    return entry(version, "entry_corrected", {"corrects": of, "field": field, "old": None, "new": new}, hours=hours)


def annulled(version: int, of: int) -> Entry:
    """Return an annulment of an entry."""
    return entry(version, "entry_annulled", {"annuls": of})


def scores(*entries: Entry) -> list[Any]:
    """Return the scores in force, in order."""
    return [kept.data.get("score") for kept in effective(entries)]


def test_correction_gives_the_new_value_and_is_no_fact_itself() -> None:
    """A corrected entry has the new value and the correction is not in the result."""
    kept = effective([fact(1, score=4, scale=5), corrected(2, 1, "score", 3)])
    assert [(one.version, one.data) for one in kept] == [(1, {"score": 3, "scale": 5})]


def test_entries_handed_in_stay_as_they_are() -> None:
    """Applying a correction leaves the original entry untouched."""
    original = fact(1, score=4)
    effective([original, corrected(2, 1, "score", 3)])
    assert original.data == {"score": 4}


def test_later_correction_of_a_field_holds() -> None:
    """Of two corrections of one field the one that happened later holds, however they were recorded."""
    assert scores(fact(1, score=4), corrected(2, 1, "score", 3), corrected(3, 1, "score", 2)) == [2]
    assert scores(fact(1, score=4), corrected(2, 1, "score", 3), corrected(3, 1, "score", 2, hours=1.5)) == [3]


def test_corrections_of_different_fields_all_hold() -> None:
    """Corrections of two fields of one entry are both applied."""
    kept = effective([fact(1, score=4, cutoff=9), corrected(2, 1, "score", 3), corrected(3, 1, "cutoff", 5)])
    assert kept[0].data == {"score": 3, "cutoff": 5}


def test_correction_of_a_correction() -> None:
    """A correction whose new value is corrected gives the value it should have given."""
    assert scores(fact(1, score=4), corrected(2, 1, "score", 3), corrected(3, 2, "new", 5)) == [5]


def test_what_a_correction_is_about_stays_as_recorded() -> None:
    """A correction cannot be turned to another entry or field, nor an annulment to another entry."""
    assert scores(fact(1, score=4), fact(2, score=1), corrected(3, 2, "score", 0), corrected(4, 3, "corrects", 1)) == [
        4,
        0,
    ]
    assert scores(fact(1, score=4), fact(2, score=1), annulled(3, 2), corrected(4, 3, "annuls", 1)) == [4]
    kept = effective([fact(1, score=4), corrected(2, 1, "score", 3), corrected(3, 2, "field", "cutoff")])
    assert kept[0].data == {"score": 3}


def test_annulled_correction_changes_nothing() -> None:
    """A correction that is annulled leaves the entry as recorded."""
    assert scores(fact(1, score=4), corrected(2, 1, "score", 3), annulled(3, 2)) == [4]


def test_annulled_correction_of_a_correction_changes_nothing() -> None:
    """A correction stands as made when the correction of it is annulled."""
    assert scores(fact(1, score=4), corrected(2, 1, "score", 3), corrected(3, 2, "new", 5), annulled(4, 3)) == [3]


def test_annulled_entry_is_left_out() -> None:
    """An annulled entry is no fact, corrected or not."""
    assert scores(fact(1, score=4), fact(2, score=1), corrected(3, 1, "score", 3), annulled(4, 1)) == [1]


def test_annulled_annulment_revives() -> None:
    """An entry whose annulment is annulled counts again, and not when that is annulled in turn."""
    entries = [fact(1, score=4), annulled(2, 1), annulled(3, 2)]
    assert scores(*entries) == [4]
    assert scores(*entries, annulled(4, 3)) == []


def test_missing_new_value_removes_the_field() -> None:
    """A correction without a new value means that there is none."""
    without = entry(2, "entry_corrected", {"corrects": 1, "field": "score", "old": 4})
    assert effective([fact(1, score=4, scale=5), without])[0].data == {"scale": 5}


def test_correction_adds_a_field_that_was_missing() -> None:
    """A field that was absent is there once corrected."""
    assert scores(fact(1), corrected(2, 1, "score", 3)) == [3]


def test_corrected_occurrence_moves_the_entry() -> None:
    """Correcting when something happened moves it in the order and in what had happened at an instant."""
    entries = [fact(1, score=1), fact(2, score=2), corrected(3, 2, "occurred_at", "2026-03-02T10:30:00+01:00")]
    assert [kept.version for kept in effective(entries)] == [2, 1]
    assert [kept.version for kept in as_of(entries, START + timedelta(minutes=45))] == [2]


def test_corrected_occurrence_may_be_a_day() -> None:
    """A day counts from 00:00 in Copenhagen."""
    kept = effective([fact(1, score=1), corrected(2, 1, "occurred_at", "2026-03-01")])[0]
    assert kept.occurred_at == date(2026, 3, 1)
    assert kept.happened == datetime(2026, 2, 28, 23, tzinfo=UTC)


def test_occurrence_as_a_field_of_the_facts_comes_first() -> None:
    """Where the facts themselves hold occurred_at, that is what is corrected."""
    kept = effective([fact(1, occurred_at="then"), corrected(2, 1, "occurred_at", "later")])[0]
    assert (kept.data, kept.occurred_at) == ({"occurred_at": "later"}, START + timedelta(hours=1))


@pytest.mark.parametrize("new", [None, 7, "soon"])
def test_occurrence_that_cannot_be_read_is_an_error(new: Any) -> None:
    """A correction that takes the moment away or is no moment is not passed over."""
    with pytest.raises(ValueError, match=r"occurred_at|is not a date"):
        effective([fact(1), corrected(2, 1, "occurred_at", new)])


def test_sealed_correction_leaves_the_facts_as_they_are() -> None:
    """A new value that is sealed and not unsealed is unknown, not null."""
    sealed = replace(
        entry(2, "entry_corrected", {"corrects": 1, "field": "summary"}), sealed=("old", "new", "reason"), erased=()
    )
    assert effective([fact(1, summary="as heard"), sealed])[0].data == {"summary": "as heard"}
    assert history([fact(1), sealed])[1].corrections[0].unread


def test_unsealed_correction_is_applied_and_stays_secret() -> None:
    """A sealed new value that was unsealed for the reader is applied, and the field counts as sealed."""
    sealed = replace(corrected(2, 1, "summary", "as meant"), sealed=("old", "new"))
    kept = effective([fact(1), sealed])[0]
    assert (kept.data, kept.sealed) == ({"summary": "as meant"}, ("summary",))


def test_late_entry_takes_its_place() -> None:
    """An entry recorded late stands where it happened; at the same moment the earlier version comes first."""
    kept = effective([fact(1), fact(2, hours=0.5), fact(3, hours=1)])
    assert [one.version for one in kept] == [2, 1, 3]


def test_correction_known_only_later() -> None:
    """The same instant asked about has the old value as known before the correction and the new one as known after."""
    entries = [fact(1, score=4), fact(2, score=9), corrected(3, 1, "score", 3)]
    before = as_of(entries[:2], START + timedelta(hours=1))
    after = as_of(entries, START + timedelta(hours=1))
    assert [one.data["score"] for one in (*before, *after)] == [4, 3]


def test_instant_itself_counts() -> None:
    """What happened at the very instant asked about had happened, a microsecond earlier it had not."""
    instant = START + timedelta(hours=1)
    assert len(as_of([fact(1)], instant)) == 1
    assert as_of([fact(1)], instant - timedelta(microseconds=1)) == ()
    assert len(as_of([fact(1)], None)) == 1


@pytest.mark.parametrize("version", [0, 2, 3])
def test_reference_forwards_is_an_error(version: int) -> None:
    """A correction of itself, of a later entry or of none at all cannot be read."""
    with pytest.raises(ValueError, match="earlier entry"):
        target(corrected(2, version, "score", 3))


def test_correction_without_its_entry_is_an_error() -> None:
    """A correction that does not say what it corrects cannot be read."""
    with pytest.raises(KeyError):
        effective([fact(1), entry(2, "entry_corrected", {"field": "score", "new": 3})])


def test_history_shows_old_and_new() -> None:
    """The history of a corrected entry holds both values, when the correction was recorded and that it is in force."""
    told = entry(2, "entry_corrected", {"corrects": 1, "field": "score", "old": 4, "new": 3})
    notes = history([fact(1, score=4), fact(5), told])
    assert list(notes) == [1]
    note = notes[1].corrections[0]
    assert (note.version, note.field, note.old, note.new, note.recorded_at) == (2, "score", 4, 3, told.recorded_at)
    assert note.in_force
    assert not note.unread
    assert notes[1].annulment is None
    assert not notes[1].annulled


def test_history_of_a_corrected_correction() -> None:
    """The correction is shown with the value it now gives, and has a history of its own."""
    notes = history([fact(1, score=4), corrected(2, 1, "score", 3), corrected(3, 2, "new", 5)])
    assert notes[1].corrections[0].new == 5
    assert [note.version for note in notes[2].corrections] == [3]


def test_history_of_annulments() -> None:
    """An annulled entry shows the annulment in force; a revived one the annulment that no longer is."""
    entries = [fact(1), annulled(2, 1), annulled(3, 2)]
    revived = history(entries)
    assert not revived[1].annulled
    assert revived[1].annulment is not None
    assert revived[2].annulled
    again = history([*entries, annulled(4, 1)])[1]
    assert again.annulment is not None
    assert (again.annulled, again.annulment.version) == (True, 4)
    twice = history([fact(1), annulled(2, 1), annulled(3, 1), annulled(4, 3)])[1]
    assert twice.annulment is not None
    assert (twice.annulled, twice.annulment.version) == (True, 2)


def test_history_of_an_annulled_correction() -> None:
    """A correction that was annulled is shown as no longer in force."""
    notes = history([fact(1, score=4), corrected(2, 1, "score", 3), annulled(3, 2)])
    assert not notes[1].corrections[0].in_force


def test_many_corrections_take_little_time() -> None:
    """Twenty thousand corrections of one entry, each correcting or annulling, are settled without trying each pair."""
    entries = [fact(1, score=0), *(corrected(version, 1, "score", version) for version in range(2, 20_000))]
    assert scores(*entries) == [19_999]


@given(st.data())
@settings(max_examples=60, deadline=None)
def test_agrees_with_a_literal_reading(data: st.DataObject) -> None:
    """Any web of corrections and annulments gives what reading the rule word by word gives."""
    entries = [fact(1, score=-1), fact(2, score=-2)]
    for version in range(3, data.draw(st.integers(3, 12))):
        of = data.draw(st.integers(1, version - 1))
        kinds = {"assessment_recorded": "score", "entry_corrected": "new", "entry_annulled": "reason"}
        correction = corrected(version, of, kinds[entries[of - 1].topic], version, hours=data.draw(st.integers(0, 3)))
        entries.append(correction if data.draw(st.booleans()) else annulled(version, of))
    shuffled = data.draw(st.permutations(entries))
    assert [(one.version, one.data["score"]) for one in effective(shuffled)] == _literal(entries)


def _literal(entries: list[Entry]) -> list[tuple[int, Any]]:
    """Return versions and scores in force by asking again for each entry."""

    def counts(one: Entry) -> bool:
        return not any(other.data.get("annuls") == one.version and counts(other) for other in entries)

    def value(one: Entry, name: str) -> Any:
        known = [other for other in entries if other.data.get("corrects") == one.version and counts(other)]
        known.sort(key=lambda other: (other.happened, other.version))
        return value(known[-1], "new") if known else one.data.get(name)

    return [(one.version, value(one, "score")) for one in entries[:2] if counts(one)]


@pytest.mark.parametrize(("name", "item"), expectations("known_at"))
def test_stories_known_at(name: str, item: Mapping[str, Any]) -> None:
    """The log as known at an instant holds what was recorded by then; what had happened unrecorded is told apart."""
    instant = datetime.fromisoformat(item["at"])
    known = known_at(story_entries(name), instant)
    unknown = [one for one in story_entries(name) if one not in known and one.happened <= instant]
    assert [one.version - 1 for one in known if one.version > 1] == item["known_steps"]
    assert [one.version - 1 for one in unknown] == item["occurred_but_not_yet_recorded"]


def test_stories_refer_to_the_same_entries() -> None:
    """The correction in the story that goes wrong concerns the entry its step names."""
    correction = next(one for one in story_entries("s6_goes_wrong") if one.topic == "entry_corrected")
    step = read_story("s6_goes_wrong")["steps"][correction.version - 2]
    assert target(correction) == step["data"]["corrects_step"] + 1
