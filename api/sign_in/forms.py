"""Reading what a form sent: its fields, and the file that some forms bring along."""

import asyncio
from email.message import Message
from urllib.parse import parse_qsl

from fastapi import Request
from multipart import (  # pyright: ignore[reportMissingTypeStubs]
    MultipartError,
    MultipartSegment,
    PushMultipartParser,
)
from starlette.requests import ClientDisconnect

from api.sign_in.identity import ForeignRequest, Form
from api.uploads import Upload
from ledger.document_systems import MAX_DOCUMENT_BYTES

FORM_LIMIT = 2_000_000
"""Most bytes of a form: the longest text there may be, in whichever script, takes 1.2 million of them."""

FIELD_LIMIT = 200
_IN_PARTS = "multipart/form-data"


async def read_form(request: Request, upload: Upload | None = None) -> Form:
    """Return the fields of a form; raises ForeignRequest for what no form of ours sends, or more than it takes.

    ``upload`` takes the file of a form that may bring one. A file is the last part of our forms: where it is not kept
    or is too large, nothing more is read.
    """
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    try:
        if kind == _IN_PARTS and upload is not None:
            return Form(await _read_parts(request, upload))
        if kind == "application/x-www-form-urlencoded":
            return Form(parse_qsl(await _read_text(request), True, True, errors="strict", max_num_fields=FIELD_LIMIT))
    except (ValueError, ClientDisconnect):
        pass
    raise ForeignRequest("form")


async def _read_text(request: Request) -> str:
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > FORM_LIMIT:
            raise ForeignRequest("form-too-large")
    return body.decode()


async def _read_parts(request: Request, upload: Upload) -> list[tuple[str, str]]:
    """Return the fields of a form in parts (RFC 7578), with its file taken; raises ValueError."""
    length = request.headers.get("content-length", "")
    upload.too_large = length.isdigit() and int(length) > MAX_DOCUMENT_BYTES + FORM_LIMIT
    header = Message()
    header["Content-Type"] = request.headers["content-type"]
    parser = PushMultipartParser(header.get_boundary(""), max_segment_count=FIELD_LIMIT, strict=True)
    parts = _Parts(upload)
    async for chunk in request.stream():
        for event in parser.parse(chunk) if chunk else ():
            if isinstance(event, MultipartSegment):
                parts.begin(event)
            elif event is None:
                parts.end()
            elif parts.in_file:
                await asyncio.to_thread(upload.add, bytes(event))
            else:
                parts.add(event)
            if parts.in_file and (upload.too_large or not upload.kept):
                return parts.fields
    parser.close()
    return parts.fields


class _Parts:
    """The parts of a form as they come; a browser sends a file without a name where none was chosen."""

    def __init__(self, upload: Upload) -> None:
        self.fields: list[tuple[str, str]] = []
        self.in_file = False
        self._upload, self._text, self._taken = upload, bytearray(), 0
        self._field: str | None = None

    def begin(self, segment: MultipartSegment) -> None:
        """Begin a part; raises MultipartError for a second file."""
        self.in_file = bool(segment.filename)
        self._field = segment.name if segment.filename is None else None
        if segment.filename:
            if self._upload.name is not None:
                raise MultipartError("more than one file")
            self._upload.name = segment.filename

    def add(self, content: bytes) -> None:
        """Take the next bytes of a field; all fields together are no more than a form."""
        self._taken += len(content)
        if self._taken > FORM_LIMIT:
            raise ForeignRequest("form-too-large")
        self._text += content

    def end(self) -> None:
        """End a part."""
        if self._field is not None:
            self.fields.append((self._field, self._text.decode()))
        self._text.clear()
        self.in_file = False
