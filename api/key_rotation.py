"""Rotating the key-encryption key: a new epoch, every key wrapped anew, and the ledger's own stream says so."""

from collections.abc import Sequence
from uuid import uuid4

from api.principals import Principal
from domain.entries import Draft
from domain.events.administration import KeyRotated
from domain.events.base import Envelope
from ledger.errors import LedgerError
from ledger.format import StoredRow
from ledger.keys import FIRST_EPOCH, FileKeyStore, Rotation
from ledger.mapper import read_clear
from ledger.requests import Appended, Part, Request
from ledger.store import Ledger

PURPOSE = "key-encryption"
_ATTEMPTS = 5


class RotationNotRecorded(LedgerError):
    """The keys are rotated, but the ledger is too busy to record it: run the same command again."""


def rotate_keys(ledger: Ledger, keys: FileKeyStore, principal: Principal) -> Rotation:
    """Rotate from the epoch on record and put it on record; a run that was cut off is completed by the next.

    Raises KeyMissing when the key-encryption keys here are older than the record, and RotationNotRecorded.
    """
    old = epoch_on_record(ledger.read_stream(ledger.id))
    rotation = keys.rotate(old)
    _record(ledger, principal, old, rotation.epoch)
    return rotation


def epoch_on_record(rows: Sequence[StoredRow]) -> int:
    """Return the epoch that the ledger's own stream names last; the first before any rotation."""
    rotations = (read_clear(row).data for row in rows if row.topic == KeyRotated.TOPIC)
    epochs = [int(data["new_key"]) for data in rotations if data["purpose"] == PURPOSE]
    return epochs[-1] if epochs else FIRST_EPOCH


def _record(ledger: Ledger, principal: Principal, old: int, new: int) -> None:
    """Append the rotation, unless another process that rotated at the same time has."""
    event = KeyRotated(purpose=PURPOSE, old_key=str(old), new_key=str(new))
    for _ in range(_ATTEMPTS):
        rows = ledger.read_stream(ledger.id)
        if epoch_on_record(rows) >= new:
            return
        envelope = Envelope(occurred_at=ledger.now(), actor=principal.actor, commit=uuid4())
        draft = Draft(ledger.id, len(rows) + 1, event, envelope)
        part = Part(ledger.id, len(rows), (ledger.mapper.to_new_event(draft),))
        if isinstance(ledger.append_now(Request((part,))), Appended):
            return
    raise RotationNotRecorded
