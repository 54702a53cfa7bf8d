"""Programs that nobody here wrote, each in an environment of its own beside ours, installed once."""

import json
import re
import shutil
import subprocess
import sys
from base64 import b64encode
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from api.pages.design import npm
from ledger.proof.notes import VerifierKey

SCRIPTS = Path(__file__).parents[1] / "strangers"
INSTALLED = Path(sys.prefix) / "strangers"
AICS = ("aics-tlog==0.2.1", "aics-witness==0.1.0")
PYTHON = ("sigstore==4.5.1", "proofbundle==6.3.1")
NODE_PACKAGE = "@sigstore/verify@3.1.1"
SPKI_ED25519 = bytes.fromhex("302a300506032b6570032100")
"""What stands before the 32 bytes of an Ed25519 key in a SubjectPublicKeyInfo (RFC 8410)."""

Case = dict[str, Any]


def aics() -> Path:
    """Return the interpreter beside aics-tlog and aics-witness; skips the test where there can be none."""
    names = [sys.executable, "python3.14", "python3.13", "python3.12"]
    for name in filter(None, map(shutil.which, names)):
        asked = "import sys; sys.exit(sys.version_info < (3, 12))"
        if subprocess.run([name, "-c", asked], capture_output=True, check=False).returncode == 0:
            return _environment("aics", name, AICS)
    pytest.skip("aics-tlog and aics-witness need Python 3.12 or newer, which is not on the PATH")


def python() -> Path:
    """Return the interpreter beside sigstore and proofbundle; skips the test where there can be none."""
    return _environment("python", sys.executable, PYTHON)


def node() -> Path:
    """Return the folder beside which @sigstore/verify is installed; skips the test where it cannot be."""
    folder = INSTALLED / "node"
    if not _is_installed(folder, (NODE_PACKAGE,)):
        options = ["--ignore-scripts", "--no-audit", "--no-fund", "--fetch-retries=0"]
        _run([*npm(), "install", "--prefix", folder, *options, NODE_PACKAGE])
        _mark(folder, (NODE_PACKAGE,))
    return folder


def answers(command: Sequence[str | Path], question: Any) -> list[Any]:
    """Ask a script; what it says must be JSON, and nothing else may go wrong."""
    result = subprocess.run(command, input=json.dumps(question), capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr
    return json.loads(result.stdout)


def b64(content: bytes) -> str:
    """Return bytes as the scripts take them."""
    return b64encode(content).decode()


def spki(key: VerifierKey) -> str:
    """Return an Ed25519 key as the scripts take it."""
    return b64(SPKI_ED25519 + key.public_key)


@contextmanager
def aics_witness(folder: Path, log: VerifierKey) -> Generator[tuple[str, VerifierKey]]:
    """Run an aics-witness that trusts a log; yields its address and key."""
    program, config = aics().parent / "aics-witness", folder / "witness.json"
    folder.mkdir()
    made = _run([program, "init", "--config", config, "--name", "stranger.eksempel.dk/w", "--listen", "127.0.0.1:0"])
    _run([program, "add-log", "--config", config, "--origin", log.name, "--vkey", str(log)])
    process = subprocess.Popen([program, "serve", "--config", config], stderr=subprocess.PIPE, text=True)
    assert process.stderr is not None
    try:
        found = next(filter(None, (re.search(r"listening on (http://[0-9.:]+)", line) for line in process.stderr)))
        yield found[1], VerifierKey.read(made.stdout.strip())
    finally:
        process.terminate()
        process.wait(20)
        process.stderr.close()


def _environment(name: str, interpreter: str, packages: tuple[str, ...]) -> Path:
    folder = INSTALLED / name
    found = folder / "bin" / "python"
    if not _is_installed(folder, packages):
        _run([interpreter, "-m", "venv", "--clear", folder])
        _run([found, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--retries=0", *packages])
        _mark(folder, packages)
    return found


def _is_installed(folder: Path, packages: tuple[str, ...]) -> bool:
    mark = folder / "installed"
    return mark.exists() and mark.read_text("utf-8") == "\n".join(packages)


def _mark(folder: Path, packages: tuple[str, ...]) -> None:
    (folder / "installed").write_text("\n".join(packages), "utf-8")


def _run(command: Sequence[str | Path]) -> subprocess.CompletedProcess[str]:
    INSTALLED.mkdir(exist_ok=True)
    try:
        return subprocess.run(
            command, capture_output=True, text=True, check=True, timeout=180, stdin=subprocess.DEVNULL
        )
    except (subprocess.SubprocessError, OSError):
        pytest.skip(f"{Path(command[0]).name} could not install or run what these tests ask of it")
