"""Headers and parameters that steer a request: keys, versions, instants, cursors. Each refusal says what to send."""

import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error as Base64Error
from datetime import datetime
from hmac import compare_digest

from fastapi import Request

from api.looks import Question
from api.problems import ProblemError
from domain.time import read_instant
from ledger.keys import KeyStore

_KEY = re.compile(r"[\x21-\x7e]{1,255}")
_ETAG = re.compile(r'"([0-9]{1,18})"')
_CURSOR_MAC_BYTES = 12


def idempotency_key(request: Request) -> str:
    """Return the request's key; raises ProblemError when it is missing or not 1 to 255 visible characters."""
    header = request.headers.get("idempotency-key")
    if header is None or not _KEY.fullmatch(header):
        raise ProblemError(
            "bad-request", "Idempotency-Key is required: 1 to 255 visible characters, a new one for each new request."
        )
    return header


def expected_version(request: Request) -> int:
    """Return the version named by If-Match; raises ProblemError when it is missing or names none."""
    header = request.headers.get("if-match")
    if header is None:
        raise ProblemError("version-required", 'Send If-Match with the ETag you were given, for example "17".')
    match = _ETAG.fullmatch(header.strip())
    if match is None:
        raise ProblemError("bad-request", 'If-Match must be one ETag such as "17": the version you decided on.')
    return int(match.group(1))


def wished_version(request: Request) -> int | None:
    """Return the version named by If-Match for an act that may do without; raises ProblemError when it names none."""
    return None if request.headers.get("if-match") is None else expected_version(request)


def etag(version: int) -> str:
    """Return the ETag of a version."""
    return f'"{version}"'


def refuse_unknown_parameters(request: Request, *known: str) -> None:
    """Raise ProblemError for a query parameter that is not known here, or sent twice.

    A misspelt instant would show the present, and of two nobody could tell which was meant.
    """
    sent = [name for name, _ in request.query_params.multi_items()]
    if not set(sent) <= set(known):
        raise ProblemError("bad-request", f"The query holds parameters not known here; known are {', '.join(known)}.")
    if len(set(sent)) < len(sent):
        twice = next(name for name in known if sent.count(name) > 1)
        raise ProblemError("bad-request", f"{twice} stands in the query more than once: send one.")


def question(known_at: str | None, valid_at: str | None) -> Question:
    """Return the instants a view is asked for; raises ProblemError for what is no instant with an offset."""
    return Question(instant("known_at", known_at), instant("valid_at", valid_at))


def instant(name: str, text: str | None) -> datetime | None:
    """Return the instant a parameter holds, None for none; raises ProblemError for what is none with an offset."""
    if text is None or text == "":
        return None
    try:
        return read_instant(text)
    except ValueError:
        hint = " A + in an address must be written %2B." if " " in text else ""
        example = "2024-08-21T09:00:00%2B02:00 or 2024-08-21T07:00:00Z"
        raise ProblemError("bad-request", f"{name} must be an instant with offset: {example}.{hint}") from None


class Cursors:
    """Opaque cursors: the place to go on from, sealed against tinkering and bound to the question they belong to."""

    def __init__(self, keys: KeyStore) -> None:
        self._keys = keys

    def write(self, place: str, context: str) -> str:
        """Return the cursor for a place in the answer to ``context``."""
        return urlsafe_b64encode(self._mac(place, context) + place.encode()).decode().rstrip("=")

    def read(self, cursor: str, context: str) -> str:
        """Return the place of a cursor; raises ProblemError for one that was not given out for this question."""
        try:
            raw = urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))
            mac, place = raw[:_CURSOR_MAC_BYTES], raw[_CURSOR_MAC_BYTES:].decode()
        except (Base64Error, ValueError):
            mac, place = b"", ""
        if not compare_digest(mac, self._mac(place, context)):
            raise ProblemError("bad-request", "cursor was not given out for this question: start without one.")
        return place

    def _mac(self, place: str, context: str) -> bytes:
        return self._keys.digest("cursor", f"{context}\0{place}".encode())[:_CURSOR_MAC_BYTES]
