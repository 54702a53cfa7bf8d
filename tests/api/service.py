"""The program under test as processes of its own, started as its users start it."""

import os
import re
import subprocess
import sys
from collections.abc import Generator, Mapping
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from time import monotonic, sleep
from typing import IO, Any
from unittest.mock import patch

import orjson
import pytest

from api.cli import main
from api.stories import shipped_stories

ROOT = Path(__file__).parents[2]
STORY_FILES = shipped_stories()
START_SECONDS = 60
STOP_SECONDS = 20


@dataclass(frozen=True, slots=True)
class Service:
    """A running ``serve``: its process, the port it announced, and the file its errors go to."""

    process: subprocess.Popen[bytes]
    port: int
    log: Path

    @property
    def url(self) -> str:
        """The address of the service."""
        return f"http://127.0.0.1:{self.port}"


def log_lines(log: Path) -> list[dict[str, Any]]:
    """Return the lines of a service's log, each of which must be JSON."""
    return [orjson.loads(line) for line in log.read_bytes().splitlines()]


def complaints(log: Path) -> list[dict[str, Any]]:
    """Return the lines of a service's log that are no mere information."""
    return [line for line in log_lines(log) if line["level"] != "info"]


def environment(database_url: str | None, home: Path) -> dict[str, str]:
    """Return the environment of a command: where the ledger lies, and leave to ask as often as tests do."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("CASELEDGER_", "PG"))}
    chosen = {"CASELEDGER_HOME": str(home), "CASELEDGER_DATABASE_URL": database_url or ""}
    limits = ("REQUESTS_PER_MINUTE", "STRICT_REQUESTS_PER_MINUTE", "REQUESTS_AT_ONCE")
    chosen |= {f"CASELEDGER_{limit}": "1000000" for limit in limits}
    return clean | chosen | {"PYTHONUNBUFFERED": "1"}


@dataclass(frozen=True, slots=True)
class Command:
    """The command line of the program over one ledger."""

    variables: Mapping[str, str]

    def __call__(self, *arguments: str | Path, timeout: float = 60) -> subprocess.CompletedProcess[str]:
        """Run a command to its end."""
        command = [sys.executable, "-m", "api", *map(str, arguments)]
        return subprocess.run(
            command, env=self.variables, cwd=ROOT, capture_output=True, text=True, timeout=timeout, check=False
        )

    def done(self, *arguments: str | Path) -> str:
        """Run a command that must succeed and return what it said."""
        result = self(*arguments)
        assert (result.returncode, result.stderr) == (0, ""), result
        return result.stdout

    def refused(self, *arguments: str | Path) -> tuple[int, str]:
        """Run a command that must fail with one line on standard error; return its exit code and the line."""
        result = self(*arguments)
        assert result.returncode != 0, result
        assert result.stdout == "", result
        assert result.stderr.count("\n") == 1, result
        assert result.stderr.startswith("caseledger"), result
        assert "Traceback" not in result.stderr
        return result.returncode, result.stderr.rstrip("\n")


class Inside(Command):
    """The same command line inside this process, which spares a second a command; not for ``serve`` and ``worker``."""

    def __call__(self, *arguments: str | Path, timeout: float = 60) -> subprocess.CompletedProcess[str]:
        """Run a command to its end."""
        words = list(map(str, arguments))
        said, complained, code = StringIO(), StringIO(), 0
        with patch.dict(os.environ, self.variables, clear=True), redirect_stdout(said), redirect_stderr(complained):
            try:
                main(words)
            except SystemExit as left:
                code = left.code if isinstance(left.code, int) else int(left.code is not None)
                if isinstance(left.code, str):
                    complained.write(f"{left.code}\n")
        return subprocess.CompletedProcess(words, code, said.getvalue(), complained.getvalue())


@contextmanager
def serving(variables: Mapping[str, str], log: Path, *options: str) -> Generator[Service]:
    """Run ``serve`` on a free port and stop it in the end, gently."""
    with log.open("ab") as errors:
        process = subprocess.Popen(
            [sys.executable, "-m", "api", "serve", "--port", "0", *options],
            env=variables,
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=errors,
        )
    try:
        yield Service(process, _announced_port(process, log), log)
    finally:
        if process.poll() is None:
            process.terminate()
            process.wait(STOP_SECONDS)
        _pipe(process).close()


def _announced_port(process: subprocess.Popen[bytes], log: Path) -> int:
    for line in _pipe(process):
        match = re.search(rb"https?://127\.0\.0\.1:(\d+)", line)
        if match:
            return int(match[1])
    pytest.fail(f"serve has ended with {process.wait(STOP_SECONDS)}: {log.read_text()}")


def _pipe(process: subprocess.Popen[bytes]) -> IO[bytes]:
    assert process.stdout is not None
    return process.stdout


def until(condition: Any, what: str, seconds: float = START_SECONDS) -> None:
    """Wait for a condition, and fail when it does not come."""
    deadline = monotonic() + seconds
    while not condition():
        if monotonic() > deadline:
            pytest.fail(f"waited {seconds:.0f} s in vain: {what}")
        sleep(0.05)


def children(process: int) -> list[int]:
    """Return the ids of the living children of a process."""
    found: list[int] = []
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            state, parent = path.read_text().rpartition(")")[2].split()[:2]
        except (FileNotFoundError, ProcessLookupError):
            continue
        if int(parent) == process and state != "Z":
            found.append(int(path.parent.name))
    return found


def lives(process: int) -> bool:
    """Whether a process runs; one that has ended and waits to be reaped does not."""
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False
