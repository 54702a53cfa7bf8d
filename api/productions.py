"""Handing out a case, or a part of it, to a court or to somebody with a right to see it: decided on record, then made.

The decision is the answer to a request for access; which entries and without what stands in it. Papers are made from
that and from what is on record, the same bytes whenever they are made again.
"""

import asyncio
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import orjson

from api.door import NotKnown
from api.drafting import Commit, Fact
from api.evidence import await_checkpoint
from api.looks import Question
from api.principals import Principal
from api.production_masking import HandedOut, handed_out, selected_entries
from api.production_values import values_of
from api.reading import CaseLook, CaseReader
from api.recording import CaseRecorder, Recorded
from domain.authority import Act
from domain.case_file import CaseFile
from domain.entries import Entry
from domain.erased import NOTHING_ERASED, erasures_among
from domain.errors import Malformed, Problem, Refused
from domain.events.access import AccessRequestAnswered, AccessRequestReceived
from domain.evidence import COURT, GRANTED, PARTLY_GRANTED, Grant, Teller, grant_of
from domain.known import Known, many
from domain.production import (
    MOST_REDACTIONS,
    Redaction,
    Selection,
    check_redactions,
    redactions_of,
    selection_of,
    write_redaction,
    write_selection,
)
from domain.time import Moment
from ledger.mapper import read_clear, sealed_fields
from ledger.store import Ledger

WHAT = "production"


class NoProduction(Exception):
    """That entry is no answer by which anything is handed out: use the version of one."""

    def __str__(self) -> str:
        return str(self.__doc__)


