"""Rotating the keys of the log: new ones, announced by an event that a checkpoint signed by both holds, then alone.

Each step is done once whatever is cut off: the signer remembers that a rotation has begun, the ledger that it was
announced. Old checkpoints keep the signatures they have, and old keys stay on record.
"""

from uuid import uuid4

from api.log_publishing import put_keys_on_record, signed_now
from api.opening import Place
from api.principals import Principal
from domain.entries import Draft
from domain.events.administration import KeyRotated
from domain.events.base import Envelope
from ledger.errors import LedgerError
from ledger.proof.notes import ED25519, VerifierKey
from ledger.proof.records import ProofRecords
from ledger.proof.signer import KINDS, FileSigner
from ledger.proof.signer_socket import SocketSigner
from ledger.requests import Appended, Part, Request
from ledger.store import Ledger

PURPOSE = "log-signing"

Keys = tuple[VerifierKey, ...]


class RotationNotSigned(LedgerError):
    """The rotation is on record, but no checkpoint signed by old and new keys holds it: run the same command again."""


class RotationNotBegun(LedgerError):
    """The signer signs with one set of keys: run `caseledger signer --folder DIR --begin-rotation` on its account."""


class RotationOver(LedgerError):
    """Another run of the same command has rotated the keys meanwhile: `caseledger log vkey` shows them."""


class RotationNotRecorded(LedgerError):
    """The new keys are made, but the ledger did not record them: run the same command again."""


def rotate_log_keys(place: Place, ledger: Ledger, principal: Principal, approved_by: str | None) -> Keys:
    """Let the log be signed by new keys and return them; a run that was cut off is completed by the next.

    A signer at a socket begins and ends the rotation on its own account, before and after this. Raises SignerMissing,
    RotationNotBegun, RotationOver, RotationNotRecorded, RotationNotSigned and as publishing does.
    """
    signed_now(place, ledger)  # the first keys are on record, and the signer is the one of this log
    signer = place.signer(ledger.id)
    new = signer.begin_rotation() if isinstance(signer, FileSigner) else _begun(signer)
    old = tuple(key for key in signer.vkeys if key not in new)
    if not old:
        raise RotationOver
    position = _announce(ledger, principal, old, new, approved_by)
    put_keys_on_record(place, ledger.id, new, position)
    _require_both(place, ledger, position, (*old, *new))
    if isinstance(signer, FileSigner):
        signer.end_rotation()
    return new


def _begun(signer: SocketSigner) -> Keys:
    """Return the new keys of a rotation that was begun where the signer is; raises RotationNotBegun."""
    keys = signer.vkeys
    if len(keys) < 2 * len(KINDS):
        raise RotationNotBegun
    return keys[-len(KINDS) :]


def _announce(ledger: Ledger, principal: Principal, old: Keys, new: Keys, approved_by: str | None) -> int:
    """Return the position of the event that announces these keys, which is appended once however often it is asked."""
    event = KeyRotated(
        purpose=PURPOSE,
        old_key=_name(old),
        new_key=_name(new),
        approved_by=approved_by,
        verification_keys=tuple(map(str, new)),
    )
    envelope = Envelope(occurred_at=ledger.now(), actor=principal.actor, commit=uuid4())
    # Nothing in it is sealed, so it may stand at whatever version comes next.
    new_event = ledger.mapper.to_new_event(Draft(ledger.id, 1, event, envelope))
    key = ledger.keys.digest("log rotation", "".join(map(str, new)).encode())
    answer = ledger.append_now(Request((Part(ledger.id, None, (new_event,)),), key, key))
    if not isinstance(answer, Appended):
        raise RotationNotRecorded
    return answer.first_position


def _require_both(place: Place, ledger: Ledger, position: int, keys: Keys) -> None:
    """Have the event signed by old and new keys; raises RotationNotSigned where it is by some only."""
    records = ProofRecords(ledger)
    published = records.covering(position) or signed_now(place, ledger).published
    for key in keys:
        signatures = key.of(published.note)
        if not signatures:
            raise RotationNotSigned
        key.check(published.note.text, signatures[0])


def _name(keys: Keys) -> str:
    """Return name and id of the Ed25519 key: what an entry calls a set of keys."""
    first = next(key for key in keys if key.kind == ED25519)
    return f"{first.name}+{first.key_id.hex()}"
