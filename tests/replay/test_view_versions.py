"""A view whose code has another version: readers see rows of one version only, and nothing is guessed."""

from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest

from api.opening import Place
from domain.entries import Entry
from domain.rules import Rules
from ledger.format import Segment, segment_table
from ledger.requests import NewEvent
from ledger.store import Ledger
from projections import case_state
from projections.board import BoardRow
from projections.follower import Follower, OtherVersion
from projections.view import CASE_STATE
from replay.rebuild import RebuildFailed, rebuild_view, verify_view
from tests.following import Stopped, catch_up
from tests.ledger.samples import HOURS, appended, clear_part, one
from tests.replay.rebuilding import board, current, followed, generations, open_case


def test_readers_keep_the_old_version_until_the_new_one_has_caught_up(stories: Place, opened: Ledger) -> None:
    """At each step of an upgrade the board has rows of one version only, and the follower of the new one waits."""
    newer = replace(CASE_STATE, version=2, parts=marked_parts)
    follower = Follower(stories.conninfo, newer)
    with pytest.raises(OtherVersion, match="view case_state is still version 1: run `caseledger replay rebuild"):
        follower.step()
    seen: list[list[BoardRow]] = []
    comparison = rebuild_view(stories.conninfo, newer, lambda _: seen.append(board(opened)))
    assert not any("mark" in row.state for rows in seen for row in rows)
    assert [len(rows) for rows in seen] == [6] * len(seen)
    assert (comparison.equal, comparison.sound, comparison.replaced, comparison.version) == (False, True, 1, 2)
    assert all(row.state["mark"] == 2 for row in board(opened))
    assert generations(stories) == {2}
    open_case(opened)
    catch_up(follower)
    follower.close()
    assert board(opened)[-1].state["mark"] == board(opened)[0].state["mark"] == 2
    assert verify_view(stories.conninfo, newer).equal
    with pytest.raises(RebuildFailed, match="view case_state is of version 2, this program has 1"):
        verify_view(stories.conninfo, CASE_STATE)
    with pytest.raises(OtherVersion, match="is version 2 already, this program has 1: run the newer program"):
        followed(stories)


def marked_parts(state: tuple[Entry, ...], rules: Rules, at: datetime | None) -> dict[str, dict[str, Any]]:
    """Return the value of a case with one more field."""
    return {part: value | {"mark": 2} for part, value in case_state.parts(state, rules, at).items()}


def test_event_of_a_version_nobody_knows_stops_the_view_with_the_remedy(stories: Place, opened: Ledger) -> None:
    """It was written by a newer program: nothing is guessed about it."""
    case = open_case(opened)
    clear = clear_part({"hours_per_week": 3}).replace(b'"schema":1', b'"schema":9')
    newer = NewEvent(HOURS, bytes(32), segment_table([Segment.clear(clear)]), clear)
    position = appended(opened.append_now(one(case, None, newer))).last_position
    with pytest.raises(Stopped):
        followed(stories)
    problem = (
        f"view case_state stopped at position {position}: this program does not know this version of {HOURS}:"
        " install the program that wrote it, then run `caseledger replay rebuild case_state`"
    )
    assert current(stories) == (1, position, problem)
    with pytest.raises(RebuildFailed) as told:
        rebuild_view(stories.conninfo, CASE_STATE)
    assert str(told.value) == problem
