"""Every ledger that an earlier program left is brought to this one by the runbook, with nothing lost and all proven."""

from pathlib import Path

import pytest

from api.opening import Place
from ledger.migrations import known_migrations
from projections.follower import OtherVersion
from projections.view import VIEWS
from replay.rebuild import rebuild_view
from tests.api.service import Inside, environment
from tests.check import check_ledger
from tests.conftest import Server
from tests.histories import files
from tests.ledger.samples import connected, rows_of
from tests.upgrades.shapes import record, recorded, restored

pytestmark = pytest.mark.slow

AS_OF = ("--known-at", "2024-08-21T09:00+02:00", "--purpose", "audit")
SHAPES = recorded()


def test_every_earlier_schema_has_a_recorded_ledger() -> None:
    """Before another migration is added, the ledger of the program as it was is recorded."""
    missing = set(range(1, len(known_migrations()))) - set(SHAPES)
    assert not missing, (
        f"no ledger with {missing} migrations is recorded: run `python -m tests.upgrades` before the next"
    )


@pytest.mark.parametrize("number", SHAPES)
def test_an_upgrade_keeps_everything_and_proves_it(server: Server, tmp_path: Path, number: int) -> None:
    """Migrated, folded anew and verified; every stored row is the one it was, and the past reads as before."""
    with restored(server, SHAPES[number], tmp_path / "home") as place:
        with connected(place) as connection:
            before = rows_of(connection)
        assert len(before) > 38
        command = Inside(environment(place.conninfo, place.home))
        said = command.done("ledger", "migrate")
        names = [migration.name for migration in known_migrations()[number:]]
        assert said == (f"Applied: {', '.join(names)}.\n" if names else "The schema is up to date.\n")
        with connected(place) as connection:
            assert rows_of(connection) == before
        renew(place)
        assert "INTACT" in command.done("verify")
        check_ledger(place)
        shown = command.done("case", "show", "S6", *AS_OF)
        assert "version 26" in shown
        assert "extended to 30 August" not in shown
        command.done("log", "checkpoint")
        command.done("keys", "rotate")
        command.done("keys", "check")
        check_ledger(place)
        with place.ledger() as ledger:
            assert ledger.head().size == len(before) + 2  # the look and the rotation


def renew(place: Place) -> None:
    """Do what the worker of this program does: fold views of an older version anew, and follow."""
    for view in VIEWS.values():
        try:
            files.follow(place, view)
        except OtherVersion:
            assert rebuild_view(place.conninfo, view).sound
            files.follow(place, view)


def test_a_ledger_of_this_program_can_be_recorded(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What will be upgraded by later programs is recorded as those here were, and opens again."""
    monkeypatch.setattr("tests.upgrades.shapes.FOLDER", tmp_path)
    with restored(server, record(server), tmp_path / "home") as place:
        check_ledger(place)
