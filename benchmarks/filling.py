"""Filling a ledger with many cases through its one way in, in large requests."""

from datetime import UTC, datetime
from itertools import islice
from uuid import uuid4

from domain.entries import Draft
from domain.events.administration import CaseOpened
from domain.events.base import Actor, Envelope, Event
from domain.events.referral import CaseAllocated
from ledger.requests import Appended, Part, Request
from ledger.store import Ledger

UNIT, OTHER_UNIT = "Eksempelkommune", "Nabokommune"
HOLDER, HELD = "u-90", 20
"""Who holds so many of the cases, all of the first unit's; the others are spread over a hundred members of staff."""

STREAMS = 200
"""Cases opened by one request."""


def fill(ledger: Ledger, cases: int) -> None:
    """Open so many cases, half of them of each unit, every one allocated to somebody."""
    numbers = iter(range(cases))
    while batch := list(islice(numbers, STREAMS)):
        answer = ledger.append_now(Request(tuple(_case(ledger, number, cases) for number in batch)))
        if not isinstance(answer, Appended):
            raise RuntimeError(f"not appended: {answer}")


def _case(ledger: Ledger, number: int, cases: int) -> Part:
    stream, unit = uuid4(), (UNIT, OTHER_UNIT)[number % 2]
    holder = HOLDER if number % (cases // HELD) == 0 else f"u-{100 + number % 100}"
    events: tuple[Event, ...] = (
        CaseOpened(
            number=f"S-{number}", programme="smaaboernsteam_001", key=uuid4(), key_commitment="0" * 64, persons=()
        ),
        CaseAllocated(to=holder, for_role="social_worker"),
    )
    envelope = Envelope(occurred_at=datetime.now(UTC), actor=Actor("u-99", "caseworker", unit), commit=uuid4())
    drafts = (Draft(stream, version, event, envelope) for version, event in enumerate(events, start=1))
    return Part(stream, 0, tuple(map(ledger.mapper.to_new_event, drafts)))
