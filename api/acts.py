"""Acts that pass a gate: a disclosure, a decision. The stop is put on record, and so is an override with its reason."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from api.drafting import Commit, Fact, preview_event
from api.principals import Principal
from api.recording import CaseRecorder, Recorded
from domain.authority import Act
from domain.case_file import CaseFile
from domain.decision_gate import Stop, decision_stops, standing
from domain.disclosure_gate import GateAnswer, Proposal, may_disclose
from domain.disclosures import Gap
from domain.documents import Filing, to_send
from domain.events.administration import GateStopped
from domain.events.consent import DisclosureMade
from domain.events.decision import DecisionMade
from domain.inquiry import Inquiry
from domain.known import Known
from domain.recording import check_references
from domain.withheld import withheld, without
from ledger.store import Ledger
from projections.boards import adopted_upto


@dataclass(frozen=True, slots=True)
class DisclosureAct:
    """A disclosure to make: what the gate is asked, and what goes on record with it.

    ``documents_filed`` names documents by id and version, ``documents`` describes what is not filed.
    """

    proposal: Proposal
    purpose: str
    documents: tuple[str, ...]
    documents_filed: tuple[tuple[str, int], ...]
    channel: str | None
    override_reason: str | None


@dataclass(frozen=True, slots=True)
class DecisionAct:
    """A decision to make, with a reason for each gate it is to pass all the same."""

    decision: DecisionMade
    overrides: Mapping[str, str]


def gap_code(gap: Gap) -> str:
    """Return a gap as a code that can stand in clear: the reason, and whom and what it concerns."""
    return ":".join([gap.reason, *(part for part in (gap.consent, gap.person, gap.category) if part)])


class Gatekeeper:
    """Lets acts of one ledger pass, or stops them."""

    def __init__(self, ledger: Ledger, recorder: CaseRecorder) -> None:
        self._ledger = ledger
        self._recorder = recorder

    async def disclose(
        self, principal: Principal, case: UUID, expected: int, act: DisclosureAct, commit: Commit
    ) -> Recorded:
        """Record a disclosure, or that it was stopped; raises as recording does."""
        now = await asyncio.to_thread(self._ledger.now)

        def decide(file: CaseFile) -> Sequence[Fact]:
            checked = check_disclosure(file, act, now)
            answer = checked.answer
            passing = answer.open or (act.override_reason is not None and not answer.protected)
            if not passing:
                return [_stopped("disclosure", "DisclosureMade", answer, now)]
            return [Fact(_disclosure(act, checked), now, through_gate=True)]

        return await self._recorder.perform(principal, case, expected, commit, decide)

    async def decide(
        self, principal: Principal, case: UUID, expected: int, act: DecisionAct, commit: Commit
    ) -> Recorded:
        """Record a decision bound to what the ledger held when it was made, or that it was stopped.

        ``seen`` names the decider's last look at the case: what was in front of them.
        """
        now, head = await asyncio.to_thread(lambda: (self._ledger.now(), self._ledger.head()))
        rules = await asyncio.to_thread(adopted_upto, self._ledger)
        seen = await self._recorder.door.looks.last(principal, case)
        bound = act.decision.model_copy(update={"log_position": head.size, "log_root": head.root.hex(), "seen": seen})

        def decide(file: CaseFile) -> Sequence[Fact]:
            check_references(file, [bound])
            preview = preview_event(file, bound, now, principal)
            stops = decision_stops(Inquiry(Known((*file.entries, preview)), rules, now), preview.version)
            left = standing(stops, act.overrides)
            if left:
                codes = tuple(dict.fromkeys(stop.finding.code for stop in left))
                stopped = GateStopped(gate="decision", act="DecisionMade", findings=codes, decision=bound.decision)
                return [Fact(stopped, now)]
            return [Fact(with_overrides(bound, stops, act.overrides), now, through_gate=True)]

        return await self._recorder.perform(principal, case, expected, commit, decide, Act.DECIDE)


@dataclass(frozen=True, slots=True)
class CheckedDisclosure:
    """A disclosure as the gate was asked about it, what goes out with it, and the answer."""

    proposal: Proposal
    documents: tuple[Filing, ...]
    answer: GateAnswer


def check_disclosure(file: CaseFile, act: DisclosureAct, at: datetime) -> CheckedDisclosure:
    """Return what the gate says to a disclosure at an instant; raises Malformed for a document that cannot go out."""
    known = Known(without(file.entries, withheld(file.entries)))
    documents = to_send(known, act.documents_filed, "/documents_filed")
    proposal = act.proposal.with_documents(documents)
    return CheckedDisclosure(proposal, documents, may_disclose(known, proposal, at, file.persons))


def decision_answer(file: CaseFile, act: DecisionAct, ledger: Ledger, principal: Principal) -> tuple[Stop, ...]:
    """Return everything that stands against a decision, whatever reasons are given."""
    now = ledger.now()
    preview = preview_event(file, act.decision, now, principal)
    return decision_stops(Inquiry(Known((*file.entries, preview)), adopted_upto(ledger), now), preview.version)


def _stopped(gate: str, act: str, answer: GateAnswer, now: datetime) -> Fact:
    codes = tuple(map(gap_code, (*answer.protected, *answer.gaps)))
    return Fact(GateStopped(gate=gate, act=act, findings=codes), now)


def _disclosure(act: DisclosureAct, checked: CheckedDisclosure) -> DisclosureMade:
    proposal, answer = checked.proposal, checked.answer
    return DisclosureMade(
        to=proposal.to,
        basis=proposal.basis,
        consents=answer.consents,
        data_categories=proposal.data_categories,
        documents=act.documents,
        purpose=act.purpose,
        legal_basis=proposal.legal_basis or None,
        about=proposal.about or None,
        purpose_code=proposal.purpose_code,
        recipient_person=proposal.recipient_person,
        channel=act.channel,
        overridden_gates=tuple(map(gap_code, answer.gaps)) or None,
        override_reason=act.override_reason if answer.gaps else None,
        consent_entries=answer.consent_entries or None,
        documents_filed=tuple(filing.entry.version for filing in checked.documents) or None,
        recipient_confirmed=proposal.recipient_confirmed,
    )


def with_overrides(decision: DecisionMade, stops: Sequence[Stop], overrides: Mapping[str, str]) -> DecisionMade:
    """Return the decision with the gates it passed with a reason, beside those it names already."""
    codes = tuple(dict.fromkeys(stop.finding.code for stop in stops))
    if not codes:
        return decision
    reasons = [*filter(None, [decision.override_reason]), *(f"{code}: {overrides[code]}" for code in codes)]
    passed = (*(decision.overridden_gates or ()), *codes)
    return decision.model_copy(update={"overridden_gates": passed, "override_reason": "\n".join(reasons)})
