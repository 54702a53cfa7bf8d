"""Time stamps (RFC 3161): an authority signs that a checkpoint existed at a time; checked before it is stored."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path

import psycopg
from cryptography.x509 import Certificate, ObjectIdentifier, load_pem_x509_certificates
from rfc3161_client import (
    HashAlgorithm,
    TimestampRequestBuilder,
    TimeStampResponse,
    VerificationError,
    VerifierBuilder,
    decode_timestamp_response,
)
from rfc3161_client.tsp import TimeStampRequest

from ledger.errors import LedgerError
from ledger.proof.asking import NoAnswer, ask, is_address
from ledger.proof.growing import SQL
from ledger.proof.records import Published, Stamp
from ledger.settings import Settings
from ledger.store import WORKER_ROLE, conninfo_as

ANSWER_SECONDS = 30.0
MAX_ANSWER_BYTES = 128 * 1024
TIME_APART = timedelta(minutes=5)
REQUEST_KIND, ANSWER_KIND = "application/timestamp-query", "application/timestamp-reply"
SHA256 = ObjectIdentifier("2.16.840.1.101.3.4.2.1")


class NotStamped(LedgerError):
    """There is no time stamp that holds; the message says what was wrong, without content."""


@dataclass(frozen=True, slots=True)
class Authority:
    """A time-stamp authority: its address, and the certificates that its answers must lead to."""

    url: str
    roots: tuple[Certificate, ...]


def authority_of(settings: Settings) -> Authority | None:
    """Return the authority that the settings name; None where they name none. Raises NotStamped."""
    if settings.stamp_url is None and settings.stamp_roots is None:
        return None
    if settings.stamp_url is None or settings.stamp_roots is None:
        raise NotStamped("Address and certificates go together: set CASELEDGER_STAMP_URL and CASELEDGER_STAMP_ROOTS.")
    if not is_address(settings.stamp_url):
        raise NotStamped("CASELEDGER_STAMP_URL must be an http or https address without query.")
    return Authority(settings.stamp_url, read_roots(settings.stamp_roots))


def read_roots(path: Path) -> tuple[Certificate, ...]:
    """Return the certificates in a PEM file; raises NotStamped."""
    try:
        return tuple(load_pem_x509_certificates(path.read_bytes()))
    except (OSError, ValueError):
        raise NotStamped("CASELEDGER_STAMP_ROOTS must name a file with certificates in PEM form.") from None


def stamp(published: Published, authority: Authority, clock: Callable[[], float]) -> Stamp:
    """Have the text of a checkpoint stamped now; raises NotStamped unless the answer holds in every respect."""
    text = published.checkpoint.text.encode()
    request = (
        TimestampRequestBuilder().data(text).hash_algorithm(HashAlgorithm.SHA256).nonce(nonce=True)
        .cert_request(cert_request=True).build()
    )  # fmt: skip
    try:
        reply = ask(authority.url, request.as_bytes(), REQUEST_KIND, limit=MAX_ANSWER_BYTES, seconds=ANSWER_SECONDS)
    except NoAnswer as silent:
        raise NotStamped(f"The time-stamp authority does not answer ({silent}).") from None
    if reply.status != 200 or reply.kind != ANSWER_KIND:
        raise NotStamped(f"The time-stamp authority answers {reply.status} or another type than a time stamp.")
    found = check_stamp(reply.body, text, authority.roots, request)
    if abs(found.stamped_at - datetime.fromtimestamp(clock(), UTC)) > TIME_APART:
        raise NotStamped("The clock of the time-stamp authority and ours are more than five minutes apart.")
    return found


def check_stamp(
    answer: bytes, text: bytes, roots: tuple[Certificate, ...], request: TimeStampRequest | None = None
) -> Stamp:
    """Check an answer (TimeStampResp in DER) over a text; with its request also that it answers that one.

    Certificates of the authority count if they were valid at the time in it. Raises NotStamped.
    """
    try:
        response = decode_timestamp_response(answer)
    except ValueError:
        raise NotStamped("The time stamp does not hold: it is not strict DER (are its certificates sorted?).") from None
    try:
        _check(response, sha256(text).digest(), roots, request)
        return Stamp(answer, response.tst_info.gen_time)
    except (VerificationError, ValueError) as error:
        raise NotStamped(f"The time stamp does not hold ({type(error).__name__}).") from None


def _check(
    response: TimeStampResponse, digest: bytes, roots: tuple[Certificate, ...], request: TimeStampRequest | None
) -> None:
    builder = VerifierBuilder(
        roots=[one for one in roots if one.issuer == one.subject],
        intermediates=[one for one in roots if one.issuer != one.subject],
        nonce=None if request is None else request.nonce,
        policy_id=None if request is None else request.policy,
    )
    builder.build().verify(response, digest)
    if response.tst_info.message_imprint.hash_algorithm != SHA256:
        raise ValueError("another hash")


def store_stamp(conninfo: str, size: int, stamped: Stamp) -> None:
    """Put a time stamp of a checkpoint beside it."""
    with psycopg.connect(conninfo_as(conninfo, WORKER_ROLE), autocommit=True) as connection:
        connection.execute(SQL["write_stamp"], [size, stamped.stamped_at, stamped.token])
