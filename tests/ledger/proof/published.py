"""A ledger whose tree is published: its signer, its publisher, and events to publish."""

import time
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

from api.opening import Place
from ledger.proof.notes import VerifierKey
from ledger.proof.publisher import Publisher, default_origin
from ledger.proof.records import ProofRecords, Published
from ledger.proof.signer import FileSigner
from ledger.store import Ledger
from tests.ledger.samples import appended, fact, one


@dataclass(frozen=True, slots=True)
class PublishedLedger:
    """An open ledger and what publishes it."""

    place: Place
    ledger: Ledger
    signer: FileSigner
    publisher: Publisher

    @property
    def records(self) -> ProofRecords:
        """What was published."""
        return ProofRecords(self.ledger)

    @property
    def log_keys(self) -> tuple[VerifierKey, ...]:
        """The keys of the log."""
        return self.signer.vkeys

    def append(self, events: int = 1) -> None:
        """Append events to a stream of their own."""
        appended(self.ledger.append_now(one(uuid4(), 0, *(fact() for _ in range(events)))))

    def grow(self, events: int = 1) -> Published:
        """Append events and publish the tree; returns its checkpoint."""
        self.append(events)
        self.publisher.publish()
        latest = self.records.latest()
        assert latest is not None
        return latest


@contextmanager
def published(place: Place, folder: Path) -> Generator[PublishedLedger]:
    """Open a ledger with the signer in a folder, which is made unless it is there."""
    with place.ledger() as ledger:
        signer = FileSigner(folder, time.time)
        signer.create(default_origin(ledger.id))
        publisher = Publisher(place.conninfo, signer)
        try:
            yield PublishedLedger(place, ledger, signer, publisher)
        finally:
            publisher.close()
