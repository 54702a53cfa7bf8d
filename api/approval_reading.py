"""What waits for approval, for those who answer it and those who sent it. The queue is a look of its own."""

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from api.approving import leads
from api.looks import NOW, Dated, Shown
from api.principals import Principal
from api.reading import CaseReader
from domain.approvals import Submission
from domain.authority import Act
from ledger.store import Ledger
from projections.approval_index import OfCases

WHAT = "approval_queue"
TOLD_FOR = timedelta(days=7)
"""How long whoever sent a decision for approval is told that it was approved."""


@dataclass(frozen=True, slots=True)
class CaseSubmission:
    """A decision sent for approval in a case, in clear."""

    case: UUID
    number: str
    submission: Submission


@dataclass(frozen=True, slots=True)
class ApprovalsLook(Dated):
    """What one reader may answer, that which has waited longest first, and the last that were answered."""

    waiting: tuple[CaseSubmission, ...]
    answered: tuple[CaseSubmission, ...]
    now: datetime


class ApprovalReader:
    """Reads which decisions of one ledger wait for approval."""

    def __init__(self, ledger: Ledger, reader: CaseReader) -> None:
        self._ledger, self._reader, self._door = ledger, reader, reader.door

    async def queue(self, principal: Principal, answered: int) -> ApprovalsLook:
        """Return what waits for somebody's answer, and the last ones ``answered``; raises Forbidden, LookNotRecorded.

        Who leads is shown all of their organisation, others what they are asked to answer.
        """
        visible = await self._door.visible(principal, Act.DECIDE, WHAT)
        every = await asyncio.to_thread(self._door.approvals.every)
        as_of = await asyncio.to_thread(lambda: self._reader.as_of(NOW, self._ledger.head()))
        shown = [one for one in self._listed(every, visible.of(every)) if _concerns(one, principal)]
        waiting = tuple(one for one in shown if one.submission.answer is None)
        done = sorted((one for one in shown if one.submission.answer is not None), key=_answered_at, reverse=True)
        cases = list(dict.fromkeys(one.case for one in (*waiting, *done[:answered])))
        access = await self._door.looks.record(principal, Shown(WHAT, cases, position=as_of.position))
        return ApprovalsLook(as_of, access, waiting, tuple(done[:answered]), self._door.index.now)

    async def waiting(self, principal: Principal) -> int | None:
        """Return how many decisions wait for somebody's answer; None where they answer none."""
        if not self._door.allows(principal, Act.DECIDE):
            return None
        waiting = await asyncio.to_thread(self._door.approvals.waiting)
        found = self._listed(waiting, self._door.among(principal, Act.DECIDE, waiting))
        return sum(one.submission.answer is None and _concerns(one, principal) for one in found)

    async def concerning(self, principal: Principal) -> tuple[CaseSubmission, ...]:
        """Return what somebody is asked to answer, and how what they sent stands while that is news; no look."""
        named = await asyncio.to_thread(self._door.approvals.naming, principal.id, principal.role)
        found = self._listed(named, self._door.among(principal, Act.CASE_READ, named))
        return tuple(one for one in found if self._is_news(one, named[one.case], principal))

    def _listed(self, every: OfCases, cases: Iterable[UUID]) -> list[CaseSubmission]:
        found = [CaseSubmission(case, self._door.number(case), one) for case in cases for one in every[case]]
        return sorted(found, key=lambda one: one.submission.entry.position)

    def _is_news(self, one: CaseSubmission, others: tuple[Submission, ...], principal: Principal) -> bool:
        sent, answer = one.submission, one.submission.answer
        if answer is None:
            return _names(sent, principal)
        later = any(o.decision == sent.decision and o.entry.version > sent.entry.version for o in others)
        if principal.id not in sent.own or sent.state == "withdrawn" or later:
            return False
        return sent.state == "returned" or self._door.index.now - answer.recorded_at <= TOLD_FOR


def _names(sent: Submission, principal: Principal) -> bool:
    """Whether a submission that waits is somebody's own, or waits for them by name or role."""
    return principal.id in sent.own or sent.asks(principal.id, principal.role, leads=False)


def _concerns(one: CaseSubmission, principal: Principal) -> bool:
    sent = one.submission
    return leads(principal.role) or sent.asks(principal.id, principal.role, leads=False)


def _answered_at(one: CaseSubmission) -> int:
    return one.submission.answer.position if one.submission.answer else 0
