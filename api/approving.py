"""Four eyes: a decision is sent for approval through its gate, and made by somebody else who approves just that."""

import asyncio
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from api.acts import DecisionAct, with_overrides
from api.drafting import Commit, Fact, preview_event
from api.principals import Principal
from api.recording import CaseRecorder, Recorded
from domain.approvals import Submission, submission, submissions, terms_of
from domain.authority import KIND_OF_ROLE, POWERS, Act, Extent
from domain.case_file import CaseFile
from domain.decision_gate import Stop, decision_stops, standing
from domain.decisions import decision_of
from domain.entries import Entry
from domain.errors import Malformed, Problem, Refused
from domain.events.administration import GateStopped
from domain.events.approval import DecisionApproved, DecisionReturned, DecisionSubmitted, SubmissionWithdrawn
from domain.events.decision import DecisionMade, DecisionTerms
from domain.inquiry import Inquiry
from domain.known import Known
from domain.recording import check_references
from ledger.mapper import REASON
from ledger.store import Ledger
from projections.boards import adopted_upto

SELF_APPROVAL = "Nobody approves or returns what they prepared or sent themselves: leave it to somebody else."
NOT_ASKED = "The decision was sent to somebody else for approval: let them answer, or who leads them."
SENT_BEFORE = "The decision waits for approval already: let it be answered, or withdraw it and send it anew."
MADE_BEFORE = "The decision was made meanwhile: return the submission, or let it be withdrawn."
NOT_SENDER = "Only who prepared or sent a decision for approval withdraws it: return it with a reason instead."
UNREADABLE = "A text of the submission cannot be read any more: return it, and let it be sent anew."
ANSWERED: Mapping[str, str] = {
    "approved": "The submission was approved already; nothing is written.",
    "returned": "The submission was returned already; nothing is written.",
    "withdrawn": "The submission was withdrawn; nothing is written.",
}


@dataclass(frozen=True, slots=True)
class SubmissionAct:
    """A decision to send for approval, to a member of staff or to whoever acts in a role."""

    act: DecisionAct
    approver: str | None = None
    approver_role: str | None = None


@dataclass(frozen=True, slots=True)
class Reading:
    """A submission with its texts, and what would stand against its decision if it were approved now.

    ``passed`` is what stood against it when it was sent, each of which its sender gave a reason for.
    """

    submission: Submission
    decision: DecisionMade
    stops: tuple[Stop, ...]
    passed: tuple[Stop, ...]

    @property
    def reasons(self) -> Mapping[str, str]:
        """The reason its sender gave for passing each stop, by code."""
        codes = "|".join(map(re.escape, self.decision.overridden_gates or ()))
        parts = re.split(rf"(?:^|\n)({codes}): ", self.decision.override_reason or "") if codes else []
        return dict(zip(parts[1::2], parts[2::2], strict=True))

    @property
    def unpassed(self) -> tuple[Stop, ...]:
        """The stops for which the submission gives no reason, or which no reason lets pass."""
        return standing(self.stops, dict.fromkeys(self.decision.overridden_gates or (), "given"))


