"""The commands ``caseledger replay export``, ``working`` and ``population``: what they print, write and refuse."""

from pathlib import Path
from uuid import UUID

import pytest

from api.opening import Place
from api.principals import command_line_principal
from ledger.mapper import read_clear
from tests.api.service import Inside, environment
from tests.faults.disk import NOT_HERE, small_disk
from tests.ledger.samples import appended, fact, one, opening
from tests.replay.releasing import follow

pytestmark = pytest.mark.slow


@pytest.fixture
def command(real: Place) -> Inside:
    """The command line over a real ledger with one case, its views up to date."""
    with real.ledger() as ledger:
        appended(ledger.append_now(one(UUID(int=5), 0, opening(), fact("visit_held", kind="home_visit"))))
    follow(real)
    return Inside(environment(real.conninfo, real.home))


def test_a_release_is_made_put_on_record_and_checked(real: Place, command: Inside, tmp_path: Path) -> None:
    """On a real ledger whoever runs the machine makes it, under their name."""
    folder, again = tmp_path / "release", tmp_path / "again"
    out = command.done("replay", "export", folder, "--release", "q4", "--tables", "visit_held,case_state")
    assert out.startswith(f"{folder}: 2 rows as recorded at position 3, sha256 ")
    assert "On record at position 4." in out
    assert command.done("replay", "export", folder, "--check") == f"{folder}: 8 files, all as they were written\n"
    with real.ledger() as ledger:
        event = read_clear(*ledger.read_range(4, 4))
        instant = event.recorded_at.isoformat()
    assert (event.topic, event.actor.id) == ("exported", command_line_principal("").id)
    assert (event.data["purpose"], event.data["recipient"], event.data["cases"]) == ("statistics", "q4", [])
    (folder / "manifest.json").write_text("{}")
    done = command("replay", "export", folder, "--check")
    assert (done.returncode, done.stdout) == (1, "manifest.json: changed\n")
    assert "position 4" in command.done("replay", "export", again, "--known-at", instant, "--tables", "visit_held")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--release", "Q4 for Alma"], "must be up to 60 lower-case letters, digits and hyphens"),
        (["--tables", "visits"], "there is no table visits"),
        (["--tables", "record_viewed"], "there is no table record_viewed"),
        (["--known-at", "2999-01-01T00:00Z"], "known_at lies after the ledger's own time"),
        (["--known-at", "1999-01-01T00:00Z"], "Nothing was on record by that instant"),
        (["--known-at", "2024-01-01"], "must be an instant with offset"),
        (["--workers", "0"], "must be a whole number from 1 to 64"),
    ],
)
def test_what_cannot_be_made_is_refused_in_one_line(
    command: Inside, tmp_path: Path, arguments: list[str], said: str
) -> None:
    """With the reason; nothing is left in the folder."""
    done = command("replay", "export", tmp_path / "release", *arguments)
    assert done.returncode != 0
    assert said in done.stderr
    assert done.stderr.count("\n") == 1
    assert not (tmp_path / "release").exists()


def test_a_folder_that_is_there_is_refused(command: Inside, tmp_path: Path) -> None:
    """Whatever is in it."""
    done = command("replay", "export", tmp_path)
    assert done.returncode == 1
    assert "There is a folder of this name already" in done.stderr


def test_working_files_are_written_with_a_warning_and_folded(command: Inside, tmp_path: Path) -> None:
    """What they hold is said where they are made."""
    done = command("replay", "working", tmp_path / "working", "--shares", "2")
    assert (done.returncode, "personal data of a special category" in done.stderr) == (0, True)
    assert ": 3 events as recorded at position 3" in done.stdout
    assert command.done("replay", "population", tmp_path / "working", "case_state").startswith(
        "case_state: 1 rows of 2"
    )
    done = command("replay", "population", tmp_path / "working", "moods")
    assert (done.returncode, "there is no view moods" in done.stderr) == (1, True)
    done = command("replay", "population", tmp_path, "case_state")
    assert (done.returncode, "This folder holds no working files" in done.stderr) == (1, True)


@pytest.mark.parametrize("room", [8, 60, 600], ids=["events", "views", "database"])
def test_a_full_disk_is_said_in_one_line(command: Inside, tmp_path: Path, room: int) -> None:
    """Wherever in the release the disk is full: the line says what to do, and nothing is left there."""
    disk = tmp_path / "disk"
    disk.mkdir()
    with small_disk(disk, room) as made:
        if not made:
            pytest.skip(NOT_HERE)
        _, line = command.refused("replay", "export", disk / "release")
        assert (
            line == "caseledger: The files cannot be written: make room on the disk, then run the same command again."
        )
        assert list(disk.iterdir()) in ([], [disk / ".release.lock"])
