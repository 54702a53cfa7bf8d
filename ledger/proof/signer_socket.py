"""The signer as a process of its own: a server on a Unix socket that answers three calls, and its client.

One JSON line asks, one answers, then the connection ends. The server knows no database, and its account alone reads the
keys: whoever may connect gets nothing signed that does not go on from what was signed before.
"""

import json
import os
import socket
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from socketserver import BaseRequestHandler, ThreadingMixIn, UnixStreamServer
from typing import Any, TypeVar, cast

from ledger.errors import LedgerError
from ledger.proof.checkpoints import Checkpoint, read_checkpoint
from ledger.proof.notes import Note, NoteError, VerifierKey
from ledger.proof.signer import Signer, SignerMissing, SignerRefused

MAX_QUESTION_BYTES, MAX_ANSWER_BYTES = 16_384, 65_536
MAX_PROOF = 63
SECONDS = 5.0
"""How long either side waits for the other."""

Told = TypeVar("Told")

AWAY = "The signer does not answer at its socket: is `caseledger signer` running, and may this account connect?"


class SocketTaken(LedgerError):
    """Another signer listens at this socket: end it first, or name another path."""


class SocketSigner:
    """Asks the signer at a socket; raises SignerMissing where it does not answer."""

    def __init__(self, path: Path) -> None:
        self._path = path

    @property
    def vkeys(self) -> tuple[VerifierKey, ...]:
        """The keys it signs with now."""
        return self._ask({"ask": "vkeys"}, lambda told: tuple(VerifierKey.read(vkey) for vkey in told))

    def last(self) -> Checkpoint | None:
        """Return what it signed last; None for nothing yet."""
        return self._ask({"ask": "last"}, lambda told: None if told is None else Checkpoint(*_head(told)))

    def sign(self, size: int, root: bytes, proof: Sequence[bytes]) -> Note:
        """Return a signed checkpoint; see Signer."""
        question = {"ask": "sign", "size": size, "root": root.hex(), "proof": [one.hex() for one in proof]}
        checkpoint, note = self._ask(question, read_checkpoint)
        if (checkpoint.size, checkpoint.root) != (size, root):
            raise SignerMissing("The signer signed something else than it was asked to: it is not to be trusted.")
        return note

    def _ask(self, question: dict[str, Any], read: Callable[[Any], Told]) -> Told:
        answer = self._answer(question)
        if "refused" in answer:
            raise SignerRefused(str(answer["refused"]))
        if "missing" in answer:
            raise SignerMissing(str(answer["missing"]))
        try:
            return read(answer["told"])
        except (KeyError, TypeError, ValueError):
            raise SignerMissing(AWAY) from None

    def _answer(self, question: dict[str, Any]) -> dict[str, Any]:
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
                connection.settimeout(SECONDS)
                connection.connect(str(self._path))
                connection.sendall(json.dumps(question).encode() + b"\n")
                return json.loads(_line(connection, MAX_ANSWER_BYTES))
        except (OSError, ValueError):
            raise SignerMissing(AWAY) from None


def serve_signer(signer: Signer, path: Path, stop: threading.Event) -> None:
    """Answer at a socket until told to stop; owner and group of the socket may connect.

    Raises SocketTaken where another signer listens there, SignerMissing where this one has no keys.
    """
    if not signer.vkeys:
        raise SignerMissing
    _require_free(path)
    mask = os.umask(0o117)  # the socket is there for owner and group from its first moment on
    try:
        server = _Server(str(path), signer)
    finally:
        os.umask(mask)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.1})
    thread.start()
    try:
        stop.wait()
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
        path.unlink(missing_ok=True)


class _Server(ThreadingMixIn, UnixStreamServer):
    """Answers each connection in a thread of its own; the signer lets one sign at a time."""

    daemon_threads = True
    request_queue_size = 64

    def __init__(self, path: str, signer: Signer) -> None:
        super().__init__(path, _Connection)
        self.signer = signer

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing: whoever asked has gone."""


class _Connection(BaseRequestHandler):
    def handle(self) -> None:
        """Read one question and answer it; whoever sends none in time is told nothing."""
        connection: socket.socket = self.request
        connection.settimeout(SECONDS)
        with suppress(OSError):
            try:
                line = _line(connection, MAX_QUESTION_BYTES)
                answer = _answer_to(cast(_Server, self.server).signer, line)
            except (ValueError, KeyError, TypeError, NoteError):
                answer = {"refused": "The signer was asked something that it does not know."}
            connection.sendall(json.dumps(answer).encode() + b"\n")


def _answer_to(signer: Signer, line: bytes) -> dict[str, Any]:
    question: dict[str, Any] = json.loads(line)
    try:
        match question["ask"]:
            case "vkeys":
                return {"told": list(map(str, signer.vkeys))}
            case "last":
                last = signer.last()
                return {"told": None if last is None else [last.origin, last.size, last.root.hex()]}
            case "sign":
                return {"told": str(signer.sign(*_to_sign(question)))}
            case _:
                raise KeyError
    except SignerRefused as error:
        return {"refused": str(error)}
    except SignerMissing as error:
        return {"missing": str(error)}
    except OSError:
        return {"missing": "The signer cannot write what it signs: look at its folder."}


def _to_sign(question: dict[str, Any]) -> tuple[int, bytes, list[bytes]]:
    size, root, proof = question["size"], bytes.fromhex(question["root"]), question["proof"]
    if type(size) is not int or not 0 < size < 2**63 or len(root) != 32 or len(proof) > MAX_PROOF:
        raise ValueError
    return size, root, [bytes.fromhex(one) for one in proof]


def _head(told: Sequence[Any]) -> tuple[str, int, bytes]:
    origin, size, root = told
    return str(origin), int(size), bytes.fromhex(root)


def _line(connection: socket.socket, most: int) -> bytes:
    """Return one line; raises ValueError where it does not end within so many bytes."""
    content = b""
    while not content.endswith(b"\n"):
        part = connection.recv(4096)
        content += part
        if not part or len(content) > most:
            raise ValueError("no line")
    return content


def _require_free(path: Path) -> None:
    """Remove a socket that nobody listens at any more; raises SocketTaken where somebody does."""
    if not path.is_socket():
        return
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        try:
            connection.connect(str(path))
        except OSError:
            path.unlink()
            return
    raise SocketTaken
