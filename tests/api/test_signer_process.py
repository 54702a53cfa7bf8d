"""The signer as a process of its own: the same answers over a socket, limits, death in between, its own rotation."""

import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Generator
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from api.log_publishing import signed_now
from api.log_rotation import RotationNotBegun, rotate_log_keys
from api.opening import Place
from ledger.proof.notes import verified
from ledger.proof.publisher import Publisher
from ledger.proof.records import ProofRecords
from ledger.proof.signer import SignerMissing, SignerRefused
from ledger.proof.signer_socket import MAX_QUESTION_BYTES, SocketSigner
from ledger.store import Ledger
from tests.api.service import ROOT, Command, Inside, environment
from tests.api.test_log_commands import PRINCIPAL, all_verify
from tests.api.test_log_upkeep import append, running
from tests.ledger.proof.signer_worker import ORIGIN, proof, root
from tests.ledger.samples import wait_until

pytestmark = pytest.mark.slow


@pytest.fixture
def folder() -> Generator[Path]:
    """A folder whose path is short enough for a socket."""
    with tempfile.TemporaryDirectory(prefix="signer-") as name:
        yield Path(name)


def answers(path: Path) -> bool:
    """Whether a signer answers at a socket; one that was left by a process that died is there too."""
    try:
        return bool(SocketSigner(path).vkeys)
    except SignerMissing:
        return False


@contextmanager
def process(folder: Path) -> Generator[subprocess.Popen[bytes]]:
    """Run the signer, and end it in the end."""
    command = [sys.executable, "-m", "api", "signer", "--folder", str(folder / "keys"), "--origin", ORIGIN]
    command += ["--socket", str(folder / "socket")]
    variables = environment("host=/nowhere", folder / "home")
    with subprocess.Popen(command, cwd=ROOT, env=variables, stdout=subprocess.PIPE) as running_process:
        assert running_process.stdout is not None
        assert running_process.stdout.readline().startswith(ORIGIN.encode())
        wait_until(lambda: answers(folder / "socket"))
        try:
            yield running_process
        finally:
            running_process.terminate()
            running_process.wait(20)


@pytest.fixture
def signer(folder: Path) -> Generator[SocketSigner]:
    """The signer, asked over its socket."""
    with process(folder):
        yield SocketSigner(folder / "socket")


@pytest.fixture
def apart(real: Place, folder: Path) -> Place:
    """A ledger whose signer is at a socket."""
    return replace(real, signer_socket=folder / "socket")


