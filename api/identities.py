"""Putting on record what a person is called now: in their own stream, sealed under their own key."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID, uuid4

from api.drafting import Commit
from api.principals import Principal
from api.problems import ProblemError
from api.recording import KeyReused, RecordingError, request_digests
from domain.entries import Draft
from domain.errors import Malformed, Problem
from domain.events.administration import PersonIdentified, PersonRegistered
from domain.events.base import Envelope
from domain.time import Moment, start_of, write_instant
from ledger.format import StoredRow
from ledger.mapper import read_clear
from ledger.requests import Answer, Appended, Conflict, InTheFuture, Mismatched, Part, Request
from ledger.store import Ledger


@dataclass(frozen=True, slots=True)
class Identified:
    """Where an identity stands in the ledger, the same for the first answer and every repeat."""

    person: UUID
    version: int
    position: int
    recorded_at: datetime


class IdentityRecorder:
    """Records identities of persons of one ledger."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    async def record(
        self, principal: Principal, expected: int, event: PersonIdentified, occurred_at: Moment, commit: Commit
    ) -> Identified:
        """Record an identity decided on version ``expected`` of the person; a repeat gets the first answer.

        Raises ProblemError for a person who is not there or has moved on, Malformed for what has not happened yet,
        KeyReused, and LedgerError: KeyMissing where the person was erased. Nothing is written then.
        """
        digests = request_digests(self._ledger.keys, principal, commit)
        known = await asyncio.to_thread(self._repeated, *digests)
        if known is not None:
            return known
        rows = await asyncio.to_thread(self._ledger.read_stream, event.person)
        registration = _registration(rows)
        if len(rows) != expected:
            raise _moved_on(len(rows))
        envelope = Envelope(
            occurred_at=occurred_at,
            actor=principal.actor,
            commit=uuid4(),
            legal_basis=commit.legal_basis,
            reason=commit.reason,
        )
        key = UUID(registration["key"])
        draft = Draft(event.person, expected + 1, event, envelope, {str(event.person): key}, key)
        part = Part(event.person, expected, (self._ledger.mapper.to_new_event(draft),))
        answer = await self._ledger.appender.append(Request((part,), *digests, start_of(occurred_at)))
        return await asyncio.to_thread(self._settled, answer)

    def _repeated(self, key: bytes, fingerprint: bytes) -> Identified | None:
        known = self._ledger.find_request(key)
        if known is None:
            return None
        if known[0] != fingerprint:
            raise KeyReused
        return self._at(known[1])

    def _settled(self, answer: Answer) -> Identified:
        match answer:
            case Appended():
                return self._at(answer.first_position)
            case Conflict():
                raise _moved_on(answer.version)
            case Mismatched():
                raise KeyReused
            case InTheFuture():
                detail = f"lies after the ledger's own time {write_instant(answer.now)}: record it when it has happened"
                raise Malformed([Problem("/occurred_at", detail)])
            case _:
                raise RecordingError("the ledger refused the stored form of an event")

    def _at(self, position: int) -> Identified:
        (row,) = self._ledger.read_range(position, position)
        return Identified(row.stream, row.version, row.position, row.recorded_at)


def _registration(rows: Sequence[StoredRow]) -> dict[str, str]:
    """Return what a person's first entry says in clear; raises ProblemError where it is no person's."""
    if not rows or rows[0].topic != PersonRegistered.TOPIC:
        raise ProblemError("not-found", "There is no person with this id: the persons of a case are named with it.")
    return dict(read_clear(rows[0]).data)


def _moved_on(version: int) -> ProblemError:
    detail = f"The person is at version {version}: read the identity again, decide again, send again with its ETag."
    return ProblemError("stale-version", detail, current_version=version)
