"""Warnings of clocks: which clocks call for one, whom they go to, and what became of those that were given.

A clock is warned of twice at most: when the warning time of its rule has come, and when it is broken. Clocks of
citizens and those that must not remind anyone are never warned of.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from domain.deadlines import Deadline, status
from domain.entries import Entry
from domain.events.warning import (
    EVENTS,
    WarningChannel,
    WarningDelivered,
    WarningLevel,
    WarningNotDelivered,
    WarningOpened,
    WarningSent,
)
from domain.known import Known
from domain.people import silenced
from domain.reach import CaseReach
from domain.time import read_instant

TOPICS = frozenset(event.TOPIC for event in EVENTS)
"""Topics of the entries about warnings."""

BROKEN = ("breached", "exceeded_with_preliminary", "over_guideline")
"""How a clock stands that has run out and was not met."""

WARNED_WITHIN = timedelta(days=30)
"""How long after it ran out a clock is still warned of: older ones came on record as history. The house's standard."""

AGAIN_AFTER = (timedelta(minutes=5), timedelta(hours=1), timedelta(hours=6))
"""How long after each attempt that failed the next one is made; after the last of them none is."""

ABANDONED_AFTER = timedelta(minutes=15)
"""How long an attempt without an outcome may still be under way; after that whoever made it has stopped."""

INTERRUPTED = "interrupted"
"""Why a warning was not delivered, as far as anybody knows: the program stopped before it could say."""


@dataclass(frozen=True, slots=True)
class Warned:
    """A warning that was given, and the entries that say what became of it (None: none does)."""

    sent: Entry
    delivered: Entry | None = None
    failed: Entry | None = None
    opened: Entry | None = None

    @property
    def key(self) -> tuple[str, int, int]:
        """The clock it is about."""
        data = self.sent.data
        return str(data["rule"]), int(data["trigger"]), int(data["number"])

    @property
    def recipient(self) -> str:
        """Whom it was for."""
        return str(self.sent.data["recipient"])

    @property
    def due(self) -> datetime:
        """When the clock was due by what was known then."""
        return read_instant(self.sent.data["due"])

    @property
    def attempt(self) -> int:
        """Which attempt at this recipient it was, from 1."""
        return int(self.sent.data["attempt"])

    @property
    def on_page(self) -> bool:
        """Whether it stands on the page of its recipient's day."""
        return self.sent.data["channel"] == "page"

    @property
    def arrived(self) -> bool:
        """Whether it reached its recipient: on the page at once, by mail when the server has taken it over."""
        return self.on_page or self.delivered is not None

    def is_about(self, clock: Deadline, level: WarningLevel, channel: WarningChannel) -> bool:
        """Whether it warned of a clock as it is due now, at a level, through a channel."""
        said = self.sent.data["level"], self.sent.data["channel"]
        return self.key == clock.key and self.due == due_of(clock) and said == (level, channel)


def warned(known: Known, at: datetime | None = None) -> tuple[Warned, ...]:
    """Return the warnings on record, the oldest first, with what had happened by an instant (None: all)."""
    facts = [fact for fact in known.of(*EVENTS) if at is None or fact.happened <= at]
    found = {fact.version: Warned(fact) for fact in facts if fact.topic == WarningSent.TOPIC}
    ends = {event.TOPIC: _about(facts, event.TOPIC) for event in (WarningDelivered, WarningNotDelivered, WarningOpened)}
    return tuple(
        Warned(
            one.sent,
            ends[WarningDelivered.TOPIC].get(version),
            ends[WarningNotDelivered.TOPIC].get(version),
            ends[WarningOpened.TOPIC].get(version),
        )
        for version, one in sorted(found.items())
    )


def _about(facts: Iterable[Entry], topic: str) -> Mapping[int, Entry]:
    """Return the first entry of a kind about each warning."""
    found: dict[int, Entry] = {}
    for fact in facts:
        if fact.topic == topic:
            found.setdefault(int(fact.data["warning"]), fact)
    return found


