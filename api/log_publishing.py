"""A checkpoint now, for a command: made here, or asked of the worker where it has its turn."""

from contextlib import closing
from dataclasses import dataclass
from time import monotonic, sleep
from uuid import UUID

from api.opening import Place
from ledger.errors import LedgerError
from ledger.proof.growing import SQL
from ledger.proof.notes import VerifierKey
from ledger.proof.records import ProofRecords, Published
from ledger.store import Ledger

WAIT_SECONDS = 30.0
LOOK_SECONDS = 0.05


class NotSigned(LedgerError):
    """The worker did not sign it in time: its log says why, as log_not_signed."""


@dataclass(frozen=True, slots=True)
class Signing:
    """A checkpoint that holds everything that was on record, and whether the worker made it."""

    published: Published
    by_worker: bool


def signed_now(place: Place, ledger: Ledger) -> Signing:
    """Return a checkpoint of everything on record by now; raises NotSigned and as publishing does."""
    records, size = ProofRecords(ledger), ledger.head().size
    with closing(place.publisher(ledger.id)) as publisher:
        by_worker = not publisher.has_turn()
        if not by_worker:
            publisher.prepare(place.origin(ledger.id))
            publisher.publish()
    deadline = monotonic() + WAIT_SECONDS
    if by_worker:
        ledger.query(SQL["ask"], [])
    while (published := records.covering(size)) is None:
        if monotonic() > deadline:
            raise NotSigned
        sleep(LOOK_SECONDS)
    return Signing(published, by_worker)


def put_keys_on_record(place: Place, ledger: UUID, keys: tuple[VerifierKey, ...], position: int) -> None:
    """Put keys that an event announces beside those of the log; quiet where they are there."""
    with closing(place.publisher(ledger)) as publisher:
        for key in keys:
            publisher.announce_key(key, position)
