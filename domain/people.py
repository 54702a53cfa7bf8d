"""The people of a case at an instant: rights, representatives, protection, responsibility, and lives that ended."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime

from domain.calendar import plus_months
from domain.custody import UNBORN, one_person
from domain.deadlines import Deadline
from domain.entries import Entry
from domain.events.access import AccessRequestReceived, DataBreachDetected
from domain.events.child import ChildBorn, DueDateRevised, PregnancyRegistered
from domain.events.control import ReasonsRequested
from domain.events.decision import ComplaintReceived, DecisionNotified
from domain.events.people import (
    DeathRecorded,
    FamilyMoved,
    HandoverAccepted,
    InterpreterNeeded,
    PartyRecorded,
    PregnancyEnded,
    ProtectionEnded,
    ProtectionRecorded,
    RepresentativeAppointed,
    RepresentativeEnded,
    SiblingLinked,
)
from domain.events.referral import CaseAllocated
from domain.known import Known, many
from domain.time import copenhagen_day, end_of, read_day, start_of

PARTY_FROM_YEARS = 10
"""From this age a child exercises the rights of a party in its case (barnets lov § 3)."""


def access_right(known: Known, person: str, at: datetime, child: str | None = None) -> str | None:
    """Return a person's standing as a party at an instant, for one child or for all; None where it is not on record."""
    fitting = [
        entry
        for entry in known.of(PartyRecorded)
        if entry.happened <= at and entry.data["person"] == person and entry.data.get("child") in (None, child)
    ]
    return str(fitting[-1].data["status"]) if fitting else None


def standings(known: Known, person: str, at: datetime) -> Mapping[str | None, str]:
    """Return a person's standing as a party at an instant per child; None stands for the case as a whole."""
    found: dict[str | None, str] = {}
    for entry in known.of(PartyRecorded):
        if entry.happened <= at and entry.data["person"] == person:
            found[entry.data.get("child")] = str(entry.data["status"])
    return found


def birthdays(known: Known) -> Mapping[str, date]:
    """Return the birthdays of the children of the case and of their siblings, where they are on record."""
    found = {str(e.data["child"]): copenhagen_day(e.occurred_at) for e in known.of(ChildBorn)}
    for entry in known.of(SiblingLinked):
        if entry.data.get("sibling_born_on") is not None:
            found.setdefault(str(entry.data["sibling"]), read_day(entry.data["sibling_born_on"]))
    return found


def parties_by_age(known: Known, at: datetime) -> tuple[str, ...]:
    """Return the children who are parties by their age at an instant. Source: barnets lov § 3."""
    day = copenhagen_day(at)
    return tuple(
        child for child, birthday in birthdays(known).items() if plus_months(birthday, 12 * PARTY_FROM_YEARS) <= day
    )


@dataclass(frozen=True, slots=True)
class Representative:
    """Who speaks for someone, in which capacity, by which entry."""

    representative: str
    represents: tuple[str, ...]
    capacity: str
    entry: int


def representatives(known: Known, at: datetime) -> tuple[Representative, ...]:
    """Return who speaks for whom at an instant."""
    found: dict[tuple[str, tuple[str, ...]], Representative] = {}
    for entry in known.of(RepresentativeAppointed, RepresentativeEnded):
        if entry.happened > at:
            continue
        key = str(entry.data["representative"]), many(entry.data["represents"])
        if entry.topic == RepresentativeEnded.TOPIC:
            found.pop(key, None)
        elif _holds_until(entry, at):
            found[key] = Representative(*key, str(entry.data["capacity"]), entry.version)
    return tuple(found.values())


def _holds_until(entry: Entry, at: datetime) -> bool:
    until = entry.data.get("until")
    return until is None or at <= end_of(read_day(until))


@dataclass(frozen=True, slots=True)
class Protection:
    """That a person's name, address or existence is protected, against some or, where nobody is named, all."""

    person: str
    kind: str
    against: tuple[str, ...]
    entry: int

    def keeps_from(self, recipient: str) -> bool:
        """Whether a recipient must not learn it."""
        return recipient != self.person and (not self.against or recipient in self.against)


def protections(known: Known, at: datetime) -> tuple[Protection, ...]:
    """Return what is protected at an instant."""
    found: list[Protection] = []
    for entry in known.of(ProtectionRecorded, ProtectionEnded):
        person, kind = str(entry.data["person"]), str(entry.data["kind"])
        if entry.happened > at:
            continue
        if entry.topic == ProtectionEnded.TOPIC:
            found = [one for one in found if (one.person, one.kind) != (person, kind)]
        elif _holds_until(entry, at):
            found.append(Protection(person, kind, many(entry.data.get("against")), entry.version))
    return tuple(found)