def due_of(clock: Deadline) -> datetime | None:
    """Return the instant by which a clock has to be met now: as extended, else as due."""
    return clock.extended_to or clock.due


def level_of(clock: Deadline, at: datetime) -> WarningLevel | None:
    """Return at which level a clock calls for a warning at an instant; None where it does not."""
    due = due_of(clock)
    if clock.citizen or due is None or clock.satisfied_at is not None:
        return None
    how = status(clock, at)
    if how == "warning":
        return "soon"
    return "broken" if how in BROKEN and at - due <= WARNED_WITHIN else None


def recipients(reach: CaseReach, leaders: Mapping[str, str], at: datetime) -> tuple[str, ...]:
    """Return who is warned of a case's clocks at an instant.

    Those who hold it; where it was given to nobody, the leader of its unit (``leaders``, by unit), else who opened it.
    Nobody is who may not reach it; where that leaves nobody of a restricted case, those it is restricted to are.
    """
    held = [staff for one in reach.held(at).values() for staff in one.everyone]
    found = held or [leaders.get(reach.organisation or "", reach.opened_by)]
    allowed = None if reach.restriction is None else reach.restriction.allowed
    reaching = [staff for staff in found if allowed is None or staff in allowed] or list(allowed or ())
    return tuple(dict.fromkeys(staff for staff in reaching if reach.conflict_of(staff) is None))


def wanted(
    known: Known, clocks: Sequence[Deadline], to: Sequence[str], channel: WarningChannel, at: datetime
) -> tuple[WarningSent, ...]:
    """Return the warnings to be given through a channel now, of every clock of a case, to those it is warned for."""
    quiet, given = silenced(known, clocks, at), warned(known)
    return tuple(
        warning
        for clock in clocks
        if clock.key not in quiet and (level := level_of(clock, at)) is not None
        for warning in _of_clock(
            clock, level, [one for one in given if one.is_about(clock, level, channel)], to, channel, at
        )
    )


def _of_clock(
    clock: Deadline,
    level: WarningLevel,
    given: Sequence[Warned],
    to: Sequence[str],
    channel: WarningChannel,
    at: datetime,
) -> Iterator[WarningSent]:
    due = due_of(clock)
    assert due is not None
    for recipient, attempt in _attempts(given, to, at).items():
        yield WarningSent(
            rule=clock.rule,
            trigger=clock.trigger,
            number=clock.number,
            due=due,
            level=level,
            channel=channel,
            recipient=recipient,
            attempt=attempt,
        )


def _attempts(given: Sequence[Warned], to: Sequence[str], at: datetime) -> Mapping[str, int]:
    """Return who is to be tried now, with the number of the attempt: everybody at first, later where one failed.

    Whoever no longer is to be warned is not tried again; those who are instead are.
    """
    if not given:
        return dict.fromkeys(to, 1)
    last = {one.recipient: one for one in given}
    found: dict[str, int] = {}
    for one in last.values():
        if not _again(one, at):
            continue
        if one.recipient in to:
            found[one.recipient] = one.attempt + 1
        else:
            found |= {staff: 1 for staff in to if staff not in last}
    return found


def _again(one: Warned, at: datetime) -> bool:
    """Whether an attempt failed and the time for the next one has come."""
    if one.arrived or one.failed is None or one.attempt > len(AGAIN_AFTER):
        return False
    return at - one.failed.recorded_at >= AGAIN_AFTER[one.attempt - 1]


def abandoned(known: Known, at: datetime) -> tuple[WarningNotDelivered, ...]:
    """Return what is to be said of attempts whose maker stopped before it could say what became of them."""
    return tuple(
        WarningNotDelivered(warning=one.sent.version, reason=INTERRUPTED)
        for one in warned(known)
        if not one.arrived and one.failed is None and at - one.sent.recorded_at > ABANDONED_AFTER
    )


def unopened(known: Known, staff: str) -> tuple[Warned, ...]:
    """Return the warnings that reached a member of staff and that they have not opened."""
    return tuple(one for one in warned(known) if one.recipient == staff and one.arrived and one.opened is None)
