"""Views made anew: beside the live one, under writes, after tampering, after a kill, and around an unreadable event."""

import sys
import threading
from collections.abc import Callable, Generator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime
from subprocess import PIPE, Popen
from typing import Any
from uuid import UUID, uuid4

import pytest

from api.opening import Place
from api.principals import command_line_principal
from api.rule_adoption import adopt_shipped
from domain.entries import Entry
from domain.rules import Rules
from ledger.format import Segment, segment_table
from ledger.requests import NewEvent
from ledger.store import Ledger
from projections import case_state
from projections.board import Board, BoardRow
from projections.follower import Follower, OtherVersion
from projections.view import ACCESS, CASE_STATE, DEADLINES, AnyView, View
from replay import rebuild as rebuild_module
from replay.helpers import Helpers
from replay.rebuild import DiskFull, Progressed, RebuildFailed, rebuild_view, verify_view
from replay.shares import Share, fold_share
from tests.following import Stopped, catch_up
from tests.ledger.samples import HOURS, appended, clear_part, connected, fact, one, opening, wait_until

NOBODY = UUID(int=0)
POISON = fact(HOURS, no_hours="at all")

REBUILD_AND_WAIT = """
import sys
from projections.view import CASE_STATE
from replay import shares
from replay.rebuild import rebuild_view

shares.PIECE_EVENTS = 40

def wait(progressed):
    print(progressed.events, flush=True)
    sys.stdin.readline()

rebuild_view(sys.argv[1], CASE_STATE, wait)
"""


def followed(place: Place, view: AnyView = CASE_STATE) -> None:
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
    assert comparison.first is None
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
    ("change", "differing", "expected", "found"),
    [
        ("UPDATE view.remembered_v1 SET value = '\"forged\"' WHERE {row}", 1, "row", "forged"),
        ("UPDATE view.remembered_v1 SET known_from = known_from + 1 WHERE {row}", 2, "row", None),
        ("UPDATE view.remembered_v1 SET known_to = known_to + 1 WHERE {row}", 1, "next", "row"),
        ("UPDATE view.remembered_v1 SET known_to = NULL WHERE {row}", 1, "next", "row"),
        ("DELETE FROM view.remembered_v1 WHERE {row}", 1, "row", None),
        ("INSERT INTO view.remembered_v1 VALUES ('case_state', 1, '{key}', '!', {at}, NULL, '1')", 1, None, 1),
    ],
    ids=["value", "from", "to", "open", "deleted", "inserted"],
)
def test_tampered_row_is_named_and_repaired(
    stories: Place, opened: Ledger, change: str, differing: int, expected: str | None, found: Any
) -> None:
    """A row changed, taken away or added by hand is counted; the event it first shows at and both values are told."""
    before = board(opened)
    with connected(stories) as connection:
        key, known_from, ends, value = connection.execute(
            "SELECT key, known_from, known_to, value FROM view.remembered_v1 WHERE known_to IS NOT NULL"
            " ORDER BY known_from OFFSET 20 LIMIT 1"
        ).fetchall()[0]
        after = "SELECT value FROM view.remembered_v1 WHERE key = %s AND known_from = %s"
        values = {"row": value, "next": connection.execute(after, [key, ends]).fetchall()[0][0]}
        row = f"key = '{key}' AND known_from = {known_from}"
        done = change.replace("{row}", row).replace("{key}", str(key)).replace("{at}", str(known_from))
        assert connection.execute(done.encode()).rowcount == 1
    comparison = verify_view(stories.conninfo, CASE_STATE)
    first = comparison.first
    assert (comparison.equal, comparison.differing) == (False, differing)
    assert first is not None
    event = opened.read_range(*[ends if expected == "next" else known_from] * 2)[0]
    assert (first.key, first.position, first.topic) == (key, event.position, event.topic)
    assert (first.stream, first.version, first.schema) == (event.stream, event.version, 1)
    assert first.expected == values.get(str(expected))
    assert first.found == values.get(str(found), found)
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
    assert len(cases) == 4  # when it begins, after its only piece, and once per round
    assert {row.case for row in board(opened)} >= set(cases)
    assert tracked(stories) == opened.head().size


@pytest.mark.parametrize("pieces", [0, 1, 3])
def test_killed_rebuild_is_gone_on_with(stories: Place, opened: Ledger, pieces: int) -> None:
    """A rebuild killed after some pieces is invisible to readers; the next one keeps what was folded."""
    before = board(opened)
    with Popen([sys.executable, "-c", REBUILD_AND_WAIT, stories.conninfo], stdin=PIPE, stdout=PIPE) as process:
        assert process.stdout is not None
        assert process.stdin is not None
        assert int(process.stdout.readline()) == 0
        folded = 0
        for _ in range(pieces):
            process.stdin.write(b"\n")
            process.stdin.flush()
            folded = int(process.stdout.readline())
        assert generations(stories) == ({1, 2} if pieces else {1})
        process.kill()
    assert board(opened) == before
    assert current(stories)[0] == 1
    wait_until(lambda: not rebuilding(stories))
    told: list[Progressed] = []
    assert rebuild_view(stories.conninfo, CASE_STATE, told.append).equal
    assert told[0].note == f"goes on where it was cut off, up to position {opened.head().size}"
    assert told[0].events == folded
    assert board(opened) == before
    assert generations(stories) == {2}
    assert unfinished(stories) == 0


