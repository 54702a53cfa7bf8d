"""What there is to read about access: the review queue, restricted cases, notices, who has looked. Each is a look."""

import asyncio
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from api.door import Door
from api.looks import Shown
from api.principals import Principal
from domain.authority import Act
from domain.case_set import CaseSet
from domain.emergencies import LEVELS, Review, review_of
from domain.entries import Entry
from domain.reach import Emergency, Restriction
from domain.time import copenhagen_day
from domain.withheld import withheld, without
from ledger.store import Ledger

EntryOfCase = tuple[UUID, int]


@dataclass(frozen=True, slots=True)
class CaseReview:
    """An emergency access to a case and how its review stands.

    ``opening`` is the entry with the reason where that was asked for.
    """

    case: UUID
    number: str
    review: Review
    opening: Entry | None = None


@dataclass(frozen=True, slots=True)
class QueueLook:
    """The review queue as one reader sees it: those that wait, the most urgent first, then those that were judged."""

    reviews: tuple[CaseReview, ...]
    access_position: int


@dataclass(frozen=True, slots=True)
class RestrictedCase:
    """A restricted case; ``overdue`` says that the restriction should have been looked at again."""

    case: UUID
    number: str
    restriction: Restriction
    overdue: bool


@dataclass(frozen=True, slots=True)
class RestrictionsLook:
    """The restricted cases one reader looks after, the soonest to be reviewed first."""

    restricted: tuple[RestrictedCase, ...]
    today: date
    access_position: int


@dataclass(frozen=True, slots=True)
class NoticesLook:
    """What one reader is told of at an instant: emergency accesses of others to the cases they hold."""

    told: tuple[tuple[UUID, Emergency], ...]
    at: datetime
    access_position: int


class AccessReader:
    """Reads what one ledger holds about access; raises Forbidden and NotKnown as the door does."""

    def __init__(self, ledger: Ledger, door: Door) -> None:
        self._ledger = ledger
        self._door = door

    async def queue(self, principal: Principal, judged: int | None = 0, *, reasons: bool = False) -> QueueLook:
        """Return what somebody is to review, and the last ones that were ``judged`` (None: all).

        ``reasons`` asks for why those that wait were opened.
        """
        what = "break_glass_queue"
        visible = await self._door.visible(principal, Act.BREAK_GLASS_REVIEW, what)
        reviews = sorted(self._reviews(visible), key=lambda one: _urgency(one.review))
        waiting, done = [one for one in reviews if not one.review.done], [one for one in reviews if one.review.done]
        shown = (*waiting, *done[0 if judged is None else max(0, len(done) - judged) :])
        if reasons:
            openings = await asyncio.to_thread(self._openings, {one.case for one in waiting})
            shown = tuple(
                CaseReview(one.case, one.number, one.review, openings.get((one.case, one.review.emergency.entry)))
                for one in shown
            )
        cases = list(dict.fromkeys(one.case for one in shown))
        return QueueLook(shown, await self._door.looks.record(principal, Shown(what, cases)))

    async def restrictions(self, principal: Principal) -> RestrictionsLook:
        """Return the restricted cases that somebody looks after."""
        what = "restrictions"
        visible = await self._door.visible(principal, Act.REACH_WRITE, what)
        today = copenhagen_day(self._door.index.now)
        found = [
            RestrictedCase(case, reach.number, reach.restriction, reach.restriction.review_by < today)
            for case, reach in self._door.index.cases.items()
            if reach.restriction is not None and case in visible
        ]
        found.sort(key=lambda one: (one.restriction.review_by, str(one.case)))
        position = await self._door.looks.record(principal, Shown(what, [one.case for one in found]))
        return RestrictionsLook(tuple(found), today, position)

    async def notices(self, principal: Principal) -> NoticesLook:
        """Return what somebody is told of the cases they hold."""
        what = "notices"
        await self._door.require(principal, Act.BOARD_READ, what)
        now, told = self._door.index.now, self._door.index.told(principal.id)
        cases = list(dict.fromkeys(case for case, _ in told))
        return NoticesLook(told, now, await self._door.looks.record(principal, Shown(what, cases)))

    def _reviews(self, visible: CaseSet) -> list[CaseReview]:
        return [
            CaseReview(case, reach.number, review_of(emergency, self._door.index.now))
            for case, reach in self._door.index.cases.items()
            if case in visible
            for emergency in reach.emergencies
        ]

    def _openings(self, cases: Collection[UUID]) -> Mapping[EntryOfCase, Entry]:
        """Return the entries of some cases, in clear, as everybody may see them now."""
        record: dict[UUID, list[Entry]] = {case: [] for case in cases}
        for row in self._ledger.read_streams(list(cases)):
            record[row.stream].append(self._ledger.mapper.to_domain_event(row))
        return {
            (case, entry.version): entry
            for case, entries in record.items()
            for entry in without(entries, withheld(entries))
        }


def _urgency(review: Review) -> tuple[int, datetime]:
    """Return what sorts a review among others: those that have climbed first, then by age; what is done comes last."""
    climbed = -LEVELS.index(review.level) if review.level in LEVELS else 1
    return climbed, review.emergency.opened_at
