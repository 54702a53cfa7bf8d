"""Killed between the decision and the destruction, and the next run that makes good what was cut off."""

import subprocess
import sys
from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest

from tests.api.client import CANARY, Api, problem, talking_to
from tests.api.erasing import UNLAWFUL, Colleagues, answered, open_case, said_by
from tests.api.filing import Office, file, filed, offices
from tests.api.service import ROOT, serving, until
from tests.conftest import Server, Template

pytestmark = pytest.mark.slow

DECIDE_AND_DIE = """
import asyncio, os, signal, sys
from uuid import UUID
from api.drafting import Commit
from api.erasing import Eraser
from api.opening import opened
from api.principals import Principal
from api.recording import CaseRecorder
from ledger.settings import Settings

with opened(Settings()) as place, place.ledger() as ledger:
    eraser = Eraser(ledger, CaseRecorder(ledger), lambda _: os.kill(os.getpid(), signal.SIGKILL))
    case, proposal = UUID(sys.argv[1]), int(sys.argv[2])
    commit = Commit((), "decide", b"decide")
    asyncio.run(eraser.decide(Principal("u-81", "data_protection", None, "test"), case, proposal, proposal, commit))
"""


@pytest.fixture
def office(server: Server, simulated_template: Template, tmp_path: Path) -> Generator[Office]:
    """A ledger of its own."""
    yield from offices(server, simulated_template, tmp_path)


def killed(office: Office, api: Api, colleagues: Colleagues) -> tuple[str, Path, list[Path]]:
    """Decide an erasure and be killed before anything is destroyed; return case, key file and sealed files."""
    case = open_case(api, said_by("parent-B", CANARY), answered(2))
    filed(file(api, case, 3, subjects="parent-B"))
    proposal = colleagues.propose(case, **UNLAWFUL)
    (key,), files = colleagues.key_files(case, "parent-B"), office.files(case)
    died = subprocess.run(
        [sys.executable, "-c", DECIDE_AND_DIE, case, str(proposal)], env=office.variables, cwd=ROOT, check=False
    )
    assert died.returncode == -9
    assert colleagues.entries(case)[-1].topic == "personal_data_erased"
    assert key.exists()
    assert len(files) == 1
    assert files[0].exists()
    return case, key, files


def nobody_reads(api: Api, case: str) -> None:
    """Check that no answer holds what was erased."""
    for path in (f"/cases/{case}", f"/cases/{case}/events", f"/cases/{case}/people", f"/sager/{case}"):
        response = api.get(path)
        assert response.status_code == 200, response.text
        assert CANARY not in response.text
        assert "Bent Eksempel" not in response.text
    assert api.get(f"/cases/{case}/documents/letter-1/1").status_code == 410


def test_what_was_decided_is_not_read_and_the_command_heals(office: Office) -> None:
    """Even before the key is gone nothing is shown; `erasure apply` destroys key and file, a second run has nothing."""
    with office.serving() as api, office.place.ledger() as ledger:
        case, key, files = killed(office, api, Colleagues(ledger, office, api))
        nobody_reads(api, case)
        late = said_by("parent-B", "Said after the decision")
        problem(api.commit(case, len(api.events(case)), late), 409, "refused")
        assert office.command.done("erasure", "apply") == (
            "Destroyed 1 keys, removed 1 files and the sealed bytes of 0 entries.\n"
        )
        assert not key.exists()
        assert not files[0].exists()
        assert office.command.done("erasure", "apply").startswith("Destroyed 0 keys, removed 0 files")
        nobody_reads(api, case)
        assert office.command.done("verify").startswith("INTACT")


def test_the_next_start_heals(office: Office) -> None:
    """The service carries out what is on record when it starts, and so does a worker that runs alone."""
    with office.serving() as api, office.place.ledger() as ledger:
        _, key, files = killed(office, api, Colleagues(ledger, office, api))
    older: bytes = key.read_bytes()
    with serving(office.variables, office.log) as service, talking_to(service.url, office.place.conninfo):
        until(lambda: not key.exists() and not files[0].exists(), "the start destroys key and file")
    key.write_bytes(older)
    command: list[Any] = [sys.executable, "-m", "api", "worker"]
    worker = subprocess.Popen(command, env=office.variables, cwd=ROOT)
    try:
        until(lambda: not key.exists(), "the worker destroys the key")
    finally:
        worker.terminate()
        worker.wait(20)
