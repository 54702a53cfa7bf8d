"""A witness as a process of its own, started as its operator starts it."""

import os
import re
import subprocess
import sys
import threading
from collections.abc import Callable, Generator, Iterable
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from ledger.proof.notes import VerifierKey
from tests.api.service import ROOT, Inside

NAME = "witness.eksempel.dk/w1"
CLEAN = {name: value for name, value in os.environ.items() if not name.startswith(("CASELEDGER_", "PG"))}


@dataclass(frozen=True, slots=True)
class RunningWitness:
    """A witness that answers: where, with which keys, its process, its folder, and the file its errors go to."""

    url: str
    vkeys: tuple[VerifierKey, ...]
    process: subprocess.Popen[bytes]
    folder: Path
    log: Path

    def policy_lines(self, name: str = "w") -> list[str]:
        """Return the lines of a policy that name both of its keys."""
        return [f"witness {name}{key.kind} {key} {self.url}" for key in self.vkeys]


def created(folder: Path, logs: Iterable[VerifierKey], name: str = NAME) -> tuple[VerifierKey, ...]:
    """Make a witness that trusts logs with the commands of its operator; returns its keys."""
    command = Inside(CLEAN)
    lines = command.done("witness", "create", name, "--folder", folder).splitlines()
    if keys := list(map(str, logs)):
        command.done("witness", "add", *keys, "--folder", folder)
    assert command.done("witness", "vkey", "--folder", folder).splitlines() == lines
    return tuple(map(VerifierKey.read, lines))


@contextmanager
def witnessing(folder: Path, logs: Iterable[VerifierKey], name: str = NAME) -> Generator[RunningWitness]:
    """Run a witness on a free port and stop it in the end."""
    keys = created(folder, logs, name)
    command = [sys.executable, "-m", "api", "witness", "serve", "--folder", str(folder), "--port", "0"]
    log = folder.with_name(f"{folder.name}.log")
    with log.open("ab") as errors:
        process = subprocess.Popen(command, env=CLEAN, cwd=ROOT, stdout=subprocess.PIPE, stderr=errors)
    assert process.stdout is not None
    try:
        for line in process.stdout:
            found = re.search(rb"http://127\.0\.0\.1:\d+", line)
            if found:
                yield RunningWitness(found[0].decode(), keys, process, folder, log)
                return
        pytest.fail(f"the witness has ended with {process.wait(20)}")
    finally:
        process.terminate()
        process.wait(20)
        process.stdout.close()


@contextmanager
def beside(runners: list[Callable[[threading.Event], None]]) -> Generator[None]:
    """Run what runs beside the worker."""
    stop = threading.Event()
    threads = [threading.Thread(target=run, args=(stop,)) for run in runners]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        stop.set()
        for thread in threads:
            thread.join()