def raw(folder: Path, content: bytes) -> bytes:
    """Send bytes to the socket and return what comes back."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        connection.settimeout(20)
        connection.connect(str(folder / "socket"))
        connection.sendall(content)
        return connection.recv(65536)


def test_it_answers_as_in_a_folder(folder: Path, signer: SocketSigner) -> None:
    """Keys, what was signed last, a signature; what does not go on is refused with the same words."""
    assert [key.kind for key in signer.vkeys] == [1, 6]
    assert signer.last() is None
    note = signer.sign(200, root(200), [])
    assert set(verified(note, signer.vkeys)) == set(signer.vkeys)
    last = signer.last()
    assert last is not None
    assert (last.origin, last.size, last.root) == (ORIGIN, 200, root(200))
    assert str(signer.sign(200, root(200), [])) == str(note)
    signer.sign(300, root(300), proof(200, 300))
    with pytest.raises(SignerRefused, match="signed 300 entries before and is asked to sign 200"):
        signer.sign(200, root(200), [])
    with pytest.raises(SignerRefused, match="not one that"):
        signer.sign(301, root(300), proof(200, 300))
    assert (folder / "socket").stat().st_mode & 0o777 == 0o660


@pytest.mark.parametrize(
    "question",
    [
        b"\n", b"{}\n", b"[]\n", b"null\n", b'"sign"\n', b'{"ask": "rotate"}\n', b'{"ask": "sign"}\n', b"\xff\n",
        json.dumps({"ask": "sign", "size": 0, "root": "00" * 32, "proof": []}).encode() + b"\n",
        json.dumps({"ask": "sign", "size": -1, "root": "00" * 32, "proof": []}).encode() + b"\n",
        json.dumps({"ask": "sign", "size": True, "root": "00" * 32, "proof": []}).encode() + b"\n",
        json.dumps({"ask": "sign", "size": 2**63, "root": "00" * 32, "proof": []}).encode() + b"\n",
        json.dumps({"ask": "sign", "size": 1, "root": "00" * 31, "proof": []}).encode() + b"\n",
        json.dumps({"ask": "sign", "size": 1, "root": "zz" * 32, "proof": []}).encode() + b"\n",
        json.dumps({"ask": "sign", "size": 1, "root": "00" * 32, "proof": [1]}).encode() + b"\n",
        json.dumps({"ask": "sign", "size": 1, "root": "00" * 32, "proof": ["00" * 32] * 64}).encode() + b"\n",
        b" " * (MAX_QUESTION_BYTES + 5000) + b"\n",
    ],
)  # fmt: skip
def test_what_is_no_question_is_refused(folder: Path, signer: SocketSigner, question: bytes) -> None:
    """In one line, and the next one is answered."""
    told = json.loads(raw(folder, question))
    assert told == {"refused": "The signer was asked something that it does not know."}
    assert signer.last() is None


def test_who_says_nothing_keeps_nobody_waiting(folder: Path, signer: SocketSigner) -> None:
    """Each connection has its own time."""
    idle = [socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) for _ in range(10)]
    try:
        for one in idle:
            one.connect(str(folder / "socket"))
        assert len(signer.vkeys) == 2
    finally:
        for one in idle:
            one.close()


def test_killed_in_between_it_goes_on_as_it_was(folder: Path) -> None:
    """Its memory is on disk: the next process gives the same bytes, and takes over the socket that was left."""
    signer = SocketSigner(folder / "socket")
    with process(folder) as first:
        note = str(signer.sign(200, root(200), []))
        os.kill(first.pid, signal.SIGKILL)
        first.wait(20)
        with pytest.raises(SignerMissing, match="does not answer at its socket"):
            signer.sign(300, root(300), proof(200, 300))
        assert (folder / "socket").exists()
    with process(folder):
        assert str(signer.sign(200, root(200), [])) == note
        with pytest.raises(SignerRefused):
            signer.sign(200, root(199), [])
    assert not (folder / "socket").exists()


def test_a_ledger_is_signed_over_it(folder: Path, apart: Place, ledger: Ledger) -> None:
    """Published as ever; while the signer is gone nothing is signed, and then it goes on."""
    records = ProofRecords(ledger)
    with process(folder), running(apart):
        wait_until(records.latest)
    position = append(ledger, 300)
    with closing(Publisher(apart.conninfo, apart.signer(ledger.id))) as publisher, pytest.raises(SignerMissing):
        publisher.publish()
    with process(folder):
        assert signed_now(apart, ledger).published.checkpoint.size == position
    latest = records.latest()
    assert latest is not None
    assert latest.checkpoint.origin == ORIGIN
    assert not list(apart.home.glob("signer/*"))


def test_a_rotation_begins_and_ends_where_the_keys_are(folder: Path, apart: Place, ledger: Ledger) -> None:
    """The account of the ledger announces the new keys; it never gets hold of any."""
    command = Command(environment("host=/nowhere", folder / "home"))
    words = ("signer", "--folder", folder / "keys")
    with process(folder):
        append(ledger)
        with pytest.raises(RotationNotBegun):
            rotate_log_keys(apart, ledger, PRINCIPAL, None)
        assert len(command.done(*words, "--begin-rotation").splitlines()) == 4
        variables = environment(apart.conninfo, apart.home) | {"CASELEDGER_SIGNER_SOCKET": str(folder / "socket")}
        rotated = Inside(variables)("log", "rotate")
        assert (rotated.returncode, "--end-rotation" in rotated.stderr) == (0, True)
        new = command.done(*words, "--end-rotation").splitlines()
        assert rotated.stdout.splitlines()[1:] == new
        append(ledger)
        latest = signed_now(apart, ledger).published
        assert {str(key) for key in verified(latest.note, apart.signer(ledger.id).vkeys)} == set(new)
    assert all_verify(ledger) >= 3


def test_bad_commands_are_one_line(folder: Path) -> None:
    """No keys, another log's folder, a socket that is taken or cannot be, nothing to do."""
    command = Command(environment("host=/nowhere", folder / "home"))
    keys, other = ("signer", "--folder", folder / "keys"), folder / "socket"
    assert "no signer in its folder" in command.refused(*keys, "--socket", other)[1]
    assert "one of the arguments" in command.refused(*keys)[1]
    assert "address without scheme" in command.refused(*keys, "--origin", "https://x", "--socket", other)[1]
    with process(folder):
        assert "Another signer listens" in command(*keys, "--socket", other).stderr
        assert "another log" in command.refused(*keys, "--origin", "elsewhere.eksempel", "--socket", other)[1]
    assert "cannot be listened at" in command(*keys, "--socket", folder / ("x" * 200)).stderr
