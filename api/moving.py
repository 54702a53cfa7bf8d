"""Moving entries to the case they belong to: withheld here and recorded there, in one request or not at all."""

import asyncio
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, cast
from uuid import UUID

import orjson

from api.drafting import Commit, Fact
from api.principals import Principal
from api.recording import CaseRecorder, Recorded, RecordingError
from domain.case_file import ROSTER_TOPICS, CaseFile
from domain.custody import UNBORN
from domain.documents import key_for
from domain.entries import Entry
from domain.erased import NOTHING_ERASED
from domain.errors import DomainError, Malformed, Problem
from domain.events import BY_TOPIC
from domain.events.base import reference_marks
from domain.events.control import DocumentFiled
from domain.events.correction import EntryAnnulled
from domain.known import many
from domain.register import ABOUT_ENTRIES, effective
from ledger.content_store import ContentPlace
from ledger.documents import CONTENT, Documents, claim_of
from ledger.store import Ledger


@dataclass(frozen=True, slots=True)
class Move:
    """Entries of one case that belong to another.

    ``kind`` is wrong_case or wrong_person; ``persons`` says who of the other case is meant by a reference of this one.
    """

    versions: tuple[int, ...]
    to: UUID
    to_version: int
    kind: str
    reason: str
    persons: Mapping[str, str]


class Mover:
    """Moves entries between cases of one ledger, and the sealed bytes of documents with them."""

    def __init__(self, ledger: Ledger, recorder: CaseRecorder, documents: Documents | None) -> None:
        self._ledger = ledger
        self._recorder = recorder
        self._documents = documents

    async def move(self, principal: Principal, case: UUID, expected: int, move: Move, commit: Commit) -> Recorded:
        """Withhold entries in one case and record them in another as they stand; raises as recording does."""
        if move.to == case:
            raise Malformed([Problem("/to", "is this case: name the one the entries belong to")])
        now = await asyncio.to_thread(self._ledger.now)
        sealed: list[str] = []

        def decide(here: CaseFile, there: CaseFile) -> tuple[Sequence[Fact], Sequence[Fact]]:
            anew = [self._recorded_anew(entry, move, there, sealed) for entry in self._movable(here, move)]
            annulments = [
                EntryAnnulled(annuls=version, reason=move.reason, moved_to=move.to, kind=move.kind)
                for version in move.versions
            ]
            return [Fact(annulment, now) for annulment in annulments], anew

        try:
            return await self._recorder.across(principal, (case, expected), (move.to, move.to_version), commit, decide)
        except (DomainError, RecordingError) as error:
            await asyncio.to_thread(self._discard, move.to, sealed)
            raise _placed(error) from None

    def _recorded_anew(self, entry: Entry, move: Move, there: CaseFile, sealed: list[str]) -> Fact:
        """Return an entry as a fact of the other case; a document's bytes are sealed anew under that case's key."""
        fact = recorded_anew(entry, move, there)
        event = fact.event
        if not isinstance(event, DocumentFiled) or event.store != CONTENT or self._documents is None:
            return fact
        place = ContentPlace(move.to, event.document, event.version)
        name = self._documents.reseal(claim_of(entry), place, key_for(there, many(event.subjects)))
        sealed.append(name)
        return replace(fact, event=event.model_copy(update={"reference": name}))

    def _discard(self, case: UUID, names: Sequence[str]) -> None:
        """Remove bytes that were sealed for a move which was not made."""
        if self._documents is not None:
            for name in names:
                self._documents.content.discard(case, name)

    def _movable(self, here: CaseFile, move: Move) -> list[Entry]:
        """Return the entries as they stand, unsealed; raises Malformed for what cannot be moved."""
        erased = NOTHING_ERASED.and_by(here.entries)
        unsealed = [self._ledger.mapper.to_domain_event(row, erased) for row in self._ledger.read_stream(here.case)]
        standing = {entry.version: entry for entry in effective(unsealed)}
        problems: list[Problem] = []
        for index, version in enumerate(move.versions):
            entry = standing.get(version)
            if entry is None or entry.topic in ROSTER_TOPICS | ABOUT_ENTRIES:
                problems.append(Problem(f"/entries/{index}", "names no fact in force of this case"))
            elif entry.erased:
                problems.append(
                    Problem(f"/entries/{index}", "names an entry whose texts were erased: they cannot move")
                )
            else:
                problems += _left_behind(entry, move, index)
        if problems:
            raise Malformed(problems)
        return [standing[version] for version in move.versions]


def _placed(error: DomainError | RecordingError) -> DomainError | RecordingError:
    """Return what is wrong with a fact of the other case as something wrong with the entry it is."""
    if not isinstance(error, Malformed):
        return error
    return Malformed(
        [Problem(re.sub(r"^/commands/([0-9]+)(/data)?", r"/entries/\1", p.pointer), p.detail) for p in error.problems]
    )


def _left_behind(entry: Entry, move: Move, index: int) -> list[Problem]:
    """Return a problem for each reference to an entry that stays, or that follows in the new order."""
    earlier = move.versions[:index]
    found: list[Problem] = []
    for field in reference_marks(BY_TOPIC[entry.topic]):
        if any(version not in earlier for version in many(entry.data.get(field))):
            detail = f"refers in {field} to an entry that stays: move that one too, before it, or record the fact anew"
            found.append(Problem(f"/entries/{index}", detail))
    return found


def recorded_anew(entry: Entry, move: Move, there: CaseFile) -> Fact:
    """Return an entry as a fact of the other case: its references and persons are those of that case."""
    kind = BY_TOPIC[entry.topic]
    versions = {old: there.version + number for number, old in enumerate(move.versions, start=1)}
    persons = dict(move.persons) | {UNBORN + one: UNBORN + other for one, other in move.persons.items()}
    marks = reference_marks(kind)
    data = {
        name: _mapped(value, versions if name in marks else persons)
        for name, value in entry.data.items()
        if name in kind.model_fields
    }
    return Fact(
        kind.model_validate_json(orjson.dumps(data)),
        entry.occurred_at,
        entry.reached_at,
        entry.source,
        through_gate=not entry.reported_without_gate,
    )


def _mapped(value: Any, names: Mapping[Any, Any]) -> Any:
    """Return a value, or each of a list of them, under its new name."""
    if isinstance(value, list):
        return [_mapped(one, names) for one in cast(list[Any], value)]
    return names.get(value, value) if isinstance(value, str | int) and not isinstance(value, bool) else value
