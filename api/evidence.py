"""Making evidence bundles: who may, from which decision, on record before the bytes are handed out."""

import asyncio
from dataclasses import dataclass
from time import monotonic
from uuid import uuid4

from api.door import Door, NotKnown
from api.drafting import Commit
from api.looks import LookNotRecorded, Question, Shown
from api.principals import Principal
from api.reading import CaseReader
from api.recording import KeyReused, request_digests
from domain.authority import Act
from domain.entries import Draft
from domain.errors import Refused
from domain.events.administration import Exported
from domain.events.base import Envelope
from ledger.mapper import read_clear
from ledger.proof.growing import SQL
from ledger.proof.records import ProofRecords
from ledger.requests import Appended, Mismatched, Part, Request
from ledger.store import Ledger
from replay.bundle import Bundle, NoSuchCase, NotProvenYet, Prepared, Wish, make_bundle
from replay.bundle_zip import FORMAT

WHAT = "evidence_bundle"
NOBODY = "nobody"
"""Recipient of a bundle that no decision gives to anybody."""

WAIT_SECONDS, POLL_SECONDS = 2.0, 0.05
CHANGED = Refused(
    "What this bundle was made of has changed since, or its checkpoint has new signatures: use a new Idempotency-Key."
)


@dataclass(frozen=True, slots=True)
class MadeBundle:
    """A bundle and where on record it stands that it was made and handed out."""

    bundle: Bundle
    exported_position: int
    access_position: int


class EvidenceMaker:
    """Evidence bundles of one ledger; ``policy`` is the text of the log's policy for witnesses, if it has any."""

    def __init__(self, ledger: Ledger, reader: CaseReader, policy: str | None = None) -> None:
        self._ledger, self._reader, self._policy = ledger, reader, policy

    @property
    def door(self) -> Door:
        """The door that is asked."""
        return self._reader.door

    async def make(self, principal: Principal, wish: Wish, commit: Commit | None = None) -> MadeBundle:
        """Return a bundle once it is on record that it was made; a repeat of ``commit`` returns the same bytes.

        Raises Forbidden, NotKnown, InstantInFuture, Malformed, Refused, NotProvenYet, KeyReused, LookNotRecorded.
        """
        question = Question(wish.known_at)
        permission = await self._reader.door.require_in(principal, Act.EVIDENCE_MAKE, wish.case, WHAT, question)
        upto = await asyncio.to_thread(lambda: self._reader.as_of(question, self._ledger.head()).position)
        prepared = await asyncio.to_thread(self._prepare, wish, upto)
        if await await_checkpoint(self._ledger, prepared.position):  # what may be told is judged at the last moment
            prepared = await asyncio.to_thread(self._prepare, wish, upto)
        bundle = await asyncio.to_thread(make_bundle, prepared, self._policy)
        exported = await self._record(principal, wish, bundle, commit)
        shown = Shown(
            WHAT,
            (wish.case,),
            subjects=bundle.subjects,
            position=bundle.position,
            question=question,
            emergency=permission.because == "break_glass",
        )
        return MadeBundle(bundle, exported, await self._reader.door.looks.record(principal, shown))

    def _prepare(self, wish: Wish, upto: int) -> Prepared:
        try:
            return Prepared(self._ledger, wish, upto, self._ledger.now())
        except NoSuchCase:
            raise NotKnown from None

    async def _record(self, principal: Principal, wish: Wish, bundle: Bundle, commit: Commit | None) -> int:
        """Put on record that a bundle leaves the ledger, and return where."""
        event = Exported(
            what=WHAT,
            format=FORMAT,
            purpose=principal.purpose,
            recipient=NOBODY if bundle.grant is None else bundle.grant.recipient,
            cases=(wish.case,),
            sha256=bundle.sha256,
            size=len(bundle.content),
            as_of_position=bundle.position,
            known_at=wish.known_at,
        )
        now = await asyncio.to_thread(self._ledger.now)
        draft = Draft(self._ledger.id, 1, event, Envelope(occurred_at=now, actor=principal.actor, commit=uuid4()))
        part = Part(self._ledger.id, None, (self._ledger.mapper.to_new_event(draft),))
        digests = (None, None) if commit is None else request_digests(self._ledger.keys, principal, commit)
        answer = await self._ledger.appender.append(Request((part,), *digests))
        if isinstance(answer, Mismatched):
            raise KeyReused
        if not isinstance(answer, Appended):
            raise LookNotRecorded
        if answer.repeated:
            await asyncio.to_thread(self._require_same, answer.first_position, bundle)
        return answer.first_position

    def _require_same(self, position: int, bundle: Bundle) -> None:
        """Raise Refused unless a repeat has led to the bytes that went on record the first time."""
        (row,) = self._ledger.read_range(position, position)
        if read_clear(row).data.get("sha256") != bundle.sha256:
            raise CHANGED


async def await_checkpoint(ledger: Ledger, position: int) -> bool:
    """Wait a moment for a checkpoint that holds a position, having asked for one; raises NotProvenYet.

    Returns whether it had to be waited for.
    """
    records, deadline, asked = ProofRecords(ledger), monotonic() + WAIT_SECONDS, False
    while await asyncio.to_thread(records.covering, position) is None:
        if not asked:
            await asyncio.to_thread(ledger.query, SQL["ask"], [])
            asked = True
        if monotonic() > deadline:
            raise NotProvenYet
        await asyncio.sleep(POLL_SECONDS)
    return asked
