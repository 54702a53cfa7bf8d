"""The list of cases: page by page, as known at a position, and never behind one's own writes without saying so."""

import threading
from collections.abc import Generator
from time import monotonic
from uuid import UUID, uuid4

import pytest

from api.opening import Place
from ledger.store import Ledger
from projections import following as board_module
from projections.board import Board, BoardRow
from projections.follower import Follower
from projections.view import CASE_STATE
from tests.following import catch_up
from tests.ledger.samples import appended, fact, one, opening

NOBODY = UUID(int=0)


@pytest.fixture
def followed(stories: Place) -> Generator[Ledger]:
    """The ledger of the six stories, its view up to date and followed no further."""
    follower = Follower(stories.conninfo, CASE_STATE)
    catch_up(follower)
    follower.close()
    with stories.ledger() as ledger:
        yield ledger


def test_pages_are_whole_and_in_order(followed: Ledger) -> None:
    """Pages of any size, each begun after the last case of the one before, give every case once, in order of id."""
    size = followed.head().size
    computed_to, whole = Board(followed).page(size, NOBODY, 1000)
    assert (computed_to, len(whole)) == (size, 6)
    assert [row.case for row in whole] == sorted(row.case for row in whole)
    for limit in (1, 2, 4):
        found: list[BoardRow] = []
        while page := Board(followed).page(size, found[-1].case if found else NOBODY, limit)[1]:
            assert len(page) <= limit
            found += page
        assert found == whole


def test_case_is_shown_from_the_position_at_which_it_was_opened(followed: Ledger) -> None:
    """Before its first event a case is not on the board; from there on it is, with what was known last."""
    opened = followed.read_topic("case_opened")
    for count, row in enumerate(opened):
        assert len(Board(followed).page(row.position - 1, NOBODY, 1000)[1]) == count
        (shown,) = [r for r in Board(followed).page(row.position, NOBODY, 1000)[1] if r.case == row.stream]
        assert shown.known_from == row.position
    last = Board(followed).page(followed.head().size, NOBODY, 1000)[1]
    assert {row.case for row in last} == {row.stream for row in opened}
    assert all(row.known_from > first.position for row in last for first in opened if first.stream == row.case)


def test_own_write_is_read_although_the_view_follows_later(stories: Place, followed: Ledger) -> None:
    """Asking for the position of one's own write waits for the follower, and the answer includes the write."""
    stop, follower = threading.Event(), Follower(stories.conninfo, CASE_STATE)
    thread = threading.Thread(target=follower.run, args=(stop,))
    thread.start()
    try:
        for hours in range(8):
            case = uuid4()
            appended(followed.append_now(one(case, 0, opening(f"S-{hours}"))))
            position = appended(followed.append_now(one(case, 1, fact(hours_per_week=hours)))).last_position
            computed_to, rows = Board(followed).page(position, NOBODY, 1000)
            assert computed_to >= position
            assert {row.case: row.state["support"] for row in rows}[case] == {"hours_per_week": hours}
    finally:
        stop.set()
        thread.join()
        follower.close()


def test_view_that_lags_says_how_far_it_has_come(followed: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    """When nobody follows, the board answers after a short wait with what it has and how far that reaches."""
    monkeypatch.setattr(board_module, "WAIT_SECONDS", 0.1)
    before = followed.head().size
    position = appended(followed.append_now(one(uuid4(), 0, opening()))).last_position
    computed_to, rows = Board(followed).page(position, NOBODY, 1000)
    assert (computed_to, len(rows)) == (before, 6)


def test_view_nobody_has_followed_yet_is_empty(ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    """Before any follower has run, the board says that it has come nowhere."""
    monkeypatch.setattr(board_module, "WAIT_SECONDS", 0.1)
    position = appended(ledger.append_now(one(uuid4(), 0, opening()))).last_position
    assert Board(ledger).page(position, NOBODY, 10) == (0, [])


def test_what_does_not_bear_on_the_list_is_not_waited_for(followed: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    """Looks recorded since the view came this far change nothing in it: the answer is complete at once."""
    monkeypatch.setattr(board_module, "WAIT_SECONDS", 60)
    position = appended(followed.append_now(one(uuid4(), 0, fact("record_viewed", cases=[])))).last_position
    begun = monotonic()
    computed_to, rows = Board(followed).page(position, NOBODY, 1000)
    assert (computed_to, len(rows)) == (position, 6)
    assert monotonic() - begun < 30
