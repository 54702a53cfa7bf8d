"""Milestones: whatever happens in a long case, from the one before an instant follows what the full fold says."""

from dataclasses import replace
from datetime import datetime, timedelta
from functools import reduce
from itertools import pairwise
from typing import Any
from uuid import UUID

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from domain.entries import Entry
from projections import milestones
from projections.case_state import TOPICS, state_as_of
from projections.milestones import fold, instant_of, parts, runs_of, state_after
from tests.projections.any_case import BEGAN, any_case, instants

CASE = UUID(int=1)
NO_RULES: Any = None
Rows = dict[str, dict[str, Any]]


@pytest.fixture(autouse=True)
def short_stretches(monkeypatch: pytest.MonkeyPatch) -> None:
    """A case is long from six entries on."""
    monkeypatch.setattr(milestones, "STRETCH", 3)


def rows_of(state: tuple[Entry, ...]) -> Rows:
    """Return the rows remembered of a state."""
    return parts(state, NO_RULES, None)


def read(rows: Rows, entries: list[Entry], valid_at: datetime) -> tuple[dict[str, Any], int]:
    """Return where a case stood at an instant, by its milestones, and how many entries were read for it."""
    part = max(part for part in rows if instant_of(part) <= valid_at)
    runs = runs_of(rows[part])
    some = [one for one in entries if one.topic in TOPICS and any(a <= one.version <= b for a, b in runs)]
    return state_after(instant_of(part), rows[part], some, valid_at), len(some)


@given(seed=st.integers(0, 10**9), about=st.sampled_from((0.0, 0.1, 0.4)))
@example(seed=3, about=0.4)
@settings(max_examples=40, deadline=None)
def test_milestones_answer_like_the_full_fold(seed: int, about: float) -> None:
    """After each entry, for instants about each, whatever is late, tied, corrected, annulled or brought back."""
    entries = any_case(seed, 30, CASE, about=about)
    state: tuple[Entry, ...] = ()
    asked = 0
    for count, one in enumerate(entries, 1):
        state = fold(state, one)
        rows = rows_of(state)
        if rows:
            for valid_at in {*instants(entries[: count : 1 + count // 8])}:
                assert read(rows, entries[:count], valid_at)[0] == state_as_of(entries[:count], valid_at)
                asked += 1
    assert asked > 20


def hours(version: int, happened: datetime, recorded: datetime | None = None) -> Entry:
    """Return an entry that sets the level of support."""
    opening = any_case(1, 1, CASE)[0]
    facts: dict[str, Any] = {"topic": "support_level_set", "data": {"hours_per_week": version}}
    return replace(opening, version=version, occurred_at=happened, recorded_at=recorded or happened, **facts)


def life(entries: int, happened: timedelta = timedelta(hours=1)) -> list[Entry]:
    """Return a case in which the level of support is set again and again, so far apart."""
    changes = [hours(version, BEGAN + version * happened) for version in range(2, entries + 1)]
    return [*any_case(1, 1, CASE), *changes]


def test_a_short_case_has_none() -> None:
    """One of fewer than two stretches, and one that nobody has opened."""
    assert rows_of(reduce(fold, life(5), ())) == {}
    assert rows_of(reduce(fold, life(6), ())) != {}
    assert rows_of(reduce(fold, life(40)[1:], ())) == {}


def test_few_entries_are_read_however_long_the_case() -> None:
    """And one more at the end gives no row, but for every third."""
    entries = life(200)
    states = [reduce(fold, entries[:-1], ())]
    states.append(fold(states[0], entries[-1]))
    rows = rows_of(states[1])
    assert 30 < len(rows) < 70
    assert max(read(rows, entries, one.happened)[1] for one in entries) <= 4 * milestones.STRETCH
    steps = [reduce(fold, entries[:50], ())]
    for one in entries[50:80]:
        steps.append(fold(steps[-1], one))
    changed = sum(rows_of(one) != rows_of(other) for one, other in pairwise(steps))
    assert changed == 30 / milestones.STRETCH


def test_late_entry_moves_only_what_it_changes() -> None:
    """One that a later one makes up for leaves all milestones but the one before it; a birth changes all after it."""
    state = reduce(fold, life(100), ())
    before = rows_of(state)
    late = hours(101, BEGAN + timedelta(hours=50, minutes=1), BEGAN + timedelta(hours=200))
    changed = [part for part, value in rows_of(fold(state, late)).items() if value != before[part]]
    assert len(changed) == 1
    birth = replace(late, topic="child_born", data={"child": "child-A"})
    after = rows_of(fold(state, birth))
    changed = [part for part, value in after.items() if value != before[part]]
    assert len(changed) > len(before) / 3
    assert {part for part in before if part < "2026-03-03T08"}.isdisjoint(changed)


def test_many_entries_of_one_instant_are_read_for_no_other() -> None:
    """However many happened at once, as in a case brought over from paper: what was before and after is read apart."""
    moment = BEGAN + timedelta(hours=30, seconds=30)
    tied = [hours(version, moment, BEGAN + timedelta(days=9)) for version in range(61, 121)]
    entries = [*life(60), *tied]
    rows = rows_of(reduce(fold, entries, ()))
    for instant in (one for entry in life(60) for one in instants([entry])):
        value, number = read(rows, entries, instant)
        assert value == state_as_of(entries, instant)
        assert number <= 5 * milestones.STRETCH
    assert read(rows, entries, moment)[0] == state_as_of(entries, moment)


def test_opening_annulled_and_brought_back() -> None:
    """A case that nobody opened has no milestones; once the annulment is annulled it has them again."""
    entries = life(30)
    about = replace(hours(31, BEGAN + timedelta(days=9)), topic="entry_annulled", data={"annuls": 1})
    again = replace(hours(32, BEGAN + timedelta(days=9)), topic="entry_annulled", data={"annuls": 31})
    state = reduce(fold, entries, ())
    assert rows_of(fold(state, about)) == {}
    back = rows_of(fold(fold(state, about), again))
    at = BEGAN + timedelta(hours=12)
    assert read(back, [*entries, about, again], at)[0] == state_as_of(entries, at)
