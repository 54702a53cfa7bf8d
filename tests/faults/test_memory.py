"""A command that runs out of memory says so in one line, and leaves nothing half done."""

import subprocess
import sys
from pathlib import Path

import pytest

from api.opening import Place
from tests.api.service import ROOT, environment
from tests.check import check_ledger
from tests.histories import files

pytestmark = pytest.mark.slow

MEGABYTE = 1 << 20
PROGRAM = """
import sys
import api.opening, replay.rebuild, replay.verify, replay.helpers
from api.cli import main
from tests.faults.faults import leave_room
leave_room(int(sys.argv[1]))
main(sys.argv[2:])
"""


def said(place: Place, room: int, *words: str) -> subprocess.CompletedProcess[str]:
    """Run a command that may have so many bytes more than it has when it begins."""
    command = [sys.executable, "-c", PROGRAM, str(room), *words]
    variables = environment(place.conninfo, place.home) | {"PYTHONPATH": str(ROOT)}
    return subprocess.run(command, env=variables, cwd=ROOT, capture_output=True, text=True, timeout=120, check=False)


@pytest.mark.parametrize("words", [("replay", "rebuild", "--workers", "1"), ("verify",)], ids=" ".join)
def test_want_of_memory_is_one_line(stories: Place, tmp_path: Path, words: tuple[str, ...]) -> None:
    """With a little more room each time it fails as often as it fails, never half, and works in the end."""
    files.follow(stories)
    refused = 0
    for megabytes in (0, 4, 16, 64, 512):
        done = said(stories, megabytes * MEGABYTE, *words)
        if done.returncode == 0:
            break
        refused += 1
        assert done.returncode == 1, done
        assert "Traceback" not in done.stderr, done
        assert done.stderr.splitlines()[-1].startswith("caseledger: "), done
    assert refused > 0
    assert done.returncode == 0
    check_ledger(stories)