def test_rebuild_cut_off_before_another_version_begins_anew_and_says_why(stories: Place, opened: Ledger) -> None:
    """What another version of the code has folded is of no use."""
    with pytest.raises(CutOffError):
        rebuild_view(stories.conninfo, CASE_STATE, cut_off)
    told: list[Progressed] = []
    assert rebuild_view(stories.conninfo, replace(CASE_STATE, version=2), told.append).equal
    assert told[0].events == 0
    assert told[0].note == "begins anew: what was cut off was version 1 of the view, this program has 2"
    assert len(board(opened)) == 6
    assert (generations(stories), unfinished(stories)) == ({2}, 0)


def unfinished(place: Place) -> int:
    """Return how many generations are noted as being folded."""
    with connected(place) as connection:
        return connection.execute("SELECT count(*) FROM view.rebuild").fetchall()[0][0]


class CutOffError(Exception):
    """Raised in the middle of a rebuild."""


def cut_off(progressed: Progressed) -> None:
    """Stop a rebuild once something is folded."""
    if progressed.events:
        raise CutOffError


@pytest.mark.parametrize("view", [DEADLINES, ACCESS], ids=["deadlines", "access"])
def test_several_processes_make_the_same_rows(ruled: Place, monkeypatch: pytest.MonkeyPatch, view: AnyView) -> None:
    """Whatever the number of shares and processes, a view is the live one row for row."""
    monkeypatch.setattr(rebuild_module, "SHARE_EVENTS", 60)
    followed(ruled, view)
    monkeypatch.setattr(rebuild_module, "WORTH_HELP_SECONDS", 0.0)
    assert rebuild_view(ruled.conninfo, view, workers=2).equal
    assert unfinished(ruled) == 0


def test_helpers_fold_what_is_left_to_them(ruled: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where this process folds one share only, another folds the rest."""
    own: list[Share] = []

    def only_one(conninfo: str, share: Share, after: Callable[[], None], *, wait: bool = True) -> None:
        assert not wait, "a share was left"
        own.append(share)
        if len(own) == 1:
            fold_share(conninfo, share, after, wait=wait)

    monkeypatch.setattr(rebuild_module, "SHARE_EVENTS", 60)
    monkeypatch.setattr(rebuild_module, "WORTH_HELP_SECONDS", 0.0)
    monkeypatch.setattr(rebuild_module, "fold_share", only_one)
    followed(ruled, CASE_STATE)
    assert rebuild_view(ruled.conninfo, CASE_STATE, workers=2).equal
    assert len(own) > 1


def test_what_a_helper_fails_at_is_told(stories: Place) -> None:
    """A share that was given up meanwhile is an error here, in one line."""
    with Helpers(stories.conninfo, [Share(CASE_STATE, 9, 0)], 1) as helpers:
        helpers.start()
        with pytest.raises(RebuildFailed, match=r"^view case_state: folding anew was given up meanwhile$"):
            helpers.wait(lambda: None)


@pytest.fixture
def ruled(stories: Place) -> Place:
    """The six stories under rules that were adopted after most of their events."""
    with stories.ledger() as ledger:
        adopt_shipped(ledger, command_line_principal("test"), ledger.head().recorded_at)
    return stories


def test_full_disk_leaves_readers_their_rows_and_nothing_else(stories: Place, opened: Ledger) -> None:
    """It is told in one line; the rows of the new generation are gone, and with room it works."""
    before = board(opened)
    with connected(stories) as connection:
        connection.execute(
            "CREATE FUNCTION view.full() RETURNS trigger LANGUAGE plpgsql AS"
            " $$BEGIN RAISE EXCEPTION USING ERRCODE = 'disk_full', MESSAGE = 'no space left'; END$$;"
            "CREATE TRIGGER full_disk BEFORE INSERT ON view.remembered_v1"
            " FOR EACH ROW WHEN (NEW.known_from > 100) EXECUTE FUNCTION view.full()"
        )
        with pytest.raises(
            DiskFull, match=r"view case_state: the database's disk is full; .* make room, then start it"
        ):
            rebuild_view(stories.conninfo, CASE_STATE)
        assert (board(opened), generations(stories), unfinished(stories)) == (before, {1}, 0)
        connection.execute("DROP TRIGGER full_disk ON view.remembered_v1")
    assert rebuild_view(stories.conninfo, CASE_STATE).equal


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

    def wait(_: Progressed) -> None:
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
            "INSERT INTO view.notification_tracking VALUES ('case_state_v1/-1', 5), ('case_statement_v1/1', 7)"
        )
    rebuild_view(stories.conninfo, CASE_STATE)
    assert generations(stories) == {2}
    with connected(stories) as connection:
        names = connection.execute("SELECT application_name FROM view.notification_tracking ORDER BY 1").fetchall()
    assert names == [("case_state_v1/2",), ("case_statement_v1/1",)]
