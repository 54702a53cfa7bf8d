"""Files that commands write where there is no place for them: one line says so, and nothing half is left."""

from pathlib import Path

import pytest

from tests.api.service import Inside
from tests.faults.disk import NOT_HERE, small_disk

ONE_FILE = (("dossier", "S6", "26", "-o", "made.json"), ("bundle", "S6", "-o", "made.zip"))
FOLDERS = (
    ("backup", "made"),
    ("keys", "copy", "made"),
    ("log", "export", "made"),
    ("replay", "export", "made"),
    ("replay", "working", "made"),
)


@pytest.fixture
def signed(filled: Inside) -> Inside:
    """The command line over the six stories, all of them in a checkpoint."""
    filled.done("log", "checkpoint")
    return filled


def placed(words: tuple[str, ...], folder: Path) -> list[str | Path]:
    """Return a command with what it makes in a folder."""
    return [folder / word if word.startswith("made") else word for word in words]


@pytest.mark.parametrize("words", [*ONE_FILE, *FOLDERS], ids=" ".join)
def test_a_place_that_cannot_be_is_named(signed: Inside, tmp_path: Path, words: tuple[str, ...]) -> None:
    """Where the folder to write in is a file, the line names what cannot be written, and why."""
    (tmp_path / "file").touch()
    code, line = signed.refused(*placed(words, tmp_path / "file"))
    assert code == 1
    assert "Not a directory" in line
    assert "unexpectedly" not in line


@pytest.mark.parametrize("words", ONE_FILE, ids=" ".join)
def test_a_full_disk_leaves_no_part_of_a_file(signed: Inside, tmp_path: Path, words: tuple[str, ...]) -> None:
    """Part of a dossier or of a bundle would look like one."""
    disk = tmp_path / "disk"
    disk.mkdir()
    with small_disk(disk, 16) as made:
        if not made:
            pytest.skip(NOT_HERE)
        code, line = signed.refused(*placed(words, disk))
        assert (code, "make room" in line) == (1, True)
        assert list(disk.iterdir()) == []
