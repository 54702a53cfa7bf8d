"""What is said about a document when it is filed: as query parameters beside its bytes, or as JSON with a link."""

import re
from collections.abc import AsyncIterator
from typing import Annotated, Any, Literal

import orjson
from fastapi import Request
from pydantic import AfterValidator, Field, StringConstraints, ValidationError
from starlette.requests import ClientDisconnect

from api.bodies import Body, pointed
from api.problems import ProblemError
from domain.errors import Malformed, Problem
from domain.events.base import Code, EntryRef, MomentField, PersonRef, Text
from ledger.document_systems import MAX_DOCUMENT_BYTES

_LIKE_A_PERSON = re.compile(r"(?<!\d)\d{6}[-._]?\d{4}(?!\d)")
_MEDIA_TYPE = re.compile(r"[a-z0-9!#$&^_.+-]{1,63}/[a-z0-9!#$&^_.+-]{1,63}")
_FORMS = frozenset({"application/x-www-form-urlencoded", "multipart/form-data"})
SEVERAL = frozenset({"subjects"})
"""Parameters that may be given several times."""


NUMBERS = frozenset({"version", "for_entry"})
"""Parameters that are whole numbers."""


def _number(text: str) -> int | str:
    """Return a whole number as such, and anything else as it is, to be refused."""
    return int(text) if re.fullmatch(r"[0-9]{1,15}", text) else text


def _no_person(document: str) -> str:
    """Refuse an id that might be a person's number: it stands in addresses and in clear."""
    if _LIKE_A_PERSON.search(document):
        raise ValueError("looks like a person's number: choose an id that says nothing about anyone")
    return document


def _media_type(text: str) -> str:
    """Return a media type in lower case, without its parameters, which may hold a file's name."""
    found = text.partition(";")[0].strip().lower()
    if not _MEDIA_TYPE.fullmatch(found):
        raise ValueError("must be a media type such as application/pdf")
    return found


DocumentId = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,79}$"), AfterValidator(_no_person)]
"""A document's id within its case: letters, digits, full stop, hyphen and underscore."""


class DocumentMetadata(Body):
    """What is said about a document that is filed."""

    document: Annotated[DocumentId, Field(description="Its id within the case", examples=["letter-1"])]
    version: Annotated[
        int | None, Field(ge=1, lt=10**9, description="Its version; absent: the next free one", examples=[1])
    ] = None
    direction: Annotated[
        Literal["in", "out", "internal"], Field(description="Received, sent, or made for the file", examples=["out"])
    ]
    theme: Annotated[Code, Field(description="What it is about, as a code", examples=["decision"])]
    subjects: Annotated[
        tuple[PersonRef, ...],
        Field(max_length=50, description="Whose data it holds; one alone: their key seals it", examples=["parent-A"]),
    ] = ()
    received_or_sent_at: Annotated[
        MomentField | None, Field(description="When it was received or sent", examples=["2026-03-04"])
    ] = None
    for_entry: Annotated[EntryRef | None, Field(description="Version of the entry it belongs to", examples=[1])] = None
    derived_from: Annotated[
        DocumentId | None, Field(description="The document it was made from, for example by redaction")
    ] = None


class LinkBody(DocumentMetadata):
    """A document that lies in the municipality's document system."""

    reference: Annotated[
        Text, Field(max_length=1000, description="Its name there; sealed", examples=["2026/letter-0017.pdf"])
    ]
    media_type: Annotated[Code, AfterValidator(_media_type), Field(examples=["application/pdf"])]


def read_metadata(request: Request) -> DocumentMetadata:
    """Return what the query says; raises Malformed naming each parameter that is wrong, without its value."""
    values: dict[str, Any] = {}
    for name in request.query_params:
        given = request.query_params.getlist(name)
        if name not in SEVERAL and len(given) > 1:
            raise Malformed([Problem("/query", "gives a parameter twice: only one of them could count")])
        values[name] = given if name in SEVERAL else _number(given[0]) if name in NUMBERS else given[0]
    try:
        return DocumentMetadata.model_validate_json(orjson.dumps(values))
    except ValidationError as error:
        raise Malformed(pointed(error, values)) from None


def read_media_type(request: Request) -> str:
    """Return the media type of the body; raises ProblemError where there is none, or that of a form."""
    try:
        found = _media_type(request.headers.get("content-type", ""))
    except ValueError:
        found = ""
    if not found or found in _FORMS:
        raise ProblemError("wrong-media-type", "Send the bytes as the body, with their own media type as Content-Type.")
    return found


def too_large() -> ProblemError:
    """Return the problem of a document with too many bytes."""
    return ProblemError("body-too-large", f"A document holds at most {MAX_DOCUMENT_BYTES} bytes.")


async def pieces_of(request: Request) -> AsyncIterator[bytes]:
    """Yield the body as it comes; raises ProblemError for more bytes than a document may have, or none."""
    length = request.headers.get("content-length", "")
    if length.isdigit() and int(length) > MAX_DOCUMENT_BYTES:
        raise too_large()
    size = 0
    try:
        async for piece in request.stream():
            size += len(piece)
            if size > MAX_DOCUMENT_BYTES:
                raise too_large()
            yield piece
    except ClientDisconnect:
        raise ProblemError("bad-request", "The line broke before the whole document had come.") from None
    if not size:
        raise Malformed([Problem("/body", "is empty: send the bytes of the document")])
