"""An event that a view cannot read: the view stops there and says so, all else goes on, a rebuild lifts it."""

import threading
from dataclasses import replace
from datetime import datetime
from typing import Any
from uuid import UUID

import pytest

from api.opening import Place
from domain.entries import Entry
from domain.rules import Rules
from ledger.store import Ledger
from projections import case_state
from projections.board import Board
from projections.follower import Follower
from projections.view import CASE_STATE, View
from replay.rebuild import RebuildFailed, rebuild_view, verify_view
from tests.following import Stopped
from tests.ledger.samples import HOURS, appended, connected, fact, one
from tests.replay.rebuilding import NOBODY, board, current, followed, generations, open_case, set_hours, tracked

POISON = fact(HOURS, no_hours="at all")


@pytest.fixture
def poisoned(opened: Ledger, stories: Place) -> tuple[UUID, int]:
    """A case with an event that the view cannot read, followed by more events; returns case and position."""
    case = open_case(opened)
    set_hours(opened, case, 5)
    position = appended(opened.append_now(one(case, None, POISON))).last_position
    set_hours(opened, case, 9)
    open_case(opened)
    return case, position


def test_unreadable_event_stops_the_view_there_and_says_so(
    stories: Place, opened: Ledger, poisoned: tuple[UUID, int]
) -> None:
    """What came before is taken in, nothing after; position and kind of problem are noted, every attempt says so."""
    case, position = poisoned
    for _ in range(2):
        with pytest.raises(Stopped):
            followed(stories)
    assert current(stories) == (1, position, f"view case_state stopped at position {position}: KeyError")
    assert tracked(stories) == position - 1
    rows = {row.case: row for row in board(opened, position - 1)}
    assert rows[case].state["support"] == {"hours_per_week": 5}
    with connected(stories) as connection:
        assert connection.execute("SELECT max(known_from) FROM view.remembered_v1").fetchone() == (position - 1,)
    follower = Follower(stories.conninfo, CASE_STATE)
    follower.run(threading.Event())  # returns by itself
    follower.close()


def test_other_readers_go_on_while_a_view_is_stopped(
    stories: Place, opened: Ledger, poisoned: tuple[UUID, int]
) -> None:
    """The ledger takes events, streams are read, the board answers for what is known, another view follows."""
    case, position = poisoned
    other = tally_view()
    with pytest.raises(Stopped):
        followed(stories)
    followed(stories, other)
    assert tracked(stories, other) == opened.head().size
    assert current(stories, other) == (1, None, None)
    assert set_hours(opened, case, 12) == opened.head().size
    assert len(opened.read_stream(case)) == 5
    computed_to, rows = Board(opened).page(position - 1, NOBODY, 1000)
    assert (computed_to, len(rows)) == (position - 1, 7)


def tally_view() -> View:
    """Return another view that counts what it reads of each case."""

    def count(state: tuple[Entry, ...], _rules: Rules, _at: datetime | None) -> dict[str, dict[str, Any]]:
        return {"": {"entries": len(state)}}

    return replace(CASE_STATE, name="tally", parts=count)


def test_rebuild_fails_clearly_while_the_event_cannot_be_read(
    stories: Place, opened: Ledger, poisoned: tuple[UUID, int]
) -> None:
    """The rebuild names the position, leaves nothing behind, and readers keep the view they have."""
    position = poisoned[1]
    with pytest.raises(Stopped):
        followed(stories)
    before = current(stories), board(opened, position - 1)
    with pytest.raises(RebuildFailed, match=f"stopped at position {position}"):
        rebuild_view(stories.conninfo, CASE_STATE)
    assert (current(stories), board(opened, position - 1)) == before
    assert generations(stories) == {1}
    comparison = verify_view(stories.conninfo, CASE_STATE)  # up to where the view stands, it is right
    assert comparison.equal
    assert comparison.position == position - 1


def forgiving_parts(state: tuple[Entry, ...], rules: Rules, at: datetime | None) -> dict[str, dict[str, Any]]:
    """Return the value of a case without the events that the view could not read."""
    return case_state.parts(tuple(e for e in state if e.topic != HOURS or "hours_per_week" in e.data), rules, at)


FORGIVING = replace(CASE_STATE, parts=forgiving_parts)


def test_rebuild_lifts_the_stop_once_the_event_can_be_read(
    stories: Place, opened: Ledger, poisoned: tuple[UUID, int]
) -> None:
    """With a program that can read the event, a rebuild takes in everything and the follower goes on."""
    case = poisoned[0]
    with pytest.raises(Stopped):
        followed(stories)
    assert rebuild_view(stories.conninfo, FORGIVING).equal
    assert current(stories) == (2, None, None)
    assert {row.case: row.state["support"]["hours_per_week"] for row in board(opened)}[case] == 9
    set_hours(opened, case, 14)
    followed(stories, FORGIVING)
    assert {row.case: row.state["support"]["hours_per_week"] for row in board(opened)}[case] == 14
    assert tracked(stories) == opened.head().size
    assert verify_view(stories.conninfo, FORGIVING).equal
