"""The rows of a case that goes on are those of the same case folded from nothing, whatever comes next."""

from dataclasses import replace
from datetime import datetime, timedelta

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from domain.entries import Entry
from domain.rules import Rules
from domain.time import copenhagen_day, read_instant
from projections.view import BAROMETER, DEADLINES, FINDINGS, State, View
from tests.domain.rules import entry, opened, rules
from tests.domain.test_any_facts import PROGRAMMES, facts
from tests.story_entries import NAMES, story_entries

VIEWS = (DEADLINES, FINDINGS, BAROMETER)
BEGAN = read_instant("2025-03-01T10:00+01:00")
STEPS = (timedelta(0), timedelta(hours=3), timedelta(days=9), timedelta(days=70))
OTHER_READINGS = {
    setting.id: other
    for adoption in rules().adoptions
    for setting in adoption.book.setting
    for other in setting.options[-1:]
    if other != setting.default
}


def turned(at: datetime) -> Rules:
    """Return the shipped rules, adopted anew with other readings at an instant."""
    before, anew = rules(), rules(**OTHER_READINGS)
    adoptions = tuple(replace(one, recorded_at=at, position=9) for one in anew.adoptions)
    return Rules((*before.adoptions, *adoptions), before.calendar)


def written(view: View, state: State, adopted: Rules) -> bytes:
    """Return the rows of a state as bytes, so that 1 is not taken for true."""
    return orjson.dumps(dict(view.rows(state, adopted, None)), option=orjson.OPT_SORT_KEYS)


def follow(life: list[Entry], turn: int, compared: int = 0) -> None:
    """Follow a case, with other rules from an entry on, and compare each step from one on with a fold from nothing."""
    before, after = rules(), turned(life[turn].recorded_at)
    for view in VIEWS:
        state: State = ()
        for number, one in enumerate(life):
            state = view.step(state, one)
            for adopted in (before, after) if number == turn else (before if number < turn else after,):
                followed = written(view, state, adopted)
                if number >= compared:
                    assert followed == written(view, tuple(state), adopted), (view.name, number, one.topic)


@st.composite
def recorded(draw: st.DrawFn, life: list[Entry]) -> list[Entry]:
    """Return entries recorded at once, soon or long after each other, so that some tell of what is still to come."""
    instant, found = BEGAN, list[Entry]()
    for one in life:
        instant += draw(st.sampled_from(STEPS))
        happened = draw(st.sampled_from((one.occurred_at, instant, copenhagen_day(instant))))
        found.append(replace(one, recorded_at=instant, occurred_at=happened))
    return found


@pytest.mark.parametrize("programme", PROGRAMMES)
@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data())
def test_any_facts_follow(programme: str, data: st.DataObject) -> None:
    """Facts of all kinds, in any order of happening; corrections and annulments of any; rules adopted anywhere."""
    life = [opened(programme), *data.draw(facts().flatmap(recorded))]
    follow(life, data.draw(st.integers(0, len(life) - 1)))


@pytest.mark.parametrize("name", NAMES)
@settings(max_examples=5, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data())
def test_a_story_follows_with_corrections_of_all_of_it(name: str, data: st.DataObject) -> None:
    """A story up to anywhere, then its own entries corrected and annulled again and again."""
    story = story_entries(name)
    life = list(story[: data.draw(st.integers(2, len(story)))])
    begun = len(life)
    for _ in range(data.draw(st.integers(1, 6))):
        life.append(data.draw(about(life)))
    follow(life, data.draw(st.integers(0, len(life) - 1)), begun - 1)


@st.composite
def about(draw: st.DrawFn, life: list[Entry]) -> Entry:
    """Return the next entry of a case: that any earlier one is annulled, or has the value of another in a field."""
    version, last = len(life) + 1, life[-1]
    concerned = draw(st.integers(2, len(life)))
    when = (last.recorded_at + draw(st.sampled_from(STEPS))).isoformat()
    if draw(st.booleans()):
        return entry(version, "EntryAnnulled", when, annuls=concerned, kind="recorded_in_error")
    target = life[concerned - 1]
    fields = sorted(name for name, value in target.data.items() if isinstance(value, bool | str | list))
    field = draw(st.sampled_from([*fields, "occurred_at"]))
    same = [one for one in life if field in one.data and type(one.data[field]) is type(target.data.get(field))]
    new = draw(st.sampled_from([one.data[field] for one in same])) if same else when
    return entry(version, "EntryCorrected", when, corrects=concerned, field=field, new=new)


def test_the_other_rules_are_other_rules() -> None:
    """The readings adopted on the way are none of the defaults, and there are many of them."""
    chosen = {name: reading for one in turned(BEGAN).adoptions for name, reading in one.readings.items()}
    assert chosen == OTHER_READINGS
    assert len(chosen) > 10