class Approver:
    """Takes decisions of one ledger through approval."""

    def __init__(self, ledger: Ledger, recorder: CaseRecorder) -> None:
        self._ledger, self._recorder = ledger, recorder

    async def submit(
        self, principal: Principal, case: UUID, expected: int, sent: SubmissionAct, commit: Commit
    ) -> Recorded:
        """Record that a decision was sent for approval, or what stopped it; raises as recording does, and Refused."""
        now, bound = await self._bound(principal, case)
        rules = await asyncio.to_thread(adopted_upto, self._ledger)
        decision = sent.act.decision

        def decide(file: CaseFile) -> Sequence[Fact]:
            _check_addressee(sent, {principal.id, decision.prepared_by or principal.id})
            check_references(file, [decision])
            if any(one.state == "waiting" and one.decision == decision.decision for one in submissions(file.entries)):
                raise Refused(SENT_BEFORE)
            preview = preview_event(file, decision, now, principal)
            stops = decision_stops(Inquiry(Known((*file.entries, preview)), rules, now), preview.version)
            stopped = _stopped(standing(stops, sent.act.overrides), DecisionSubmitted, decision.decision)
            if stopped is not None:
                return [Fact(stopped, now)]
            terms = with_overrides(decision.model_copy(update=bound), stops, sent.act.overrides)
            content = {name: getattr(terms, name) for name in DecisionTerms.model_fields}
            submitted = DecisionSubmitted(
                **content, approver=sent.approver, approver_role=sent.approver_role, prepared_on=file.version
            )
            return [Fact(submitted, now, through_gate=True)]

        return await self._recorder.perform(principal, case, expected, commit, decide)

    async def approve(
        self, principal: Principal, case: UUID, expected: int, version: int, remarks: str | None,
        overrides: Mapping[str, str], commit: Commit,
    ) -> Recorded:  # fmt: skip
        """Record the approval of a submission and its decision together, or what stopped it.

        Raises as recording does; Refused for one's own, one that was answered, or one sent to somebody else.
        """
        now, bound = await self._bound(principal, case)
        rules, texts = await asyncio.to_thread(lambda: (adopted_upto(self._ledger), self._read(case, version)))

        def decide(file: CaseFile) -> Sequence[Fact]:
            found = _to_answer(file, version, principal)
            decision = decision_to_approve(found, texts, principal, bound)
            if decision_of(Known(file.entries), decision.decision) is not None:
                raise Refused(MADE_BEFORE)
            preview = preview_event(file, decision, now, principal)
            stops = decision_stops(Inquiry(Known((*file.entries, preview)), rules, now), preview.version)
            given = dict.fromkeys(decision.overridden_gates or (), "") | dict(overrides)
            stopped = _stopped(standing(stops, given), DecisionApproved, decision.decision)
            if stopped is not None:
                return [Fact(stopped, now)]
            fresh = [stop for stop in stops if stop.finding.code not in (decision.overridden_gates or ())]
            approved = DecisionApproved(submission=version, remarks=remarks)
            made = with_overrides(decision, fresh, overrides)
            return [Fact(event, now, through_gate=True) for event in (approved, made)]

        return await self._recorder.perform(principal, case, expected, commit, decide, Act.DECIDE)

    async def give_back(
        self, principal: Principal, case: UUID, expected: int | None, returned: DecisionReturned, commit: Commit
    ) -> Recorded:
        """Record that a submission was returned with its reason; raises as ``approve`` does."""
        now = await asyncio.to_thread(self._ledger.now)

        def decide(file: CaseFile) -> Sequence[Fact]:
            _to_answer(file, returned.submission, principal)
            return [Fact(returned, now)]

        return await self._recorder.perform(principal, case, expected, commit, decide, Act.DECIDE)

    async def withdraw(
        self, principal: Principal, case: UUID, expected: int | None, withdrawn: SubmissionWithdrawn, commit: Commit
    ) -> Recorded:
        """Record that a submission was taken back; raises as recording does, Refused for another's or one answered."""
        now = await asyncio.to_thread(self._ledger.now)

        def decide(file: CaseFile) -> Sequence[Fact]:
            found = _waiting(file, withdrawn.submission)
            if principal.id not in found.own:
                raise Refused(NOT_SENDER)
            return [Fact(withdrawn, now)]

        return await self._recorder.perform(principal, case, expected, commit, decide)

    def reading(self, principal: Principal, entries: Sequence[Entry], found: Submission) -> Reading | None:
        """Return what approving a submission would make of a case as its reader sees it, and what stands against it.

        None where a text of it cannot be read.
        """
        try:
            decision = decision_to_approve(found, found.entry, principal, {})
        except Refused:
            return None
        rules, sent = adopted_upto(self._ledger), found.entry.recorded_at

        def against(upto: Sequence[Entry], at: datetime) -> tuple[Stop, ...]:
            preview = preview_event(CaseFile(found.entry.stream, tuple(upto)), decision, at, principal)
            return decision_stops(Inquiry(Known((*upto, preview)), rules, at), preview.version)

        before = [one for one in entries if one.version <= found.prepared_on]
        return Reading(found, decision, against(entries, self._ledger.now()), against(before, sent))

    async def _bound(self, principal: Principal, case: UUID) -> tuple[datetime, dict[str, Any]]:
        """Return the ledger's time, and what binds an act to what the ledger held and to what was last looked at."""
        now, head = await asyncio.to_thread(lambda: (self._ledger.now(), self._ledger.head()))
        seen = await self._recorder.door.looks.last(principal, case)
        return now, {"log_position": head.size, "log_root": head.root.hex(), "seen": seen}

    def _read(self, case: UUID, version: int) -> Entry | None:
        """Return an entry of a case with its texts."""
        row = next((one for one in self._ledger.read_stream(case) if one.version == version), None)
        return None if row is None else self._ledger.mapper.to_domain_event(row)


def leads(role: str) -> bool:
    """Whether a role decides in all cases of its organisation, and so answers for whoever was asked in one."""
    return _decides_in(role) is Extent.ORGANISATION


def _decides_in(role: str) -> Extent | None:
    kind = KIND_OF_ROLE.get(role)
    return None if kind is None else POWERS[kind].get(Act.DECIDE)


def decision_to_approve(
    found: Submission, texts: Entry | None, principal: Principal, bound: Mapping[str, Any]
) -> DecisionMade:
    """Return the decision of a submission as somebody approves it; raises Refused where a text of it is gone."""
    if texts is None or texts.erased or texts.unreadable or not {*texts.sealed} - {REASON} <= texts.data.keys():
        raise Refused(UNREADABLE)
    content = terms_of(texts) | {"prepared_by": found.prepared_by, "approved_by": principal.id}
    return DecisionMade.model_validate_json(json.dumps(content | {"submission": texts.version} | dict(bound)))


def _check_addressee(sent: SubmissionAct, own: set[str]) -> None:
    if sent.approver is None and sent.approver_role is None:
        raise Malformed([Problem("/approver", "is missing: name who is to approve, or a role in approver_role")])
    if sent.approver in own:
        raise Malformed([Problem("/approver", "names who prepared or sends the decision: name somebody else")])
    if sent.approver_role is not None and _decides_in(sent.approver_role) is None:
        raise Malformed([Problem("/approver_role", "names no role that decides: use team_leader or another that does")])


def _waiting(file: CaseFile, version: int) -> Submission:
    """Return a submission that waits; raises Malformed for none, Refused for one that was answered."""
    found = submission(file.entries, version)
    if found is None:
        raise Malformed([Problem("/submission", "names no submission of this case: use the version of one")])
    if found.state != "waiting":
        raise Refused(ANSWERED[found.state])
    return found


def _to_answer(file: CaseFile, version: int, principal: Principal) -> Submission:
    """Return a submission that somebody is to answer; raises as above, Refused for one's own or another's."""
    found = _waiting(file, version)
    if principal.id in found.own:
        raise Refused(SELF_APPROVAL)
    if not found.asks(principal.id, principal.role, leads=leads(principal.role)):
        raise Refused(NOT_ASKED)
    return found


def _stopped(
    left: Sequence[Stop], act: type[DecisionSubmitted | DecisionApproved], decision: str
) -> GateStopped | None:
    codes = tuple(dict.fromkeys(stop.finding.code for stop in left))
    return GateStopped(gate="decision", act=act.name(), findings=codes, decision=decision) if codes else None