def languages(known: Known, at: datetime) -> Mapping[str, str]:
    """Return with whom an interpreter is needed at an instant, and of which language."""
    needed = (entry for entry in known.of(InterpreterNeeded) if entry.happened <= at)
    return {str(entry.data["person"]): str(entry.data["language"]) for entry in needed}


@dataclass(frozen=True, slots=True)
class Responsible:
    """Who is responsible for a case in a role, since when, and whether they have taken it over."""

    role: str
    staff: str
    since: datetime
    accepted: bool
    entry: int


def responsible(known: Known, at: datetime) -> tuple[Responsible, ...]:
    """Return who was responsible for a case at an instant; an allocation may take effect on a later day."""
    accepted = {entry.data["allocation"] for entry in known.of(HandoverAccepted) if entry.happened <= at}
    found: dict[str, Responsible] = {}
    for entry in known.of(CaseAllocated):
        since = _effective(entry)
        if since <= at:
            role = str(entry.data["for_role"])
            taken = entry.version in accepted or entry.data.get("from_staff") is None
            found[role] = Responsible(role, ", ".join(many(entry.data["to"])), since, taken, entry.version)
    return tuple(found.values())


def _effective(allocation: Entry) -> datetime:
    day = allocation.data.get("effective_from")
    return allocation.happened if day is None else max(allocation.happened, start_of(read_day(day)))


PROCEDURAL = frozenset(
    event.TOPIC
    for event in (AccessRequestReceived, ComplaintReceived, DataBreachDetected, DecisionNotified, ReasonsRequested)
) | {FamilyMoved.TOPIC}
"""What starts duties towards the parties as such, which go on when the child of the case has died."""

_PREGNANCY = frozenset({PregnancyRegistered.TOPIC, DueDateRevised.TOPIC})


def silenced(known: Known, clocks: Iterable[Deadline], at: datetime) -> Mapping[tuple[str, int, int], datetime]:
    """Return the clocks that must not remind anyone, and since when.

    Those about a person who died or a pregnancy that ended; where no child is left or expected, all but the procedural.
    """
    died = {str(e.data["person"]): e.happened for e in known.of(DeathRecorded) if e.happened <= at}
    childless = _childless_since(known, died, at)
    stopped: dict[tuple[str, int, int], datetime] = {}
    for clock in clocks:
        trigger = known.fact(clock.trigger)
        if trigger is None or trigger.topic in PROCEDURAL:
            continue
        since = [died[ref] for ref in _concerned(known, clock, trigger) if ref in died] if died else []
        since += _losses(known, clock, trigger, at)
        if childless is not None:
            since.append(childless)
        if since:
            stopped[clock.key] = min(since)
    return stopped


def _concerned(known: Known, clock: Deadline, trigger: Entry) -> frozenset[str]:
    """Return whom a clock is about: its subject, under every name, and the child whose birth started it."""
    subject = one_person(known, clock.subject) if clock.subject is not None else frozenset[str]()
    return subject | ({str(trigger.data["child"])} if trigger.topic == ChildBorn.TOPIC else frozenset[str]())


def _losses(known: Known, clock: Deadline, trigger: Entry, at: datetime) -> list[datetime]:
    """Return when the pregnancy that a clock is about ended without a living child."""
    about_pregnancy = trigger.topic in (PregnancyRegistered.TOPIC, DueDateRevised.TOPIC)
    if clock.subject is None or not (about_pregnancy or clock.subject.startswith(UNBORN)):
        return []
    lost = _lost(known, clock.subject.removeprefix(UNBORN), trigger.happened, at)
    return [] if lost is None else [lost]


def _lost(known: Known, mother: str, since: datetime, at: datetime) -> datetime | None:
    """Return when the pregnancy a mother had at an instant ended; None where it led to a birth or goes on."""
    turns = [
        entry
        for entry in known.of(ChildBorn, PregnancyEnded)
        if mother in (entry.data.get("mother"), entry.data.get("person")) and since <= entry.happened <= at
    ]
    return turns[0].happened if turns and turns[0].topic == PregnancyEnded.TOPIC else None


def _childless_since(known: Known, died: Mapping[str, datetime], at: datetime) -> datetime | None:
    """Return since when no child of the case lives or is expected; None while one is, or none ever was."""
    born = [str(e.data["child"]) for e in known.of(ChildBorn) if e.happened <= at]
    ends = [died.get(child) for child in born]
    registered = {str(e.data["person"]): e.happened for e in known.of(PregnancyRegistered) if e.happened <= at}
    for mother, since in registered.items():
        if not any(b.data["mother"] == mother and since <= b.happened <= at for b in known.of(ChildBorn)):
            ends.append(_lost(known, mother, since, at))
    known_ends = [end for end in ends if end is not None]
    return max(known_ends) if ends and len(known_ends) == len(ends) else None
