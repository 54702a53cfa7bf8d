"""Handing out documents: the look is on record and all bytes are proven to be those filed before the first leaves."""

import asyncio
import re
from collections.abc import Collection
from uuid import UUID

from fastapi.responses import Response, StreamingResponse

from api.conditions import etag
from api.looks import Question, as_of_headers
from api.principals import Principal
from api.problems import ProblemError
from api.reading import CaseLook, CaseReader
from domain.custody import UNBORN
from domain.documents import Filing, filing_of, filings, is_erased
from domain.known import Known, many
from ledger.document_systems import SystemUnavailable
from ledger.documents import DocumentChanged, DocumentMissing, Documents, Proven, claim_of
from ledger.errors import RecordDamaged
from ledger.mapper import read_clear
from ledger.store import Ledger

NOT_HERE = "There is no such version of a document on record in this case."
SAFE = {
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": "default-src 'none'; sandbox",
    "Cross-Origin-Resource-Policy": "same-origin",
}
"""What keeps a browser from making anything of the bytes but a file."""

ENDINGS = {
    "application/pdf": ".pdf", "image/jpeg": ".jpg", "image/png": ".png", "image/tiff": ".tif", "text/plain": ".txt",
    "video/mp4": ".mp4", "audio/mpeg": ".mp3", "application/zip": ".zip",
    "application/vnd.openxmlformats-officedocument.wordprocessingml.document": ".docx",
    "application/vnd.oasis.opendocument.text": ".odt",
}  # fmt: skip
"""How the name of a file ends that is handed out; anything else ends in ``.bin``."""


class AttachedBytes(StreamingResponse):
    """Bytes without a type that a browser would show or run."""

    media_type = "application/octet-stream"


class DocumentReader:
    """Hands out the documents of one ledger."""

    def __init__(self, ledger: Ledger, reader: CaseReader, documents: Documents) -> None:
        self._ledger, self._reader, self._documents = ledger, reader, documents

    async def hand_out(
        self, principal: Principal, case: UUID, document: str, version: int, question: Question
    ) -> Response:
        """Return the bytes of a version as they were filed; raises as reading a case does, and ProblemError."""
        what, about = await asyncio.to_thread(_named, self._ledger, case, document, version)
        look = await self._reader.case(principal, case, question, what, about=about)
        filing = _readable(look, document, version)
        proven = await asyncio.to_thread(_proven, self._documents, look, filing)
        return _attachment(filing, proven, look)

    async def standing(self, look: CaseLook, topics: Collection[str]) -> list[tuple[Filing, str]]:
        """Return the documents filed for entries of some topics that are not withheld, with how their bytes stand now.

        present, missing, changed, erased, or unavailable where another system does not answer.
        """
        entries = {one.version for one in look.entries if one.topic in topics and not one.withheld}
        found = [one for one in filings(Known(look.entries)) if one.entry.data.get("for_entry") in entries]
        return [(one, await asyncio.to_thread(self._state, look, one)) for one in found]

    def _state(self, look: CaseLook, filing: Filing) -> str:
        try:
            state = self._documents.state(claim_of(filing.entry))
        except SystemUnavailable:
            return "unavailable"
        return "erased" if state == "missing" and is_erased(look.file, filing.entry) else state


def _named(ledger: Ledger, case: UUID, document: str, version: int) -> tuple[str, tuple[str, ...] | None]:
    """Return what the look is at, as it goes on record, and whom it is about, None for everybody in the case.

    It names the entry that filed the document, never what was sent.
    """
    filing = filing_of(Known(tuple(map(read_clear, ledger.read_stream(case)))), document, version)
    if filing is None:
        return "document", ()
    subjects = tuple(str(one).removeprefix(UNBORN) for one in many(filing.entry.data.get("subjects")))
    return f"document:{filing.entry.version}", subjects or None


def _readable(look: CaseLook, document: str, version: int) -> Filing:
    """Return a filing whose bytes may be handed out now; one that is withheld, or its entry is, is not there."""
    filing = filing_of(Known(look.entries), document, version)
    later = look.question.valid_at is not None and filing is not None and filing.entry.happened > look.question.valid_at
    if filing is None or later or _is_withheld(look, filing.entry.data.get("for_entry")):
        raise ProblemError("not-found", NOT_HERE)
    return filing


def _is_withheld(look: CaseLook, version: int | None) -> bool:
    return any(entry.version == version and entry.withheld for entry in look.entries)


def _proven(documents: Documents, look: CaseLook, filing: Filing) -> Proven:
    """Return the bytes of a document; raises ProblemError, naming its entry, where they are not those filed."""
    if look.faults:
        raise RecordDamaged([str(fault) for fault in look.faults])
    try:
        return documents.prove(claim_of(filing.entry))
    except DocumentMissing:
        if is_erased(look.file, filing.entry):
            raise ProblemError("document-erased", "Its key was destroyed by decision.") from None
        detail = "The document is on record, but its bytes cannot be produced; nothing is sent."
        raise ProblemError("document-missing", detail, entry=filing.entry.version) from None
    except DocumentChanged:
        detail = "What lies in its place is not what was filed; nothing is sent."
        raise ProblemError("document-changed", detail, entry=filing.entry.version) from None
    except SystemUnavailable:
        raise ProblemError("unavailable", "The document system does not answer; nothing is sent.") from None


def _attachment(filing: Filing, proven: Proven, look: CaseLook) -> Response:
    """Return the bytes as a file to be saved: no browser is told a type that it would show or run."""
    ending = ENDINGS.get(filing.entry.data["media_type"], ".bin")
    name = f"{filing.document}.v{filing.version}{ending}"
    headers = {
        **SAFE,
        "Content-Disposition": f'attachment; filename="{_plain(name)}"',
        "Content-Length": str(proven.size),
        "ETag": etag(look.file.version),
        "Access-Event": str(look.access_position),
        **as_of_headers(look.as_of),
    }
    return AttachedBytes(iter(proven.pieces), headers=headers)


def _plain(name: str) -> str:
    """Return a name that can stand in a header: a document recorded as a plain fact may have any id."""
    return re.sub(r"[^A-Za-z0-9._-]", "_", name)
