"""Acts about access: emergency access and its review, restrictions, conflicts of interest, grants."""

import asyncio
from collections.abc import Callable, Sequence
from datetime import date, datetime, timedelta
from typing import NoReturn
from uuid import UUID, uuid4, uuid5

from api.drafting import Commit, Fact
from api.principals import Principal
from api.recording import CaseRecorder, KeyReused, Recorded, RecordingError, request_digests
from domain.authority import Act
from domain.case_file import CaseFile
from domain.entries import Draft
from domain.errors import Malformed, Problem, Refused
from domain.events.base import Envelope, Event
from domain.events.reach import (
    AccessEnded,
    AccessGranted,
    BreakGlassOpened,
    BreakGlassReviewed,
    CaseRestricted,
    ConflictOfInterestEnded,
    ConflictOfInterestRecorded,
    RestrictionReviewed,
)
from domain.reach import BREAK_GLASS_LASTS, CaseReach, bearing, case_reach
from domain.time import copenhagen_day
from ledger.requests import Appended, Mismatched, Part, Request
from ledger.store import Ledger

REVIEWED_WITHIN = timedelta(days=90)
"""How far ahead the review of a restriction lies at most."""

Decide = Callable[[CaseReach, datetime], Event]


class AccessKeeper:
    """Keeps what is on record about access to the cases of one ledger."""

    def __init__(self, ledger: Ledger, recorder: CaseRecorder) -> None:
        self._ledger = ledger
        self._recorder = recorder
        self._door = recorder.door

    async def break_glass(self, principal: Principal, case: UUID, reason: str, commit: Commit) -> Recorded:
        """Open a case for a few hours; raises Refused where it is open already, and as recording does."""

        def decide(_: CaseReach, now: datetime) -> Event:
            if self._door.among(principal, Act.CASE_READ, [case]):
                raise Refused("The case is open to you already: emergency access is for cases that are not.")
            until = now + BREAK_GLASS_LASTS
            return BreakGlassOpened(
                staff=principal.id, role=principal.role, organisation=principal.organisation, until=until, reason=reason
            )

        return await self._act(principal, Act.BREAK_GLASS_OPEN, case, None, commit, decide)

    async def review_break_glass(
        self, principal: Principal, case: UUID, expected: int | None, review: BreakGlassReviewed, commit: Commit
    ) -> Recorded:
        """Put a verdict on record; raises Refused for one's own emergency access, or one that was judged before."""

        def decide(reach: CaseReach, _: datetime) -> Event:
            emergency = next((one for one in reach.emergencies if one.entry == review.opening), None)
            if emergency is None:
                _unknown("names no emergency access of this case")
            if emergency.staff == principal.id:
                raise Refused("Nobody reviews their own emergency access: leave it to somebody else.")
            if emergency.justified is not None:
                raise Refused("This emergency access was reviewed before: a second verdict changes nothing.")
            return review

        return await self._act(principal, Act.BREAK_GLASS_REVIEW, case, expected, commit, decide)

    async def restrict(
        self, principal: Principal, case: UUID, expected: int | None, restriction: CaseRestricted, commit: Commit
    ) -> Recorded:
        """Restrict a case; raises Refused where it is restricted, Malformed for a review too far ahead."""

        def decide(reach: CaseReach, now: datetime) -> Event:
            if reach.restriction is not None:
                raise Refused("The case is restricted already: review that restriction to change who may reach it.")
            _check_review_day(restriction.review_by, now)
            return restriction

        return await self._act(principal, Act.REACH_WRITE, case, expected, commit, decide)

    async def review_restriction(
        self, principal: Principal, case: UUID, expected: int | None, review: RestrictionReviewed, commit: Commit
    ) -> Recorded:
        """Renew or lift a restriction; raises Malformed where none stands in that entry."""

        def decide(reach: CaseReach, now: datetime) -> Event:
            if reach.restriction is None or reach.restriction.entry != review.restriction:
                _unknown("names no restriction in force of this case")
            if review.renewed:
                _check_review_day(review.review_by, now)
            return review

        return await self._act(principal, Act.REACH_WRITE, case, expected, commit, decide)

    async def record_conflict(
        self,
        principal: Principal,
        case: UUID,
        expected: int | None,
        conflict: ConflictOfInterestRecorded,
        commit: Commit,
    ) -> Recorded:
        """Put a conflict of interest on record; anybody may declare their own."""
        own = conflict.staff == principal.id
        act = Act.BREAK_GLASS_OPEN if own else Act.REACH_WRITE
        return await self._act(principal, act, case, expected, commit, lambda _reach, _now: conflict)

    async def end_conflict(
        self, principal: Principal, case: UUID, expected: int | None, ended: ConflictOfInterestEnded, commit: Commit
    ) -> Recorded:
        """End a conflict of interest; raises Malformed where none stands in that entry."""

        def decide(reach: CaseReach, _: datetime) -> Event:
            if ended.conflict not in reach.conflicts:
                _unknown("names no conflict of interest that stands in this case")
            return ended

        return await self._act(principal, Act.REACH_WRITE, case, expected, commit, decide)

    async def grant(self, principal: Principal, change: AccessGranted | AccessEnded, commit: Commit) -> Appended:
        """Grant access to somebody, or end it; raises Forbidden, NotKnown, Refused for oneself, KeyReused."""
        if change.case is not None:
            await self._door.require_in(principal, Act.REACH_WRITE, change.case, "grant")
        else:
            await self._door.require(principal, Act.STAFF_GRANT, "grant")
        if change.staff == principal.id:
            raise Refused("Nobody grants access to themselves: leave it to somebody else.")
        return await self._append(principal, change, commit)

    async def _append(self, principal: Principal, change: AccessGranted | AccessEnded, commit: Commit) -> Appended:
        now = await asyncio.to_thread(self._ledger.now)
        stream = uuid5(self._ledger.id, f"access of {change.staff}")
        envelope = Envelope(occurred_at=now, actor=principal.actor, commit=uuid4())
        new_event = self._ledger.mapper.to_new_event(Draft(stream, 1, change, envelope))
        key, fingerprint = request_digests(self._ledger.keys, principal, commit)
        answer = await self._ledger.appender.append(Request((Part(stream, None, (new_event,)),), key, fingerprint, now))
        if isinstance(answer, Mismatched):
            raise KeyReused
        if not isinstance(answer, Appended):
            raise RecordingError("the ledger refused the stored form of an event")
        return answer

    async def _act(
        self, principal: Principal, act: Act, case: UUID, expected: int | None, commit: Commit, decide: Decide
    ) -> Recorded:
        now = await asyncio.to_thread(self._ledger.now)

        def facts(file: CaseFile) -> Sequence[Fact]:
            return [Fact(decide(_reach_of(file), now), now)]

        return await self._recorder.perform(principal, case, expected, commit, facts, act)


def _reach_of(file: CaseFile) -> CaseReach:
    kept = ()
    for entry in file.entries:
        kept = bearing(kept, entry)
    reach = case_reach(kept)
    if reach is None:
        raise LookupError("the case is not open")
    return reach


def _unknown(detail: str) -> NoReturn:
    raise Malformed([Problem("/version", f"{detail}: use the version of one")])


def _check_review_day(day: date | None, now: datetime) -> None:
    today = copenhagen_day(now)
    if day is None or not today < day <= today + REVIEWED_WITHIN:
        detail = f"must be a day after today, at most {REVIEWED_WITHIN.days} days ahead"
        raise Malformed([Problem("/review_by", detail)])
