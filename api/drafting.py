"""Putting a request together: facts become drafts, each with its envelope and the keys that seal it."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from uuid import UUID, uuid4

from api.principals import Principal
from domain.case_file import CaseFile
from domain.entries import Draft, Entry
from domain.events.administration import PersonRegistered
from domain.events.base import Envelope, Event
from domain.events.correction import EntryCorrected
from domain.plausibility import came_at
from domain.recording import ACTS_WITH_A_GATE, corrected_moment
from domain.time import Moment, start_of
from ledger.format import StoredRow
from ledger.requests import NewEvent


@dataclass(frozen=True, slots=True)
class Fact:
    """One event of a commit with its own times.

    ``source`` says where the fact comes from, ``through_gate`` that an act has passed the gate before it.
    """

    event: Event
    occurred_at: Moment
    reached_at: Moment | None = None
    source: str | None = None
    through_gate: bool = False


@dataclass(frozen=True, slots=True)
class Commit:
    """1..n facts with one reason and legal basis.

    ``key`` is what the client calls the request and ``body`` what it sent: a repeat is recognised by both.
    """

    facts: tuple[Fact, ...]
    key: str
    body: bytes
    reason: str | None = None
    legal_basis: tuple[str, ...] = ()


class Work:
    """The drafts of one request while it is being put together."""

    def __init__(
        self,
        principal: Principal,
        commit: Commit,
        instant: datetime | None,
        file: CaseFile,
        case_key: UUID,
        subjects: Mapping[str, UUID],
        of: UUID | None = None,
    ) -> None:
        """``of`` is the commit of which this is a part, None for one of its own."""
        self.principal, self.commit, self.instant, self.file = principal, commit, instant, file
        self._case_key, self._subjects = case_key, subjects
        self._commit_id = of or uuid4()
        self._events: list[tuple[Event, Envelope]] = []

    def add(self, event: Event, occurred_at: Moment, source: str | None = None) -> None:
        """Take in the next event of the case, one of the ledger's own."""
        self.take(event, Fact(event, occurred_at, source=source))

    def take(self, event: Event, fact: Fact) -> None:
        """Take in a fact, as the event that was decided on for it."""
        envelope = self._envelope(fact.occurred_at, fact.reached_at, fact.source)
        gated = event.name() in ACTS_WITH_A_GATE and not fact.through_gate
        self._events.append((event, replace(envelope, reported_without_gate=gated)))

    def drafts(self, case: UUID, version: int) -> list[Draft]:
        """Return the events of the case as drafts that follow a version."""
        return [
            Draft(case, version + index, event, envelope, self._subjects, self._case_key)
            for index, (event, envelope) in enumerate(self._events, start=1)
        ]

    def registration(self, event: PersonRegistered, registered_at: Moment) -> Draft:
        """Return the first entry of a person's own stream."""
        envelope = self._envelope(registered_at, None, None, reason=False)
        return Draft(event.person, 1, event, envelope, {str(event.person): event.key}, event.key)

    def latest(self) -> datetime:
        """Return the latest instant at which a fact claims to have happened or to have become known."""
        claims = [
            (envelope.occurred_at, envelope.reached_at, self._corrected(event), came_at(event))
            for event, envelope in self._events
        ]
        return max(start_of(moment) for claim in claims for moment in claim if moment is not None)

    def _corrected(self, event: Event) -> Moment | None:
        return corrected_moment(self.file, event) if isinstance(event, EntryCorrected) else None

    def _envelope(
        self,
        occurred_at: Moment,
        reached_at: Moment | None,
        source: str | None,
        *,
        reason: bool = True,
    ) -> Envelope:
        return Envelope(
            occurred_at=occurred_at,
            reached_at=reached_at,
            actor=self.principal.actor,
            commit=self._commit_id,
            legal_basis=self.commit.legal_basis,
            reason=self.commit.reason if reason else None,
            source=source,
        )


def stored_row(draft: Draft, event: NewEvent, position: int, recorded_at: datetime) -> StoredRow:
    """Return the row that an appended event has become, without its commitment."""
    return StoredRow(
        position,
        draft.stream,
        draft.version,
        event.topic,
        recorded_at,
        event.actor,
        event.blind,
        event.segments,
        event.state,
        b"",
    )


def preview_event(file: CaseFile, event: Event, occurred_at: datetime, principal: Principal) -> Entry:
    """Return an act still to come as the entry it would be in a case, for the gate before it."""
    return Entry(
        stream=file.case,
        version=file.version + 1,
        position=0,
        recorded_at=occurred_at,
        topic=event.TOPIC,
        schema=event.VERSION,
        occurred_at=occurred_at,
        actor=principal.actor,
        commit=uuid4(),
        data=event.model_dump(mode="json", exclude_none=True),
    )


def preview_of(draft: Draft) -> Entry:
    """Return a draft as the entry it will be, for facts of the same request that are decided after it."""
    return Entry(
        stream=draft.stream,
        version=draft.version,
        position=0,
        recorded_at=datetime.now(UTC),
        topic=draft.event.TOPIC,
        schema=draft.event.VERSION,
        occurred_at=draft.envelope.occurred_at,
        actor=draft.envelope.actor,
        commit=draft.envelope.commit,
        data=draft.event.model_dump(mode="json", exclude_none=True),
    )
