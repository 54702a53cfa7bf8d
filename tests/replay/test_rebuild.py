"""Views made anew: beside the live one, under writes, after tampering, in several processes, one at a time."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import UUID

import pytest

from api.opening import Place
from api.principals import command_line_principal
from api.rule_adoption import adopt_shipped
from ledger.store import Ledger
from projections.follower import Follower
from projections.view import ACCESS, CASE_STATE, DEADLINES, AnyView
from replay import rebuild as rebuild_module
from replay.helpers import Helpers
from replay.rebuild import Progressed, RebuildFailed, rebuild_view, verify_view
from replay.shares import Share, fold_share
from tests.ledger.samples import connected
from tests.replay.rebuilding import board, current, followed, generations, open_case, set_hours, tracked, unfinished


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


@pytest.fixture
def ruled(stories: Place) -> Place:
    """The six stories under rules that were adopted after most of their events."""
    with stories.ledger() as ledger:
        adopt_shipped(ledger, command_line_principal("test"), ledger.head().recorded_at)
    return stories


@pytest.mark.parametrize("view", [DEADLINES, ACCESS], ids=["deadlines", "access"])
def test_several_processes_make_the_same_rows(ruled: Place, monkeypatch: pytest.MonkeyPatch, view: AnyView) -> None:
    """Whatever the number of shares and processes, a view is the live one row for row."""
    monkeypatch.setattr(rebuild_module, "SHARE_EVENTS", 60)
    followed(ruled, view)
    monkeypatch.setattr(rebuild_module, "WORTH_HELP_SECONDS", 0.0)
    assert rebuild_view(ruled.conninfo, view, workers=2).equal
    assert unfinished(ruled) == 0


@pytest.mark.parametrize(("view", "several"), [(DEADLINES, True), (CASE_STATE, False)], ids=["by rules", "plain"])
def test_what_takes_long_is_cut_into_more_shares(
    ruled: Place, monkeypatch: pytest.MonkeyPatch, view: AnyView, several: bool
) -> None:
    """So that helpers find something to do where rules are worked out for each event, and no share is too small."""
    numbers: list[int] = []

    def counted(conninfo: str, share: Share, after: Callable[[], None], *, wait: bool = True) -> None:
        numbers.append(share.number)
        fold_share(conninfo, share, after, wait=wait)

    monkeypatch.setattr(rebuild_module, "RULED_SHARE_EVENTS", 60)
    monkeypatch.setattr(rebuild_module, "fold_share", counted)
    followed(ruled, view)
    assert rebuild_view(ruled.conninfo, view).equal
    assert (len(set(numbers)) > 1) == several


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
