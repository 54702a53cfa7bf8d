"""Views made anew: beside the live one, under writes, after tampering, after a kill, and around an unreadable event."""

import sys
import threading
from collections.abc import Generator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime
from subprocess import PIPE, Popen
from typing import Any
from uuid import UUID, uuid4

import pytest

from api.opening import Place
from domain.entries import Entry
from domain.rules import Rules
from ledger.store import Ledger
from projections import case_state
from projections.board import Board, BoardRow
from projections.follower import Follower
from projections.view import CASE_STATE, View
from replay.rebuild import RebuildFailed, rebuild_view, verify_view
from tests.following import Stopped, catch_up
from tests.ledger.samples import HOURS, appended, connected, fact, one, opening, wait_until

NOBODY = UUID(int=0)
POISON = fact(HOURS, no_hours="at all")

REBUILD_AND_WAIT = """
import sys
from projections.view import CASE_STATE
from replay.rebuild import rebuild_view

def wait(position):
    print(position, flush=True)
    sys.stdin.readline()

rebuild_view(sys.argv[1], CASE_STATE, wait)
"""


def followed(place: Place, view: View = CASE_STATE) -> None:
    """Let a follower bring the view up to date."""
    follower = Follower(place.conninfo, view)
    try:
        catch_up(follower)
    finally:
        follower.close()


def board(ledger: Ledger, position: int | None = None) -> list[BoardRow]:
    """Return every case as the board shows it."""
    return Board(ledger).page(ledger.head().size if position is None else position, NOBODY, 1000)[1]


def current(place: Place, view: View = CASE_STATE) -> tuple[int, int | None, str | None]:
    """Return the generation readers see, and where and why the view has stopped."""
    with connected(place) as connection:
        query = "SELECT generation, stopped_at, problem FROM view.current WHERE view = %s"
        return connection.execute(query, [view.name]).fetchall()[0]


def tracked(place: Place, view: View = CASE_STATE) -> int:
    """Return how far the generation that readers see has come."""
    name = view.follower(current(place, view)[0])
    with connected(place) as connection:
        query = "SELECT notification_id FROM view.notification_tracking WHERE application_name = %s"
        return connection.execute(query, [name]).fetchall()[0][0]


def generations(place: Place) -> set[int]:
    """Return the generations that have rows."""
    with connected(place) as connection:
        return {row[0] for row in connection.execute("SELECT DISTINCT generation FROM view.remembered_v1")}


def open_case(ledger: Ledger) -> UUID:
    """Open a case without persons and return its id."""
    case = uuid4()
    appended(ledger.append_now(one(case, 0, opening())))
    return case


def set_hours(ledger: Ledger, case: UUID, hours: int) -> int:
    """Record another level of support and return its position."""
    return appended(ledger.append_now(one(case, None, fact(HOURS, hours_per_week=hours)))).last_position


@pytest.fixture
def opened(stories: Place) -> Generator[Ledger]:
    """The ledger of the six stories, its view up to date."""
    followed(stories)
    with stories.ledger() as ledger:
        yield ledger


def test_view_that_followed_equals_the_view_folded_anew(stories: Place, opened: Ledger) -> None:
    """The check compares all rows, changes nothing and leaves nothing behind."""
    before = board(opened)
    comparison = verify_view(stories.conninfo, CASE_STATE)
    assert comparison.equal
    assert (comparison.position, comparison.keys) == (opened.head().size, 6)
    assert comparison.rows > 50
    assert comparison.example is None
    assert board(opened) == before
    assert (current(stories), generations(stories)) == ((1, None, None), {1})


def test_rebuild_changes_nothing_for_readers_but_the_generation(stories: Place, opened: Ledger) -> None:
    """After a rebuild the board is the same at every position, and the old generation is gone."""
    positions = range(0, opened.head().size + 1, 13)
    before = [board(opened, position) for position in positions]
    assert rebuild_view(stories.conninfo, CASE_STATE).equal
    assert [board(opened, position) for position in positions] == before
    assert (current(stories), generations(stories)) == ((2, None, None), {2})
    assert tracked(stories) == opened.head().size


def test_view_nobody_has_followed_yet_is_made(stories: Place) -> None:
    """A rebuild also makes the first generation that has any rows."""
    with stories.ledger() as ledger:
        comparison = rebuild_view(stories.conninfo, CASE_STATE)
        assert comparison.position == 0
        assert len(board(ledger)) == 6
        assert tracked(stories) == ledger.head().size
        assert verify_view(stories.conninfo, CASE_STATE).equal


@pytest.mark.parametrize(
    ("change", "missing", "surplus"),
    [
        ("UPDATE view.remembered_v1 SET value = jsonb_set(value, '{number}', '\"forged\"') WHERE {row}", 1, 1),
        ("UPDATE view.remembered_v1 SET known_from = known_from + 1 WHERE {row}", 1, 1),
        ("UPDATE view.remembered_v1 SET known_to = known_to + 1 WHERE {row}", 1, 1),
        ("DELETE FROM view.remembered_v1 WHERE {row}", 1, 0),
        (
            "INSERT INTO view.remembered_v1 SELECT view, 1, gen_random_uuid(), part, 100, NULL, value"
            " FROM view.remembered_v1"
            " WHERE {row}",
            0,
            1,
        ),
    ],
    ids=["value", "from", "to", "deleted", "inserted"],
)
def test_tampered_row_is_named_and_repaired(
    stories: Place, opened: Ledger, change: str, missing: int, surplus: int
) -> None:
    """A row changed, taken away or added by hand is counted and named by key and position; a rebuild removes it."""
    before = board(opened)
    with connected(stories) as connection:
        key, known_from = connection.execute(
            "SELECT key, known_from FROM view.remembered_v1 WHERE known_to IS NOT NULL"
            " ORDER BY known_from OFFSET 20 LIMIT 1"
        ).fetchall()[0]
        row = f"key = '{key}' AND known_from = {known_from}"
        assert connection.execute(change.replace("{row}", row).encode()).rowcount == 1
    comparison = verify_view(stories.conninfo, CASE_STATE)
    assert not comparison.equal
    assert (comparison.missing, comparison.surplus) == (missing, surplus)
    if missing:
        assert comparison.example == (key, known_from)
    else:
        assert comparison.example is not None
        assert comparison.example[1] == 100
    assert not rebuild_view(stories.conninfo, CASE_STATE).equal
    assert verify_view(stories.conninfo, CASE_STATE).equal
    assert board(opened) == before


