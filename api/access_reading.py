"""What there is to read about access: the review queue, restricted cases, notices, who has looked. Each is a look."""

import asyncio
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from api.looks import NOW, AsOf, Dated, Question, Shown
from api.principals import Principal
from api.reading import CaseLook, CaseReader
from domain.authority import Act
from domain.case_set import CaseSet
from domain.emergencies import LEVELS, Review, review_of, told
from domain.entries import Entry
from domain.events.reach import BreakGlassOpened, CaseRestricted
from domain.reach import CaseReach, Emergency, Restriction, StaffReach
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
class QueueLook(Dated):
    """The review queue as one reader sees it: those that wait, the most urgent first, then those that were judged."""

    reviews: tuple[CaseReview, ...]


@dataclass(frozen=True, slots=True)
class RestrictedCase:
    """A restricted case; ``overdue`` says that the restriction should have been looked at again."""

    case: UUID
    number: str
    restriction: Restriction
    overdue: bool


@dataclass(frozen=True, slots=True)
class RestrictionsLook(Dated):
    """The restricted cases one reader looks after, the soonest to be reviewed first."""

    restricted: tuple[RestrictedCase, ...]
    today: date


@dataclass(frozen=True, slots=True)
class NoticesLook(Dated):
    """What one reader is told of at an instant: emergency accesses of others to the cases they hold."""

    told: tuple[tuple[UUID, Emergency], ...]
    at: datetime


@dataclass(frozen=True, slots=True)
class EmergenciesLook:
    """A case with the emergency accesses to it, each with how its review stands."""

    case: CaseLook
    reviews: tuple[Review, ...]


@dataclass(frozen=True, slots=True)
class GrantsLook(Dated):
    """What was granted to a member of staff."""

    staff: str
    reach: StaffReach


class AccessReader:
    """Reads what one ledger holds about access, as of any instant; raises Forbidden and NotKnown as the door does.

    Who may ask is judged as of now, whatever instant is asked about.
    """

    def __init__(self, ledger: Ledger, reader: CaseReader) -> None:
        self._ledger = ledger
        self._reader = reader
        self._door = reader.door

    async def queue(
        self, principal: Principal, judged: int | None = 0, question: Question = NOW, *, reasons: bool = False
    ) -> QueueLook:
        """Return what somebody is to review, and the last ones that were ``judged`` (None: all).

        ``reasons`` asks for why those that wait were opened.
        """
        what = "break_glass_queue"
        visible = await self._door.visible(principal, Act.BREAK_GLASS_REVIEW, what)
        as_of, at = await self._as_of(question)
        reviews = sorted(self._reviews(visible, as_of, at), key=lambda one: _urgency(one.review))
        waiting, done = [one for one in reviews if not one.review.done], [one for one in reviews if one.review.done]
        shown = (*waiting, *done[0 if judged is None else max(0, len(done) - judged) :])
        if reasons:
            openings = await asyncio.to_thread(self._openings, {one.case for one in waiting})
            shown = tuple(
                CaseReview(one.case, one.number, one.review, openings.get((one.case, one.review.emergency.entry)))
                for one in shown
            )
        cases = list(dict.fromkeys(one.case for one in shown))
        return QueueLook(as_of, await self._record(principal, what, cases, as_of), shown)

    async def emergencies(self, principal: Principal, case: UUID, question: Question) -> EmergenciesLook:
        """Return the emergency accesses to a case."""
        look = await self._reader.case(principal, case, question, "break_glass", Act.BREAK_GLASS_REVIEW)
        reach = self._door.index.case_as_of(case, look.position, question.valid_at)
        at = look.as_of.at(self._door.index.now)
        return EmergenciesLook(look, tuple(review_of(one, at) for one in (reach.emergencies if reach else ())))

    async def restrictions(self, principal: Principal, question: Question = NOW) -> RestrictionsLook:
        """Return the restricted cases that somebody looks after."""
        what = "restrictions"
        visible = await self._door.visible(principal, Act.REACH_WRITE, what)
        as_of, at = await self._as_of(question)
        today = copenhagen_day(at)
        found = [
            RestrictedCase(case, reach.number, reach.restriction, reach.restriction.review_by < today)
            for case, reach in self._reaches(visible.of(self._door.index.with_entries(CaseRestricted.TOPIC)), as_of)
            if reach.restriction is not None
        ]
        found.sort(key=lambda one: (one.restriction.review_by, str(one.case)))
        access = await self._record(principal, what, [one.case for one in found], as_of)
        return RestrictionsLook(as_of, access, tuple(found), today)

    async def notices(self, principal: Principal, question: Question = NOW) -> NoticesLook:
        """Return what somebody is told of the cases they hold; of the past, in cases they may still read."""
        what = "notices"
        await self._door.require(principal, Act.BOARD_READ, what)
        as_of, at = await self._as_of(question)
        cases = self._door.index.naming(principal.id)
        open_to = cases if question == NOW else self._door.among(principal, Act.CASE_READ, cases)
        reaches = self._reaches([case for case in cases if case in open_to], as_of)
        found = tuple((case, one) for case, reach in reaches for one in told(reach, principal.id, at))
        access = await self._record(principal, what, list(dict.fromkeys(case for case, _ in found)), as_of)
        return NoticesLook(as_of, access, found, at)

    async def grants(self, principal: Principal, staff: str, question: Question) -> GrantsLook:
        """Return what was granted to a member of staff."""
        await self._door.require(principal, Act.STAFF_GRANT, "grants")
        as_of, _ = await self._as_of(question)
        reach = self._door.index.staff_as_of(staff, as_of.position, question.valid_at)
        return GrantsLook(as_of, await self._record(principal, "grants", [], as_of), staff, reach)

    async def _as_of(self, question: Question) -> tuple[AsOf, datetime]:
        """Return what an answer is computed from, and what the clock shows."""
        as_of = await asyncio.to_thread(lambda: self._reader.as_of(question, self._ledger.head()))
        return as_of, as_of.at(self._door.index.now)

    async def _record(self, principal: Principal, what: str, cases: list[UUID], as_of: AsOf) -> int:
        shown = Shown(what, cases, position=as_of.position, question=as_of.question)
        return await self._door.looks.record(principal, shown)

    def _reviews(self, visible: CaseSet, as_of: AsOf, at: datetime) -> list[CaseReview]:
        cases = visible.of(self._door.index.with_entries(BreakGlassOpened.TOPIC))
        return [
            CaseReview(case, reach.number, review_of(emergency, at))
            for case, reach in self._reaches(cases, as_of)
            for emergency in reach.emergencies
        ]

    def _reaches(self, cases: Iterable[UUID], as_of: AsOf) -> Iterator[tuple[UUID, CaseReach]]:
        """Yield who could reach some cases, by what was on record and had happened; none of those not opened then."""
        for case in cases:
            reach = self._door.index.case_as_of(case, as_of.position, as_of.question.valid_at)
            if reach is not None:
                yield case, reach

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
