"""Putting looks on record: who was shown what and why, or was refused it, appended before the answer leaves.

When the record cannot be written, nothing is handed out.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4, uuid5

from api.principals import Principal
from domain.entries import Draft
from domain.events.access import RecordViewed
from domain.events.base import Envelope
from domain.time import write_instant
from ledger.mapper import read_clear
from ledger.requests import Appended, Part, Request
from ledger.store import Ledger

LOOKS_SEARCHED = (20, 500)
"""How many of somebody's last looks are searched for the one at a case: mostly it is among the very last."""


class LookNotRecorded(Exception):
    """The access record could not be written, so nothing is handed out."""


@dataclass(frozen=True, slots=True)
class Question:
    """As of when: what was recorded by ``known_at``, of what had happened by ``valid_at``. None means now."""

    known_at: datetime | None = None
    valid_at: datetime | None = None


NOW = Question()


@dataclass(frozen=True, slots=True)
class AsOf:
    """What an answer is computed from: the instants asked about, the last position on record by then, the root there.

    ``root`` is that of the tree over so many events, in hexadecimal; None where it cannot be had yet.
    """

    question: Question
    position: int
    root: str | None

    def at(self, now: datetime) -> datetime:
        """Return what the clock shows: the instant in the world asked about, else that of the record, else now."""
        return self.question.valid_at or self.question.known_at or now

    @property
    def values(self) -> dict[str, Any]:
        """What every answer says of itself, as JSON values."""
        return {
            "known_at": _instant(self.question.known_at),
            "valid_at": _instant(self.question.valid_at),
            "as_of_position": self.position,
            "root": self.root,
        }


def as_of_headers(as_of: AsOf) -> dict[str, str]:
    """Return what an answer that is no JSON says of itself, as headers; an instant not asked about is left out."""
    names = {"known_at": "Known-At", "valid_at": "Valid-At", "as_of_position": "As-Of-Position", "root": "As-Of-Root"}
    return {names[name]: str(value) for name, value in as_of.values.items() if value is not None}


def _instant(instant: datetime | None) -> str | None:
    return None if instant is None else write_instant(instant)


@dataclass(frozen=True, slots=True)
class Dated:
    """A look that says as of when it is; ``access_position`` is its own place in the ledger."""

    as_of: AsOf
    access_position: int

    @property
    def question(self) -> Question:
        """The instants asked about."""
        return self.as_of.question

    @property
    def position(self) -> int:
        """The last position that was on record then."""
        return self.as_of.position


@dataclass(frozen=True, slots=True)
class Shown:
    """What an answer shows: of which cases and persons, as of which position and instants.

    ``refusal`` says why nothing is shown, ``emergency`` that only emergency access opened it.
    """

    what: str
    cases: Sequence[UUID] = ()
    subjects: Sequence[UUID] | None = None
    position: int | None = None
    question: Question = Question()
    refusal: str | None = None
    emergency: bool = False


class LookBook:
    """The looks of one ledger, each in the stream of whoever looked."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    async def record(self, principal: Principal, shown: Shown) -> int:
        """Put a look on record and return its position; raises LookNotRecorded or LedgerError."""
        event = RecordViewed(
            viewer=principal.id,
            role=principal.role,
            organisation=principal.organisation,
            purpose=principal.purpose,
            matter=principal.matter,
            what=shown.what,
            cases=tuple(shown.cases),
            subjects=None if shown.subjects is None else tuple(shown.subjects),
            as_of_position=shown.position,
            known_at=shown.question.known_at,
            valid_at=shown.question.valid_at,
            refused=shown.refusal is not None,
            refusal=shown.refusal,
            break_glass=shown.emergency,
        )
        stream = looks_of(self._ledger, principal)
        envelope = Envelope(occurred_at=datetime.now(UTC), actor=principal.actor, commit=uuid4())
        new_event = self._ledger.mapper.to_new_event(Draft(stream, 1, event, envelope))
        answer = await self._ledger.appender.append(Request((Part(stream, None, (new_event,)),)))
        if not isinstance(answer, Appended):
            raise LookNotRecorded
        return answer.first_position

    async def last(self, principal: Principal, case: UUID) -> int | None:
        """Return the position of somebody's last look at a case: what was in front of them. None for none."""
        return await asyncio.to_thread(self._last, looks_of(self._ledger, principal), str(case))

    def _last(self, stream: UUID, case: str) -> int | None:
        for searched in LOOKS_SEARCHED:
            for row in self._ledger.read_recent(stream, searched):
                look = read_clear(row).data
                if case in look.get("cases", ()) and not look.get("refused"):
                    return row.position
        return None


def looks_of(ledger: Ledger, principal: Principal) -> UUID:
    """Return the stream of somebody's looks."""
    return uuid5(ledger.id, f"looks of {principal.id}")
