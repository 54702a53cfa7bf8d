"""Decisions: their hearing, who took part, how far each has come, and what a party may still do."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from domain.entries import Entry
from domain.events.base import reference_marks
from domain.events.control import StatementDelayRequested
from domain.events.decision import (
    AppealDecided,
    ComplaintReceived,
    DecisionMade,
    DecisionNotified,
    HearingResponseReceived,
    HearingSent,
)
from domain.events.referral import NoteRecorded
from domain.known import Known, many
from domain.time import copenhagen_day, end_of, read_day
from domain.withheld import withheld


@dataclass(frozen=True, slots=True)
class HearingCheck:
    """How a decision stands to its hearing; ``days_early`` is None unless it came too early."""

    hearing: int
    party: str
    deadline: date
    response: int | None
    ok: bool
    days_early: int | None


def hearings_of(known: Known, decision: Entry) -> tuple[Entry, ...]:
    """Return the hearings a decision names, those in force, in the order in which they were sent."""
    named = set(many(decision.data.get("hearing")))
    return tuple(entry for entry in known.of(HearingSent) if entry.version in named)


def hearing_checks(known: Known, decision: Entry) -> tuple[HearingCheck, ...]:
    """Return for each hearing of a decision whether it was answered or had run out.

    A decision may be made once the party has answered, or on a day after the deadline. Source: forvaltningsloven § 19.
    """
    return tuple(_check(known, decision, hearing) for hearing in hearings_of(known, decision))


def _check(known: Known, decision: Entry, hearing: Entry) -> HearingCheck:
    deadline, decided = read_day(hearing.data["deadline"]), copenhagen_day(decision.occurred_at)
    response = next((entry for entry in responses(known, hearing) if entry.happened <= decision.happened), None)
    ok = response is not None or decided > deadline
    return HearingCheck(
        hearing.version,
        str(hearing.data["party"]),
        deadline,
        response.version if response else None,
        ok,
        None if ok else (deadline - decided).days,
    )


def responses(known: Known, hearing: Entry) -> tuple[Entry, ...]:
    """Return the answers to a hearing: about the same decision, at or after it was sent."""
    return tuple(
        entry
        for entry in known.of(HearingResponseReceived)
        if entry.data["decision_ref"] == hearing.data["decision_ref"] and entry.happened >= hearing.happened
    )


def delay_requests(known: Known, hearing: Entry) -> tuple[Entry, ...]:
    """Return what may be a party's request that the decision wait for their statement.

    That is a request recorded as such, or a note of what the party said about the hearing while it ran.
    Source: forvaltningsloven § 21.
    """
    party, decision = hearing.data["party"], hearing.data["decision_ref"]
    found = [
        entry
        for entry in known.of(StatementDelayRequested, NoteRecorded)
        if entry.happened >= hearing.happened
        and (
            (entry.data.get("decision_ref") == decision and entry.data.get("party") == party)
            or (entry.data.get("statement_kind") == "delay_request" and entry.data.get("decision_ref") == decision)
            or (entry.data.get("relates_to") == hearing.version and entry.data.get("informant") == party)
        )
    ]
    return tuple(found)


def unheard_facts(known: Known, decision: Entry) -> tuple[Entry, ...]:
    """Return the facts of a decision that were recorded after the hearing of it was sent, and are no answers to it."""
    sent = hearings_of(known, decision)
    if not sent:
        return ()
    facts = [known.fact(version) for version in many(decision.data.get("facts"))]
    heard = max(hearing.recorded_at for hearing in sent)
    return tuple(
        fact
        for fact in facts
        if fact is not None and fact.topic != HearingResponseReceived.TOPIC and fact.recorded_at > heard
    )


@dataclass(frozen=True, slots=True)
class Reached:
    """A status a decision reached, by which entry and when."""

    status: str
    entry: int
    at: datetime


def statuses(known: Known, decision: str, at: datetime) -> tuple[Reached, ...]:
    """Return every status a decision had reached by an instant, with its entry and time."""
    named: list[Reached] = []
    for entry in known.of(DecisionMade, DecisionNotified, ComplaintReceived, AppealDecided):
        status = _status_from(entry, decision)
        if status is not None and entry.happened <= at:
            named.append(Reached(status, entry.version, entry.happened))
    return tuple(named)


def _status_from(entry: Entry, decision: str) -> str | None:
    if entry.topic == DecisionMade.TOPIC and entry.data.get("replaces") == decision != entry.data["decision"]:
        return "replaced"
    if entry.data["decision"] != decision:
        return None
    if entry.topic == AppealDecided.TOPIC:
        return str(entry.data["outcome"])
    return {DecisionMade.TOPIC: "made", DecisionNotified.TOPIC: "notified", ComplaintReceived.TOPIC: "appealed"}[
        entry.topic
    ]


@dataclass(frozen=True, slots=True)
class NewPersonCheck:
    """Whether the new person of a reassessment had no earlier part in the case; ``parts`` are those they had."""

    new_person: str
    parts: tuple[int, ...]

    @property
    def ok(self) -> bool:
        """Whether the person is new to the case."""
        return not self.parts


def new_person_check(known: Known, reassessment: Entry) -> NewPersonCheck:
    """Return whether a reassessment was made with someone who had not been in the case before.

    Worked out from the log of entries before it, corrections and annulled ones among them, not from what it says
    itself; what was another case's does not count. Source: barnets lov § 137(1).
    """
    person = str(reassessment.data["new_person"])
    moved = withheld(known.entries).entries
    log = [known.fact(entry.version) or entry for entry in known.entries if entry.version not in moved]
    earlier = [entry for entry in log if entry.version < reassessment.version and not entry.withheld]
    parts = tuple(sorted(entry.version for entry in earlier if person in people_of(entry)))
    return NewPersonCheck(person, parts)


def people_of(entry: Entry) -> frozenset[str]:
    """Return who took part in an entry: who entered it and everyone named as participant, without their roles."""
    named = [str(item).rpartition(":")[2] for item in many(entry.data.get("participants"))]
    return frozenset({entry.actor.id, *named})


def decision_of(known: Known, decision: str) -> Entry | None:
    """Return the decision with an identifier; None where none is on record."""
    return next((entry for entry in known.of(DecisionMade) if entry.data["decision"] == decision), None)


def notified_parties(known: Known, decision: str) -> frozenset[str]:
    """Return who was sent a decision."""
    sent = [entry for entry in known.of(DecisionNotified) if entry.data["decision"] == decision]
    return frozenset(str(party) for entry in sent for party in many(entry.data["to"]))


def parties_of(known: Known, decision: Entry, holders: Sequence[str]) -> tuple[str, ...]:
    """Return whom a decision concerns as parties: those it names, else those heard, else the holders of custody."""
    named = tuple(str(party) for party in many(decision.data.get("parties")))
    heard = tuple(str(hearing.data["party"]) for hearing in hearings_of(known, decision))
    return named or heard or tuple(holders)


def hearing_running(known: Known, decision: str, at: datetime) -> date | None:
    """Return until when a hearing about a decision still runs unanswered at an instant; None where none does."""
    running = [
        read_day(hearing.data["deadline"])
        for hearing in known.of(HearingSent)
        if hearing.data["decision_ref"] == decision
        and hearing.happened <= at <= end_of(read_day(hearing.data["deadline"]))
        and not any(answer.happened <= at for answer in responses(known, hearing))
    ]
    return max(running, default=None)


def decisions_resting_on(known: Known, version: int) -> tuple[Entry, ...]:
    """Return the decisions that name an entry as a fact, a hearing, the child's view or the meeting they rest on."""
    names = reference_marks(DecisionMade)
    return tuple(one for one in known.of(DecisionMade) if any(version in many(one.data.get(name)) for name in names))
