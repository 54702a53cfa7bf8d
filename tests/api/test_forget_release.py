"""The key of a release destroyed: on record first, for good, and again after a restore."""

import asyncio
import shutil
from pathlib import Path
from uuid import UUID

import orjson
import pytest

from api.door import Door, Forbidden
from api.exporting import ReleaseWish, forget_release, make_release
from api.looks import Question
from api.opening import Place
from api.principals import Principal, command_line_principal
from api.reading import CaseReader
from ledger.errors import KeyErased
from ledger.mapper import read_clear
from ledger.store import Ledger
from projections.board import Board
from projections.view import VIEWS
from replay.rebuild import verify_view
from replay.release import ReleaseRefused
from tests.api.service import Inside, environment
from tests.ledger.samples import appended, fact, one, opening
from tests.replay.releasing import follow

pytestmark = pytest.mark.slow

CASE = UUID(int=5)
OPERATOR = command_line_principal("test", internal=True)


@pytest.fixture
def made(real: Place, tmp_path: Path) -> UUID:
    """The key of a release named ``q4`` of a ledger with one case."""
    with real.ledger() as ledger:
        appended(ledger.append_now(one(CASE, 0, opening(), fact("visit_held", kind="home_visit"))))
        make(ledger, tmp_path / "release")
    return UUID(orjson.loads((tmp_path / "release" / "manifest.json").read_bytes())["pseudonyms"]["key"])


def make(ledger: Ledger, folder: Path) -> None:
    """Make the release."""
    make_release(ledger, OPERATOR, ReleaseWish("q4", tables={"visit_held"}), folder, lambda _done, _all: None)


def test_it_is_put_on_record_and_cannot_be_undone(real: Place, made: UUID, tmp_path: Path) -> None:
    """The release cannot be made again; a second call says that it is gone already and records nothing."""
    command = Inside(environment(real.conninfo, real.home))
    out = command.done("replay", "forget-release", "q4")
    assert out.startswith("q4: its key is destroyed, on record at position 5;")
    with real.ledger() as ledger:
        entry = read_clear(*ledger.read_range(5, 5))
        assert (entry.topic, entry.stream, entry.actor.id) == ("personal_data_erased", ledger.id, OPERATOR.id)
        assert (entry.data["key"], entry.data["basis"]) == (str(made), "release q4")
        with pytest.raises(KeyErased):
            ledger.keys.get(made)
    again = command.done("replay", "forget-release", "q4")
    assert again == "q4: its key is gone already, on record at position 5.\n"
    refused = command("replay", "export", tmp_path / "again", "--release", "q4", "--tables", "visit_held")
    assert (refused.returncode, "was destroyed: give the release another name" in refused.stderr) == (1, True)
    with real.ledger() as ledger:
        assert ledger.head().size == 5
    assert command("keys", "check").returncode == 0


def test_a_key_that_came_back_with_a_backup_is_destroyed_again(real: Place, made: UUID, tmp_path: Path) -> None:
    """As after any restore: by the same command, and by carrying out what is on record."""
    with real.ledger() as ledger:
        folder = real.keys(ledger.id).folder
        shutil.copytree(folder, tmp_path / "backup")
        forget_release(ledger, OPERATOR, "q4")
    command = Inside(environment(real.conninfo, real.home))
    for remedy in (("replay", "forget-release", "q4"), ("erasure", "apply")):
        shutil.copytree(tmp_path / "backup", folder, dirs_exist_ok=True)
        command.done(*remedy)
        with real.ledger() as ledger, pytest.raises(KeyErased):
            ledger.keys.get(made)
        assert not list(folder.rglob(f"*{made}*"))


def test_it_is_no_erasure_of_a_case(real: Place, made: UUID) -> None:
    """Views, their checks, the board of erasures and the removal of sealed bytes are the same as without it."""
    with real.ledger() as ledger:
        forget_release(ledger, OPERATOR, "q4")
        follow(real)
        assert all(verify_view(real.conninfo, view).equal for view in VIEWS.values())
        reader = CaseReader(ledger, Board(ledger), Door(ledger))
        look = asyncio.run(reader.erasures(Principal("u-95", "auditor", None, "audit"), Question()))
        shown = read_clear(*ledger.read_range(look.access_position, look.access_position))
        assert (look.cases, shown.data["cases"]) == ({}, [])
    out = Inside(environment(real.conninfo, real.home)).done("erasure", "remove-ciphertext")
    assert "Removed the sealed bytes of 0 entries" in out


def test_only_who_makes_releases_and_only_one_that_was_made(real: Place, made: UUID) -> None:
    """Anybody else is refused on record; a name nobody gave is refused and recorded nowhere."""
    with real.ledger() as ledger:
        with pytest.raises(ReleaseRefused, match="There is no release q5"):
            forget_release(ledger, OPERATOR, "q5")
        assert ledger.head().size == 4
        with pytest.raises(Forbidden):
            forget_release(ledger, Principal("u-11", "caseworker", None, "statistics"), "q4")
        assert ledger.keys.get(made)
