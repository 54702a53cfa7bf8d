"""What the findings about programmes share: whose programme it is, which facts, which people, which rule."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from domain.clocks import deadlines
from domain.consents import consent_ids, consent_status
from domain.custody import birth_of, children
from domain.deadlines import Deadline, status
from domain.entries import Entry
from domain.events.administration import CaseOpened, PersonJoined
from domain.events.child import PregnancyRegistered
from domain.events.enrolment import EnrolmentClosed, InterventionStarted
from domain.events.meeting import MeetingHeld
from domain.events.people import PregnancyEnded
from domain.findings.base import Finding
from domain.inquiry import Inquiry
from domain.known import many
from domain.people import silenced

INFANTS, TEAM, PACKAGES, EARLY, DETECTION = (
    "spaed_smaaboern_000",
    "smaaboernsteam_001",
    "spaed_smaabarnsteam_002",
    "tidlig_indsats_003",
    "opsporing_familietraening_004",
)
SOCIAL_WORKER, CONSULTANT, COORDINATOR = "social_worker", "family_consultant", "coordinator"
MOST = 36_525
"""The largest number a rule's limit is taken for: a hundred years of days."""

NOT_FAMILY = frozenset({"network", "network_person", "relative", "notifier"})
"""Roles of persons in a case who are no part of the family in the programme."""

Find = Callable[[Inquiry], Iterable[Finding]]


def of_programme(*programmes: str) -> Callable[[Find], Find]:
    """Let a check look at cases of some programmes only."""

    def limited(find: Find) -> Find:
        return lambda inquiry: find(inquiry) if inquiry.programme in programmes else ()

    return limited


def meetings(inquiry: Inquiry, *types: str) -> list[Entry]:
    """Return the meetings held of some types."""
    return [meeting for meeting in inquiry.of(MeetingHeld) if meeting.data["type"] in types]


def agreed(meeting: Entry) -> Mapping[str, Any]:
    """Return what was agreed at a meeting, by its code."""
    return meeting.data.get("decisions") or {}


def by(entries: Iterable[Entry], instant: datetime) -> list[Entry]:
    """Return the entries that had happened by an instant."""
    return [entry for entry in entries if entry.happened <= instant]


def between(entries: Iterable[Entry], first: datetime | None, last: datetime) -> list[Entry]:
    """Return the entries that happened from one instant (None: the beginning) to another, both included."""
    return [entry for entry in entries if (first is None or first <= entry.happened) and entry.happened <= last]


@dataclass(frozen=True, slots=True)
class Run:
    """One course of support: its start, the closing before it, and its own closing (None: it runs)."""

    start: Entry
    previous: Entry | None
    closing: Entry | None

    def end(self, inquiry: Inquiry) -> datetime:
        """Return when the course ended, or the instant asked about."""
        return inquiry.clock if self.closing is None else self.closing.happened

    @property
    def since(self) -> datetime | None:
        """From when on something belongs to this course: the closing before it; None where there was none."""
        return None if self.previous is None else self.previous.happened


def runs(inquiry: Inquiry) -> list[Run]:
    """Return the courses of support begun, in order; a second start before a closing begins none."""
    found: list[Run] = []
    previous: Entry | None = None
    for entry in inquiry.of(InterventionStarted, EnrolmentClosed):
        running = bool(found) and found[-1].closing is None
        if entry.topic == EnrolmentClosed.TOPIC:
            if running:
                found[-1] = replace(found[-1], closing=entry)
            previous = entry
        elif not running:
            found.append(Run(entry, previous, None))
    return found


def open_clocks(inquiry: Inquiry, *rules: str) -> Iterator[Deadline]:
    """Return the clocks of some rules that nothing has satisfied, ended, taken away or silenced."""
    clocks = deadlines(inquiry, rules)
    quiet = silenced(inquiry.known, clocks, inquiry.clock)
    return (clock for clock in clocks if clock.key not in quiet and status(clock, inquiry.at) in ("open", "warning"))


def graded(inquiry: Inquiry, rule: str, finding: Finding) -> Finding:
    """Return a finding as grave as a rule is under the readings chosen."""
    current = inquiry.current(rule)
    return finding if current is None else replace(finding, level=current.level)


def limit(inquiry: Inquiry, rule: str, name: str, otherwise: int) -> int:
    """Return a number of a rule, or another where no adopted book has it; never more than a date could bear."""
    current = inquiry.current(rule)
    found = None if current is None else current.limits.get(name)
    return otherwise if found is None else max(0, min(found, MOST))


def family(inquiry: Inquiry) -> frozenset[str]:
    """Return the references of the family in the case, without its network, who notified, and children born."""
    opened = [person for entry in inquiry.known.of(CaseOpened) for person in entry.data.get("persons", ())]
    joined = [entry.data for entry in inquiry.known.of(PersonJoined)]
    named = {str(person["ref"]) for person in (*opened, *joined) if person["role"] not in NOT_FAMILY}
    return frozenset(named - set(children(inquiry.known)))


def roles(people: Iterable[object]) -> set[str]:
    """Return the roles named in a list of participants: what stands before the colon."""
    return {str(person).partition(":")[0] for person in people}


def staff_in(people: Iterable[object], role: str) -> set[str]:
    """Return who takes part in a role."""
    parts = [str(person).partition(":") for person in people]
    return {staff for named, colon, staff in parts if colon and named == role}


def professionals(people: Iterable[object]) -> int:
    """Return how many of the participants are members of staff: named as one, or by role and name."""
    return sum(1 for person in set(people) if str(person).startswith("u-") or ":" in str(person))


def roles_known(people: Iterable[object]) -> bool:
    """Whether each member of staff among participants stands with a role; else nobody's absence can be told."""
    named = [str(person) for person in people]
    return bool(named) and not any(person.startswith("u-") for person in named)


def decided_by(entry: Entry) -> str:
    """Return which body made a decision of the programme: the one named, else the one that acted."""
    return str(entry.data.get("decided_by") or entry.actor.role)


def family_present(inquiry: Inquiry, meeting: Entry) -> bool:
    """Whether a parent took part in a meeting, by the mark or by the participants."""
    taking_part = set(map(str, many(meeting.data.get("participants"))))
    return bool(meeting.data.get("parents_present") or taking_part & (family(inquiry) | {"family", "parents"}))


def consent_in_force(inquiry: Inquiry, kind: str, at: datetime, scope: str = "") -> bool:
    """Whether someone's consent of a kind was in force at an instant, with a word in its scope."""
    for consent in consent_ids(inquiry.known):
        found = consent_status(inquiry.known, consent, at)
        fits = found.given is not None and found.given.data["kind"] == kind
        named = not scope or any(scope in str(item).casefold() for item in found.scope)
        if found.in_force and fits and named:
            return True
    return False


def youngest(inquiry: Inquiry, at: datetime) -> Entry | None:
    """Return the latest birth by an instant; None before any, and while another child is expected."""
    births = [birth for child in children(inquiry.known) if (birth := birth_of(inquiry.known, child)) is not None]
    born = [birth for birth in births if birth.happened <= at]
    if not born:
        return None
    last = max(born, key=lambda birth: birth.happened)
    turns = between(inquiry.of(PregnancyRegistered, PregnancyEnded), last.happened, at)
    return None if turns and turns[-1].topic == PregnancyRegistered.TOPIC else last
