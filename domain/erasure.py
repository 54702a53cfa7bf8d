"""The gate before an erasure: what stands against it. No reason lets anything pass.

Erasing a municipal case is discarding an archive: off unless class, council decision, day and archive receipt are on
record. Source: arkivloven; order 183 of 26 January 2018; general data protection regulation art. 5(1)(e) and 17.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from domain.case_file import CaseFile
from domain.custody import one_person
from domain.entries import Entry
from domain.erased import NOTHING_ERASED, erasures_among
from domain.errors import Problem
from domain.events.access import AccessRequestAnswered, AccessRequestReceived, DataBreachDetected, DataBreachReported
from domain.events.control import StatementDelayRequested
from domain.events.decision import (
    AppealDecided,
    ComplaintReassessed,
    ComplaintReceived,
    DecisionMade,
    HearingResponseReceived,
)
from domain.events.enrolment import (
    AdmissionApproved,
    EnrolmentClosed,
    InterventionStarted,
    PackageStarted,
    PhaseEntered,
)
from domain.events.retention import ErasureProposed, ErasureRejected, LegalHoldChanged
from domain.known import Known, many
from domain.misregistered import standing_of, still_naming
from domain.register import CORRECTED
from domain.retention import retention_stops
from domain.stops import Stop
from domain.time import copenhagen_day, read_day

SCOPES: Mapping[str, tuple[str, ...]] = {
    "retention": ("case",),
    "misregistered": ("person",),
    "unlawful": ("person", "entries"),
}
"""What may be erased on each ground."""

SENT_ON = ("upheld", "forwarded", "maintained", "sent_on")
"""Parts of the outcome of a reassessment that leave a complaint to the appeal body."""


@dataclass(frozen=True, slots=True)
class Target:
    """One thing to erase: a key with whose it is, or entries of the case."""

    key: UUID | None = None
    person: UUID | None = None
    subject: str | None = None
    entries: tuple[int, ...] | None = None


@dataclass(frozen=True, slots=True)
class ProposalState:
    """How a proposal stands: open, decided or rejected, and the entries that decided or rejected it."""

    state: str
    by: tuple[Entry, ...] = ()


def proposal_problems(case: CaseFile, proposed: ErasureProposed) -> list[Problem]:
    """Return what is wrong with a proposal: a scope that does not go with its ground, or nothing named to erase."""
    found: list[Problem] = []
    if proposed.scope not in SCOPES[proposed.ground]:
        found.append(Problem("/scope", f"must be {' or '.join(SCOPES[proposed.ground])} for this ground"))
    if (proposed.scope == "person") != (proposed.subject is not None):
        found.append(Problem("/subject", "names the person to erase where the scope is person, and only there"))
    elif proposed.subject is not None and proposed.subject not in case.persons:
        found.append(Problem("/subject", "names no person of this case: use the reference of one"))
    if (proposed.scope == "entries") != (proposed.entries is not None):
        found.append(Problem("/entries", "lists the entries to erase where the scope is entries, and only there"))
    for index, version in enumerate(proposed.entries or ()):
        named = case.entry(version)
        if named is None or not named.sealed:
            found.append(Problem(f"/entries/{index}", "names no entry of this case that holds a text"))
    return found


def targets(case: CaseFile, proposal: Entry) -> tuple[Target, ...]:
    """Return what is left to erase of a proposal: the keys of the case and its persons, of one person, or entries."""
    erased = NOTHING_ERASED.and_by(case.entries)
    subject = proposal.data.get("subject")
    if proposal.data["scope"] == "entries":
        left = tuple(v for v in proposal.data["entries"] if (case.case, v) not in erased.entries)
        return (Target(entries=left),) if left else ()
    own = [Target(case.key)] if subject is None else []
    persons = [Target(p.key, p.person, ref) for ref, p in case.persons.items() if subject in (None, ref)]
    return tuple(target for target in (*own, *persons) if target.key not in erased.keys)


def proposal_state(known: Known, proposal: Entry) -> ProposalState:
    """Return how a proposal stands; one that was annulled counts as rejected."""
    decided = tuple(e for e in erasures_among(known.entries) if e.data.get("proposal") == proposal.version)
    if decided:
        return ProposalState("decided", decided)
    rejected = tuple(e for e in known.of(ErasureRejected) if e.data["proposal"] == proposal.version)
    if rejected or known.fact(proposal.version) is None:
        return ProposalState("rejected", rejected)
    return ProposalState("open")


def erasure_stops(known: Known, proposal: Entry, at: datetime, decider: str | None = None) -> tuple[Stop, ...]:
    """Return what stands against carrying out a proposal at an instant, by all that is on record.

    ``decider`` is who would decide it; None asks without anybody deciding, and leaves the four eyes out.
    """
    return (*_own_stops(known, proposal, decider), *_case_stops(known, proposal, at))


def case_stops(case: CaseFile, proposal: Entry, at: datetime, decider: str | None = None) -> tuple[Stop, ...]:
    """Return what stands against a proposal about a case as it stands, as ``erasure_stops`` does.

    That nothing is left to erase stands against an open one too.
    """
    known = Known(case.entries)
    found = erasure_stops(known, proposal, at, decider)
    spent = proposal_state(known, proposal).state == "open" and not targets(case, proposal)
    return (*found, Stop("ALREADY_ERASED")) if spent else found


def _own_stops(known: Known, proposal: Entry, decider: str | None) -> Iterator[Stop]:
    state = proposal_state(known, proposal)
    if state.state != "open":
        yield Stop("PROPOSAL_CLOSED", tuple(entry.version for entry in state.by))
    if decider is not None and decider == proposal.actor.id:
        yield Stop("SAME_PERSON_PROPOSED", (proposal.version,))


def _case_stops(known: Known, proposal: Entry, at: datetime) -> Iterator[Stop]:
    """Yield what stands against the ground and scope of a proposal."""
    subject = proposal.data.get("subject")
    yield from _holds(known, at)
    persons = one_person(known, str(subject)) if subject is not None else None
    for pending in (_requests, _complaints, _statements, _breaches):
        yield from pending(known, persons, at)
    if proposal.data["ground"] == "retention":
        yield from retention_stops(known, at)
        yield from _running(known, at)
    elif proposal.data["scope"] == "entries":
        yield from _corrections_left_out(known, proposal)
    elif proposal.data["ground"] == "misregistered" and persons is not None:
        yield from standing_of(known, persons, at)
        yield from still_naming(known, persons)


def _corrections_left_out(known: Known, proposal: Entry) -> Iterator[Stop]:
    """A correction of a text repeats it, and so does a correction of that."""
    named: set[int] = set(many(proposal.data["entries"]))
    left = [e for e in known.entries if e.topic == CORRECTED and not {"old", "new"}.isdisjoint(e.sealed)]
    found: list[Entry] = []
    for correction in left:
        if correction.data["corrects"] in named and correction.version not in named:
            named.add(correction.version)
            found.append(correction)
    yield from _stop("CORRECTION_LEFT_OUT", found)


def standing_holds(known: Known, at: datetime) -> Mapping[str, Entry]:
    """Return the legal holds that stand at an instant, by reason: placed, not lifted, not past their last day."""
    found: dict[str, Entry] = {}
    for entry in known.of(LegalHoldChanged):
        if entry.happened > at:
            continue
        found.pop(str(entry.data["reason"]), None)
        until = entry.data.get("until")
        if entry.data["placed"] and (until is None or copenhagen_day(at) <= read_day(until)):
            found[str(entry.data["reason"])] = entry
    return found


def _holds(known: Known, at: datetime) -> Iterator[Stop]:
    for reason, entry in standing_holds(known, at).items():
        yield Stop("LEGAL_HOLD", (entry.version,), reason)


Persons = frozenset[str] | None


def _concerns(persons: Persons, *named: Any) -> bool:
    """Whether something is of or about a person; about anybody where none is asked about or nobody is named."""
    refs = {str(ref) for value in named for ref in many(value)}
    return persons is None or not refs or not persons.isdisjoint(refs)


def _stop(code: str, entries: Iterable[Entry]) -> Iterator[Stop]:
    versions = tuple(entry.version for entry in entries)
    if versions:
        yield Stop(code, versions)


def _requests(known: Known, persons: Persons, at: datetime) -> Iterator[Stop]:
    answered = {entry.data["request"] for entry in known.of(AccessRequestAnswered) if entry.happened <= at}
    asked = (
        entry
        for entry in known.of(AccessRequestReceived)
        if entry.version not in answered and _concerns(persons, entry.data["by"], entry.data["about"])
    )
    yield from _stop("PENDING_REQUEST", asked)


def _complaints(known: Known, persons: Persons, at: datetime) -> Iterator[Stop]:
    """A complaint ends when the appeal body has decided, or the municipality has changed its decision itself."""
    outcomes = [entry for entry in known.of(AppealDecided, ComplaintReassessed) if entry.happened <= at]
    pending = (
        complaint
        for complaint in known.of(ComplaintReceived)
        if _concerns(persons, complaint.data.get("by")) and not any(_ends(one, complaint) for one in outcomes)
    )
    yield from _stop("PENDING_COMPLAINT", pending)


def _ends(outcome: Entry, complaint: Entry) -> bool:
    if outcome.data["decision"] != complaint.data["decision"] or outcome.happened < complaint.happened:
        return False
    if outcome.topic == AppealDecided.TOPIC:
        return True
    words = str(outcome.data["outcome"]).casefold()
    return outcome.data.get("to") is None and not any(word in words for word in SENT_ON)


def _statements(known: Known, persons: Persons, at: datetime) -> Iterator[Stop]:
    """A party's request to wait ends with the statement, the decision, or the day it named."""
    ends = [entry for entry in known.of(HearingResponseReceived, DecisionMade) if entry.happened <= at]
    pending = (
        request
        for request in known.of(StatementDelayRequested)
        if _concerns(persons, request.data["party"])
        and not any(
            _decision_of(one) == request.data["decision_ref"] and one.happened >= request.happened for one in ends
        )
        and (request.data.get("until") is None or copenhagen_day(at) <= read_day(request.data["until"]))
    )
    yield from _stop("PENDING_STATEMENT", pending)


def _decision_of(entry: Entry) -> str:
    return str(entry.data["decision" if entry.topic == DecisionMade.TOPIC else "decision_ref"])


def _breaches(known: Known, _persons: Persons, at: datetime) -> Iterator[Stop]:
    reported = {entry.data["breach"] for entry in known.of(DataBreachReported) if entry.happened <= at}
    yield from _stop("PENDING_BREACH", (e for e in known.of(DataBreachDetected) if e.version not in reported))


def _running(known: Known, at: datetime) -> Iterator[Stop]:
    """An enrolment runs from its admission or start until it is closed; it may be started again."""
    last: dict[str | None, Entry] = {}
    for entry in known.of(AdmissionApproved, InterventionStarted, PhaseEntered, PackageStarted, EnrolmentClosed):
        if entry.happened <= at:
            last[entry.data.get("enrolment")] = entry
    yield from _stop("ENROLMENT_RUNNING", (e for e in last.values() if e.topic != EnrolmentClosed.TOPIC))
