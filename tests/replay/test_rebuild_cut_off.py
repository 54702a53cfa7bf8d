"""Rebuilds that were cut off: by a kill, before another version of the view, by a full disk."""

import sys
from dataclasses import replace
from subprocess import PIPE, Popen

import pytest

from api.opening import Place
from ledger.store import Ledger
from projections.view import CASE_STATE
from replay.rebuild import DiskFull, Progressed, rebuild_view
from tests.ledger.samples import connected, wait_until
from tests.replay.rebuilding import (
    board,
    current,
    generations,
    unfinished,
)

REBUILD_AND_WAIT = """
import sys
from projections.view import CASE_STATE
from replay import shares
from replay.rebuild import rebuild_view

shares.PIECE_EVENTS = 10

def wait(progressed):
    print(progressed.events, flush=True)
    sys.stdin.readline()

rebuild_view(sys.argv[1], CASE_STATE, wait)
"""


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


def rebuilding(place: Place) -> bool:
    """Return whether a connection still holds the lock of a rebuild."""
    with connected(place) as connection:
        query = (
            "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'"
            " AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
        )
        return connection.execute(query).fetchall()[0][0] > 0


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


class CutOffError(Exception):
    """Raised in the middle of a rebuild."""


def cut_off(progressed: Progressed) -> None:
    """Stop a rebuild once something is folded."""
    if progressed.events:
        raise CutOffError


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
