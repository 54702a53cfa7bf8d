"""The witness over HTTP (c2sp.org/tlog-witness): two addresses, answers in plain text, no database."""

import asyncio
import logging
import re
import sys
from dataclasses import replace
from http import HTTPStatus
from ipaddress import ip_address

import uvicorn
from starlette.types import Receive, Scope, Send

from api import json_log
from api.listening import BoundedWaits, Listening, NotServable, listener, tls_context
from ledger.proof.witness import Evidence, Reason, Refused, Witness
from ledger.settings import Settings

MAX_BODY_BYTES = 512 * 1024
"""Room for 63 hashes and a hundred signatures, the largest of which has 3.3 kilobytes."""
BODY_SECONDS = 10.0
CALLERS = 200
SIZE = b"text/x.tlog.size"
PLAIN = b"text/plain; charset=utf-8"
STATUS = {
    Reason.MALFORMED: HTTPStatus.BAD_REQUEST,
    Reason.OLD_IS_LARGER: HTTPStatus.BAD_REQUEST,
    Reason.UNKNOWN_LOG: HTTPStatus.NOT_FOUND,
    Reason.NOT_SIGNED: HTTPStatus.FORBIDDEN,
    Reason.OTHER_SIZE: HTTPStatus.CONFLICT,
    Reason.INCONSISTENT: HTTPStatus.UNPROCESSABLE_ENTITY,
}

_MONITOR = re.compile(r"/([0-9a-f]{64})/checkpoint")


class Answer(Exception):
    """What is answered: a status, a body, and its kind."""

    def __init__(self, status: HTTPStatus, body: str | None = None, kind: bytes = PLAIN) -> None:
        super().__init__(status)
        self.status, self.kind = status, kind
        self.body = (f"{status.phrase}\n" if body is None else body).encode()


class WitnessService:
    """The ASGI application over one witness."""

    def __init__(self, witness: Witness) -> None:
        self._witness = witness

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            return
        try:
            answer = await self._answer(scope, receive)
        except Answer as refused:
            answer = refused
        except Refused as refused:
            if refused.evidence is not None:
                _say(refused.evidence)
            answer = _refusal(refused)
        except Exception as error:  # the caller learns nothing of it, whatever it was
            json_log.log("witness_failed", logging.ERROR, **json_log.failure(error))
            answer = Answer(HTTPStatus.INTERNAL_SERVER_ERROR)
        headers = [(b"content-type", answer.kind), (b"content-length", str(len(answer.body)).encode())]
        if answer.status in (HTTPStatus.REQUEST_ENTITY_TOO_LARGE, HTTPStatus.REQUEST_TIMEOUT):
            headers.append((b"connection", b"close"))
        headers += [(b"cache-control", b"no-store"), (b"x-content-type-options", b"nosniff")]
        await send({"type": "http.response.start", "status": answer.status, "headers": headers})
        await send({"type": "http.response.body", "body": b"" if scope["method"] == "HEAD" else answer.body})

    async def _answer(self, scope: Scope, receive: Receive) -> Answer:
        path, method = scope["path"], scope["method"]
        if path == "/add-checkpoint":
            _require(method == "POST", HTTPStatus.METHOD_NOT_ALLOWED)
            body = await _body(receive)
            cosignatures = await asyncio.to_thread(self._witness.add_checkpoint, body)
            return Answer(HTTPStatus.OK, "".join(map(str, cosignatures)))
        found = _MONITOR.fullmatch(path)
        if found is None:
            return Answer(HTTPStatus.NOT_FOUND)
        _require(method in ("GET", "HEAD"), HTTPStatus.METHOD_NOT_ALLOWED)
        note = await asyncio.to_thread(self._witness.latest, found[1])
        return Answer(HTTPStatus.NOT_FOUND) if note is None else Answer(HTTPStatus.OK, str(note))


def serve_witness(witness: Witness, settings: Settings, host: str, port: int) -> None:
    """Serve a witness until SIGTERM or Ctrl-C; raises WitnessMissing, NotServable and PortTaken."""
    json_log.configure()
    keys, where = witness.vkeys(), _where(settings, host)
    context = tls_context(where)
    with listener(where, port) as listening_socket:
        config = uvicorn.Config(
            WitnessService(witness),
            http=BoundedWaits,
            ws="none",
            lifespan="off",
            ssl_context_factory=(lambda _config, _default: context) if context else None,
            proxy_headers=False,
            log_config=None,
            log_level="warning",
            access_log=False,
            server_header=False,
            limit_concurrency=CALLERS,
            timeout_keep_alive=75,
            timeout_graceful_shutdown=5,
        )
        address = f"{where.scheme}://{where.name}:{listening_socket.getsockname()[1]}"
        sys.stdout.write("".join(f"{key}\n" for key in keys) + f"Witnessing at {address}; stop with Ctrl-C.\n")
        sys.stdout.flush()
        uvicorn.Server(config).run(sockets=[listening_socket])


def _where(settings: Settings, host: str) -> Listening:
    where = Listening(host, frozenset(), settings.tls_certificate, settings.tls_key)
    if (where.certificate is None) != (where.key is None):
        raise NotServable("Certificate and key go together: set CASELEDGER_TLS_CERTIFICATE and CASELEDGER_TLS_KEY.")
    if ip_address(host).is_loopback:
        return replace(where, certificate=None, key=None)
    if where.certificate is None:
        raise NotServable(
            "On any but a loopback address only HTTPS is spoken: set CASELEDGER_TLS_CERTIFICATE and CASELEDGER_TLS_KEY,"
            " or let a proxy on this machine speak it."
        )
    return where


async def _body(receive: Receive) -> bytes:
    body = bytearray()
    try:
        async with asyncio.timeout(BODY_SECONDS):
            while True:
                message = await receive()
                body += message.get("body", b"")
                _require(len(body) <= MAX_BODY_BYTES, HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
                if message["type"] != "http.request" or not message.get("more_body", False):
                    return bytes(body)
    except TimeoutError:
        raise Answer(HTTPStatus.REQUEST_TIMEOUT) from None


def _say(evidence: Evidence) -> None:
    """Tell the operator: a split is proof that somebody with the log's key told two stories."""
    if evidence.splits:
        json_log.log("log_split", logging.ERROR, file=str(evidence.file))
    else:
        json_log.log("checkpoint_not_proven", logging.WARNING, file=str(evidence.file))


def _refusal(refused: Refused) -> Answer:
    if refused.size is not None:
        return Answer(STATUS[refused.reason], f"{refused.size}\n", SIZE)
    return Answer(STATUS[refused.reason], f"{refused.reason.value}\n")


def _require(condition: bool, status: HTTPStatus) -> None:
    if not condition:
        raise Answer(status)
