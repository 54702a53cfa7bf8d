"""Letting look-ups expire: putting on record which have been kept long enough, then removing their content."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID, uuid4

from api.principals import Principal
from domain.entries import Draft
from domain.events.access import LookupsExpired
from domain.events.base import Envelope
from domain.known import Known
from domain.look_expiry import PENDING_TOPICS, kept_since, needs_looks
from domain.time import later
from ledger.creation import connect_owner
from ledger.errors import LedgerError
from ledger.look_expiry import any_left, expired_upto, expiries, remove_looks
from ledger.mapper import read_clear
from ledger.requests import Appended, Part, Request
from ledger.store import Ledger

TICK = timedelta(microseconds=1)


class ExpiryNotRecorded(LedgerError):
    """The ledger's own record has moved on meanwhile; no look-up has expired: run the same command again."""


@dataclass(frozen=True, slots=True)
class Expired:
    """What has expired: look-ups recorded before an instant, how many were emptied, in how many cases they stay."""

    before: datetime
    removed: int
    kept_cases: int


def expire_looks(ledger: Ledger, owner: str, principal: Principal, months: int) -> Expired:
    """Remove the content of look-ups kept for ``months`` calendar months, after the expiry is on record.

    ``owner`` is the address of the schema's owner. An expiry that was cut off is completed first. Raises
    RemovalRefused for a login that does not own the schema, ExpiryNotRecorded.
    """
    now = ledger.now()
    before = kept_since(now, months)
    with connect_owner(owner) as connection:
        removed = remove_looks(connection, expired_upto(expiries(ledger)))
        upto = ledger.position_at(later(before, -TICK))
        kept = _pending_cases(ledger, now)
        if any_left(connection, upto, kept):
            _record(ledger, principal, LookupsExpired(upto=upto, recorded_before=before, months_kept=months, kept=kept))
            removed += remove_looks(connection, upto)
    return Expired(before, removed, len(kept))


def _pending_cases(ledger: Ledger, now: datetime) -> tuple[UUID, ...]:
    """Return the cases with a matter pending that needs their look-ups."""
    begun = {row.stream for topic in sorted(PENDING_TOPICS) for row in ledger.read_topic(topic)}
    files = ((case, Known(tuple(map(read_clear, ledger.read_stream(case))))) for case in sorted(begun))
    return tuple(case for case, known in files if needs_looks(known, now))


def _record(ledger: Ledger, principal: Principal, event: LookupsExpired) -> None:
    version = len(ledger.read_stream(ledger.id))
    envelope = Envelope(occurred_at=ledger.now(), actor=principal.actor, commit=uuid4())
    draft = Draft(ledger.id, version + 1, event, envelope)
    part = Part(ledger.id, version, (ledger.mapper.to_new_event(draft),))
    if not isinstance(ledger.append_now(Request((part,))), Appended):
        raise ExpiryNotRecorded
