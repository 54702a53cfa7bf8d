"""A time-stamp authority of this machine: `openssl ts` behind HTTP, with a root and certificate of its own."""

import shutil
import subprocess
import threading
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

OPENSSL = shutil.which("openssl")
needs_openssl = pytest.mark.skipif(OPENSSL is None, reason="openssl is not on the PATH")

CONFIG = """
[req]
distinguished_name = name
[name]
[root]
basicConstraints = critical,CA:TRUE
keyUsage = critical,keyCertSign
subjectKeyIdentifier = hash
[stamping]
basicConstraints = critical,CA:FALSE
keyUsage = critical,digitalSignature
extendedKeyUsage = critical,timeStamping
[tsa]
serial = serial
crypto_device = builtin
signer_cert = stamping.pem
signer_key = stamping.key
signer_digest = sha256
default_policy = 1.2.3.4.1
digests = sha256
accuracy = secs:1
ordering = yes
tsa_name = yes
ess_cert_id_chain = no
ess_cert_id_alg = sha256
"""


def openssl(folder: Path, *arguments: str) -> subprocess.CompletedProcess[bytes]:
    """Run openssl in a folder."""
    command = [OPENSSL or "openssl", *arguments]
    return subprocess.run(command, cwd=folder, capture_output=True, check=False, timeout=60)


def _done(folder: Path, *arguments: str) -> None:
    result = openssl(folder, *arguments)
    assert result.returncode == 0, result.stderr


def make_authority(folder: Path, name: str = "Eksempel") -> Path:
    """Make root, signing certificate and configuration of an authority; returns the root's file."""
    folder.mkdir(exist_ok=True)
    (folder / "ts.conf").write_text(CONFIG, "utf-8")
    (folder / "serial").write_text("01\n", "utf-8")
    new = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-config", "ts.conf")
    root = ("-x509", "-extensions", "root", "-days", "30", "-subj", f"/CN={name} Root")
    _done(folder, "req", *new, *root, "-keyout", "root.key", "-out", "root.pem")
    _done(folder, "req", *new, "-subj", f"/CN={name} Time Stamps", "-keyout", "stamping.key", "-out", "stamping.csr")
    signed = ("-CA", "root.pem", "-CAkey", "root.key", "-CAcreateserial", "-days", "20", "-extfile", "ts.conf")
    _done(folder, "x509", "-req", "-in", "stamping.csr", *signed, "-extensions", "stamping", "-out", "stamping.pem")
    return folder / "root.pem"


def reply_to(folder: Path, query: bytes) -> bytes:
    """Return what the authority in a folder answers a query with.

    Without ``-chain``: with it openssl 3.0 writes the certificates in an order that strict readers refuse.
    """
    (folder / "query.tsq").write_bytes(query)
    _done(
        folder,
        *("ts", "-reply", "-config", "ts.conf", "-section", "tsa", "-queryfile", "query.tsq", "-out", "answer.tsr"),
    )
    return (folder / "answer.tsr").read_bytes()


@dataclass
class RunningAuthority:
    """An authority that answers: where, its root, its queries so far; ``change`` is done to each answer."""

    url: str
    folder: Path
    queries: list[bytes] = field(default_factory=list[bytes])
    change: Callable[[bytes], tuple[int, str, bytes]] = lambda answer: (200, "application/timestamp-reply", answer)

    @property
    def root(self) -> Path:
        """The file of its root."""
        return self.folder / "root.pem"

    def accepts(self, token: bytes, text: bytes) -> bool:
        """Whether openssl verifies a stored stamp over a text."""
        (self.folder / "stored.tsr").write_bytes(token)
        (self.folder / "stored.txt").write_bytes(text)
        command = ("ts", "-verify", "-in", "stored.tsr", "-data", "stored.txt", "-CAfile", "root.pem")
        return openssl(self.folder, *command).returncode == 0


@contextmanager
def stamp_authority(folder: Path) -> Generator[RunningAuthority]:
    """Run an authority on a free port."""
    make_authority(folder)
    running = RunningAuthority("", folder)

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            query = self.rfile.read(int(self.headers["Content-Length"]))
            running.queries.append(query)
            status, kind, body = running.change(reply_to(folder, query))
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            """Stay quiet."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        running.url = f"http://127.0.0.1:{server.server_address[1]}/tsa"
        serving = threading.Thread(target=server.serve_forever)
        serving.start()
        try:
            yield running
        finally:
            server.shutdown()
            serving.join()