@dataclass(frozen=True, slots=True)
class Asked:
    """A request for access that is not on record yet; ``about`` None: a court's about everybody, else about ``by``."""

    kind: str
    by: str
    about: tuple[str, ...] | None
    received_at: Moment

    def event(self, persons: Collection[str]) -> AccessRequestReceived:
        """Return it as it goes on record in a case with these persons; raises Malformed for strangers."""
        about = self.about or (tuple(persons) if self.kind == COURT else (self.by,))
        if not persons or not set(about) <= {*persons} or (self.by not in persons and self.kind != COURT):
            raise Malformed([Problem("/asked", "must name persons of this case by their references")])
        return AccessRequestReceived(kind=self.kind, by=self.by, about=about, received_at=self.received_at)


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is to be handed out: as recorded and happened by two instants (None: now), which entries (None: all).

    ``request`` is the version of the request it answers, or what was asked for by somebody of whom none is on record.
    """

    request: int | Asked
    known_at: datetime | None = None
    valid_at: datetime | None = None
    entries: tuple[int, ...] | None = None
    redactions: tuple[Redaction, ...] = ()
    grounds: str | None = None


@dataclass(frozen=True, slots=True)
class Preview:
    """What would go out: the case as whoever decides sees it, the entries chosen, and what the recipient would see.

    Without a request nobody is there to judge by, and ``out`` is None.
    """

    look: CaseLook
    entries: tuple[Entry, ...]
    requests: tuple[Entry, ...]
    out: HandedOut | None
    made: tuple[Entry, ...]
    now: datetime


@dataclass(frozen=True, slots=True)
class Produced:
    """What was handed out, as values and as bytes, and where this look at it stands."""

    values: dict[str, Any]
    content: bytes
    out: HandedOut
    version: int
    recorded_at: datetime
    access_position: int


@dataclass(frozen=True, slots=True)
class _Case:
    """A case in clear as it stands now, with what seals each entry."""

    file: CaseFile
    sealing: dict[int, Any]
    now: datetime

    @property
    def known(self) -> Known:
        return Known(self.file.entries)

    def teller(self, grant: Grant) -> Teller:
        return Teller(self.file, grant, self.now)


class Productions:
    """What is handed out of the cases of one ledger, by those who may make evidence bundles.

    Who chooses what goes out sees all of it first, and so must be one who may read the case.
    """

    def __init__(self, ledger: Ledger, recorder: CaseRecorder, reader: CaseReader) -> None:
        self._ledger, self._recorder, self._reader = ledger, recorder, reader

    async def preview(self, principal: Principal, case: UUID, wanted: Wanted | None, question: Question) -> Preview:
        """Return what would go out, the look on record.

        Raises Forbidden, NotKnown, InstantInFuture, LookNotRecorded, and Malformed for what is not of the case.
        """
        await self._reader.door.require_in(principal, Act.EVIDENCE_MAKE, case, WHAT, question)
        look = await self._reader.case(principal, case, question, WHAT)
        current = await asyncio.to_thread(self._read, case)
        requests = tuple(current.known.of(AccessRequestReceived))
        made = tuple(one for one in current.file.entries if one.topic == AccessRequestAnswered.TOPIC)
        entries = _chosen(look, wanted.entries if wanted else None)
        out = None if wanted is None else await asyncio.to_thread(self._out, current, look, entries, wanted)
        selecting = await asyncio.to_thread(self._with_selection, current, made)
        return Preview(look, entries, requests, out, tuple(selecting), current.now)

    async def judged(self, case: UUID, found: Preview, wanted: Wanted) -> HandedOut:
        """Return what of a preview would go out, for a page that has it in front of it already; raises Malformed."""
        entries = tuple(one for one in found.entries if wanted.entries is None or one.version in wanted.entries)
        current = await asyncio.to_thread(self._read, case)
        return await asyncio.to_thread(self._out, current, found.look, entries, wanted)

    async def decide(self, principal: Principal, case: UUID, wanted: Wanted, commit: Commit) -> Recorded:
        """Put on record what is handed out to whom; a repeat returns the first answer.

        Raises as ``preview`` and recording do.
        """
        now = await asyncio.to_thread(self._ledger.now)
        question = Question(wanted.known_at or now, wanted.valid_at)
        preview = await self.preview(principal, case, wanted, question)
        selection = Selection(
            tuple(one.version for one in preview.entries),
            question.known_at or now,
            question.valid_at,
            principal.purpose,
            preview.look.access_position,
        )
        partly = preview.out is not None and preview.out.partly

        def decide(file: CaseFile) -> Sequence[Fact]:
            asked = [] if isinstance(wanted.request, int) else [wanted.request.event(file.persons)]
            answer = AccessRequestAnswered(
                request=wanted.request if isinstance(wanted.request, int) else file.version + 1,
                outcome=PARTLY_GRANTED if partly else GRANTED,
                redactions=tuple(map(write_redaction, wanted.redactions)) or None,
                grounds=wanted.grounds,
                documents=(write_selection(selection),),
            )
            return [*(Fact(one, one.received_at) for one in asked), Fact(answer, now)]

        return await self._recorder.perform(principal, case, None, commit, decide, Act.EVIDENCE_MAKE)

    async def make(self, principal: Principal, case: UUID, answer: int, *, proven: bool = True) -> Produced:
        """Return what an answer hands out, the look on record; ``proven`` waits for what proves it, which then stays.

        Raises NoProduction, NotProvenYet, Refused where the answer says not what, and as ``preview`` does.
        """
        await self._reader.door.require_in(principal, Act.EVIDENCE_MAKE, case, WHAT)
        current = await asyncio.to_thread(self._read, case)
        entry, grant = await asyncio.to_thread(self._answer, current, answer)
        selection = selection_of(entry)
        if proven:
            await await_checkpoint(self._ledger, current.file.entries[max(selection.entries) - 1].position)
        question = Question(selection.known_at, selection.valid_at)
        look = await self._reader.case(principal, case, question, WHAT, Act.EVIDENCE_MAKE)
        values, out = await asyncio.to_thread(self._values, current, look, entry, grant, selection)
        content = orjson.dumps(values, option=orjson.OPT_SORT_KEYS)
        return Produced(values, content, out, answer, entry.recorded_at, look.access_position)

    def _values(
        self, current: _Case, look: CaseLook, entry: Entry, grant: Grant, selection: Selection
    ) -> tuple[dict[str, Any], HandedOut]:
        entries = selected_entries(look, selection.entries)
        out = handed_out(look, entries, current.teller(grant), current.sealing, redactions_of(entry))
        return values_of(self._ledger, current.file, out, entry, grant, selection), out

    def _read(self, case: UUID) -> _Case:
        rows = self._ledger.read_stream(case)
        if not rows:
            raise NotKnown
        entries = tuple(map(read_clear, rows))
        return _Case(CaseFile(case, entries), {row.version: sealed_fields(row) for row in rows}, self._ledger.now())

    def _answer(self, current: _Case, answer: int) -> tuple[Entry, Grant]:
        """Return an answer with its texts, and what it grants."""
        try:
            grant = grant_of(current.known, answer)
        except Malformed:
            raise NoProduction from None
        return self._opened(current, answer), grant

    def _opened(self, current: _Case, version: int) -> Entry:
        erased = NOTHING_ERASED.and_by(erasures_among(current.file.entries))
        (row,) = self._ledger.read_range(*[current.file.entries[version - 1].position] * 2)
        return self._ledger.mapper.to_domain_event(row, erased)

    def _with_selection(self, current: _Case, answers: Sequence[Entry]) -> list[Entry]:
        """Return the answers that hand anything out, with their texts."""
        opened = [self._opened(current, one.version) for one in answers if current.known.fact(one.version)]
        return [one for one in opened if _selects(one)]

    def _out(self, current: _Case, look: CaseLook, entries: tuple[Entry, ...], wanted: Wanted) -> HandedOut:
        if len(wanted.redactions) > MOST_REDACTIONS:
            raise Malformed([Problem("/redactions", f"must be at most {MOST_REDACTIONS}")])
        check_redactions(wanted.redactions, entries)
        teller = current.teller(_grant(current, wanted.request))
        return handed_out(look, entries, teller, current.sealing, wanted.redactions)


def _selects(answer: Entry) -> bool:
    try:
        return bool(selection_of(answer))
    except Refused:
        return False


def _chosen(look: CaseLook, versions: tuple[int, ...] | None) -> tuple[Entry, ...]:
    entries = selected_entries(look, versions)
    unknown = frozenset(versions or ()) - {one.version for one in entries}
    if unknown or not entries:
        raise Malformed([Problem("/entries", "must name entries of the case as of these instants, by version")])
    return entries


def _grant(current: _Case, request: int | Asked) -> Grant:
    """Return what would be granted by answering a request; raises Malformed for what is none of the case."""
    if isinstance(request, int):
        fact = current.known.fact(request)
        if fact is None or fact.topic != AccessRequestReceived.TOPIC:
            raise Malformed([Problem("/request", "names no request for access of this case: use the version of one")])
        data = fact.data
        about = tuple(map(str, many(data["about"])))
        return Grant(0, request, str(data["by"]), about, str(data["kind"]), partly=True)
    event = request.event(current.file.persons)
    return Grant(0, 0, event.by, tuple(many(event.about)), event.kind, partly=True)
