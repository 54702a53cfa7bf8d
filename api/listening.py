"""Where the service listens and how it is spoken to: address, certificate, requests and answers that come to an end."""

import asyncio
import errno
import socket
import ssl
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from api.hygiene import LOOPBACK_NAMES, MAX_HEAD_BYTES, standing
from api.problems import KINDS, ProblemError, render
from api.sign_in.site import split_address
from ledger.errors import LedgerError
from ledger.settings import Settings

HEAD_SECONDS = 10.0
BODY_SECONDS = 20.0
BODY_BYTES_PER_SECOND = 10_000
ANSWER_SECONDS = 60.0
"""How long one who reads nothing of an answer is waited for, each time that the line is full."""

_LOOK_SECONDS = 1.0


class PortTaken(Exception):
    """Another program listens on this port: choose another with PORT= or --port."""


class NotServable(LedgerError):
    """The settings do not say how to listen safely; the message names the setting."""


@dataclass(frozen=True, slots=True)
class Listening:
    """An address to listen on, the names it goes by, and the certificate with its key; without one it is plain HTTP."""

    host: str
    hosts: frozenset[str]
    certificate: Path | None
    key: Path | None

    @property
    def scheme(self) -> str:
        """What comes before the address."""
        return "https" if self.certificate else "http"

    @property
    def name(self) -> str:
        """The host as it stands in an address."""
        return f"[{self.host}]" if ":" in self.host else self.host


def listening(settings: Settings) -> Listening:
    """Return how to listen; raises NotServable where others could listen in or nobody could be let in."""
    address = settings.listen_host
    names = frozenset(name.strip().lower() for name in settings.host_names.split(",") if name.strip())
    public = split_address(settings.public_url or "").hostname
    names |= {public} if public else set[str]()
    if (settings.tls_certificate is None) != (settings.tls_key is None):
        raise NotServable("Certificate and key go together: set CASELEDGER_TLS_CERTIFICATE and CASELEDGER_TLS_KEY.")
    if not address.is_loopback:
        if settings.tls_certificate is None:
            raise NotServable(
                "On any but a loopback address only HTTPS is spoken: set CASELEDGER_TLS_CERTIFICATE and"
                " CASELEDGER_TLS_KEY, or listen on 127.0.0.1."
            )
        if not names:
            raise NotServable("Name the hosts that people reach this service by: set CASELEDGER_HOST_NAMES.")
    hosts = names | LOOPBACK_NAMES if address.is_loopback else names
    return Listening(str(address), hosts, settings.tls_certificate, settings.tls_key)


def listener(where: Listening, port: int) -> socket.socket:
    """Return a listening socket; raises PortTaken, and NotServable for an address this machine does not have."""
    family = socket.AF_INET6 if ":" in where.host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((where.host, port))
    except OSError as error:
        listener.close()
        if error.errno == errno.EADDRNOTAVAIL:
            raise NotServable("CASELEDGER_LISTEN_HOST is no address of this machine.") from None
        raise PortTaken(f"Port {port} is taken: choose another with PORT= or --port.") from None
    listener.listen(1024)
    return listener


def tls_context(where: Listening) -> ssl.SSLContext | None:
    """Return what HTTPS is spoken with, TLS 1.2 or newer; None for plain HTTP. Raises NotServable."""
    if where.certificate is None:
        return None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    try:
        context.load_cert_chain(where.certificate, where.key, password=_no_password)
    except (OSError, ValueError):
        raise NotServable(
            "Certificate or key cannot be used: CASELEDGER_TLS_CERTIFICATE and CASELEDGER_TLS_KEY must name files in"
            " PEM form that belong together, the key without password."
        ) from None
    return context


def _no_password() -> str:
    """Refuse a key with a password, which would otherwise be asked for on the terminal."""
    raise ValueError("the key has a password")


class BoundedWaits(HttpToolsProtocol):
    """The server's protocol, which by itself takes heads of any size and waits for a caller for ever.

    A head that has not ended after 32,000 bytes or ten seconds ends the connection. So does a body that has not ended
    after twenty seconds and one more for each 10,000 bytes that have come, and an answer of which nothing is read for a
    minute: each request holds one of few places (``api.capacity``), and nobody may keep one by doing nothing.
    """

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self._head: int | None = 0
        self._hurry: asyncio.TimerHandle | None = None
        self._body_due = 0.0
        self._reading: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # pyright: ignore[reportIncompatibleMethodOverride]
        """Begin to wait for the first head."""
        super().connection_made(transport)
        self._await_head()

    def connection_lost(self, exc: Exception | None) -> None:
        """Wait no longer."""
        self._stop_waiting()
        self._stop_reading()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Count what comes before the end of a head."""
        if self._head is not None:
            self._head += len(data)
        if self._head is not None and self._hurry is None:
            self._await_head()
        super().data_received(data)
        if self._head is not None and self._head > MAX_HEAD_BYTES and not self.transport.is_closing():
            self._refuse("head-too-large")

    def on_headers_complete(self) -> None:
        """Begin to wait for the body."""
        self._stop_waiting()
        self._head = None
        self._body_due = self.loop.time() + BODY_SECONDS
        self._hurry = self.loop.call_at(self._body_due, self._await_body)
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        """Give a body more time for what has come of it."""
        self._body_due += len(body) / BODY_BYTES_PER_SECOND
        super().on_body(body)

    def on_message_complete(self) -> None:
        """Count the next head from nothing."""
        self._stop_waiting()
        self._head = 0
        super().on_message_complete()

    def pause_writing(self) -> None:
        """Begin to wait for somebody who reads no more."""
        super().pause_writing()
        self._reading = self.loop.call_later(ANSWER_SECONDS, self.transport.abort)

    def resume_writing(self) -> None:
        """Wait no longer: something was read."""
        self._stop_reading()
        super().resume_writing()

    def send_400_response(self, msg: str) -> None:
        """Answer what is no HTTP as everything else is answered: with a problem and all headers."""
        del msg
        self._refuse("bad-request")

    def _refuse(self, kind: str) -> None:
        """Answer with a problem, without a request for the application, and end the connection."""
        answer = render(ProblemError(kind, KINDS[kind].explanation))
        lines = [f"HTTP/1.1 {answer.status_code} {KINDS[kind].title}".encode()]
        lines += [name + b": " + value for name, value in standing(answer.raw_headers, self.scheme or "http")]
        self.transport.write(b"\r\n".join([*lines, b"connection: close", b"", bytes(answer.body)]))
        self.transport.close()

    def _await_head(self) -> None:
        self._hurry = self.loop.call_later(HEAD_SECONDS, self.transport.abort)

    def _await_body(self) -> None:
        """End a body that is due, unless it is we who do not read on."""
        if self.flow.read_paused:
            self._body_due = self.loop.time() + _LOOK_SECONDS
        if self.loop.time() < self._body_due:
            self._hurry = self.loop.call_at(self._body_due, self._await_body)
        elif self.pipeline or self.cycle.response_started:
            self.transport.abort()  # an answer has begun, and another must not stand in the middle of it
        else:
            self._refuse("body-too-slow")

    def _stop_waiting(self) -> None:
        if self._hurry is not None:
            self._hurry.cancel()
            self._hurry = None

    def _stop_reading(self) -> None:
        if self._reading is not None:
            self._reading.cancel()
            self._reading = None
