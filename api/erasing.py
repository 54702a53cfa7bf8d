"""Erasures: proposed by one, decided by another through a gate that no reason opens, then carried out at once."""

import asyncio
from collections.abc import Callable, Sequence
from datetime import datetime
from uuid import UUID

from api.drafting import Commit, Fact
from api.principals import Principal
from api.recording import CaseRecorder, Recorded
from domain.authority import Act
from domain.case_file import CaseFile
from domain.entries import Entry
from domain.erasure import Target, case_stops, proposal_problems, proposal_state, targets
from domain.errors import Malformed, Problem, Refused
from domain.events.administration import GateStopped
from domain.events.retention import ErasureProposed, ErasureRejected, PersonalDataErased
from domain.known import Known
from ledger.content_store import ContentStore
from ledger.erasure import CarriedOut, Forget, carry_out
from ledger.errors import KeyMissing
from ledger.keys import key_commitment
from ledger.mapper import read_clear
from ledger.store import Ledger

GATE = "erasure"
CarryOut = Callable[[Sequence[Entry]], object]


def carrying_out(
    ledger: Ledger, content: ContentStore | None, forget: Sequence[Forget] = ()
) -> Callable[[Sequence[Entry]], CarriedOut]:
    """Return what carries out erasures that were just decided."""
    return lambda entries: carry_out(ledger, content, entries, forget)


class Eraser:
    """Proposes, rejects and decides erasures in one ledger; ``carry_out`` is told of the entries of each decision."""

    def __init__(self, ledger: Ledger, recorder: CaseRecorder, carry_out: CarryOut) -> None:
        self._ledger = ledger
        self._recorder = recorder
        self._carry_out = carry_out

    async def propose(
        self, principal: Principal, case: UUID, expected: int, proposed: ErasureProposed, commit: Commit
    ) -> Recorded:
        """Record a proposal; raises Malformed and as recording does."""
        now = await asyncio.to_thread(self._ledger.now)

        def decide(file: CaseFile) -> Sequence[Fact]:
            problems = proposal_problems(file, proposed)
            if problems:
                raise Malformed(problems)
            return [Fact(proposed, now)]

        return await self._recorder.perform(principal, case, expected, commit, decide, Act.ERASURE_PROPOSE)

    async def reject(
        self, principal: Principal, case: UUID, expected: int, rejected: ErasureRejected, commit: Commit
    ) -> Recorded:
        """Record that an open proposal was turned down; raises Refused for one that is not, and as recording does."""
        now = await asyncio.to_thread(self._ledger.now)

        def decide(file: CaseFile) -> Sequence[Fact]:
            proposal = proposal_of(file, rejected.proposal)
            if proposal_state(Known(file.entries), proposal).state != "open":
                raise Refused("The proposal was decided or rejected already; nothing is written.")
            return [Fact(rejected, now)]

        return await self._recorder.perform(principal, case, expected, commit, decide, Act.ERASURE_DECIDE)

    async def decide(self, principal: Principal, case: UUID, expected: int, proposal: int, commit: Commit) -> Recorded:
        """Record an erasure and carry it out, or record what stopped it; raises Malformed and as recording does.

        A repeat carries out again what a crash may have cut off.
        """
        now = await asyncio.to_thread(self._ledger.now)

        def decide(file: CaseFile) -> Sequence[Fact]:
            return self._decided(file, proposal_of(file, proposal), principal, now)

        recorded = await self._recorder.perform(principal, case, expected, commit, decide, Act.ERASURE_DECIDE)
        await asyncio.to_thread(self._carry_out_recorded, recorded)
        return recorded

    def _decided(self, file: CaseFile, proposal: Entry, principal: Principal, now: datetime) -> Sequence[Fact]:
        stops = case_stops(file, proposal, now, principal.id)
        if stops:
            codes = tuple(dict.fromkeys(stop.code for stop in stops))
            return [Fact(GateStopped(gate=GATE, act=PersonalDataErased.name(), findings=codes), now)]
        erasures = [self._erasure(target, proposal, principal) for target in targets(file, proposal)]
        return [Fact(erasure, now, through_gate=True) for erasure in erasures]

    def _erasure(self, target: Target, proposal: Entry, principal: Principal) -> PersonalDataErased:
        return PersonalDataErased(
            key=target.key,
            key_commitment=self._commitment(target.key) if target.key else None,
            person=target.person,
            subject=target.subject,
            entries=target.entries,
            basis=_law(proposal),
            approved_by=principal.id,
            ground=proposal.data["ground"],
            scope=proposal.data["scope"],
            proposal=proposal.version,
            key_epoch=self._ledger.keys.epoch(target.key) if target.key else None,
        )

    def _commitment(self, key: UUID) -> str | None:
        try:
            return key_commitment(self._ledger.keys.get(key)).hex()
        except KeyMissing:
            return None

    def _carry_out_recorded(self, recorded: Recorded) -> None:
        rows = self._ledger.read_range(recorded.first_position, recorded.last_position)
        self._carry_out([read_clear(row) for row in rows])


def proposal_of(file: CaseFile, version: int) -> Entry:
    """Return a proposal of a case; raises Malformed where the version is of none."""
    entry = file.entry(version)
    if entry is None or entry.topic != ErasureProposed.TOPIC:
        raise Malformed([Problem("/proposal", "names no proposal of this case: use the version of one")])
    return entry


def _law(proposal: Entry) -> str | tuple[str, ...]:
    law = proposal.data["legal_basis"]
    return law if isinstance(law, str) else tuple(law)