def test_rebuild_while_appends_and_a_follower_go_on(real: Place, ledger: Ledger) -> None:
    """With writers writing faster than a view folds, rebuilds come to an end and lose, double and hide nothing."""
    known = open_case(ledger)
    stop = threading.Event()
    follower = Follower(real.conninfo, CASE_STATE)

    def write() -> None:
        while not stop.is_set():
            case = open_case(ledger)
            for hours in range(1, 8):
                set_hours(ledger, case, hours)

    with ThreadPoolExecutor(5) as threads:
        running = [threads.submit(follower.run, stop), *(threads.submit(write) for _ in range(4))]
        try:
            comparisons = [rebuild_view(real.conninfo, CASE_STATE) for _ in range(4)]
            seen = [board(ledger, 2) for _ in range(3)]
        finally:
            stop.set()
        for future in running:
            future.result(timeout=20)
    follower.close()
    assert all(comparison.equal for comparison in comparisons)
    assert comparisons[-1].position > 8
    assert [[row.case for row in rows] for rows in seen] == [[known]] * 3
    followed(real)
    assert (current(real)[0], tracked(real)) == (5, ledger.head().size)
    assert verify_view(real.conninfo, CASE_STATE).equal
    assert generations(real) == {5}


def test_events_appended_while_folding_are_taken_in_before_the_switch(stories: Place, opened: Ledger) -> None:
    """What is appended while the view is being folded is in the new generation when readers see it."""
    cases: list[UUID] = []
    rebuild_view(stories.conninfo, CASE_STATE, lambda _: cases.append(open_case(opened)))
    assert len(cases) == 2  # once per round, the last one after the last page
    assert {row.case for row in board(opened)} >= set(cases)
    assert tracked(stories) == opened.head().size


def test_killed_rebuild_leaves_the_old_rows_and_the_next_one_works(stories: Place, opened: Ledger) -> None:
    """A rebuild killed after it has written rows is invisible to readers and in nobody's way."""
    before = board(opened)
    with Popen([sys.executable, "-c", REBUILD_AND_WAIT, stories.conninfo], stdin=PIPE, stdout=PIPE) as process:
        assert process.stdout is not None
        assert int(process.stdout.readline()) == opened.head().size
        assert generations(stories) == {1, 2}
        process.kill()
    assert board(opened) == before
    assert current(stories)[0] == 1
    wait_until(lambda: not rebuilding(stories))
    assert rebuild_view(stories.conninfo, CASE_STATE).equal
    assert board(opened) == before
    assert generations(stories) == {2}


def rebuilding(place: Place) -> bool:
    """Return whether a connection still holds the lock of a rebuild."""
    with connected(place) as connection:
        query = (
            "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'"
            " AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
        )
        return connection.execute(query).fetchall()[0][0] > 0


def test_second_rebuild_at_the_same_time_is_refused(stories: Place, opened: Ledger) -> None:
    """Of two rebuilds of one view the second is told to wait, and the first one ends well."""
    reached, go_on = threading.Event(), threading.Event()

    def wait(_: int) -> None:
        reached.set()
        assert go_on.wait(20)

    with ThreadPoolExecutor(1) as threads:
        first = threads.submit(rebuild_view, stories.conninfo, CASE_STATE, wait)
        assert reached.wait(20)
        try:
            for attempt in (rebuild_view, verify_view):
                with pytest.raises(RebuildFailed, match="being folded anew already: wait"):
                    attempt(stories.conninfo, CASE_STATE)
        finally:
            go_on.set()
        assert first.result(timeout=20).equal
    assert len(board(opened)) == 6


def forgiving_parts(state: tuple[Entry, ...], rules: Rules, at: datetime | None) -> dict[str, dict[str, Any]]:
    """Return the value of a case without the events that the view could not read."""
    return case_state.parts(tuple(e for e in state if e.topic != HOURS or "hours_per_week" in e.data), rules, at)


FORGIVING = replace(CASE_STATE, parts=forgiving_parts)


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


def test_rows_of_an_interrupted_switch_do_not_stay_for_ever(stories: Place, opened: Ledger) -> None:
    """Rows of generations that nobody reads any more are gone after the next rebuild, however they were left."""
    with connected(stories) as connection:
        connection.execute(
            "INSERT INTO view.remembered_v1 SELECT view, -1, key, part, known_from, known_to, value"
            " FROM view.remembered_v1"
        )
        connection.execute(
            "INSERT INTO view.notification_tracking VALUES ('case_state/-1', 5), ('case_statement/1', 7)"
        )
    rebuild_view(stories.conninfo, CASE_STATE)
    assert generations(stories) == {2}
    with connected(stories) as connection:
        names = connection.execute("SELECT application_name FROM view.notification_tracking ORDER BY 1").fetchall()
    assert names == [("case_state/2",), ("case_statement/1",)]
