"""What was another's, or wrong about someone, is out of sight whatever instant is asked about."""

from dataclasses import replace

from domain.entries import Entry
from domain.known import Known
from domain.register import history
from domain.withheld import withheld, withholding_entries, without
from tests.domain.rules import entry, opened

SCORE = entry(2, "AssessmentRecorded", "2025-03-03T10:00+01:00", instrument="adbb", about="child-A", score=9)
MOVED = entry(3, "EntryAnnulled", "2025-03-04T10:00+01:00", annuls=2, kind="wrong_person")
RESTRICTED = entry(
    3, "EntryCorrected", "2025-03-04T10:00+01:00", corrects=2, field="score", old=9, new=3, restricted=True
)


def shown(*entries: Entry, upto: int | None = None) -> tuple[Entry, ...]:
    """Return the entries up to a version as a reader sees them by all that is on record."""
    record = (opened(), *entries)
    return without(record[:upto], withheld(record))


def test_an_entry_of_another_keeps_its_place_and_nothing_else() -> None:
    """Its data are gone, it is no fact, and the versions of the others stay theirs."""
    found = shown(SCORE, MOVED)
    assert [one.version for one in found] == [1, 2, 3]
    assert (dict(found[1].data), found[1].withheld) == ({}, True)
    assert [fact.version for fact in Known(found).facts] == [1]


def test_not_even_the_names_of_its_sealed_fields_are_left() -> None:
    """Whatever became of their keys."""
    sealed = replace(SCORE, sealed=("grounds", "summary"), erased=("grounds",), unreadable=("summary",))
    found = shown(sealed, MOVED)[1]
    assert (found.sealed, found.erased, found.unreadable) == ((), (), ())


def test_it_is_withheld_in_views_of_the_time_before_it_was_noticed() -> None:
    """What is asked about then does not bring it back."""
    found = shown(SCORE, MOVED, upto=2)
    assert dict(found[1].data) == {}
    assert [fact.version for fact in Known(found).facts] == [1]


def test_an_ordinary_annulment_stays_readable() -> None:
    """A duplicate is struck through, no more."""
    found = shown(SCORE, entry(3, "EntryAnnulled", "2025-03-04T10:00+01:00", annuls=2, kind="duplicate"))
    assert found[1].data["score"] == 9
    assert not found[1].withheld


def test_a_withholding_taken_back_withholds_nothing() -> None:
    """The entry was this person's after all."""
    back = entry(4, "EntryAnnulled", "2025-03-05T10:00+01:00", annuls=3)
    found = shown(SCORE, MOVED, back)
    assert [fact.version for fact in Known(found).facts] == [1, 2]
    assert withholding_entries((SCORE, MOVED, back)) == ()


def test_a_restricted_correction_shows_what_is_right_only() -> None:
    """Neither the entry, nor the correction, nor the history tells the original, now or as of before."""
    found = shown(SCORE, RESTRICTED)
    assert found[1].data["score"] == 3
    assert found[1].restricted == ("score",)
    assert 9 not in (*found[1].data.values(), *found[2].data.values())
    assert [(one.old, one.new) for one in history(found)[2].corrections] == [(None, 3)]
    assert shown(SCORE, RESTRICTED, upto=2)[1].data["score"] == 3


def test_values_on_the_way_are_withheld_too() -> None:
    """A correction before it, and a correction of that correction, tell nothing either."""
    first = entry(3, "EntryCorrected", "2025-03-04T10:00+01:00", corrects=2, field="score", old=9, new=8)
    again = entry(4, "EntryCorrected", "2025-03-05T10:00+01:00", corrects=3, field="new", old=8, new=7)
    last = entry(
        5, "EntryCorrected", "2025-03-06T10:00+01:00", corrects=2, field="score", old=7, new=3, restricted=True
    )
    found = shown(SCORE, first, again, last)
    told = {value for one in found[1:] for name, value in one.data.items() if name in ("score", "old", "new")}
    assert told == {3}
    fact = Known(found).fact(2)
    assert fact is not None
    assert fact.data["score"] == 3


def test_a_restricted_removal_leaves_nothing() -> None:
    """A value that should never have been there is left out."""
    removal = entry(3, "EntryCorrected", "2025-03-04T10:00+01:00", corrects=2, field="score", old=9, restricted=True)
    found = shown(SCORE, removal)
    assert "score" not in found[1].data
    assert "old" not in found[2].data


def test_when_something_happened_is_no_such_value() -> None:
    """A corrected time stays a correction like any other."""
    moved = entry(
        3,
        "EntryCorrected",
        "2025-03-04T10:00+01:00",
        corrects=2,
        field="occurred_at",
        new="2025-03-02T09:00:00.000000Z",
        restricted=True,
    )
    found = shown(SCORE, moved)
    assert found[1].data["score"] == 9
    assert found[1].restricted == ()
