"""A mail server on loopback that is up, refuses, or is slow: SMTP over a real socket (RFC 5321)."""

import socketserver
import threading
import time
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage


@dataclass
class Mailbox:
    """What a mail server took over, and how it treats the next mail."""

    refuses: str = ""
    waits: float = 0.0
    drips: bool = False
    port: int = 0
    received: list[tuple[str, EmailMessage]] = field(default_factory=list[tuple[str, EmailMessage]])
    connections: int = 0


class _Session(socketserver.StreamRequestHandler):
    box: Mailbox

    def handle(self) -> None:
        """Speak as a mail server does until the other side has enough."""
        self.box.connections += 1
        time.sleep(self.box.waits)
        if self.box.drips:
            self._drip()
            return
        self._say("220 mail.example ESMTP")
        to = ""
        while line := self.rfile.readline().decode().strip():
            verb = line.split(":")[0].upper()
            if verb.startswith(self.box.refuses or "\0"):
                self._say("550 not here")
            elif verb == "RCPT TO":
                to = line.partition("<")[2].partition(">")[0]
                self._say("250 ok")
            elif verb == "DATA":
                self._say("354 go on")
                self.box.received.append((to, self._mail()))
                self._say("250 taken over")
            elif verb == "QUIT":
                self._say("221 bye")
                return
            else:
                self._say("250 mail.example")

    def _say(self, line: str) -> None:
        self.wfile.write(f"{line}\r\n".encode())

    def _drip(self) -> None:
        """Say one character at a time, so that no answer ever comes and none is waited for too long."""
        try:
            while True:
                self.wfile.write(b"2")
                time.sleep(0.05)
        except OSError:
            return

    def _mail(self) -> EmailMessage:
        lines: list[bytes] = []
        while (line := self.rfile.readline()) not in (b".\r\n", b""):
            lines.append(line.removeprefix(b".") if line.startswith(b"..") else line)
        mail = message_from_bytes(b"".join(lines), policy=policy.default)
        assert isinstance(mail, EmailMessage)
        return mail


class _Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True


@contextmanager
def mail_server(port: int = 0) -> Generator[Mailbox]:
    """Yield what a mail server on loopback takes over."""
    box = Mailbox()
    session = type("Session", (_Session,), {"box": box})
    with _Server(("127.0.0.1", port), session) as server:
        box.port = server.server_address[1]
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield box
        finally:
            server.shutdown()
            thread.join()
