"""Filing a document: the bytes are sealed and flushed, or read where the link leads, before the entry is appended.

A sealed file that the ledger does not come to name is removed again. Where it is unknown whether the entry was
appended, the file stays: at worst it is one that ``caseledger documents check`` counts as belonging to no document.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import replace
from datetime import datetime
from hashlib import sha256
from typing import Any
from uuid import UUID, uuid4

from api.document_bodies import DocumentMetadata, LinkBody, too_large
from api.drafting import Commit, Fact
from api.principals import Principal
from api.recording import CaseRecorder, NoSuchCase, Recorded, RecordingError
from domain.authority import Act
from domain.case_file import CaseFile
from domain.documents import key_for, next_version, numbers_used
from domain.errors import DomainError, Malformed, Problem
from domain.events.administration import CaseOpened
from domain.events.consent import ConsentGiven
from domain.events.control import DocumentFiled
from domain.plausibility import contradictions
from domain.recording import record_facts
from domain.time import start_of, write_instant
from ledger.content_store import ContentDraft, ContentPlace
from ledger.document_systems import DocumentTooLarge, SystemUnavailable
from ledger.documents import CONTENT, LINKED, Commitment, Documents
from ledger.mapper import canonical, read_clear
from ledger.store import Ledger

_UNBORN = "unborn of "


class Filer:
    """Files documents of one ledger."""

    def __init__(self, ledger: Ledger, recorder: CaseRecorder, documents: Documents) -> None:
        self._ledger = ledger
        self._recorder = recorder
        self._documents = documents

    async def file_bytes(
        self,
        principal: Principal,
        case: UUID,
        expected: int,
        said: DocumentMetadata,
        media_type: str,
        pieces: AsyncIterator[bytes],
        request: tuple[str, bytes],
    ) -> Recorded:
        """Seal bytes and file them; raises as recording does. ``request`` is the key of a repeat and its address."""
        await self._recorder.door.require_in(principal, Act.CASE_WRITE, case, "file_document")
        file = await asyncio.to_thread(self._file, case)
        event, plain = await self._sealed(file, said, media_type, pieces)
        body = request[1] + canonical([said.model_dump(mode="json"), media_type, plain])
        return await self._append(principal, case, expected, event, Commit((), request[0], body), event.reference)

    async def file_paper(
        self,
        principal: Principal,
        case: UUID,
        expected: int,
        said: DocumentMetadata,
        media_type: str,
        pieces: AsyncIterator[bytes],
        commit: Commit,
    ) -> Recorded:
        """Seal a paper and file it with the facts of a commit, all in one; raises as recording does.

        ``said.for_entry`` is the version the fact it belongs to gets; a consent states the commitment to its paper as
        its evidence.
        """
        await self._recorder.door.require_in(principal, Act.CASE_WRITE, case, "file_document")
        file = await asyncio.to_thread(self._file, case)
        filed, _plain = await self._sealed(file, said, media_type, pieces)
        now = await asyncio.to_thread(self._ledger.now)

        def decide(file: CaseFile) -> Sequence[Fact]:
            facts = [_proven_by(fact, filed, file.version + index) for index, fact in enumerate(commit.facts, start=1)]
            events = record_facts(file, [fact.event for fact in facts])
            found = _problems(file, filed, now)
            if found:
                raise Malformed(found)
            decided = [replace(fact, event=event) for fact, event in zip(facts, events, strict=True)]
            return [*decided, Fact(filed, now)]

        performed = self._recorder.perform(principal, case, expected, commit, decide)
        return await self._kept_if_named(case, filed.reference, performed)

    async def _sealed(
        self, file: CaseFile, said: DocumentMetadata, media_type: str, pieces: AsyncIterator[bytes]
    ) -> tuple[DocumentFiled, str]:
        """Return the entry of bytes that are sealed and flushed, and their plain digest, which goes nowhere else."""
        place = ContentPlace(file.case, said.document, said.version or next_version(file.entries, said.document))
        commitment, plain = Commitment(), sha256()
        draft = await asyncio.to_thread(self._documents.content.draft, place, key_for(file, said.subjects))
        try:
            async for piece in pieces:
                await asyncio.to_thread(_take, draft, commitment, plain.update, piece)
            await asyncio.to_thread(draft.keep)
        except BaseException:
            draft.abandon()
            raise
        kept = {"store": CONTENT, "reference": draft.name, "media_type": media_type, "size": draft.size}
        return _event(said, place.version, commitment, kept), plain.hexdigest()

    async def file_link(
        self, principal: Principal, case: UUID, expected: int, said: LinkBody, commit: Commit
    ) -> Recorded:
        """Read what a link leads to and file it; raises Malformed where nothing can be read there."""
        await self._recorder.door.require_in(principal, Act.CASE_WRITE, case, "file_document")
        file = await asyncio.to_thread(self._file, case)
        content, problems = await asyncio.to_thread(self._linked, said.reference)
        commitment = Commitment()
        commitment.add(content)
        version = said.version or next_version(file.entries, said.document)
        kept = {"store": LINKED, "reference": uuid4().hex, "media_type": said.media_type, "size": len(content)}
        event = _event(said, version, commitment, kept | {"place": said.reference})
        return await self._append(principal, case, expected, event, commit, None, problems)

    def _linked(self, reference: str) -> tuple[bytes, list[Problem]]:
        """Return the bytes behind a link, or why there are none; raises ProblemError for more than can be filed."""
        system = self._documents.system
        try:
            content = system.read(reference) if system is not None else None
        except DocumentTooLarge:
            raise too_large() from None
        except SystemUnavailable:
            system = content = None
        if content:
            return content, []
        detail = "names nothing that can be read in the document system: check the name"
        if system is None:
            detail = "leads nowhere: no document system answers here, CASELEDGER_DOCUMENT_FOLDER must name its folder"
        return b"", [Problem("/reference", detail)]

    def _file(self, case: UUID) -> CaseFile:
        rows = self._ledger.read_stream(case)
        if not rows or rows[0].topic != CaseOpened.TOPIC:
            raise NoSuchCase
        return CaseFile(case, tuple(map(read_clear, rows)))

    async def _append(
        self,
        principal: Principal,
        case: UUID,
        expected: int,
        event: DocumentFiled,
        commit: Commit,
        name: str | None,
        problems: Sequence[Problem] = (),
    ) -> Recorded:
        """Append the entry of a document, named by the parameters of the request in what is refused."""
        now = await asyncio.to_thread(self._ledger.now)

        def decide(file: CaseFile) -> Sequence[Fact]:
            found = [*problems, *_problems(file, event, now)]
            if found:
                raise Malformed(found)
            return [Fact(event, now)]

        performed = self._recorder.perform(principal, case, expected, commit, decide)
        try:
            return await self._kept_if_named(case, name, performed)
        except (DomainError, RecordingError) as error:
            raise _named_plainly(error) from None

    async def _kept_if_named(self, case: UUID, name: str | None, performed: Awaitable[Recorded]) -> Recorded:
        """Return what was recorded; a sealed file goes where that was refused, or names an earlier one."""
        try:
            recorded = await performed
        except (DomainError, RecordingError):
            await self._discard(case, name)
            raise
        if (await asyncio.to_thread(entry_of, self._ledger, recorded)).get("reference") != name:
            await self._discard(case, name)
        return recorded

    async def _discard(self, case: UUID, name: str | None) -> None:
        if name is not None:
            await asyncio.to_thread(self._documents.content.discard, case, name)


def entry_of(ledger: Ledger, recorded: Recorded) -> dict[str, Any]:
    """Return what a request put on record about a document, the same for the first answer and every repeat."""
    rows = ledger.read_range(recorded.first_position, recorded.last_position)
    found = [read_clear(row).data for row in rows if row.topic == DocumentFiled.TOPIC]
    return dict(found[0]) if found else {}


def _proven_by(fact: Fact, filed: DocumentFiled, version: int) -> Fact:
    """Return a fact, with the commitment to its paper as its evidence where it is a consent."""
    event = fact.event
    if version != filed.for_entry or not isinstance(event, ConsentGiven):
        return fact
    return replace(fact, event=event.model_copy(update={"evidence": filed.commitment}))


def _take(draft: ContentDraft, commitment: Commitment, update: Callable[[bytes], None], piece: bytes) -> None:
    draft.write(piece)
    commitment.add(piece)
    update(piece)


def _event(said: DocumentMetadata, version: int, commitment: Commitment, kept: dict[str, Any]) -> DocumentFiled:
    return DocumentFiled(
        document=said.document,
        version=version,
        direction=said.direction,
        theme=said.theme,
        commitment=commitment.value,
        salt=commitment.salt,
        received_or_sent_at=said.received_or_sent_at,
        subjects=said.subjects or None,
        derived_from=said.derived_from,
        for_entry=said.for_entry,
        **kept,
    )


def _problems(file: CaseFile, event: DocumentFiled, now: datetime) -> list[Problem]:
    """Return what is wrong with a filing in view of its case; references to entries are checked with the others."""
    found = list(contradictions(file, [], event, ""))
    at = event.received_or_sent_at
    if at is not None and start_of(at) > now:
        detail = f"lies after the ledger's own time {write_instant(now)}: file it when it was received or sent"
        found.append(Problem("/received_or_sent_at", detail))
    unknown = [ref for ref in event.subjects or () if ref.removeprefix(_UNBORN) not in file.persons]
    if unknown:
        found.append(Problem("/subjects", "names someone who is no person of this case: use the references there"))
    if event.derived_from is not None and not numbers_used(file.entries, event.derived_from):
        found.append(Problem("/derived_from", "names no document filed in this case: use the id of one"))
    return found


def _named_plainly(error: Exception) -> Exception:
    """Return a refusal that names parameters where it named fields of the event."""
    if not isinstance(error, Malformed):
        return error
    return Malformed([Problem(problem.pointer.removeprefix("/data"), problem.detail) for problem in error.problems])
